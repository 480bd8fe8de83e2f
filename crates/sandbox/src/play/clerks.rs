//! Clerks at their screens, whose work is stamped by the clock of their workstation.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rusqlite::params;

use values::Decimal;

use super::{Options, PlayError, Report, has_table, texts};
use crate::Company;
use crate::maintenance::{Stamping, delete_row, find_row, insert_row, set_values};
use crate::objects::record::Record;
use crate::objects::{committed_column, move_stock, wait_for_more};
use crate::random::Random;
use crate::row::find_rows;
use crate::settings::TIME_ZONE;

const KEPT: u64 = 30;

/// Memo of a customer's record that a clerk has touched.
const COMMENTS: [&str; 4] = [
    "Call before delivery",
    "Wants paper invoice",
    "New buyer since May",
    "Prefers e-mail",
];

/// What a new customer has in common with the one it is like.
const LIKE_THE_MODEL: [&str; 8] = [
    "City",
    "State",
    "ZipCode",
    "CountryCode",
    "TaxSchedule",
    "TermsCode",
    "SalespersonDivisionNo",
    "SalespersonNo",
];

/// Records are added, changed and deleted, each in a step of its own, as people work.
pub(super) fn maintain(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(KEPT);
    let mut random = Random::for_part(options.seed, "maintain");
    let items = texts(
        company.connection(),
        "SELECT ItemCode FROM CI_Item WHERE ItemType = '1' ORDER BY ItemCode",
    )?;
    let customers = texts(
        company.connection(),
        "SELECT ARDivisionNo || ':' || CustomerNo FROM AR_Customer ORDER BY ARDivisionNo, CustomerNo",
    )?;
    if items.is_empty() || customers.is_empty() {
        return Err(PlayError::NothingToDo(
            "the company has no items or no customers".to_owned(),
        ));
    }
    let mut report = Report::default();
    let mut contacts = BTreeSet::new();
    for step in 0..wanted {
        let item = &items[random.place(items.len())];
        let customer = &customers[random.place(customers.len())];
        let at = Stamping::At(company.now());
        match step % 7 {
            0 => change_price(company, item, &mut random, at, &mut report)?,
            1 => change_customer(company, customer, &mut random, at, &mut report)?,
            2 => add_customer(company, customer, at, &mut report)?,
            3 => describe_item(company, item, at, &mut report)?,
            4 => change_order(company, &mut random, at, &mut report)?,
            5 => {
                contacts.insert(add_contact(company, customer, step, at, &mut report)?);
            }
            _ => delete_contact(company, &contacts, &mut report)?,
        }
    }
    Ok(report)
}

fn change_price(
    company: &Company,
    item: &str,
    random: &mut Random,
    at: Stamping,
    report: &mut Report,
) -> Result<(), PlayError> {
    let key = [("ItemCode", item)];
    let row = find_row(company, "CI_Item", &key)?;
    let before = Decimal::parse(row.get("StandardUnitPrice").unwrap_or_default(), 6)?;
    let price = before
        .checked_add(Decimal::new(random.between(5, 500), 2))?
        .to_string();
    set_values(company, "CI_Item", &key, &[("StandardUnitPrice", &price)], at)?;
    report.updated("CI_Item", 1);
    report.key("CI_Item", item);
    Ok(())
}

fn change_customer(
    company: &Company,
    customer: &str,
    random: &mut Random,
    at: Stamping,
    report: &mut Report,
) -> Result<(), PlayError> {
    let (division, number) = customer.split_once(':').unwrap_or_default();
    set_values(
        company,
        "AR_Customer",
        &[("ARDivisionNo", division), ("CustomerNo", number)],
        &[("Comment", random.pick(&COMMENTS))],
        at,
    )?;
    report.updated("AR_Customer", 1);
    report.key("AR_Customer", customer);
    Ok(())
}

