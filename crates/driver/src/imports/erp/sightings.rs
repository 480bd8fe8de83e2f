//! What stands in the ERP under an identity.

use std::collections::BTreeMap;

use import::Row;
use import::read_back::{Place, Sightings, invoice_selects, order_selects, receipt};
use sage::{ReadError, Select};
use values::Decimal;

use super::Erp;

/// Rows by the place where they were found.
pub(in crate::imports) type Found = BTreeMap<Place, Vec<Row>>;

impl Erp {
    /// Everything that stands under an order's number.
    pub(in crate::imports) fn order_sightings(&mut self, number: &str) -> Result<Sightings, ReadError> {
        let columns = self.columns()?;
        let mut rows = self.gather(order_selects(number, &columns))?;
        let sightings = Sightings::from_rows(&rows);
        if sightings.open.is_some() || sightings.history.is_some() {
            return Ok(sightings);
        }
        rows.extend(self.gather(invoice_selects(number, &columns))?);
        Ok(Sightings::from_rows(&rows))
    }

    /// What the other receipts of a receipt's deposit come to; none when that cannot be told.
    pub(in crate::imports) fn deposited(&mut self, identity: &str) -> Result<Option<Decimal>, ReadError> {
        let columns = self.columns()?;
        let rows = self.gather(receipt::deposit_selects(identity, &columns))?;
        Ok(receipt::deposited(identity, &rows))
    }

    /// The rows of each place, read in this order.
    pub(in crate::imports) fn gather(&mut self, selects: Vec<(Place, Select)>) -> Result<Found, ReadError> {
        let mut found = Found::new();
        for (place, select) in selects {
            let rows = self.read(&select)?;
            found.entry(place).or_default().extend(rows);
        }
        Ok(found)
    }
}
