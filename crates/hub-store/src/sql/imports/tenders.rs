//! Money that came with documents: one row for each document with a tender, so that a
//! gateway's transaction stands once, and a day can be added up, long after the body is
//! forgotten.

use crate::engine::Tx;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{
    Customer, CustomerRef, CustomerRequest, ImportKind, ImportState, Payment, PaymentKind, SalesOrder, Tender,
};
use serde_json::Value as Json;
use values::{CompanyId, ImportId, Key, TenantId};

use super::{import_kind, import_state, parsed};
use crate::StoreError;
use crate::sql::{people, timestamp};

/// What a body says of customer and money.
#[derive(Default)]
pub(super) struct Said {
    pub(super) customer: Option<Key>,
    tender: Option<(PaymentKind, Tender)>,
}

/// Reads a body; one that cannot be read says nothing.
pub(super) fn read(kind: ImportKind, body: &Json) -> Said {
    match kind {
        ImportKind::SalesOrder => SalesOrder::parse(body).map_or_else(
            |_| Said::default(),
            |order| Said {
                customer: key_of(&order.customer),
                tender: order.payment.map(|tender| (PaymentKind::Payment, tender)),
            },
        ),
        ImportKind::Payment => Payment::parse(body).map_or_else(
            |_| Said::default(),
            |payment| Said {
                customer: key_of(&payment.customer),
                tender: Some((payment.kind, payment.tender)),
            },
        ),
        ImportKind::Customer => match CustomerRequest::parse(body) {
            Ok(CustomerRequest::Update { customer, .. }) => Said {
                customer: Some(key_of_ref(&customer)),
                tender: None,
            },
            Ok(CustomerRequest::Create(_)) | Err(_) => Said::default(),
        },
    }
}

fn key_of(customer: &Customer) -> Option<Key> {
    match customer {
        Customer::Known(customer) => Some(key_of_ref(customer)),
        Customer::New(_) | Customer::Guest(_) => None,
    }
}

fn key_of_ref(customer: &CustomerRef) -> Key {
    Key::from_parts([&customer.ar_division_no, &customer.customer_no])
}

/// Keeps the money of a document in the place of what it had before, and claims the
/// gateway's transaction for it.
pub(super) fn put(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    import: &ImportId,
    said: &Said,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    t.execute(
        "DELETE FROM hub_tenders WHERE tenant = ? AND import = ?",
        (tenant.as_str(), import.as_str()),
    )?;
    let Some((kind, tender)) = &said.tender else {
        return Ok(());
    };
    // What was captured on no named day counts for the day on which it came.
    let day = match tender.captured_on {
        Some(day) => day,
        None => {
            let zone = people::company(t, tenant, company)?.and_then(|c| c.time_zone);
            let zone = zone.and_then(|name| TimeZone::get(&name).ok());
            zone.unwrap_or(TimeZone::UTC).to_datetime(created_at).date()
        }
    };
    let sql = "INSERT INTO hub_tenders VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)";
    t.execute(
        sql,
        (
            tenant.as_str(),
            import.as_str(),
            company.as_str(),
            kind.as_str(),
            tender.payment_type.as_deref(),
            tender.amount.to_string(),
            tender.gateway_transaction_id.as_deref(),
            day.to_string(),
        ),
    )?;
    claim(t, tenant, import)
}

/// Claims the document's transaction: no other may have it under the same kind.
pub(super) fn claim(t: &Tx<'_>, tenant: &TenantId, import: &ImportId) -> Result<(), StoreError> {
    if let Some((transaction, by)) = holder(t, tenant, import)? {
        return Err(StoreError::TransactionUsed { transaction, by });
    }
    mark(t, tenant, import, true)
}

/// A document that is refused or given up frees its transaction.
pub(super) fn follow(
    t: &Tx<'_>,
    tenant: &TenantId,
    import: &ImportId,
    state: ImportState,
) -> Result<(), StoreError> {
    // The driver's word counts even where another document has taken the transaction since.
    let claims = !frees(state) && holder(t, tenant, import)?.is_none();
    mark(t, tenant, import, claims)
}

const fn frees(state: ImportState) -> bool {
    match state {
        ImportState::Refused | ImportState::Discarded => true,
        ImportState::Received
        | ImportState::Validated
        | ImportState::Waiting
        | ImportState::Writing
        | ImportState::Written
        | ImportState::Held
        | ImportState::InDoubt => false,
    }
}

/// The document's transaction, when another document has it.
fn holder(
    t: &Tx<'_>,
    tenant: &TenantId,
    import: &ImportId,
) -> Result<Option<(String, ImportId)>, StoreError> {
    let sql = "SELECT other.gateway_transaction, other.import FROM hub_tenders own JOIN hub_tenders other \
               ON other.tenant = own.tenant AND other.gateway_transaction = own.gateway_transaction \
               AND other.kind = own.kind AND other.claims = 1 AND other.import <> own.import \
               WHERE own.tenant = ? AND own.import = ?";
    let found = t.one(sql, (tenant.as_str(), import.as_str()), |row| {
        Ok((row.get(0)?, ImportId::new(row.get::<String>(1)?)))
    })?;
    Ok(found)
}

fn mark(t: &Tx<'_>, tenant: &TenantId, import: &ImportId, claims: bool) -> Result<(), StoreError> {
    let sql = "UPDATE hub_tenders SET claims = ? WHERE tenant = ? AND import = ?";
    t.execute(sql, (claims, tenant.as_str(), import.as_str()))?;
    Ok(())
}

/// Fills in what older versions did not keep: of two documents with one transaction, the
/// first one has it.
pub(in crate::sql) fn fill_in(t: &Tx<'_>) -> Result<(), StoreError> {
    let sql =
        "SELECT tenant, id, company, kind, state, created_at, body FROM hub_imports ORDER BY tenant, number";
    t.each(sql, (), |row| {
        let tenant = TenantId::new(row.get::<String>(0)?);
        let id = ImportId::new(row.get::<String>(1)?);
        let company = CompanyId::new(row.get::<String>(2)?);
        let kind = import_kind(&row.get::<String>(3)?)?;
        let state = import_state(&row.get::<String>(4)?)?;
        let said = read(kind, &parsed("a body", &row.get::<String>(6)?)?);
        let sql = "UPDATE hub_imports SET customer = ? WHERE tenant = ? AND id = ?";
        let customer = said.customer.as_ref().map(Key::as_str);
        t.execute(sql, (customer, tenant.as_str(), id.as_str()))?;
        match put(t, &tenant, &company, &id, &said, timestamp(row.get(5)?)?) {
            Ok(()) if frees(state) => mark(t, &tenant, &id, false),
            Ok(()) | Err(StoreError::TransactionUsed { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    })
}