/// A customer like another one, with the clerks' next number.
fn add_customer(company: &Company, like: &str, at: Stamping, report: &mut Report) -> Result<(), PlayError> {
    let (division, model) = like.split_once(':').unwrap_or_default();
    let model = find_row(
        company,
        "AR_Customer",
        &[("ARDivisionNo", division), ("CustomerNo", model)],
    )?;
    let mut place = 1_u32;
    let number = loop {
        let number = format!("CLK{place:04}");
        let key = [("ARDivisionNo", division), ("CustomerNo", number.as_str())];
        if !exists(company, "AR_Customer", &key)? {
            break number;
        }
        place += 1;
    };
    let name = format!("New Account {place}");
    let mut values = vec![
        ("ARDivisionNo", division),
        ("CustomerNo", &number),
        ("CustomerName", &name),
    ];
    for column in LIKE_THE_MODEL {
        if let Some(value) = model.get(column) {
            values.push((column, value));
        }
    }
    insert_row(company, "AR_Customer", &values, at)?;
    report.inserted("AR_Customer", 1);
    report.key("AR_Customer", format!("{division}:{number}"));
    Ok(())
}

fn describe_item(company: &Company, item: &str, at: Stamping, report: &mut Report) -> Result<(), PlayError> {
    let key = [("ItemCode", item)];
    let row = find_row(company, "CI_Item", &key)?;
    let before = row.get("ItemCodeDesc").unwrap_or_default();
    // Told twice it is the old text again; Sage's column has 30 characters.
    let after = before.strip_suffix(" *").map_or_else(
        || before.chars().take(28).chain(" *".chars()).collect(),
        str::to_owned,
    );
    set_values(company, "CI_Item", &key, &[("ItemCodeDesc", &after)], at)?;
    report.updated("CI_Item", 1);
    report.key("CI_Item", item);
    Ok(())
}

