//! Documents on their way into the ERP: the platform's side.

mod decisions;
mod driver;
mod queue;
mod redaction;
mod tenders;

use std::collections::BTreeSet;

use crate::engine::{Param, Row, Tx};
use catalog::Catalog;
use jiff::Timestamp;
use model::{Attempt, Decision, ImportKind, ImportReport, ImportState};
use serde_json::{Value as Json, json};
use values::{CompanyId, ImportId, Key, TenantId};

use super::audit::{self, Act};
use super::condition::Condition;
use super::{derived, micros, people, timestamp, webhooks};
use crate::{
    AuditAction, Import, ImportPage, ImportQuery, NewImport, StoreError, TenantScope, WakeKind, import_id,
};

pub(super) use decisions::{OPEN, decide_by_platform, discard_all, edit};
pub(super) use driver::{
    accept, check_lease, decide as decide_at_driver, discarded, grant_lease, open, report, reserve, work,
};
pub(super) use queue::fill_queue;
pub(super) use redaction::{redact, tenants_due};
pub(super) use tenders::fill_in;

const COLUMNS: &str = "id, kind, company, revision, state, customer, report, decision, redacted_at, created_at, \
                       updated_at, number";
/// Imports carry their attempts: a page stays below a few MiB.
const MAX_IMPORTS: u32 = 1000;

pub(super) fn add(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    new: &NewImport,
    now: Timestamp,
) -> Result<Import, StoreError> {
    let tenant = scope.tenant();
    let id = import_id(tenant, new.kind, &new.idempotency_key);
    let sql = "SELECT body_hash FROM hub_imports WHERE tenant = ? AND id = ?";
    let stored: Option<Vec<u8>> = t.one(sql, (tenant.as_str(), id.as_str()), |row| row.get(0))?;
    if let Some(stored) = stored {
        return if stored == new.body_hash {
            get(t, scope, &id)
        } else {
            Err(StoreError::IdempotencyConflict(id))
        };
    }
    check_company(t, scope, &new.company)?;
    let said = tenders::read(new.kind, &new.body);
    let sql = "INSERT INTO hub_imports (tenant, id, number, kind, idempotency_key, company, body, body_hash, \
               revision, state, customer, created_at, updated_at) VALUES (?1, ?2, \
               (SELECT coalesce(max(number), 0) + 1 FROM hub_imports WHERE tenant = ?1), \
               ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9, ?10, ?10)";
    t.execute(
        sql,
        (
            tenant.as_str(),
            id.as_str(),
            new.kind.as_str(),
            &new.idempotency_key,
            new.company.as_str(),
            new.body.to_string(),
            &new.body_hash,
            ImportState::Received.as_str(),
            said.customer.as_ref().map(Key::as_str),
            micros(now),
        ),
    )?;
    t.wake(WakeKind::Work, tenant);
    webhooks::import_moved(t, tenant, id.as_str())?;
    tenders::put(t, tenant, &new.company, &id, &said, now)?;
    queue::put(t, (tenant, &new.company, &id), new.kind, &new.body)?;
    let act = Act {
        action: AuditAction::ImportAccepted,
        subject: id.as_str(),
        company: Some(&new.company),
        details: json!({ "kind": new.kind.as_str() }),
    };
    audit::note(t, tenant, &scope.actor(), act, now)?;
    if new.kind == ImportKind::Payment {
        move_up(t, catalog, tenant, &new.company, &[&new.body], now)?;
    }
    get(t, scope, &id)
}

pub(super) fn check_company(t: &Tx<'_>, scope: &TenantScope, company: &CompanyId) -> Result<(), StoreError> {
    if !scope.sees(company) || people::company(t, scope.tenant(), company)?.is_none() {
        return Err(StoreError::CompanyUnknown(company.clone()));
    }
    Ok(())
}

pub(super) fn get(t: &Tx<'_>, scope: &TenantScope, id: &ImportId) -> Result<Import, StoreError> {
    let sql = format!("SELECT {COLUMNS}, body FROM hub_imports WHERE tenant = ? AND id = ?");
    let own = (scope.tenant().as_str(), id.as_str());
    let import = t.one(&sql, own, |row| import_row(t, scope.tenant(), row, true))?;
    import
        .filter(|import| scope.sees(&import.company))
        .ok_or_else(|| StoreError::ImportUnknown(id.clone()))
}

