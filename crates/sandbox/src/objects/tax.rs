//! Sales tax: what the tables say, or an outside service.
//!
//! The service is simulated for the schedule [`AVATAX`]: it is asked at the `nWrite` of a
//! line and of the header, wants a full ship-to address, and fails or is slow when the
//! setting `tax_service` says so. When tax is known is a choice, too (`tax_timing`): before
//! the write, or only after it.

use std::thread;

use rusqlite::Connection;
use values::Decimal;

use super::codes::AVATAX;
use super::record::{Layout, Record, StoreError};
use super::settings;

/// What the service must know of where the goods go.
const MANDATORY: [&str; 3] = ["ShipToCity", "ShipToState", "ShipToZipCode"];

/// Is tax known only after the header's write?
pub(crate) fn is_known_late(db: &Connection) -> Result<bool, StoreError> {
    settings::is(db, "tax_timing", "after_write")
}

/// Asks the outside service where the order's schedule has one: why it does not calculate.
pub(crate) fn refusal_of(db: &Connection, header: &Record) -> Result<Option<String>, StoreError> {
    if header.text("TaxSchedule") != AVATAX {
        return Ok(None);
    }
    if let Some(name) = MANDATORY.iter().find(|name| header.text(name).is_empty()) {
        return Ok(Some(format!(
            "The {name} is required to calculate sales tax for the schedule {AVATAX}."
        )));
    }
    let service = settings::get(db, "tax_service")?;
    if service.as_deref() == Some("down") {
        return Ok(Some("AvaTax: the tax service did not respond.".into()));
    }
    if let Some(time) = service
        .as_deref()
        .and_then(|service| service.strip_prefix("slow:"))
    {
        thread::sleep(settings::milliseconds(time));
    }
    Ok(None)
}

/// The rate of a schedule in percent: the setting `tax_rate:SCHEDULE`, else the sum over
/// its codes in the tax tables.
pub(crate) fn rate(db: &Connection, schedule: &str) -> Result<Decimal, StoreError> {
    let mut rate = Decimal::zero(6);
    if schedule.is_empty() {
        return Ok(rate);
    }
    if let Some(rate) = settings::get(db, &format!("tax_rate:{schedule}"))? {
        return Ok(rate.trim().parse()?);
    }
    let Some(layout) = Layout::read_if_any(db, "SY_SalesTaxScheduleDetail")? else {
        return Ok(rate);
    };
    for entry in Record::read_all(db, &layout, &[("TaxSchedule", schedule)])? {
        let code = [("TaxCode", entry.text("TaxCode")), ("TaxClass", "TX")];
        if let Some(detail) = Record::look_up(db, "SY_SalesTaxCodeDetail", &code)? {
            rate = rate.checked_add(detail.number("TaxRate"))?;
        }
    }
    Ok(rate)
}
