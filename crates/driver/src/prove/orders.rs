//! Numbers, orders, tax and customer POs.

use import::plan::Program;
use model::CustomerRef;
use sage::{BusinessObjects, Call, ObjectId, Scalar};
use values::Decimal;

use super::Verdict;
use super::bench::{
    Bench, Seen, Trouble, drop_object, key, lines_of, new_key, next_number, number, object, set, taken, write,
};
use super::tables::{AMOUNT, QUANTITY, TEXT};
use crate::bridge::WriteBridge;

/// Stands on everything that a run makes.
pub(super) const COMMENT: &str = "ERP Driver proof";

pub(super) const PROGRAM: Program = Program {
    module: "S/O",
    task: "SO_SalesOrder_ui",
    object: "SO_SalesOrder_bus",
};

const OPEN: &str = "SO_SalesOrderHeader";
pub(super) const LINES: &str = "SO_SalesOrderDetail";
const HISTORY: &str = "SO_SalesOrderHistoryHeader";

/// Schedules that are tried for one that taxes.
const SCHEDULES: usize = 5;

/// The header of an order to be tried.
pub(super) struct Draft<'a> {
    pub(super) number: &'a str,
    pub(super) customer: &'a CustomerRef,
    pub(super) po: &'a str,
    pub(super) items: &'a [String],
}

/// A new order with its lines, one piece each, everything but its write.
pub(super) fn draft(bridge: &mut WriteBridge, order: &Draft<'_>) -> Result<ObjectId, Trouble> {
    let record = object(bridge, PROGRAM.object)?;
    new_key(bridge, record, &[("SalesOrderNo", order.number)])?;
    let header = [
        ("ARDivisionNo", order.customer.ar_division_no.as_str()),
        ("CustomerNo", &order.customer.customer_no),
        ("CustomerPONo", order.po),
        ("Comment", COMMENT),
    ];
    set(bridge, record, &header)?;
    let lines = lines_of(bridge, record)?;
    for item in order.items {
        line(bridge, lines, item)?;
    }
    Ok(record)
}

/// One piece of an item.
fn line(bridge: &mut WriteBridge, lines: ObjectId, item: &str) -> Result<(), Trouble> {
    taken(bridge, "nAddLine", &Call::AddLine { object: lines })?;
    set(bridge, lines, &[("ItemCode", item)])?;
    let quantity = Call::SetValue {
        object: lines,
        column: "QuantityOrdered".to_owned(),
        value: Scalar::Number(Decimal::new(1, 0)),
    };
    taken(bridge, "QuantityOrdered", &quantity)?;
    taken(
        bridge,
        &format!("a line of {item}"),
        &Call::Write { object: lines },
    )?;
    Ok(())
}

/// The next order number, as documents get it.
pub(super) fn order_number(bridge: &mut WriteBridge) -> Result<String, Trouble> {
    let record = object(bridge, PROGRAM.object)?;
    let number = next_number(bridge, record, "SalesOrderNo")?;
    drop_object(bridge, record)?;
    Ok(number)
}

pub(super) fn session(bench: &mut Bench) -> Result<Seen, Trouble> {
    bench.at(PROGRAM)?;
    Ok(Seen::new(
        Verdict::Shown,
        format!("{} is open in {}", PROGRAM.task, bench.setup.login.company),
    ))
}

pub(super) fn number_spent(bench: &mut Bench) -> Result<Seen, Trouble> {
    let bridge = bench.at(PROGRAM)?;
    let record = object(bridge, PROGRAM.object)?;
    let first = next_number(bridge, record, "SalesOrderNo")?;
    new_key(bridge, record, &[("SalesOrderNo", &first)])?;
    drop_object(bridge, record)?;
    let second = order_number(bridge)?;
    Ok(if first == second {
        Seen::new(
            Verdict::Differs,
            format!(
                "{first} was given out again after its order was dropped: use a number range of the driver's own"
            ),
        )
    } else {
        Seen::new(Verdict::Shown, format!("{second} followed {first}"))
    })
}

pub(super) fn order(bench: &mut Bench) -> Result<Seen, Trouble> {
    let customer = bench.samples.customer(&mut bench.tables)?;
    let items = bench.samples.items(&mut bench.tables)?;
    let po = bench.next_po();
    let bridge = bench.at(PROGRAM)?;
    let number = order_number(bridge)?;
    let order = Draft {
        number: &number,
        customer: &customer,
        po: &po,
        items: &items,
    };
    let record = draft(bridge, &order)?;
    write(bridge, record, "the order's nWrite")?;
    bench.made(format!("sales order {number}"));
    let by_number = [("SalesOrderNo", number.as_str())];
    let columns = ["ARDivisionNo", "CustomerNo", "CustomerPONo", "Comment"];
    let headers = bench.tables.texts(OPEN, &columns, &by_number, 2)?;
    let columns = [("ItemCode", TEXT), ("QuantityOrdered", QUANTITY)];
    let lines = bench.tables.rows(LINES, &columns, &by_number, 100)?;
    bench.samples.order = Some((number.clone(), po.clone()));
    let Some(header) = headers.first() else {
        return Ok(Seen::new(
            Verdict::NotShown,
            format!("order {number} was written and is not in {OPEN}"),
        ));
    };
    let mut wrong = Vec::new();
    let wanted = [
        ("ARDivisionNo", customer.ar_division_no.as_str()),
        ("CustomerNo", &customer.customer_no),
        ("CustomerPONo", &po),
        ("Comment", COMMENT),
    ];
    for (column, value) in wanted {
        if header.has(column) && header.text(column) != value {
            wrong.push(format!(
                "{column} is {:?} instead of {value:?}",
                header.text(column)
            ));
        }
    }
    let mut found: Vec<&str> = lines
        .iter()
        .filter(|line| line.number("QuantityOrdered").is_some_and(|q| q.units() > 0))
        .map(|line| line.text("ItemCode"))
        .collect();
    let mut sent: Vec<&str> = items.iter().map(String::as_str).collect();
    found.sort_unstable();
    sent.sort_unstable();
    if found != sent {
        wrong.push(format!("its lines are {found:?} instead of {sent:?}"));
    }
    Ok(if wrong.is_empty() {
        Seen::new(
            Verdict::Shown,
            format!("order {number} stands in {OPEN} with {} lines", lines.len()),
        )
    } else {
        Seen::new(Verdict::Differs, format!("order {number}: {}", wrong.join("; ")))
    })
}

