//! The driver's side: documents go out to a company's one writer, and what became of them
//! comes back.

use crate::engine::{Row, Tx};
use catalog::Catalog;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{ImportReport, ImportState};
use values::{CompanyId, ImportId, Key, LeaseEpoch, StoreId, TenantId};
use wire::agent::{
    Accept, Decide, Discarded, ImportDocument, Lease, LeaseRequest, OpenImport, OpenPage, OpenRequest,
    Report, Reservation, Reserve,
};

use super::{Known, decision_of, import_kind, known, moved, queue, report_of, settled_at, tenders};
use crate::sql::{micros, people, webhooks};
use crate::{AgentScope, StoreError};

/// Documents in one answer to a driver.
const MAX_DOCUMENTS: u32 = 50;
/// Bytes of bodies after which an answer ends. A driver takes 32 MiB; each body may have one, and
/// previews come beside.
const MAX_BODIES: usize = 8 * 1024 * 1024;
/// Attempts kept of one revision, the last ones: several times what a driver keeps.
const MAX_ATTEMPTS: usize = 1_000;
const DOCUMENT: &str = "id, company, kind, revision, body, decision";
/// What a driver has journaled, or reserved for, and has not brought to an end.
const OPEN: &str = "state IN ('received', 'validated', 'waiting', 'writing') \
                    AND (accepted IS NOT NULL OR EXISTS (SELECT 1 FROM hub_reservations r \
                         WHERE r.tenant = hub_imports.tenant AND r.import = hub_imports.id))";

/// The caller has claimed the company for the agent.
pub(in crate::sql) fn grant_lease(
    t: &Tx<'_>,
    store: &StoreId,
    scope: &AgentScope,
    request: &LeaseRequest,
) -> Result<Lease, StoreError> {
    if TimeZone::get(&request.time_zone).is_err() {
        return Err(StoreError::TimeZoneUnknown(request.time_zone.clone()));
    }
    let tenant = scope.tenant();
    let sql = "UPDATE hub_companies SET lease = lease + 1, journal = ?, time_zone = ? \
               WHERE tenant = ? AND company = ? RETURNING lease";
    let lease: i64 = t.row(
        sql,
        (
            request.journal.as_str(),
            &request.time_zone,
            tenant.as_str(),
            request.company.as_str(),
        ),
        |row| row.get(0),
    )?;
    // The driver asks for what is open, and has it from here on, whatever revision it knew: from
    // now on nobody edits it, or gives it up, behind its back.
    let sql =
        format!("UPDATE hub_imports SET accepted = revision WHERE tenant = ? AND company = ? AND {OPEN}");
    t.execute(&sql, (tenant.as_str(), request.company.as_str()))?;
    Ok(Lease {
        lease: LeaseEpoch(lease.cast_unsigned()),
        store: store.clone(),
    })
}

/// An answer to a driver, which ends when it is full.
struct Answer<T> {
    documents: Vec<T>,
    bodies: usize,
    is_full: bool,
}

impl<T> Answer<T> {
    const fn new() -> Self {
        Self {
            documents: Vec::new(),
            bodies: 0,
            is_full: false,
        }
    }

    /// Adds the document of the row, if it still fits. Once one does not, none behind it does.
    fn add(
        &mut self,
        row: &Row<'_>,
        limit: u32,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        let is_full =
            self.bodies >= MAX_BODIES || u32::try_from(self.documents.len()).is_ok_and(|n| n >= limit);
        if is_full {
            self.is_full = true;
            return Ok(());
        }
        self.bodies += row.get::<String>(4)?.len();
        self.documents.push(read(row)?);
        Ok(())
    }
}

pub(in crate::sql) fn open(
    t: &Tx<'_>,
    scope: &AgentScope,
    request: &OpenRequest,
) -> Result<OpenPage, StoreError> {
    let OpenRequest {
        company,
        lease,
        after,
    } = request;
    check_lease(t, scope, company, *lease)?;
    let tenant = scope.tenant();
    let sql = format!(
        "SELECT {DOCUMENT} FROM hub_imports WHERE tenant = ?1 AND company = ?2 AND {OPEN} AND number > \
         coalesce((SELECT number FROM hub_imports WHERE tenant = ?1 AND id = ?3), 0) ORDER BY number LIMIT ?4"
    );
    let after = after.as_ref().map(ImportId::as_str);
    // One more than fits tells whether anything is left.
    let parameters = (tenant.as_str(), company.as_str(), after, MAX_DOCUMENTS + 1);
    let mut page = Answer::new();
    t.each(&sql, parameters, |row| {
        page.add(row, MAX_DOCUMENTS, |row| {
            let document = document_row(row)?;
            let reservations = reservations(t, tenant, &document.id)?;
            Ok(OpenImport {
                document,
                reservations,
            })
        })
    })?;
    Ok(OpenPage {
        imports: page.documents,
        end: !page.is_full,
    })
}

