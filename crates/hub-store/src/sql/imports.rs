//! Documents on their way into the ERP: the platform's side.

mod driver;
mod redaction;
mod tenders;

use std::collections::BTreeSet;

use crate::engine::{Param, Row, ToParam as _, Tx};
use catalog::Catalog;
use jiff::Timestamp;
use model::{Attempt, Decision, ImportKind, ImportReport, ImportState};
use serde_json::{Value as Json, json};
use values::{CompanyId, ImportId, Key, TenantId};
use wire::agent::DecideAction;

use super::audit::{self, Act};
use super::{derived, micros, people, timestamp, webhooks};
use crate::{
    Actor, AuditAction, Import, ImportPage, ImportQuery, NewImport, StoreError, TenantScope, WakeKind,
    import_id,
};

pub(super) use driver::{
    accept, check_lease, decide as decide_at_driver, discarded, grant_lease, report, reserve, work,
};
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
    let mut values = vec![scope.tenant().as_str().param()];
    let mut condition = String::from("tenant = ?1");
    let wanted = [
        ("state =", query.state.map(|s| Param::Text(s.as_str()))),
        ("kind =", query.kind.map(|k| Param::Text(k.as_str()))),
        (
            "company =",
            query.company.as_ref().map(|c| Param::Text(c.as_str())),
        ),
        (
            "customer =",
            query.customer.as_ref().map(|c| Param::Text(c.as_str())),
        ),
        ("number <", query.before.map(|n| Param::Integer(n.cast_signed()))),
    ];
    for (compare, value) in wanted {
        if let Some(value) = value {
            values.push(value);
            condition.push_str(&format!(" AND {compare} ?{}", values.len()));
        }
    }
    if let Some(companies) = &scope.companies {
        let mut places = Vec::with_capacity(companies.len());
        for company in companies {
            values.push(Param::Text(company.as_str()));
            places.push(format!("?{}", values.len()));
        }
        // A token of no company sees nothing.
        let places = if places.is_empty() {
            "NULL".to_owned()
        } else {
            places.join(", ")
        };
        condition.push_str(&format!(" AND company IN ({places})"));
    }
    // One more than asked for tells whether there is a next page.
    values.push(Param::Integer(i64::from(limit) + 1));
    let body = if query.with_body { ", body" } else { "" };
    let sql = format!(
        "SELECT {COLUMNS}{body} FROM hub_imports WHERE {condition} ORDER BY number DESC LIMIT ?{}",
        values.len()
    );
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut page = ImportPage::default();
    let mut last = None;
    t.each(&sql, values.as_slice(), |row| {
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

pub(super) fn edit(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    id: &ImportId,
    (revision, body): (u32, &Json),
    now: Timestamp,
) -> Result<Import, StoreError> {
    let tenant = scope.tenant();
    let known = seen(t, scope, id)?;
    check_revision(&known, Some(revision))?;
    let is_open = match known.state {
        ImportState::Received => known.is_waiting_for_driver(),
        ImportState::Held | ImportState::Refused => true,
        ImportState::Validated
        | ImportState::Waiting
        | ImportState::Writing
        | ImportState::Written
        | ImportState::InDoubt
        | ImportState::Discarded => false,
    };
    if !is_open || known.is_redacted {
        return Err(known.not_editable("edited"));
    }
    let before = body_of(t, tenant, id)?;
    if as_entered(&before) != as_entered(body)
        && let Some(sales_order_no) = entered_order(t, tenant, id)?
    {
        return Err(StoreError::OrderEntered {
            id: id.clone(),
            sales_order_no,
        });
    }
    let said = tenders::read(known.kind, body);
    begin_revision(t, tenant, &known, None, now)?;
    let sql = "UPDATE hub_imports SET body = ?, customer = ? WHERE tenant = ? AND id = ?";
    t.execute(
        sql,
        (
            body.to_string(),
            said.customer.as_ref().map(Key::as_str),
            tenant.as_str(),
            id.as_str(),
        ),
    )?;
    note(
        t,
        tenant,
        &known,
        (AuditAction::ImportEdited, None),
        &scope.actor(),
        now,
    )?;
    let created_at = timestamp(known.created_at)?;
    tenders::put(t, tenant, &known.company, id, &said, created_at)?;
    moved(
        t,
        catalog,
        tenant,
        id,
        (&known, Some(&before)),
        ImportState::Received,
        now,
    )?;
    get(t, scope, id)
}

/// The part of a document that becomes its order.
fn as_entered(body: &Json) -> Json {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "payment" | "expected"));
    }
    body
}