/// One more of an open order's line, with a comment in its header; stock and customer
/// follow without a stamp. What is shipped stays as it is, and a company without open orders
/// has nothing to change.
fn change_order(
    company: &Company,
    random: &mut Random,
    at: Stamping,
    report: &mut Report,
) -> Result<(), PlayError> {
    let orders = texts(
        company.connection(),
        "SELECT SalesOrderNo FROM SO_SalesOrderHeader h WHERE OrderType = 'S' AND NOT EXISTS \
         (SELECT 1 FROM SO_InvoiceHeader i WHERE i.SalesOrderNo = h.SalesOrderNo) ORDER BY SalesOrderNo",
    )?;
    if orders.is_empty() {
        return Ok(());
    }
    let order = &orders[random.place(orders.len())];
    let transaction = company.connection().unchecked_transaction()?;
    let lines: Vec<String> = transaction
        .prepare(
            "SELECT LineKey FROM SO_SalesOrderDetail WHERE SalesOrderNo = ?1 AND ItemType = '1' \
             AND CAST(LineDiscountPercent AS REAL) = 0 ORDER BY LineKey LIMIT 1",
        )?
        .query_map([order], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let header_key = [("SalesOrderNo", order.as_str())];
    for line in &lines {
        let key = [("SalesOrderNo", order.as_str()), ("LineKey", line)];
        let found = (
            Record::look_up(&transaction, "SO_SalesOrderDetail", &key)?,
            Record::look_up(&transaction, "SO_SalesOrderHeader", &header_key)?,
        );
        let (Some(mut row), Some(mut header)) = found else {
            continue;
        };
        let price = row.number("UnitPrice").rescale(2)?;
        let quantity = row.number("QuantityOrdered").checked_add(Decimal::new(1, 0))?;
        let committed = committed_column(header.text("OrderType"));
        move_stock(&transaction, std::slice::from_ref(&row), committed, true)?;
        row.put_number("QuantityOrdered", quantity)?;
        move_stock(&transaction, std::slice::from_ref(&row), committed, false)?;
        row.put_number("ExtensionAmt", row.number("ExtensionAmt").checked_add(price)?)?;
        let taxed = if row.text("TaxClass") == "NT" {
            "NonTaxableAmt"
        } else {
            "TaxableAmt"
        };
        header.put_number(taxed, header.number(taxed).checked_add(price)?)?;
        row.store(&transaction)?;
        header.store(&transaction)?;
        wait_for_more(&transaction, &header, price)?;
        report.updated("AR_Customer", 1);
        if has_table(&transaction, "SO_SalesOrderHistoryDetail")? {
            let rows = transaction.execute(
                "UPDATE SO_SalesOrderHistoryDetail SET QuantityOrderedRevised = ?3 WHERE SalesOrderNo = ?1 AND LineKey = ?2",
                params![order, line, quantity.to_string()],
            )?;
            report.updated("SO_SalesOrderHistoryDetail", rows as u64);
        }
        if has_table(&transaction, "IM_ItemWarehouse")? {
            report.updated("IM_ItemWarehouse", 1);
        }
        report.updated("SO_SalesOrderDetail", 1);
        report.key("SO_SalesOrderDetail", format!("{order}:{line}"));
    }
    let comment = [("Comment", random.pick(&COMMENTS))];
    set_values(company, "SO_SalesOrderHeader", &header_key, &comment, at)?;
    transaction.commit()?;
    report.updated("SO_SalesOrderHeader", 1);
    report.key("SO_SalesOrderHeader", order);
    Ok(())
}

fn exists(company: &Company, table: &str, key: &[(&str, &str)]) -> Result<bool, PlayError> {
    Ok(!find_rows(company.connection(), table, key, 1)?.is_empty())
}

fn add_contact(
    company: &Company,
    customer: &str,
    step: u64,
    at: Stamping,
    report: &mut Report,
) -> Result<String, PlayError> {
    let (division, number) = customer.split_once(':').unwrap_or_default();
    // A clerk who plays twice finds the first day's contacts.
    let mut again = 0_u32;
    let code = loop {
        let code = format!("CLK{step:04}-{again:02}");
        let key = [
            ("ARDivisionNo", division),
            ("CustomerNo", number),
            ("ContactCode", &code),
        ];
        if !exists(company, "AR_CustomerContact", &key)? {
            break code;
        }
        again += 1;
    };
    insert_row(
        company,
        "AR_CustomerContact",
        &[
            ("ARDivisionNo", division),
            ("CustomerNo", number),
            ("ContactCode", &code),
            ("ContactName", "New Buyer"),
            ("EmailAddress", "buyer@example.com"),
        ],
        at,
    )?;
    report.inserted("AR_CustomerContact", 1);
    let key = format!("{customer}:{code}");
    report.key("AR_CustomerContact", &key);
    Ok(key)
}

/// The last contact goes that nobody names and that was there before today.
fn delete_contact(company: &Company, today: &BTreeSet<String>, report: &mut Report) -> Result<(), PlayError> {
    let found: Vec<[String; 3]> = company
        .connection()
        .prepare(
            "SELECT ARDivisionNo, CustomerNo, ContactCode FROM AR_CustomerContact k \
             WHERE NOT EXISTS (SELECT 1 FROM AR_Customer c WHERE c.ARDivisionNo = k.ARDivisionNo \
             AND c.CustomerNo = k.CustomerNo AND c.ContactCode = k.ContactCode) \
             AND NOT EXISTS (SELECT 1 FROM SO_ShipToAddress s WHERE s.ARDivisionNo = k.ARDivisionNo \
             AND s.CustomerNo = k.CustomerNo AND s.ContactCode = k.ContactCode) \
             ORDER BY 1 DESC, 2 DESC, 3 DESC",
        )?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect::<Result<_, _>>()?;
    let before_today = found
        .into_iter()
        .find(|[division, number, code]| !today.contains(&format!("{division}:{number}:{code}")));
    if let Some([division, number, code]) = before_today {
        let key = [
            ("ARDivisionNo", division.as_str()),
            ("CustomerNo", &number),
            ("ContactCode", &code),
        ];
        delete_row(company, "AR_CustomerContact", &key)?;
        report.deleted("AR_CustomerContact", 1);
        report.key("AR_CustomerContact", format!("{division}:{number}:{code}"));
    }
    Ok(())
}

/// The workstations' clock stands in another zone from now on.
pub(super) fn clock(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let zone = options.zone.as_deref().ok_or(PlayError::OptionMissing("zone"))?;
    TimeZone::get(zone)
        .map_err(|_| PlayError::OptionInvalid(format!("{zone:?} is no time zone such as America/Chicago")))?;
    company.settings().set(TIME_ZONE, zone)?;
    let mut report = Report::default();
    report.updated("sandbox_setting", 1);
    report.key("sandbox_setting", format!("{TIME_ZONE} = {zone}"));
    Ok(report)
}
