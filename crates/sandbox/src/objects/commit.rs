//! What a header's `nWrite` and `nDelete` store: header, lines, their mirror in the order
//! history, and the stock that the order holds, in one transaction.

use std::thread;

use rusqlite::{Connection, TransactionBehavior};
use values::{Decimal, Stamp};

use super::order::{DETAIL, HEADER, Order, State};
use super::record::{Layout, Record, StoreError};
use super::{settings, totals, units};

/// Who writes, when, and how much of it.
pub(crate) struct Writing<'a> {
    /// Change stamp.
    pub(crate) stamp: Stamp,
    /// The user's key.
    pub(crate) user_key: &'a str,
    /// Store the lines, too. Without them it is the torn write that files allow.
    pub(crate) with_lines: bool,
}

/// Stores the order: in one transaction, or with the setting `write_atomic` = `no` the
/// header in one and the rest in another. `false`: nothing is stored, the number of a new
/// order is taken by now.
pub(crate) fn write(db: &mut Connection, order: &Order, writing: &Writing<'_>) -> Result<bool, StoreError> {
    let is_new = order.state == State::New;
    let mut header = order.header.clone();
    totals::finish(db, &mut header, &order.lines)?;
    header.stamp(writing.stamp, writing.user_key, is_new);
    let is_atomic = !settings::is(db, "write_atomic", "no")?;
    let mut transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_new && is_open(&transaction, &order.number)? {
        return Ok(false);
    }
    let before = Record::look_up(&transaction, HEADER, &[("SalesOrderNo", &order.number)])?;
    let before = before.as_ref().map_or(Ok(Decimal::zero(2)), on_order)?;
    header.store(&transaction)?;
    wait_for_more(&transaction, &header, on_order(&header)?.checked_sub(before)?)?;
    if !is_atomic {
        transaction.commit()?;
        if let Some(delay) = settings::take_fault(db, "between_header_and_lines.delay_ms")? {
            thread::sleep(settings::milliseconds(&delay));
        }
        if settings::take_fault(db, "between_header_and_lines.crash")?.is_some() {
            return Err(StoreError::Ended);
        }
        transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    }
    let kept: &[Record] = if writing.with_lines { &order.lines } else { &[] };
    delete_lines(&transaction, &order.number)?;
    for line in kept {
        line.store(&transaction)?;
    }
    let committed = committed_column(header.text("OrderType"));
    move_stock(&transaction, &order.stored, order.stored_under, true)?;
    move_stock(&transaction, kept, committed, false)?;
    if is_mirrored(&transaction, &header)? {
        mirror(&transaction, &header, kept)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Deletes the order; its history says so when deleted orders are retained.
pub(crate) fn delete(
    db: &mut Connection,
    order: &Order,
    stamp: Stamp,
    user_key: &str,
) -> Result<(), StoreError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    remove_open(&transaction, &order.header, &order.stored, order.stored_under)?;
    wait_for_more(&transaction, &order.header, -on_order(&order.header)?)?;
    if let Some(mut history) = history_of(&transaction, &order.number)? {
        if option(&transaction, "RetainDeletedOrders")? {
            let is_quote = matches!(order.header.text("OrderType"), "Q" | "P");
            history.put_text("OrderStatus", if is_quote { "Z" } else { "X" });
            history.stamp(stamp, user_key, false);
            history.store(&transaction)?;
        } else {
            history.delete(&transaction)?;
            transaction.execute(
                "DELETE FROM SO_SalesOrderHistoryDetail WHERE SalesOrderNo = ?1",
                [&order.number],
            )?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Takes an order out of the open ones and gives back the stock that it held.
pub(crate) fn remove_open(
    db: &Connection,
    header: &Record,
    lines: &[Record],
    committed: Option<&str>,
) -> Result<(), StoreError> {
    move_stock(db, lines, committed, true)?;
    delete_lines(db, header.text("SalesOrderNo"))?;
    header.delete(db)
}

/// What an order of this header adds to what its customer has on order.
fn on_order(header: &Record) -> Result<Decimal, StoreError> {
    match header.text("OrderType") {
        "S" | "B" => totals::total(header),
        _ => Ok(Decimal::zero(2)),
    }
}

/// The order's customer waits for goods of so much more. Sage does not stamp the customer for it.
pub(crate) fn wait_for_more(db: &Connection, order: &Record, amount: Decimal) -> Result<(), StoreError> {
    let key = ["ARDivisionNo", "CustomerNo"].map(|name| (name, order.text(name)));
    if amount.is_zero() {
        return Ok(());
    }
    if let Some(mut customer) = Record::look_up(db, "AR_Customer", &key)? {
        let ordered = customer.number("OpenOrderAmt").checked_add(amount)?;
        customer.put_number("OpenOrderAmt", ordered.max(Decimal::zero(2)))?;
        customer.store(db)?;
    }
    Ok(())
}

/// The stock column that an order of this type holds goods under.
pub(crate) fn committed_column(order_type: &str) -> Option<&'static str> {
    match order_type {
        "S" => Some("QuantityOnSalesOrder"),
        "B" => Some("QuantityOnBackOrder"),
        _ => None,
    }
}

/// The order's header in history, if it is there.
pub(crate) fn history_of(db: &Connection, number: &str) -> Result<Option<Record>, StoreError> {
    Record::look_up(db, "SO_SalesOrderHistoryHeader", &[("SalesOrderNo", number)])
}

/// Is the number that of an open order?
pub(crate) fn is_open(db: &Connection, number: &str) -> Result<bool, StoreError> {
    Ok(super::record::exists(db, HEADER, &[("SalesOrderNo", number)])?.unwrap_or(false))
}

/// Adds (or gives back) the lines' quantities to a column of the stock. Sage does not
/// stamp the stock record for it.
pub(crate) fn move_stock(
    db: &Connection,
    lines: &[Record],
    column: Option<&str>,
    is_return: bool,
) -> Result<(), StoreError> {
    let Some(column) = column else { return Ok(()) };
    for line in lines.iter().filter(|line| line.text("ItemType") == "1") {
        let factor = units::factor(line.number("UnitOfMeasureConvFactor"));
        let quantity = line.number("QuantityOrdered").multiply(factor, 6)?;
        let key = [
            ("ItemCode", line.text("ItemCode")),
            ("WarehouseCode", line.text("WarehouseCode")),
        ];
        if let Some(mut stock) = Record::look_up(db, "IM_ItemWarehouse", &key)? {
            let quantity = if is_return { -quantity } else { quantity };
            stock.put_number(column, stock.number(column).checked_add(quantity)?)?;
            stock.store(db)?;
        }
    }
    Ok(())
}

fn delete_lines(db: &Connection, number: &str) -> Result<(), StoreError> {
    db.execute(&format!("DELETE FROM {DETAIL} WHERE SalesOrderNo = ?1"), [number])?;
    Ok(())
}

/// History is kept only with the option, and never for master and repeating orders.
fn is_mirrored(db: &Connection, header: &Record) -> Result<bool, StoreError> {
    Ok(!matches!(header.text("OrderType"), "M" | "R") && option(db, "RetainSalesOrderHistory")?)
}

/// An option of S/O: the setting of that name, else the company's `SO_Options`, else yes.
fn option(db: &Connection, name: &str) -> Result<bool, StoreError> {
    if let Some(value) = settings::get(db, name)? {
        return Ok(value != "N");
    }
    let options = Record::look_up(db, "SO_Options", &[("ModuleCode", "S/O")])?;
    Ok(options.is_none_or(|options| options.text(name) != "N"))
}

fn mirror(db: &Connection, header: &Record, lines: &[Record]) -> Result<(), StoreError> {
    let number = header.text("SalesOrderNo");
    let Some(layout) = Layout::read_if_any(db, "SO_SalesOrderHistoryHeader")? else {
        return Ok(());
    };
    let mut history = Record::blank(&layout);
    history.copy_from(header)?;
    history.put_text(
        "OrderStatus",
        if matches!(header.text("OrderType"), "Q" | "P") {
            "Q"
        } else {
            "A"
        },
    );
    history.store(db)?;
    let Some(layout) = Layout::read_if_any(db, "SO_SalesOrderHistoryDetail")? else {
        return Ok(());
    };
    let earlier = Record::read_all(db, &layout, &[("SalesOrderNo", number)])?;
    for line in lines {
        let known = earlier
            .iter()
            .find(|row| row.text("LineKey") == line.text("LineKey"));
        let mut row = known.cloned().unwrap_or_else(|| Record::blank(&layout));
        row.copy_from(line)?;
        row.put_text("SequenceNo", line.text("LineSeqNo"));
        row.copy_column("QuantityOrderedRevised", line, "QuantityOrdered")?;
        row.copy_column("LastUnitPrice", line, "UnitPrice")?;
        row.copy_column("LastExtensionAmt", line, "ExtensionAmt")?;
        if known.is_none() {
            row.put_text("OriginalLine", "Y");
            row.put_text("CancelledLine", "N");
            row.copy_column("QuantityOrderedOriginal", line, "QuantityOrdered")?;
            row.copy_column("OriginalUnitPrice", line, "UnitPrice")?;
        }
        row.store(db)?;
    }
    for mut gone in earlier {
        if !lines
            .iter()
            .any(|line| line.text("LineKey") == gone.text("LineKey"))
        {
            gone.put_text("CancelledLine", "Y");
            gone.put_number("QuantityOrderedRevised", Decimal::zero(6))?;
            gone.store(db)?;
        }
    }
    Ok(())
}
