//! Sales orders and quotes.

mod checks;
mod line;

use model::CustomerRef;
use sage::{Call, ObjectId};
use values::{Date, Decimal};

use super::desk::{Desk, Filled, Stop, broken, customer};
use super::look;
use super::{EnterContext, Step};
use crate::identity::parts;
use crate::plan::{OrderWrite, ShipToSource};

pub(super) use checks::compare_stored;

pub(super) const OBJECT: &str = "SO_SalesOrder_bus";

/// An order, everything but its write.
pub(super) fn fill(
    desk: &mut Desk<'_>,
    number: &str,
    order: &OrderWrite,
    context: &EnterContext<'_>,
    progress: &mut dyn FnMut(Step),
) -> Result<Filled, Stop> {
    let customer = customer(&order.customer, context)?;
    let ship_to_code = ship_to_code(order, context)?;
    let object = desk.record(OBJECT)?;
    progress(Step::BeforeSetKey);
    if desk.key(object, &[("SalesOrderNo", number)], "number_refused")? != 2 {
        // Anything else than "new" means that somebody's record is loaded.
        return Err(Stop::KeyTaken);
    }
    progress(Step::AfterSetKey);
    header(
        desk,
        object,
        order,
        &customer,
        ship_to_code.as_deref(),
        context.today,
    )?;
    progress(Step::HeaderSet);
    let lines = lines(desk, object, order, progress)?;
    // After the lines: Sage checks discount and deposit against what the lines come to.
    desk.settings(object, &order.closing)?;
    desk.mark(object, context)?;
    let totals = look::totals(desk, object)?;
    // An order with refused values comes to something else than it would.
    if desk.problems.is_empty() {
        checks::compare_entered(desk, object, &order.checks, &totals)?;
    }
    Ok(Filled {
        totals,
        extension: extension(&lines),
        lines: lines.into_iter().map(|line| line.priced).collect(),
        ..Filled::plain(object)
    })
}

/// Customer and ship-to code come before everything else: each loads a block of columns
/// that what follows may replace.
fn header(
    desk: &mut Desk<'_>,
    object: ObjectId,
    order: &OrderWrite,
    customer: &CustomerRef,
    ship_to_code: Option<&str>,
    today: Date,
) -> Result<(), Stop> {
    for (column, value, field) in [
        (
            "ARDivisionNo$",
            &customer.ar_division_no,
            "customer.ar_division_no",
        ),
        ("CustomerNo$", &customer.customer_no, "customer.customer_no"),
    ] {
        if !desk.text(object, column, value, field)? {
            // Prices, taxes and codes are the customer's: the rest would be refused for
            // reasons of no use to anybody.
            return Err(Stop::Told);
        }
    }
    desk.text(object, "OrderType$", order.order_type.as_sage(), "order_type")?;
    let date = order.order_date.unwrap_or(today);
    desk.text(object, "OrderDate$", &compact(date), "order_date")?;
    if !order.customer_po_no.is_empty() {
        desk.text(object, "CustomerPONo$", &order.customer_po_no, "customer_po_no")?;
    }
    if let Some(code) = ship_to_code {
        desk.text(object, "ShipToCode$", code, "ship_to.ship_to_code")?;
    }
    desk.settings(object, &order.header)?;
    Ok(())
}

fn lines(
    desk: &mut Desk<'_>,
    object: ObjectId,
    order: &OrderWrite,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<line::Entered>, Stop> {
    let object = desk.object(&Call::Lines { object }, "lines_refused")?;
    let mut entered = Vec::new();
    let mut is_whole = true;
    for (place, line) in order.lines.iter().enumerate() {
        let added = desk.call(
            &Call::AddLine { object },
            "line_refused",
            &line::path(line, "item_code"),
        );
        match added {
            // The line before was refused and may stand in the way: the lines after it
            // cannot be judged.
            Err(Stop::Refused(_)) if !is_whole => return Err(Stop::Told),
            Err(stop) => return Err(stop),
            Ok(_) => {}
        }
        let kept = line::enter(desk, object, line, &order.checks)?;
        is_whole = kept.is_some();
        if let Some(kept) = kept {
            entered.push(kept);
            progress(Step::LineWritten(place));
        }
    }
    Ok(entered)
}

fn extension(lines: &[line::Entered]) -> Option<Decimal> {
    lines
        .iter()
        .try_fold(Decimal::zero(2), |sum, line| sum.checked_add(line.amount?).ok())
}

fn ship_to_code(order: &OrderWrite, context: &EnterContext<'_>) -> Result<Option<String>, Stop> {
    match &order.ship_to {
        None => Ok(None),
        Some(ShipToSource::Code(code)) => Ok(Some(code.clone())),
        Some(ShipToSource::Write(place)) => context
            .earlier
            .get(place)
            .and_then(|identity| parts(identity).into_iter().nth(2))
            .map(Some)
            .ok_or_else(|| {
                broken(format!(
                    "write {place} of the plan has made no ship-to address yet"
                ))
            }),
    }
}

/// A date as Sage wants it.
fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}