pub(super) fn list(t: &Tx<'_>, scope: &TenantScope, query: &ImportQuery) -> Result<ImportPage, StoreError> {
    let limit = query.limit.clamp(1, MAX_IMPORTS);
    let mut wanted = Condition::of(scope.tenant());
    wanted.and("state =", query.state.map(|state| Param::Text(state.as_str())));
    wanted.and("kind =", query.kind.map(|kind| Param::Text(kind.as_str())));
    let company = query
        .company
        .as_ref()
        .map(|company| Param::Text(company.as_str()));
    wanted.and("company =", company);
    let customer = query
        .customer
        .as_ref()
        .map(|customer| Param::Text(customer.as_str()));
    wanted.and("customer =", customer);
    let before = query.before.map(|number| Param::Integer(number.cast_signed()));
    wanted.and("number <", before);
    // A token of no company sees nothing.
    wanted.of_companies(scope.companies.as_ref());
    // One more than asked for tells whether there is a next page.
    let limited = wanted.place(Param::Integer(i64::from(limit) + 1));
    let body = if query.with_body { ", body" } else { "" };
    let sql = format!(
        "SELECT {COLUMNS}{body} FROM hub_imports WHERE {} ORDER BY number DESC LIMIT {limited}",
        wanted.text
    );
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut page = ImportPage::default();
    let mut last = None;
    t.each(&sql, wanted.values.as_slice(), |row| {
        if page.data.len() == most {
            page.next = last;
            return Ok(());
        }
        page.data
            .push(import_row(t, scope.tenant(), row, query.with_body)?);
        last = Some(row.get::<i64>(11)?.cast_unsigned());
        Ok(())
    })?;
    Ok(page)
}

/// What a change of a document is decided by.
struct Known {
    id: ImportId,
    kind: ImportKind,
    company: CompanyId,
    revision: u32,
    accepted: Option<u32>,
    state: ImportState,
    is_redacted: bool,
    created_at: i64,
}

impl Known {
    /// No driver has taken up this revision.
    fn is_waiting_for_driver(&self) -> bool {
        self.state == ImportState::Received && self.accepted.is_none_or(|a| a < self.revision)
    }

    fn not_editable(&self, action: &'static str) -> StoreError {
        let state = self.state.as_str();
        let state = match (self.state, self.is_redacted) {
            (_, true) => format!("{state} and redacted"),
            (ImportState::Received, false) => format!("{state}, taken up by the driver"),
            (_, false) => state.to_owned(),
        };
        StoreError::ImportNotEditable {
            id: self.id.clone(),
            state,
            action,
        }
    }
}

fn known(t: &Tx<'_>, tenant: &TenantId, id: &ImportId) -> Result<Known, StoreError> {
    let sql = "SELECT kind, company, revision, accepted, state, redacted_at, created_at FROM hub_imports \
               WHERE tenant = ? AND id = ?";
    let known = t.one(sql, (tenant.as_str(), id.as_str()), |row| {
        Ok(Known {
            id: id.clone(),
            kind: import_kind(&row.get::<String>(0)?)?,
            company: CompanyId::new(row.get::<String>(1)?),
            revision: row.get(2)?,
            accepted: row.get(3)?,
            state: import_state(&row.get::<String>(4)?)?,
            is_redacted: row.get::<Option<i64>>(5)?.is_some(),
            created_at: row.get(6)?,
        })
    })?;
    known.ok_or_else(|| StoreError::ImportUnknown(id.clone()))
}

fn seen(t: &Tx<'_>, scope: &TenantScope, id: &ImportId) -> Result<Known, StoreError> {
    let known = known(t, scope.tenant(), id)?;
    if scope.sees(&known.company) {
        Ok(known)
    } else {
        Err(StoreError::ImportUnknown(id.clone()))
    }
}

/// When a document becomes final, in the store's form.
fn settled_at(state: ImportState, now: Timestamp) -> Option<i64> {
    match state {
        ImportState::Written | ImportState::Refused | ImportState::Discarded => Some(micros(now)),
        ImportState::Received
        | ImportState::Validated
        | ImportState::Waiting
        | ImportState::Writing
        | ImportState::Held
        | ImportState::InDoubt => None,
    }
}

