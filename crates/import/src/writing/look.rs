//! Looking at a stored order through the business objects.

use model::Totals;
use sage::{BusinessObjects, Call, Fault, ObjectId, Scalar};
use values::{Decimal, Stamp, parse_date};

use super::desk::{Desk, Purpose, Stop};
use super::order::OBJECT;
use crate::marker::MARKER_COLUMN;
use crate::read_back::ORDER_TOTALS;
use crate::read_back::{SightedLine, SightedOrder, add_order_total};

/// Lines read from one order at most: Sage's line key has six digits, and a cursor that
/// does not end must not hold the session.
const MAX_LINES: usize = 20_000;

/// The open order under a number, as Sage's objects show it; none when there is none.
/// Takes no lock. The session must be open.
///
/// # Errors
/// [`Fault`] when a call did not come back: throw the objects away.
pub fn read_back_through_objects(
    objects: &mut dyn BusinessObjects,
    number: &str,
) -> Result<Option<SightedOrder>, Fault> {
    let mut desk = Desk::new(objects, Purpose::Preview);
    match look(&mut desk, number) {
        Ok(found) => Ok(found),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Condition(..) | Stop::Refused(_) | Stop::Told | Stop::KeyTaken | Stop::IsThere(_)) => {
            Ok(None)
        }
    }
}

fn look(desk: &mut Desk<'_>, number: &str) -> Result<Option<SightedOrder>, Stop> {
    let object = desk.object(&Call::NewObject { name: OBJECT.into() }, "session_refused")?;
    let key = Call::SetKeyValue {
        object,
        column: "SalesOrderNo$".into(),
        value: Scalar::Text(number.to_owned()),
    };
    desk.call(&key, "number_refused", "")?;
    let found = desk.objects.call(&Call::Find { object })?.code == 1;
    let order = if found { Some(order(desk, object)?) } else { None };
    desk.objects.call(&Call::DropObject { object })?;
    Ok(order)
}

fn order(desk: &mut Desk<'_>, object: ObjectId) -> Result<SightedOrder, Stop> {
    let marker = desk.get_text(object, &format!("{MARKER_COLUMN}$"))?;
    let mut text = |column: &str| desk.get_text(object, column).map(Option::unwrap_or_default);
    let (ar_division_no, customer_no) = (text("ARDivisionNo$")?, text("CustomerNo$")?);
    let (customer_po_no, created_by) = (text("CustomerPONo$")?, text("UserCreatedKey$")?);
    let (date, time) = (text("DateCreated$")?, text("TimeCreated$")?);
    let created = parse_date(&date)
        .ok()
        .flatten()
        .and_then(|date| Stamp::parse(date, &time).ok());
    let totals = totals(desk, object)?;
    let lines = desk.object(&Call::Lines { object }, "lines_refused")?;
    Ok(SightedOrder {
        marker,
        ar_division_no,
        customer_no,
        customer_po_no,
        created_by,
        created,
        lines: Some(sighted_lines(desk, lines)?),
        totals,
        is_deleted: false,
    })
}

fn sighted_lines(desk: &mut Desk<'_>, lines: ObjectId) -> Result<Vec<SightedLine>, Stop> {
    let mut sighted = Vec::new();
    let mut step = Call::MoveFirst { object: lines };
    while sighted.len() < MAX_LINES && desk.objects.call(&step)?.code == 1 {
        let number = |value: Option<Scalar>| value.as_ref().and_then(Scalar::as_number);
        sighted.push(SightedLine {
            item_code: desk.get_text(lines, "ItemCode$")?.unwrap_or_default(),
            alias_item_no: desk.get_text(lines, "AliasItemNo$")?.unwrap_or_default(),
            item_type: desk.get_text(lines, "ItemType$")?.unwrap_or_default(),
            quantity: number(desk.get(lines, "QuantityOrdered")?).unwrap_or(Decimal::zero(6)),
            extension: number(desk.get(lines, "ExtensionAmt")?),
        });
        step = Call::MoveNext { object: lines };
    }
    Ok(sighted)
}

/// The amounts of the order under work, where Sage tells them.
pub(super) fn totals(desk: &mut Desk<'_>, object: ObjectId) -> Result<Totals, Fault> {
    let mut totals = Totals::new();
    for (name, column) in ORDER_TOTALS {
        let value = desk.get(object, column)?;
        if let Some(amount) = value
            .as_ref()
            .and_then(Scalar::as_number)
            .and_then(|n| n.rescale(2).ok())
        {
            totals.insert(name.to_owned(), amount);
        }
    }
    add_order_total(&mut totals);
    Ok(totals)
}