/// The order that was entered for a document that is held or refused since, for what comes behind
/// the order; none when the driver asks for an edit of it to be undone.
fn entered_order(t: &Tx<'_>, tenant: &TenantId, id: &ImportId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT revision, state, report FROM hub_import_revisions WHERE tenant = ?1 AND import = ?2 \
               UNION ALL SELECT revision, state, report FROM hub_imports WHERE tenant = ?1 AND id = ?2 \
               ORDER BY revision";
    let mut entered = None;
    let mut is_to_be_undone = false;
    t.each(sql, (tenant.as_str(), id.as_str()), |row| {
        let state = import_state(&row.get::<String>(1)?)?;
        let Some(report) = report_of(row.get(2)?)? else {
            return Ok(());
        };
        if !matches!(state, ImportState::Held | ImportState::Refused) {
            return Ok(());
        }
        entered = report.numbers.get("sales_order_no").cloned().or(entered.take());
        is_to_be_undone = report
            .problems
            .iter()
            .any(|problem| problem.code == "order_entered");
        Ok(())
    })?;
    Ok(entered.filter(|_| !is_to_be_undone))
}

pub(super) fn decide_by_platform(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    id: &ImportId,
    (revision, action, decision): (Option<u32>, DecideAction, &Decision),
    now: Timestamp,
) -> Result<Import, StoreError> {
    let known = seen(t, scope, id)?;
    decide(
        t,
        catalog,
        scope.tenant(),
        &known,
        (revision, action, decision),
        (&scope.actor(), now),
    )?;
    get(t, scope, id)
}

fn decide(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    known: &Known,
    (revision, action, decision): (Option<u32>, DecideAction, &Decision),
    (by, now): (&Actor, Timestamp),
) -> Result<(), StoreError> {
    check_revision(known, revision)?;
    let incomplete = |missing| StoreError::DecisionIncomplete {
        id: known.id.clone(),
        state: known.state.as_str().to_owned(),
        missing,
    };
    let has_why = !decision.why.trim().is_empty();
    let waits_for_person = match known.state {
        ImportState::Held | ImportState::Refused | ImportState::InDoubt => true,
        ImportState::Received
        | ImportState::Validated
        | ImportState::Waiting
        | ImportState::Writing
        | ImportState::Written
        | ImportState::Discarded => false,
    };
    match action {
        DecideAction::Retry => {
            if !waits_for_person || known.is_redacted {
                return Err(known.not_editable("retried"));
            }
            let accepts = decision.accept.iter().any(|code| code == Decision::IN_DOUBT);
            if known.state == ImportState::InDoubt && !(accepts && has_why) {
                return Err(incomplete(
                    "it is tried again only with in_doubt accepted and a why",
                ));
            }
            if known.state != ImportState::InDoubt && accepts {
                return Err(incomplete(
                    "in_doubt is accepted only of a document that is in doubt",
                ));
            }
            check_accepted(t, tenant, known, decision)?;
            begin_revision(t, tenant, known, Some(decision), now)?;
            note(
                t,
                tenant,
                known,
                (AuditAction::ImportRetried, Some(decision)),
                by,
                now,
            )?;
            tenders::claim(t, tenant, &known.id)?;
            moved(
                t,
                catalog,
                tenant,
                &known.id,
                (known, None),
                ImportState::Received,
                now,
            )
        }
        DecideAction::Discard => {
            if !waits_for_person && !known.is_waiting_for_driver() {
                return Err(known.not_editable("discarded"));
            }
            if !has_why {
                return Err(incomplete("it is given up only with a why"));
            }
            let state = ImportState::Discarded;
            // A driver that is about to take it up finds that it has moved on.
            put_discarded(t, tenant, &known.id, decision, now)?;
            note(
                t,
                tenant,
                known,
                (AuditAction::ImportDiscarded, Some(decision)),
                by,
                now,
            )?;
            t.wake(WakeKind::Work, tenant);
            webhooks::import_moved(t, tenant, known.id.as_str())?;
            tenders::follow(t, tenant, &known.id, state)?;
            moved(t, catalog, tenant, &known.id, (known, None), state, now)
        }
    }
}

/// For the audit log: what the document was, and what was decided about it. Why is for those
/// who see the document.
fn note(
    t: &Tx<'_>,
    tenant: &TenantId,
    known: &Known,
    (action, decision): (AuditAction, Option<&Decision>),
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut details = json!({
        "kind": known.kind.as_str(), "state": known.state.as_str(),
        "revision": { "old": known.revision, "new": known.revision + 1 },
    });
    if let Some(decision) = decision {
        details["accept"] = json!(decision.accept);
    }
    let act = Act {
        action,
        subject: known.id.as_str(),
        company: Some(&known.company),
        details,
    };
    audit::note(t, tenant, by, act, now)
}

/// States in which a document can be given up without looking into the ERP first.
pub(super) const OPEN: [ImportState; 4] = [
    ImportState::Received,
    ImportState::Validated,
    ImportState::Waiting,
    ImportState::Held,
];

