//! What became of a written order in the ERP, put together from the datasets that hold
//! orders, shipments, invoices and the orders' history. Every look-up goes over a key or an
//! index.
//!
//! How the ERP changes the quantities of a partly shipped order is not published: it is
//! assumed that a shipment that is not posted leaves the order's lines as they are.

use crate::engine::{Row, Tx};
use catalog::{Catalog, Class, RemovalReason};
use jiff::Timestamp;
use model::{ImportKind, ImportState};
use values::{CompanyId, Key};

use super::{feed, timestamp};
use crate::{Import, OrderInvoice, OrderStatus, OrderThread, StoreError, TenantScope, Tombstone};

/// Tracking numbers that are shown.
const MAX_TRACKING: usize = 100;

/// Fields that are looked at, by dataset and kind of nested row.
const NEEDED: [(&str, Option<&str>, &[&str]); 7] = [
    ("sales_orders", None, &["order_status", "cancel_reason_code"]),
    ("sales_orders", Some("lines"), &["quantity_ordered"]),
    (
        "sales_order_history",
        None,
        &["order_status", "cancel_reason_code"],
    ),
    ("shipments", None, &["sales_order_no"]),
    ("shipments", Some("lines"), &["quantity_shipped"]),
    ("shipments", Some("tracking"), &["tracking_id"]),
    (
        "invoices",
        None,
        &["sales_order_no", "invoice_no", "invoice_date"],
    ),
];

pub(super) fn order_thread(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    import: &Import,
) -> Result<Option<OrderThread>, StoreError> {
    let number = import
        .report
        .as_ref()
        .and_then(|r| r.numbers.get("sales_order_no"));
    let (ImportKind::SalesOrder, ImportState::Written, Some(number)) = (import.kind, import.state, number)
    else {
        return Ok(None);
    };
    if !is_known(catalog) || !scope.reads(Class::Public) {
        return Ok(None);
    }
    let found = Found::look(t, catalog, scope, &import.company, number)?;
    Ok(Some(OrderThread {
        status: found.status(),
        order_status: found
            .order
            .as_ref()
            .or(found.history.as_ref())
            .map(|record| record.status.clone()),
        last_seen_at: found.last_seen_at(),
        invoices: found.invoices,
        tracking: found.tracking,
    }))
}

/// Has the catalog what is looked at?
fn is_known(catalog: &Catalog) -> bool {
    NEEDED.iter().all(|(dataset, child, names)| {
        let Some(dataset) = catalog.get(dataset) else {
            return false;
        };
        let fields = match child {
            None => Some(&dataset.fields),
            Some(name) => dataset
                .children
                .iter()
                .find(|c| c.name == *name)
                .map(|c| &c.fields),
        };
        fields.is_some_and(|fields| names.iter().all(|name| fields.iter().any(|f| f.name == *name)))
    })
}

/// An order as the ERP or its history has it.
struct Record {
    status: String,
    cancel_reason: String,
    updated_at: Timestamp,
}

struct Found {
    order: Option<Record>,
    grave: Option<Tombstone>,
    history: Option<Record>,
    /// In millionths.
    ordered: i64,
    /// In shipments that are not posted; none when there is no shipment.
    shipped: Option<i64>,
    invoices: Vec<OrderInvoice>,
    tracking: Vec<String>,
}

