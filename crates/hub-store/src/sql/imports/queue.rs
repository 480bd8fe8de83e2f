//! What open documents take: quantities of items, amounts on invoices. One row for each line, as
//! long as its document waits to be entered, so that a computed field looks up what stands under
//! its record's key and reads no body.

use model::{ImportKind, ImportState};
use serde::Deserialize;
use serde_json::Value as Json;
use values::{CompanyId, ImportId, Key, TenantId};

use super::{body_of, import_kind, parsed};
use crate::StoreError;
use crate::engine::{Param, Tx};
use crate::sql::derived;

/// Lines written by one statement.
const AT_ONCE: usize = 100;

/// What one line takes.
struct Taken {
    /// Of the item, or of the invoice (without its type where the payment names none).
    key: Key,
    /// Blank: the item's own. Blank of an invoice.
    warehouse: String,
    /// As it was sent.
    amount: String,
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

fn taken(kind: ImportKind, body: &Json) -> Vec<Taken> {
    match kind {
        ImportKind::SalesOrder => Order::deserialize(body).map(ordered).unwrap_or_default(),
        ImportKind::Payment => {
            let paid = derived::paid_invoices(body).into_iter();
            let taken = paid.map(|(key, amount)| Taken {
                key,
                warehouse: String::new(),
                amount: amount.to_string(),
            });
            taken.collect()
        }
        ImportKind::Customer => Vec::new(),
    }
}

fn ordered(order: Order) -> Vec<Taken> {
    let lines = order.lines.into_iter().filter(|l| !l.quantity_ordered.is_null());
    let taken = lines.map(|line| {
        let warehouse = line.warehouse_code.or_else(|| order.warehouse_code.clone());
        // A text, or a whole number.
        let quantity = line.quantity_ordered;
        Taken {
            key: Key::from_parts([&line.item_code]),
            warehouse: warehouse.unwrap_or_default(),
            amount: quantity
                .as_str()
                .map_or_else(|| quantity.to_string(), str::to_owned),
        }
    });
    taken.collect()
}

/// Keeps what the document takes in the place of what it took before.
pub(super) fn put(
    t: &Tx<'_>,
    (tenant, company, import): (&TenantId, &CompanyId, &ImportId),
    kind: ImportKind,
    body: &Json,
) -> Result<(), StoreError> {
    forget(t, tenant, import)?;
    let lines = taken(kind, body);
    for (first, lines) in (0..).step_by(AT_ONCE).zip(lines.chunks(AT_ONCE)) {
        let values = vec!["(?, ?, ?, ?, ?, ?, ?)"; lines.len()].join(", ");
        let sql = format!(
            "INSERT INTO hub_queued (tenant, import, place, company, key, warehouse, amount) VALUES {values}"
        );
        let mut parameters = Vec::with_capacity(lines.len() * 7);
        for (place, line) in (first..).zip(lines) {
            parameters.extend([
                Param::Text(tenant.as_str()),
                Param::Text(import.as_str()),
                Param::Integer(place),
                Param::Text(company.as_str()),
                Param::Text(line.key.as_str()),
                Param::Text(&line.warehouse),
                Param::Text(&line.amount),
            ]);
        }
        t.execute(&sql, parameters.as_slice())?;
    }
    Ok(())
}

/// Follows the document into another state.
pub(super) fn follow(
    t: &Tx<'_>,
    (tenant, company, import): (&TenantId, &CompanyId, &ImportId),
    kind: ImportKind,
    state: ImportState,
) -> Result<(), StoreError> {
    if !derived::is_queued(state) {
        return forget(t, tenant, import);
    }
    let sql = "SELECT 1 FROM hub_queued WHERE tenant = ? AND import = ? LIMIT 1";
    if kind == ImportKind::Customer || t.exists(sql, (tenant.as_str(), import.as_str()))? {
        return Ok(());
    }
    let body = body_of(t, tenant, import)?;
    put(t, (tenant, company, import), kind, &body)
}

pub(super) fn forget(t: &Tx<'_>, tenant: &TenantId, import: &ImportId) -> Result<(), StoreError> {
    let sql = "DELETE FROM hub_queued WHERE tenant = ? AND import = ?";
    t.execute(sql, (tenant.as_str(), import.as_str()))?;
    Ok(())
}

/// Fills in what older versions did not keep.
pub(in crate::sql) fn fill_queue(t: &Tx<'_>) -> Result<(), StoreError> {
    let sql = "SELECT tenant, company, id, kind, body FROM hub_imports \
               WHERE state IN ('received', 'validated', 'waiting', 'writing', 'held') ORDER BY tenant, number";
    let open = t.all(sql, (), |row| {
        let whose = (
            TenantId::new(row.get::<String>(0)?),
            CompanyId::new(row.get::<String>(1)?),
            ImportId::new(row.get::<String>(2)?),
        );
        Ok((whose, row.get::<String>(3)?, row.get::<String>(4)?))
    })?;
    for ((tenant, company, import), kind, body) in open {
        let body = parsed("a body", &body)?;
        put(t, (&tenant, &company, &import), import_kind(&kind)?, &body)?;
    }
    Ok(())
}
