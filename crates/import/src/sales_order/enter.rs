//! Entering an order.

use model::{Address, OrderLine, SalesOrder, ShipTo, Totals, UdfValue};
use sage::{BusinessObjects, Call, Fault, ObjectId, Scalar};
use values::{Date, Decimal};

use super::desk::{Desk, Stop};
use super::look;
use super::session::OBJECT;
use super::{EnterOptions, Entry, Step};
use crate::marker::MARKER_COLUMN;

/// Enters and writes an order under a reserved number, in a session that is open.
///
/// `progress` hears of each step; when it does not return, nothing more happens. Calls
/// that were not made cannot store anything: `Faulted { began: false }` means that no
/// order exists.
pub fn enter(
    objects: &mut dyn BusinessObjects,
    number: &str,
    order: &SalesOrder,
    options: &EnterOptions,
    progress: &mut dyn FnMut(Step),
) -> Entry {
    let mut desk = Desk::new(objects);
    let mut under_work = None;
    match fill(&mut desk, number, order, options, progress, &mut under_work) {
        Ok((object, filled)) => write(&mut desk, object, number, filled, progress),
        Err(stop) => {
            // Forgets the order under work and frees its lock. A fault here changes nothing:
            // nothing was written.
            if !matches!(stop, Stop::Fault(_))
                && let Some(object) = under_work
            {
                let _ = desk.objects.call(&Call::DropObject { object });
            }
            ended(desk.warnings, stop, false)
        }
    }
}

/// What Sage told of the order before it was written.
struct Filled {
    totals: Totals,
    extension: Option<Decimal>,
}

fn write(
    desk: &mut Desk<'_>,
    object: ObjectId,
    number: &str,
    filled: Filled,
    progress: &mut dyn FnMut(Step),
) -> Entry {
    progress(Step::BeforeHeaderWrite);
    if let Err(stop) = desk.call(&Call::Write { object }, "order_refused", "") {
        if !matches!(stop, Stop::Fault(_)) {
            // The answer is known; what is found by reading back decides.
            let _ = desk.objects.call(&Call::DropObject { object });
        }
        return ended(std::mem::take(&mut desk.warnings), stop, true);
    }
    progress(Step::AfterHeaderWrite);
    let warnings = std::mem::take(&mut desk.warnings);
    // A failure from here on is none of the write.
    let stored = desk
        .objects
        .call(&Call::DropObject { object })
        .and_then(|_| look::read_back_through_objects(desk.objects, number));
    let totals = match stored {
        Ok(Some(stored)) if !stored.totals.is_empty() => stored.totals,
        Ok(Some(_) | None) | Err(_) => filled.totals,
    };
    Entry::Entered {
        totals,
        extension: filled.extension,
        warnings,
    }
}

fn ended(warnings: Vec<String>, stop: Stop, at_header_write: bool) -> Entry {
    match stop {
        Stop::Fault(fault) => Entry::Faulted {
            fault,
            began: at_header_write,
        },
        Stop::Condition(condition) => Entry::Condition {
            condition,
            at_header_write,
        },
        Stop::Refused(problem) => Entry::Refused {
            problem,
            at_header_write,
            warnings,
        },
        Stop::KeyTaken => Entry::KeyTaken,
    }
}

fn fill(
    desk: &mut Desk<'_>,
    number: &str,
    order: &SalesOrder,
    options: &EnterOptions,
    progress: &mut dyn FnMut(Step),
    under_work: &mut Option<ObjectId>,
) -> Result<(ObjectId, Filled), Stop> {
    // Sessions outlive midnight.
    desk.call(
        &Call::SetDate {
            module: "S/O".into(),
            date: options.today,
        },
        "session_refused",
        "",
    )?;
    let object = desk.object(&Call::NewObject { name: OBJECT.into() }, "session_refused")?;
    *under_work = Some(object);
    progress(Step::BeforeSetKey);
    let key = Call::SetKeyValue {
        object,
        column: "SalesOrderNo$".into(),
        value: Scalar::Text(number.to_owned()),
    };
    desk.call(&key, "number_refused", "")?;
    match desk.call(&Call::SetKey { object }, "number_refused", "")?.code {
        2 => progress(Step::AfterSetKey),
        // Anything else than "new" means that somebody's record is loaded.
        _ => return Err(Stop::KeyTaken),
    }
    header(desk, object, order, options)?;
    progress(Step::HeaderSet);
    let lines = desk.object(&Call::Lines { object }, "lines_refused")?;
    let mut extension = Some(Decimal::zero(2));
    for (place, entry) in order.lines.iter().enumerate() {
        let amount = line(desk, lines, place, entry)?;
        extension = extension
            .zip(amount)
            .and_then(|(sum, amount)| sum.checked_add(amount).ok());
        progress(Step::LineWritten(place));
    }
    let totals = look::totals(desk, object)?;
    Ok((object, Filled { totals, extension }))
}