impl Found {
    fn look(
        t: &Tx<'_>,
        catalog: &Catalog,
        scope: &TenantScope,
        company: &CompanyId,
        number: &str,
    ) -> Result<Self, StoreError> {
        let key = Key::from_parts([number]);
        let own = (scope.tenant().as_str(), company.as_str(), key.as_str());
        let by_number = (own.0, own.1, number);
        let record = |dataset: &str, condition: &str| -> Result<Option<Record>, StoreError> {
            let sql = format!(
                "SELECT order_status, cancel_reason_code, updated_at FROM \"{dataset}\" \
                 WHERE tenant = ? AND company = ? AND key = ?{condition}"
            );
            t.one(&sql, own, read_record)
        };
        let order = record("sales_orders", " AND _purged_at IS NULL")?;
        // What the ERP purged from its history stays here as it was.
        let history = record("sales_order_history", "")?;
        let grave = match (&order, catalog.get("sales_orders")) {
            (None, Some(orders)) => feed::tombstone(t, orders, scope.tenant(), company, &key)?,
            (Some(_), _) | (_, None) => None,
        };
        let sql = "SELECT CAST(coalesce(sum(quantity_ordered), 0) AS BIGINT) FROM sales_orders__lines \
                   WHERE tenant = ? AND company = ? AND key = ?";
        let ordered = t.row(sql, own, |row| row.get(0))?;
        let sql = "SELECT CAST(sum(coalesce((SELECT sum(l.quantity_shipped) FROM shipments__lines l \
                   WHERE l.tenant = s.tenant AND l.company = s.company AND l.key = s.key), 0)) AS BIGINT) FROM shipments s \
                   WHERE s.tenant = ? AND s.company = ? AND s.sales_order_no = ? AND s._purged_at IS NULL";
        let shipped: Option<i64> = t.one(sql, by_number, |row| row.get(0))?.flatten();
        // Sorted here: an order asked of the database draws it away from the number's index.
        let sql = "SELECT invoice_no, invoice_date FROM invoices \
                   WHERE tenant = ? AND company = ? AND sales_order_no = ?";
        let mut invoices: Vec<OrderInvoice> = t.all(sql, by_number, |row| {
            Ok(OrderInvoice {
                invoice_no: row.get(0)?,
                invoice_date: row.get(1)?,
            })
        })?;
        invoices.sort();
        let mut tracking: Vec<String> = Vec::new();
        for dataset in ["shipments", "invoices"] {
            let children = catalog
                .get(dataset)
                .map(|d| d.children.as_slice())
                .unwrap_or_default();
            if !children.iter().any(|child| child.name == "tracking") {
                continue;
            }
            let sql = format!(
                "SELECT tracking_id FROM \"{dataset}__tracking\" WHERE tenant = ?1 AND company = ?2 \
                 AND key IN (SELECT key FROM \"{dataset}\" WHERE tenant = ?1 AND company = ?2 \
                 AND sales_order_no = ?3) AND tracking_id <> '' LIMIT {MAX_TRACKING}"
            );
            for number in t.all(&sql, by_number, |row| row.get::<String>(0))? {
                if !tracking.contains(&number) {
                    tracking.push(number);
                }
            }
        }
        tracking.sort();
        Ok(Self {
            order,
            grave,
            history,
            ordered,
            shipped,
            invoices,
            tracking,
        })
    }

    fn status(&self) -> OrderStatus {
        match &self.order {
            Some(order) => self.of_open(order),
            None => self.of_gone(),
        }
    }

    fn of_open(&self, order: &Record) -> OrderStatus {
        match self.shipped {
            _ if order.status == "H" => OrderStatus::OnHold,
            Some(shipped) if shipped >= self.ordered => OrderStatus::Shipped,
            Some(_) => OrderStatus::PartlyShipped,
            None if order.status == "C" => OrderStatus::Completed,
            None if !self.invoices.is_empty() => OrderStatus::PartlyShipped,
            None => OrderStatus::Open,
        }
    }

    fn of_gone(&self) -> OrderStatus {
        let history = self.history.as_ref().map(|h| (h.status.as_str(), h));
        match history {
            Some(("C", _)) => OrderStatus::Completed,
            Some(("X" | "Z", history)) if history.cancel_reason.is_empty() => OrderStatus::Deleted,
            Some(("X" | "Z", _)) => OrderStatus::Cancelled,
            Some(_) | None if !self.invoices.is_empty() => OrderStatus::Invoiced,
            Some(_) | None if self.shipped.is_some() => OrderStatus::Shipped,
            Some(_) | None => match self.grave.as_ref().map(|grave| grave.reason) {
                Some(RemovalReason::Deleted) => OrderStatus::Deleted,
                Some(
                    RemovalReason::Filtered
                    | RemovalReason::Moved
                    | RemovalReason::Settled
                    | RemovalReason::Purged,
                )
                | None => OrderStatus::Unknown,
            },
        }
    }

    fn last_seen_at(&self) -> Option<Timestamp> {
        let seen = [
            self.order.as_ref().map(|o| o.updated_at),
            self.grave.as_ref().map(|g| g.deleted_at),
            self.history.as_ref().map(|h| h.updated_at),
        ];
        seen.into_iter().flatten().max()
    }
}

fn read_record(row: &Row<'_>) -> Result<Record, StoreError> {
    Ok(Record {
        status: row.get(0)?,
        cancel_reason: row.get(1)?,
        updated_at: timestamp(row.get(2)?)?,
    })
}
