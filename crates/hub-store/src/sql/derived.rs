//! Fields that are worked out when a record is read, a page at a time.

mod receivables;
mod stock;

use std::cell::OnceCell;

use crate::engine::Tx;
use catalog::{Dataset, Field, Rule};
use serde_json::Value as Json;
use values::{Decimal, DecimalError, Kind};

use super::documents::Documents;
use super::view::View;
use crate::StoreError;
use receivables::Received;

pub(super) use receivables::{is_queued, move_up, paid_invoices, touched};

/// What open documents take, by key of the record.
const QUEUED: &str = "hub_queued";

/// A derived field's name, and its value in each record, as far as there are any.
pub(super) type Values<'a> = (&'a str, Vec<Json>);

/// The derived fields that the token reads. A value is null where the catalog lacks what it
/// is computed from.
pub(super) fn values<'a>(
    t: &Tx<'_>,
    view: &View<'a>,
    documents: &Documents,
) -> Result<Vec<Values<'a>>, StoreError> {
    if documents.keys.is_empty() {
        return Ok(Vec::new());
    }
    let readable = view
        .dataset
        .derived
        .iter()
        .filter(|d| view.scope.reads(d.class) && view.shows(&d.name));
    // Two fields of an invoice rest on the same receipts.
    let received = OnceCell::new();
    let receipts = || match received.get() {
        Some(found) => Ok(found),
        None => Received::load(t, view, documents).map(|found| received.get_or_init(|| found)),
    };
    let mut all = Vec::new();
    for derived in readable {
        let values = match derived.rule {
            Rule::AvailableQuantity => stock::available(t, view, documents)?,
            Rule::QueuedWebQuantity => stock::queued(t, view, documents)?,
            Rule::PendingAmount => receivables::pending(receipts()?.as_ref(), documents)?,
            Rule::PayableAmount => receivables::payable(view, receipts()?.as_ref(), documents)?,
            Rule::Ageing => receivables::ageing(t, view, documents)?,
        };
        all.push((derived.name.as_str(), values));
    }
    Ok(all)
}

/// A decimal column of a dataset, as it is stored.
struct Amount {
    place: usize,
    name: String,
    scale: u8,
}

impl Amount {
    fn of(dataset: &Dataset, column: &str) -> Option<Self> {
        let (place, field) = dataset.field_of_column(column)?;
        Some(Self {
            place,
            name: field.name.clone(),
            scale: scale(field)?,
        })
    }

    fn value(&self, documents: &Documents, row: usize) -> Decimal {
        match documents.batch.parent_value(self.place, row) {
            catalog::Value::Decimal(decimal) => decimal,
            catalog::Value::Text(_) | catalog::Value::Date(_) => Decimal::zero(self.scale),
        }
    }
}

fn scale(field: &Field) -> Option<u8> {
    match field.kind {
        Kind::Decimal { scale } => Some(scale),
        Kind::Text | Kind::Date | Kind::Json => None,
    }
}

fn shown(amount: Decimal) -> Json {
    amount.to_string().into()
}

fn too_large(_: DecimalError) -> StoreError {
    StoreError::corrupt("amounts whose sum is out of range")
}