pub(in crate::sql) fn work(
    t: &Tx<'_>,
    scope: &AgentScope,
    companies: &[(CompanyId, LeaseEpoch)],
    limit: u32,
) -> Result<Vec<ImportDocument>, StoreError> {
    let sql = format!(
        "SELECT {DOCUMENT} FROM hub_imports WHERE tenant = ? AND company = ? AND state = 'received' \
         AND coalesce(accepted, 0) < revision ORDER BY number LIMIT ?"
    );
    let limit = limit.min(MAX_DOCUMENTS);
    let mut work = Answer::new();
    for (company, lease) in companies {
        check_lease(t, scope, company, *lease)?;
        let parameters = (scope.tenant().as_str(), company.as_str(), limit);
        t.each(&sql, parameters, |row| work.add(row, limit, document_row))?;
    }
    Ok(work.documents)
}

pub(in crate::sql) fn discarded(
    t: &Tx<'_>,
    scope: &AgentScope,
    companies: &[(CompanyId, LeaseEpoch)],
) -> Result<Vec<Discarded>, StoreError> {
    let sql = "SELECT id, revision FROM hub_imports WHERE tenant = ? AND company = ? AND state = 'discarded' \
               AND coalesce(accepted, 0) < revision ORDER BY number LIMIT ?";
    let mut discarded = Vec::new();
    for (company, lease) in companies {
        check_lease(t, scope, company, *lease)?;
        t.each(
            sql,
            (scope.tenant().as_str(), company.as_str(), MAX_DOCUMENTS),
            |row| {
                discarded.push(Discarded {
                    import: ImportId::new(row.get::<String>(0)?),
                    revision: row.get(1)?,
                });
                Ok(())
            },
        )?;
    }
    Ok(discarded)
}

pub(in crate::sql) fn accept(
    t: &Tx<'_>,
    scope: &AgentScope,
    id: &ImportId,
    accept: &Accept,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = held(t, scope, id, accept.lease)?;
    if accept.revision != known.revision {
        return Err(StoreError::RevisionStale {
            id: id.clone(),
            found: known.revision,
            given: accept.revision,
        });
    }
    let sql = "UPDATE hub_imports SET accepted = ?, updated_at = ? WHERE tenant = ? AND id = ? \
               AND accepted IS DISTINCT FROM ?1";
    t.execute(
        sql,
        (accept.revision, micros(now), scope.tenant().as_str(), id.as_str()),
    )?;
    Ok(())
}

pub(in crate::sql) fn reserve(
    t: &Tx<'_>,
    scope: &AgentScope,
    id: &ImportId,
    reserve: &Reserve,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = held(t, scope, id, reserve.lease)?;
    if known.state == ImportState::Discarded {
        return Err(known.not_editable("written"));
    }
    let Reservation {
        write,
        name,
        value,
        at,
    } = &reserve.reservation;
    let (tenant, company) = (scope.tenant().as_str(), known.company.as_str());
    let sql =
        "SELECT import FROM hub_reservations WHERE tenant = ? AND company = ? AND name = ? AND value = ?";
    let by: Option<String> = t.one(sql, (tenant, company, name, value), |row| row.get(0))?;
    match by {
        Some(by) if by == id.as_str() => return Ok(()),
        Some(by) => {
            let by = ImportId::new(by);
            return Err(StoreError::IdentityTaken {
                name: name.clone(),
                value: value.clone(),
                by,
            });
        }
        None => {}
    }
    let sql = "INSERT INTO hub_reservations VALUES (?1, ?2, ?3, ?4, ?5, \
               (SELECT coalesce(max(number), 0) + 1 FROM hub_reservations WHERE tenant = ?1 AND import = ?5), ?6, ?7)";
    t.execute(sql, (tenant, company, name, value, id.as_str(), write, at))?;
    // From here on the document may be in the ERP.
    let sql = "UPDATE hub_imports SET updated_at = ?, state = 'writing' \
               WHERE tenant = ? AND id = ? AND state IN ('received', 'validated', 'waiting', 'writing')";
    t.execute(sql, (micros(now), tenant, id.as_str()))?;
    match known.state {
        ImportState::Received | ImportState::Validated | ImportState::Waiting => {
            webhooks::import_moved(t, scope.tenant(), id.as_str())
        }
        ImportState::Writing
        | ImportState::Written
        | ImportState::Held
        | ImportState::InDoubt
        | ImportState::Refused
        | ImportState::Discarded => Ok(()),
    }
}

pub(in crate::sql) fn report(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &AgentScope,
    id: &ImportId,
    report: &Report,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = held(t, scope, id, report.lease)?;
    // What was forgotten stays forgotten.
    if known.is_redacted || !counts(&known, report) {
        return Ok(());
    }
    let told = &with_earlier_attempts(t, scope.tenant(), id, &report.report)?;
    let text = serde_json::to_string(told).map_err(|e| StoreError::corrupt(format!("a report: {e}")))?;
    let customer = match (
        told.numbers.get("ar_division_no"),
        told.numbers.get("customer_no"),
    ) {
        (Some(division), Some(number)) => Some(Key::from_parts([division, number]).to_string()),
        (Some(_) | None, _) => None,
    };
    let sql = "UPDATE hub_imports SET state = ?1, report = ?2, updated_at = ?3, settled_at = ?4, \
               customer = coalesce(?5, customer) \
               WHERE tenant = ?6 AND id = ?7 AND (report IS DISTINCT FROM ?2 OR state <> ?1)";
    let tenant = scope.tenant();
    let state = told.state;
    t.execute(
        sql,
        (
            state.as_str(),
            text,
            micros(now),
            settled_at(state, now),
            customer,
            tenant.as_str(),
            id.as_str(),
        ),
    )?;
    if state != known.state {
        webhooks::import_moved(t, tenant, id.as_str())?;
        tenders::follow(t, tenant, id, state)?;
        queue::follow(t, (tenant, &known.company, id), known.kind, state)?;
        moved(t, catalog, tenant, id, (&known, None), state, now)?;
    }
    Ok(())
}

