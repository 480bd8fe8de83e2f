//! What people decide about a document: edits, another try, giving it up.

use std::collections::BTreeSet;

use catalog::Catalog;
use jiff::Timestamp;
use model::{Decision, ImportReport, ImportState};
use serde_json::{Value as Json, json};
use values::{CompanyId, ImportId, Key, TenantId};
use wire::agent::DecideAction;

use super::{Known, body_of, get, import_state, known, moved, parsed, queue, report_of, seen, tenders};
use crate::engine::Tx;
use crate::sql::audit::{self, Act};
use crate::sql::{micros, timestamp, webhooks};
use crate::{Actor, AuditAction, Import, StoreError, TenantScope, WakeKind};

pub(in crate::sql) fn edit(
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
    queue::put(t, (tenant, &known.company, id), known.kind, body)?;
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

pub(in crate::sql) fn decide_by_platform(
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

pub(super) fn decide(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    known: &Known,
    (revision, action, decision): (Option<u32>, DecideAction, &Decision),
    (by, now): (&Actor, Timestamp),
) -> Result<(), StoreError> {
    if known.state != ImportState::Discarded {
        check_revision(known, revision)?;
    }
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
            let whose = (tenant, &known.company, &known.id);
            queue::follow(t, whose, known.kind, ImportState::Received)?;
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
            if !waits_for_person
                && !known.is_waiting_for_driver()
                && !waits_for_import_file(t, tenant, known)?
            {
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

/// Is the document with a person who imports its file, or will not? Nothing else is done for it.
fn waits_for_import_file(t: &Tx<'_>, tenant: &TenantId, known: &Known) -> Result<bool, StoreError> {
    if !matches!(known.state, ImportState::Waiting | ImportState::Writing) {
        return Ok(false);
    }
    let sql = "SELECT report FROM hub_imports WHERE tenant = ? AND id = ?";
    let report = t.one(sql, (tenant.as_str(), known.id.as_str()), |row| row.get(0))?;
    Ok(report_of(report.flatten())?.is_some_and(|report| report.waits_for_import_file()))
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
pub(in crate::sql) const OPEN: [ImportState; 4] = [
    ImportState::Received,
    ImportState::Validated,
    ImportState::Waiting,
    ImportState::Held,
];

/// Gives up all open documents of a company that leaves.
pub(in crate::sql) fn discard_all(
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
    queue::forget(t, tenant, id)
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

pub(super) fn written(decision: &Decision) -> Result<String, StoreError> {
    serde_json::to_string(decision).map_err(|e| StoreError::corrupt(format!("a decision: {e}")))
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
