//! Stock: what may be promised, and what waits to be entered.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{ByKey, Tx};
use catalog::Value;
use serde_json::Value as Json;
use values::{Decimal, Key};

use super::{Amount, QUEUED, shown, too_large};
use crate::StoreError;
use crate::sql::documents::Documents;
use crate::sql::tables::child_table;
use crate::sql::view::View;

/// What counts besides what is in stock: the column, whether it adds, the company's option
/// for it, and what holds where the option is neither Y nor N.
const PARTS: [(&str, bool, &str, bool); 5] = [
    ("QuantityOnSalesOrder", false, "IncludeOnSalesOrder", true),
    ("QuantityOnBackOrder", false, "IncludeOnBackOrder", true),
    ("QuantityOnPurchaseOrder", true, "IncludeOnPurchaseOrder", false),
    ("QuantityOnWorkOrder", true, "IncludeOnWorkOrder", false),
    ("QuantityRequiredForWO", false, "IncludeRequiredForWO", false),
];

/// In stock less what is ordered; purchase orders and work tickets only where the company's
/// own options say so.
pub(super) fn available(t: &Tx<'_>, view: &View<'_>, documents: &Documents) -> Result<Vec<Json>, StoreError> {
    let Some(on_hand) = Amount::of(view.dataset, "QuantityOnHand") else {
        return Ok(Vec::new());
    };
    let mut parts = Vec::new();
    for (column, adds, option, otherwise) in PARTS {
        if is_on(t, view, option, otherwise)? {
            let Some(amount) = Amount::of(view.dataset, column) else {
                return Ok(Vec::new());
            };
            parts.push((amount, adds));
        }
    }
    let mut quantities = Vec::with_capacity(documents.keys.len());
    for row in 0..documents.keys.len() {
        let mut quantity = on_hand.value(documents, row);
        for (part, adds) in &parts {
            let part = part.value(documents, row);
            let sum = if *adds {
                quantity.checked_add(part)
            } else {
                quantity.checked_sub(part)
            };
            quantity = sum.map_err(too_large)?;
        }
        quantities.push(shown(quantity));
    }
    Ok(quantities)
}

/// Is this option of the company's inventory on?
fn is_on(t: &Tx<'_>, view: &View<'_>, option: &str, otherwise: bool) -> Result<bool, StoreError> {
    let Some(company) = view.catalog.get("company_options") else {
        return Ok(otherwise);
    };
    let found = company.children.iter().find_map(|child| {
        let field = child.fields.iter().find(|f| f.column == option)?;
        Some((child_table(company.name.as_str(), &child.name), field))
    });
    let Some((table, field)) = found else {
        return Ok(otherwise);
    };
    let sql = format!(
        "SELECT \"{}\" FROM \"{table}\" WHERE tenant = ? AND company = ? ORDER BY key, _ordinal LIMIT 1",
        field.name
    );
    let own = (view.scope.tenant().as_str(), view.company.as_str());
    let value: Option<String> = t.one(&sql, own, |row| row.get(0))?;
    Ok(match value.as_deref() {
        Some("Y") => true,
        Some("N") => false,
        Some(_) | None => otherwise,
    })
}

/// Ordered through the hub and not yet entered, by item and warehouse. A line without a
/// warehouse takes the order's, then the item's own.
pub(super) fn queued(t: &Tx<'_>, view: &View<'_>, documents: &Documents) -> Result<Vec<Json>, StoreError> {
    let place = |column: &str| view.dataset.field_of_column(column).map(|(place, _)| place);
    let (Some(item), Some(warehouse), Some(on_hand)) = (
        place("ItemCode"),
        place("WarehouseCode"),
        Amount::of(view.dataset, "QuantityOnHand"),
    ) else {
        return Ok(Vec::new());
    };
    let text = |place: usize, row: usize| match documents.batch.parent_value(place, row) {
        Value::Text(text) => text.to_owned(),
        Value::Decimal(_) | Value::Date(_) => String::new(),
    };
    let rows = 0..documents.keys.len();
    let items: BTreeSet<String> = rows.clone().map(|row| text(item, row)).collect();
    let queued = open_lines(t, view, &items, on_hand.scale)?;
    Ok(rows
        .map(|row| {
            let quantity = queued.get(&(text(item, row), text(warehouse, row)));
            shown(quantity.copied().unwrap_or(Decimal::zero(on_hand.scale)))
        })
        .collect())
}

/// By item and warehouse, of these items.
fn open_lines(
    t: &Tx<'_>,
    view: &View<'_>,
    items: &BTreeSet<String>,
    scale: u8,
) -> Result<HashMap<(String, String), Decimal>, StoreError> {
    let by_key = ByKey {
        table: QUEUED,
        columns: "warehouse, amount",
        order: "import, place",
    };
    let (tenant, company) = (view.scope.tenant().as_str(), view.company.as_str());
    let items: Vec<&String> = items.iter().collect();
    let keys: Vec<Key> = items.iter().map(|item| Key::from_parts([item])).collect();
    let mut lines = Vec::new();
    t.each_by_key(&[by_key], tenant, company, &keys, |_, place, row| {
        lines.push((place, row.get::<String>(0)?, row.get::<String>(1)?));
        Ok(())
    })?;
    let mut sums = HashMap::new();
    let mut own_warehouses: HashMap<u32, String> = HashMap::new();
    for (place, warehouse, amount) in lines {
        let item = usize::try_from(place).ok().and_then(|place| items.get(place));
        let Some(item) = item else { continue };
        let warehouse = match own_warehouses.get(&place) {
            _ if !warehouse.is_empty() => warehouse,
            Some(own) => own.clone(),
            None => {
                let own = default_warehouse(t, view, item)?;
                own_warehouses.insert(place, own.clone());
                own
            }
        };
        let quantity = Decimal::parse(&amount, scale)
            .map_err(|_| StoreError::corrupt(format!("the quantity {amount}")))?;
        let sum = sums
            .entry((String::clone(item), warehouse))
            .or_insert(Decimal::zero(scale));
        *sum = sum.checked_add(quantity).map_err(too_large)?;
    }
    Ok(sums)
}

fn default_warehouse(t: &Tx<'_>, view: &View<'_>, item_code: &str) -> Result<String, StoreError> {
    let items = view.catalog.get("items");
    let Some((items, (_, field))) = items.and_then(|i| Some((i, i.field_of_column("DefaultWarehouseCode")?)))
    else {
        return Ok(String::new());
    };
    let sql = format!(
        "SELECT \"{}\" FROM \"{}\" WHERE tenant = ? AND company = ? AND key = ?",
        field.name, items.name
    );
    let key = Key::from_parts([item_code]);
    let own = (view.scope.tenant().as_str(), view.company.as_str(), key.as_str());
    let found: Option<String> = t.one(&sql, own, |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}