pub(super) fn history(bench: &mut Bench) -> Result<Seen, Trouble> {
    let (number, _) = written(bench)?;
    let key = [("SalesOrderNo", number.as_str())];
    let rows = bench.tables.texts(HISTORY, &["SalesOrderNo"], &key, 1)?;
    Ok(if rows.is_empty() {
        Seen::new(
            Verdict::Differs,
            format!(
                "order {number} is not in {HISTORY}: history is not kept; leave orders.history_kept off, or retain history in Sales Order options"
            ),
        )
    } else {
        Seen::new(
            Verdict::Shown,
            format!("order {number} is in {HISTORY}: orders.history_kept may be on"),
        )
    })
}

pub(super) fn number_taken(bench: &mut Bench) -> Result<Seen, Trouble> {
    let (number, _) = written(bench)?;
    let bridge = bench.at(PROGRAM)?;
    let record = object(bridge, PROGRAM.object)?;
    let answer = key(bridge, record, &[("SalesOrderNo", &number)])?;
    drop_object(bridge, record)?;
    Ok(match answer.code {
        1 => Seen::new(
            Verdict::Shown,
            format!("nSetKey answers 1 for {number}: no order takes the place of another"),
        ),
        0 => Seen::new(Verdict::Differs, format!("nSetKey answers 0: {}", answer.message)),
        code => Seen::new(
            Verdict::Differs,
            format!("nSetKey answers {code} for {number}, which exists"),
        ),
    })
}

pub(super) fn tax(bench: &mut Bench) -> Result<Seen, Trouble> {
    let customers = bench.samples.taxed(&mut bench.tables)?;
    let [item, _] = bench.samples.items(&mut bench.tables)?;
    let items = [item];
    for (customer, schedule) in customers.into_iter().take(SCHEDULES) {
        let po = bench.next_po();
        let bridge = bench.at(PROGRAM)?;
        let order_no = order_number(bridge)?;
        let order = Draft {
            number: &order_no,
            customer: &customer,
            po: &po,
            items: &items,
        };
        let record = draft(bridge, &order)?;
        let before = number(bridge, record, "SalesTaxAmt")?;
        write(bridge, record, "the order's nWrite")?;
        bench.made(format!("sales order {order_no}"));
        let key = [("SalesOrderNo", order_no.as_str())];
        let rows = bench.tables.rows(OPEN, &[("SalesTaxAmt", AMOUNT)], &key, 1)?;
        let after = rows.first().and_then(|row| row.number("SalesTaxAmt"));
        let Some(after) = after.filter(|after| !after.is_zero()) else {
            continue;
        };
        let words = match before {
            Some(before) => before.to_string(),
            None => "unknown".to_owned(),
        };
        let is_known = before.is_some_and(|before| before.checked_sub(after).is_ok_and(Decimal::is_zero));
        let verdict = if is_known {
            Verdict::Shown
        } else {
            Verdict::Differs
        };
        return Ok(Seen::new(
            verdict,
            format!("schedule {schedule}: the tax is {words} before the write and {after} after it"),
        ));
    }
    Err(Trouble::Nothing(
        "no order was taxed: the copy has no customer whose tax Sage calculates by itself".to_owned(),
    ))
}

pub(super) fn duplicate_po(bench: &mut Bench) -> Result<Seen, Trouble> {
    let (number, po) = written(bench)?;
    let customer = bench.samples.customer(&mut bench.tables)?;
    let bridge = bench.at(PROGRAM)?;
    let other = order_number(bridge)?;
    let record = object(bridge, PROGRAM.object)?;
    new_key(bridge, record, &[("SalesOrderNo", &other)])?;
    let header = [
        ("ARDivisionNo", customer.ar_division_no.as_str()),
        ("CustomerNo", &customer.customer_no),
    ];
    set(bridge, record, &header)?;
    let answer = bridge.call(&Call::SetValue {
        object: record,
        column: "CustomerPONo$".to_owned(),
        value: Scalar::Text(po.clone()),
    })?;
    drop_object(bridge, record)?;
    Ok(match answer.code {
        -1 => Seen::new(Verdict::Shown, format!("-1: {}", answer.message)),
        0 => Seen::new(Verdict::Differs, format!("refused: {}", answer.message)),
        code => Seen::new(
            Verdict::Differs,
            format!("{po} of order {number} is taken again without a word ({code})"),
        ),
    })
}

/// The order of [`order`].
pub(super) fn written(bench: &Bench) -> Result<(String, String), Trouble> {
    let order = bench.samples.order.clone();
    order.ok_or_else(|| Trouble::Nothing("no order was written".to_owned()))
}
