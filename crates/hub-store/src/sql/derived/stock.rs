//! Stock: what may be promised, and what waits to be entered.

use std::collections::HashMap;

use crate::engine::Tx;
use catalog::Value;
use serde::Deserialize;
use serde_json::Value as Json;
use values::Decimal;

use super::{Amount, shown, too_large};
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

/// The parts of a posted order that say what is taken from where.
#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    warehouse_code: Option<String>,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    item_code: String,
    #[serde(default)]
    warehouse_code: Option<String>,
    /// None in a comment.
    #[serde(default)]
    quantity_ordered: Json,
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
    let queued = open_lines(t, view, on_hand.scale)?;
    let text = |place: usize, row: usize| match documents.batch.parent_value(place, row) {
        Value::Text(text) => text.to_owned(),
        Value::Decimal(_) | Value::Date(_) => String::new(),
    };
    let rows = 0..documents.keys.len();
    Ok(rows
        .map(|row| {
            let quantity = queued.get(&(text(item, row), text(warehouse, row)));
            shown(quantity.copied().unwrap_or(Decimal::zero(on_hand.scale)))
        })
        .collect())
}

fn open_lines(
    t: &Tx<'_>,
    view: &View<'_>,
    scale: u8,
) -> Result<HashMap<(String, String), Decimal>, StoreError> {
    let sql = "SELECT body FROM hub_imports WHERE tenant = ? AND company = ? AND kind = 'sales_order' \
               AND state IN ('received', 'validated', 'waiting', 'writing', 'held')";
    let mut sums = HashMap::new();
    let mut own_warehouses: HashMap<String, String> = HashMap::new();
    t.each(
        sql,
        (view.scope.tenant().as_str(), view.company.as_str()),
        |row| {
            let body: String = row.get(0)?;
            let order: Order =
                serde_json::from_str(&body).map_err(|e| StoreError::corrupt(format!("a body: {e}")))?;
            for line in order.lines.into_iter().filter(|l| !l.quantity_ordered.is_null()) {
                let warehouse = line.warehouse_code.or_else(|| order.warehouse_code.clone());
                let warehouse = match warehouse.filter(|w| !w.is_empty()) {
                    Some(warehouse) => warehouse,
                    None => match own_warehouses.get(&line.item_code) {
                        Some(known) => known.clone(),
                        None => {
                            let found = default_warehouse(t, view, &line.item_code)?;
                            own_warehouses.insert(line.item_code.clone(), found.clone());
                            found
                        }
                    },
                };
                // A text, or a whole number.
                let quantity = line.quantity_ordered;
                let quantity = quantity
                    .as_str()
                    .map_or_else(|| quantity.to_string(), str::to_owned);
                let quantity = Decimal::parse(&quantity, scale)
                    .map_err(|_| StoreError::corrupt(format!("the quantity {quantity}")))?;
                let sum = sums
                    .entry((line.item_code, warehouse))
                    .or_insert(Decimal::zero(scale));
                *sum = sum.checked_add(quantity).map_err(too_large)?;
            }
            Ok(())
        },
    )?;
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
    let key = values::Key::from_parts([item_code]);
    let own = (view.scope.tenant().as_str(), view.company.as_str(), key.as_str());
    let found: Option<String> = t.one(&sql, own, |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}