/// Invoices of a payment come again in the feed when it joins or leaves the queue.
fn moved(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    id: &ImportId,
    (before, former): (&Known, Option<&Json>),
    after: ImportState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let changes = derived::is_queued(before.state) != derived::is_queued(after) || former.is_some();
    if before.kind != ImportKind::Payment || !changes || before.is_redacted {
        return Ok(());
    }
    let body = body_of(t, tenant, id)?;
    let bodies: Vec<_> = former.into_iter().chain([&body]).collect();
    move_up(t, catalog, tenant, &before.company, &bodies, now)
}

fn move_up(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    company: &CompanyId,
    bodies: &[&Json],
    now: Timestamp,
) -> Result<(), StoreError> {
    let lines = bodies.iter().flat_map(|body| derived::paid_invoices(body));
    let invoices: BTreeSet<Key> = lines.map(|(invoice, _)| invoice).collect();
    derived::move_up(t, catalog, tenant, company, &invoices, now)
}

fn body_of(t: &Tx<'_>, tenant: &TenantId, id: &ImportId) -> Result<Json, StoreError> {
    let sql = "SELECT body FROM hub_imports WHERE tenant = ? AND id = ?";
    let body: String = t.row(sql, (tenant.as_str(), id.as_str()), |row| row.get(0))?;
    parsed("a body", &body)
}

fn import_row(t: &Tx<'_>, tenant: &TenantId, row: &Row<'_>, with_body: bool) -> Result<Import, StoreError> {
    let id = ImportId::new(row.get::<String>(0)?);
    let revision: u32 = row.get(3)?;
    let report: Option<ImportReport> = report_of(row.get(6)?)?;
    let redacted_at = row.get::<Option<i64>>(8)?.map(timestamp).transpose()?;
    let body = match redacted_at {
        None if with_body => Some(parsed("a body", &row.get::<String>(12)?)?),
        None | Some(_) => None,
    };
    let state = import_state(&row.get::<String>(4)?)?;
    // Giving up is a revision of its own, of which nothing was tried.
    let tried = revision - u32::from(state == ImportState::Discarded && revision > 1);
    Ok(Import {
        kind: import_kind(&row.get::<String>(1)?)?,
        company: CompanyId::new(row.get::<String>(2)?),
        revision,
        state,
        customer: row.get::<Option<String>>(5)?.map(Key::from_stored),
        attempts: attempts(t, tenant, &id, tried, report.as_ref())?,
        report,
        decision: decision_of(row.get(7)?)?,
        body,
        redacted_at,
        created_at: timestamp(row.get(9)?)?,
        updated_at: timestamp(row.get(10)?)?,
        id,
    })
}

/// Attempts of all revisions. A driver may tell those of earlier ones again.
fn attempts(
    t: &Tx<'_>,
    tenant: &TenantId,
    id: &ImportId,
    revision: u32,
    report: Option<&ImportReport>,
) -> Result<Vec<(u32, Attempt)>, StoreError> {
    let mut all: Vec<(u32, Attempt)> = Vec::new();
    let mut add = |revision: u32, attempts: &[Attempt]| {
        for attempt in attempts {
            if !all.iter().any(|(_, known)| known == attempt) {
                all.push((revision, attempt.clone()));
            }
        }
    };
    if revision > 1 {
        let sql = "SELECT revision, report FROM hub_import_revisions WHERE tenant = ? AND import = ? \
                   AND report IS NOT NULL ORDER BY revision";
        t.each(sql, (tenant.as_str(), id.as_str()), |row| {
            if let Some(report) = report_of(row.get(1)?)? {
                add(row.get(0)?, &report.attempts);
            }
            Ok(())
        })?;
    }
    if let Some(report) = report {
        add(revision, &report.attempts);
    }
    Ok(all)
}

fn report_of(text: Option<String>) -> Result<Option<ImportReport>, StoreError> {
    text.map(|text| parsed("a report", &text)).transpose()
}

fn decision_of(text: Option<String>) -> Result<Option<Decision>, StoreError> {
    text.map(|text| parsed("a decision", &text)).transpose()
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::corrupt(format!("{what}: {e}")))
}

pub(super) fn import_kind(name: &str) -> Result<ImportKind, StoreError> {
    ImportKind::from_name(name).ok_or_else(|| StoreError::corrupt(format!("the import kind {name}")))
}

pub(super) fn import_state(name: &str) -> Result<ImportState, StoreError> {
    ImportState::from_name(name).ok_or_else(|| StoreError::corrupt(format!("the import state {name}")))
}