fn header(
    desk: &mut Desk<'_>,
    object: ObjectId,
    order: &SalesOrder,
    options: &EnterOptions,
) -> Result<(), Stop> {
    let customer = &order.customer;
    desk.text(
        object,
        "ARDivisionNo$",
        &customer.ar_division_no,
        "customer.ar_division_no",
    )?;
    desk.text(
        object,
        "CustomerNo$",
        &customer.customer_no,
        "customer.customer_no",
    )?;
    let order_date = order.order_date.unwrap_or(options.today);
    desk.text(object, "OrderDate$", &compact(order_date), "order_date")?;
    let dates = [(
        "ShipExpireDate$",
        order.ship_expire_date.map(compact),
        "ship_expire_date",
    )];
    let texts = [("CustomerPONo$", order.customer_po_no.clone(), "customer_po_no")];
    for (column, value, field) in dates.into_iter().chain(texts) {
        if let Some(value) = value {
            desk.text(object, column, &value, field)?;
        }
    }
    match &order.ship_to {
        Some(ShipTo::Code(code)) => desk.text(object, "ShipToCode$", code, "ship_to.ship_to_code")?,
        Some(ShipTo::Address(address)) => ship_to_address(desk, object, address)?,
        None => {}
    }
    let texts = [
        ("WarehouseCode$", &order.warehouse_code, "warehouse_code"),
        ("ShipVia$", &order.ship_via, "ship_via"),
        ("ConfirmTo$", &order.confirm_to, "confirm_to"),
        ("EmailAddress$", &order.email_address, "email_address"),
        ("Comment$", &order.comment, "comment"),
    ];
    for (column, value, field) in texts {
        if let Some(value) = value {
            desk.text(object, column, value, field)?;
        }
    }
    if let Some(freight) = order.freight_amt {
        desk.set(object, "FreightAmt", Scalar::Number(freight), "freight_amt")?;
    }
    for (name, UdfValue::Text(value)) in &order.udf {
        let column = format!("UDF_{}$", name.to_ascii_uppercase());
        desk.text(object, &column, value, &format!("udf.{name}"))?;
    }
    if let Some(marker) = &options.marker {
        desk.text(object, &format!("{MARKER_COLUMN}$"), marker, "")?;
    }
    Ok(())
}

/// The whole block, so that nothing of the customer's own address stays in between. The
/// ZIP code comes before city and state: looking it up may overwrite them.
fn ship_to_address(desk: &mut Desk<'_>, object: ObjectId, address: &Address) -> Result<(), Stop> {
    let block = [
        ("ShipToName$", &address.ship_to_name, "ship_to_name"),
        ("ShipToAddress1$", &address.ship_to_address1, "ship_to_address1"),
        ("ShipToAddress2$", &address.ship_to_address2, "ship_to_address2"),
        ("ShipToAddress3$", &address.ship_to_address3, "ship_to_address3"),
        ("ShipToZipCode$", &address.ship_to_zip_code, "ship_to_zip_code"),
        ("ShipToCity$", &address.ship_to_city, "ship_to_city"),
        ("ShipToState$", &address.ship_to_state, "ship_to_state"),
        (
            "ShipToCountryCode$",
            &address.ship_to_country_code,
            "ship_to_country_code",
        ),
    ];
    desk.text(object, "ShipToCode$", "", "ship_to")?;
    for (column, value, field) in block {
        desk.text(
            object,
            column,
            value.as_deref().unwrap_or(""),
            &format!("ship_to.{field}"),
        )?;
    }
    Ok(())
}

/// The item comes first: it loads price, warehouse and unit. The answer is the line's
/// amount, read before its write, after which the cursor moves.
fn line(
    desk: &mut Desk<'_>,
    lines: ObjectId,
    place: usize,
    line: &OrderLine,
) -> Result<Option<Decimal>, Stop> {
    let field = |name: &str| format!("lines[{place}].{name}");
    desk.call(
        &Call::AddLine { object: lines },
        "line_refused",
        &field("item_code"),
    )?;
    desk.text(lines, "ItemCode$", &line.item_code, &field("item_code"))?;
    let item_type = desk.get_text(lines, "ItemType$")?.unwrap_or_default();
    let texts = [
        ("WarehouseCode$", &line.warehouse_code, "warehouse_code"),
        ("UnitOfMeasure$", &line.unit_of_measure, "unit_of_measure"),
        ("ItemCodeDesc$", &line.item_code_desc, "item_code_desc"),
        ("CommentText$", &line.comment_text, "comment_text"),
    ];
    for (column, value, name) in texts {
        if let Some(value) = value {
            desk.text(lines, column, value, &field(name))?;
        }
    }
    match item_type.as_str() {
        "4" => {}
        // A charge has an amount instead of quantity and price.
        "3" => {
            let amount = line
                .unit_price
                .and_then(|price| price.multiply(line.quantity_ordered, 2).ok());
            if let Some(amount) = amount {
                desk.set(
                    lines,
                    "ExtensionAmt",
                    Scalar::Number(amount),
                    &field("unit_price"),
                )?;
            }
        }
        _ => {
            desk.set(
                lines,
                "QuantityOrdered",
                Scalar::Number(line.quantity_ordered),
                &field("quantity_ordered"),
            )?;
            if let Some(price) = line.unit_price {
                desk.set(lines, "UnitPrice", Scalar::Number(price), &field("unit_price"))?;
            }
            if let Some(percent) = line.line_discount_percent {
                desk.set(
                    lines,
                    "LineDiscountPercent",
                    Scalar::Number(percent),
                    &field("line_discount_percent"),
                )?;
            }
        }
    }
    let amount = amount(desk, lines)?;
    desk.call(
        &Call::Write { object: lines },
        "line_refused",
        &field("item_code"),
    )?;
    Ok(amount)
}

fn amount(desk: &mut Desk<'_>, lines: ObjectId) -> Result<Option<Decimal>, Fault> {
    let value = desk.get(lines, "ExtensionAmt")?;
    Ok(value
        .as_ref()
        .and_then(Scalar::as_number)
        .and_then(|n| n.rescale(2).ok()))
}

/// A date as Sage wants it.
fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}
