//! Clerks at their screens, whose work is stamped by the clock of their workstation.

use jiff::tz::TimeZone;

use super::{Options, PlayError, Report, texts};
use crate::Company;
use crate::maintenance::{Stamping, delete_row, insert_row, set_values};
use crate::random::Random;
use crate::settings::TIME_ZONE;

const KEPT: u64 = 30;

/// Memo of a customer's record that a clerk has touched.
const COMMENTS: [&str; 4] = [
    "Call before delivery",
    "Wants paper invoice",
    "New buyer since May",
    "Prefers e-mail",
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
    for step in 0..wanted {
        let item = &items[random.place(items.len())];
        let customer = &customers[random.place(customers.len())];
        let at = Stamping::At(company.now());
        match step % 5 {
            0 => change_price(company, item, &mut random, at, &mut report)?,
            1 | 2 => change_customer(company, customer, &mut random, at, &mut report)?,
            3 => add_contact(company, customer, step, at, &mut report)?,
            _ => delete_contact(company, &mut report)?,
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
    let price = super::cents(random.between(500, 90_000));
    set_values(
        company,
        "CI_Item",
        &[("ItemCode", item)],
        &[("StandardUnitPrice", &price)],
        at,
    )?;
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

fn add_contact(
    company: &Company,
    customer: &str,
    step: u64,
    at: Stamping,
    report: &mut Report,
) -> Result<(), PlayError> {
    let (division, number) = customer.split_once(':').unwrap_or_default();
    // A clerk who plays twice finds the first day's contacts.
    let taken: i64 = company.connection().query_row(
        "SELECT count(*) FROM AR_CustomerContact WHERE ARDivisionNo = ?1 AND CustomerNo = ?2",
        [division, number],
        |row| row.get(0),
    )?;
    let code = format!("CLK{step:04}-{:02}", taken % 100);
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
    report.key("AR_CustomerContact", format!("{customer}:{code}"));
    Ok(())
}

/// The last contact of all goes that is no customer's first one.
fn delete_contact(company: &Company, report: &mut Report) -> Result<(), PlayError> {
    let found: Vec<[String; 3]> = company
        .connection()
        .prepare(
            "SELECT ARDivisionNo, CustomerNo, ContactCode FROM AR_CustomerContact k
             WHERE NOT EXISTS (SELECT 1 FROM AR_Customer c WHERE c.ARDivisionNo = k.ARDivisionNo
               AND c.CustomerNo = k.CustomerNo AND c.ContactCode = k.ContactCode)
             ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1",
        )?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect::<Result<_, _>>()?;
    for [division, number, code] in found {
        let key = [
            ("ARDivisionNo", division.as_str()),
            ("CustomerNo", &number),
            ("ContactCode", &code),
        ];
        delete_row(company, "AR_CustomerContact", &key)?;
        report.deleted("AR_CustomerContact", 1);
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