/// The report with all that was told before of what was tried for this revision: a driver
/// that died before its notes were on disk knows less of it, and keeps the last ones only.
fn with_earlier_attempts(
    t: &Tx<'_>,
    tenant: &TenantId,
    id: &ImportId,
    report: &ImportReport,
) -> Result<ImportReport, StoreError> {
    let sql = "SELECT report FROM hub_imports WHERE tenant = ? AND id = ?";
    let known = t.row(sql, (tenant.as_str(), id.as_str()), |row| report_of(row.get(0)?))?;
    let mut attempts = known.map(|known| known.attempts).unwrap_or_default();
    for attempt in &report.attempts {
        if !attempts.contains(attempt) {
            attempts.push(attempt.clone());
        }
    }
    let surplus = attempts.len().saturating_sub(MAX_ATTEMPTS);
    attempts.drain(..surplus);
    Ok(ImportReport {
        attempts,
        ..report.clone()
    })
}

/// Is the report still of interest? A late repetition must not hide that the document is in
/// the ERP or was given up, one from before an end not the end that a person is to decide
/// about, and one about an earlier revision not what came of the later one; but a proof that
/// the earlier one is in the ERP after all comes in time while the driver has not taken up the
/// later one.
fn counts(known: &Known, report: &Report) -> bool {
    let state = report.report.state;
    let is_written = state == ImportState::Written;
    let is_late = report.revision != 0 && report.revision < known.revision;
    match known.state {
        ImportState::Written => is_written && !is_late,
        ImportState::Discarded => false,
        ImportState::Held | ImportState::InDoubt | ImportState::Refused => !is_late && state.is_settled(),
        ImportState::Received | ImportState::Validated | ImportState::Waiting | ImportState::Writing => {
            !is_late || (is_written && known.is_waiting_for_driver())
        }
    }
}

pub(in crate::sql) fn decide(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &AgentScope,
    id: &ImportId,
    decide: &Decide,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = known(t, scope.tenant(), id)?;
    // A person decides beside the writer, who may not run at all; but only where it works.
    let is_own = people::company(t, scope.tenant(), &known.company)?
        .is_some_and(|company| company.agent == *scope.agent());
    if !is_own {
        return Err(StoreError::ImportUnknown(id.clone()));
    }
    super::decisions::decide(
        t,
        catalog,
        scope.tenant(),
        &known,
        (decide.revision, decide.action, &decide.decision),
        (&scope.actor(), now),
    )
}

/// The import, if the agent holds its company's lease.
fn held(t: &Tx<'_>, scope: &AgentScope, id: &ImportId, lease: LeaseEpoch) -> Result<Known, StoreError> {
    let known = known(t, scope.tenant(), id)?;
    check_lease(t, scope, &known.company, lease)?;
    Ok(known)
}

pub(in crate::sql) fn check_lease(
    t: &Tx<'_>,
    scope: &AgentScope,
    company: &CompanyId,
    lease: LeaseEpoch,
) -> Result<(), StoreError> {
    let holds = people::company(t, scope.tenant(), company)?
        .is_some_and(|c| c.agent == *scope.agent() && c.lease == lease && lease.0 > 0);
    if holds {
        Ok(())
    } else {
        Err(StoreError::LeaseLost(company.clone()))
    }
}

fn reservations(t: &Tx<'_>, tenant: &TenantId, id: &ImportId) -> Result<Vec<Reservation>, StoreError> {
    let sql =
        "SELECT write, name, value, at FROM hub_reservations WHERE tenant = ? AND import = ? ORDER BY number";
    let read = |row: &Row<'_>| {
        Ok(Reservation {
            write: row.get(0)?,
            name: row.get(1)?,
            value: row.get(2)?,
            at: row.get(3)?,
        })
    };
    t.all(sql, (tenant.as_str(), id.as_str()), read)
}

fn document_row(row: &Row<'_>) -> Result<ImportDocument, StoreError> {
    let body: String = row.get(4)?;
    Ok(ImportDocument {
        id: ImportId::new(row.get::<String>(0)?),
        company: CompanyId::new(row.get::<String>(1)?),
        kind: import_kind(&row.get::<String>(2)?)?,
        revision: row.get(3)?,
        body: serde_json::from_str(&body).map_err(|e| StoreError::corrupt(format!("a body: {e}")))?,
        decision: decision_of(row.get(5)?)?.unwrap_or_default(),
    })
}