/// Gives up all open documents of a company that leaves.
pub(super) fn discard_all(
    t: &Tx<'_>,
    tenant: &TenantId,
    company: &CompanyId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let decision = Decision {
        accept: Vec::new(),
        why: "the company was taken out of the hub".to_owned(),
    };
    let state = ImportState::Discarded;
    for open in OPEN {
        let sql = "SELECT id FROM hub_imports WHERE tenant = ? AND company = ? AND state = ? ORDER BY number";
        let ids = t.all(sql, (tenant.as_str(), company.as_str(), open.as_str()), |row| {
            Ok(ImportId::new(row.get::<String>(0)?))
        })?;
        for id in ids {
            let known = known(t, tenant, &id)?;
            note(
                t,
                tenant,
                &known,
                (AuditAction::ImportDiscarded, Some(&decision)),
                by,
                now,
            )?;
            put_discarded(t, tenant, &id, &decision, now)?;
            tenders::follow(t, tenant, &id, state)?;
        }
    }
    Ok(())
}

fn put_discarded(
    t: &Tx<'_>,
    tenant: &TenantId,
    id: &ImportId,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE hub_imports SET state = ?1, revision = revision + 1, decision = ?2, settled_at = ?3, \
               updated_at = ?3 WHERE tenant = ?4 AND id = ?5";
    t.execute(
        sql,
        (
            ImportState::Discarded.as_str(),
            written(decision)?,
            micros(now),
            tenant.as_str(),
            id.as_str(),
        ),
    )?;
    Ok(())
}

/// What is accepted must be a problem that the document has, or had before it was edited or
/// decided upon: a mistyped code would be taken for a word that was given.
fn check_accepted(
    t: &Tx<'_>,
    tenant: &TenantId,
    known: &Known,
    decision: &Decision,
) -> Result<(), StoreError> {
    let own = (tenant.as_str(), known.id.as_str());
    let sql = "SELECT report FROM hub_imports WHERE tenant = ?1 AND id = ?2 AND report IS NOT NULL UNION ALL \
               SELECT report FROM hub_import_revisions WHERE tenant = ?1 AND import = ?2 AND report IS NOT NULL";
    let mut has = BTreeSet::new();
    if known.state == ImportState::InDoubt {
        has.insert(Decision::IN_DOUBT.to_owned());
    }
    t.each(sql, own, |row| {
        let report: ImportReport = parsed("a report", &row.get::<String>(0)?)?;
        has.extend(report.problems.into_iter().map(|problem| problem.code));
        Ok(())
    })?;
    match decision.accept.iter().find(|code| !has.contains(*code)) {
        None => Ok(()),
        Some(code) => Err(StoreError::AcceptUnknown {
            id: known.id.clone(),
            code: code.clone(),
            has: has.into_iter().collect(),
        }),
    }
}

/// Keeps what came of the revision and begins the next one.
fn begin_revision(
    t: &Tx<'_>,
    tenant: &TenantId,
    known: &Known,
    decision: Option<&Decision>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let own = (tenant.as_str(), known.id.as_str());
    let sql = "INSERT INTO hub_import_revisions SELECT tenant, id, revision, state, report, decision, ?3 \
               FROM hub_imports WHERE tenant = ?1 AND id = ?2";
    t.execute(sql, (own.0, own.1, micros(now)))?;
    let sql = "UPDATE hub_imports SET revision = revision + 1, state = 'received', report = NULL, decision = ?, \
               settled_at = NULL, updated_at = ? WHERE tenant = ? AND id = ?";
    let decision = decision.map(written).transpose()?;
    t.execute(sql, (decision, micros(now), own.0, own.1))?;
    t.wake(WakeKind::Work, tenant);
    webhooks::import_moved(t, tenant, own.1)
}

fn written(decision: &Decision) -> Result<String, StoreError> {
    serde_json::to_string(decision).map_err(|e| StoreError::corrupt(format!("a decision: {e}")))
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

fn check_revision(known: &Known, given: Option<u32>) -> Result<(), StoreError> {
    match given {
        Some(given) if given != known.revision => Err(StoreError::RevisionStale {
            id: known.id.clone(),
            found: known.revision,
            given,
        }),
        Some(_) | None => Ok(()),
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
    let revision = row.get(3)?;
    let report: Option<ImportReport> = report_of(row.get(6)?)?;
    let redacted_at = row.get::<Option<i64>>(8)?.map(timestamp).transpose()?;
    let body = match redacted_at {
        None if with_body => Some(parsed("a body", &row.get::<String>(12)?)?),
        None | Some(_) => None,
    };
    Ok(Import {
        kind: import_kind(&row.get::<String>(1)?)?,
        company: CompanyId::new(row.get::<String>(2)?),
        revision,
        state: import_state(&row.get::<String>(4)?)?,
        customer: row.get::<Option<String>>(5)?.map(Key::from_stored),
        attempts: attempts(t, tenant, &id, revision, report.as_ref())?,
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
