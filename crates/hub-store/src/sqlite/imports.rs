//! Documents on their way into the ERP.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{ImportKind, ImportState};
use rusqlite::{OptionalExtension as _, Row, Transaction};
use values::{CompanyId, ImportId, LeaseEpoch, StoreId, TenantId};
use wire::agent::{Accept, ImportDocument, Lease, LeaseRequest, OpenImport, Report, Reservation, Reserve};

use super::{micros, people, timestamp};
use crate::{AgentScope, Import, NewImport, StoreError, TenantScope, import_id};

/// Documents in one answer to a driver: each may have a body of a mebibyte.
const MAX_DOCUMENTS: u32 = 50;
const COLUMNS: &str = "id, kind, company, revision, state, report, created_at, updated_at";
const DOCUMENT: &str = "id, company, kind, revision, body";

pub(super) fn add(
    t: &Transaction<'_>,
    scope: &TenantScope,
    new: &NewImport,
    now: Timestamp,
) -> Result<Import, StoreError> {
    let tenant = scope.tenant();
    let id = import_id(tenant, new.kind, &new.idempotency_key);
    let sql = "SELECT body_hash FROM hub_imports WHERE tenant = ? AND id = ?";
    let stored: Option<Vec<u8>> = t
        .prepare_cached(sql)?
        .query_row((tenant.as_str(), id.as_str()), |row| row.get(0))
        .optional()?;
    if let Some(stored) = stored {
        return if stored == new.body_hash {
            get(t, scope, &id)
        } else {
            Err(StoreError::IdempotencyConflict(id))
        };
    }
    if !scope.sees(&new.company) || people::company(t, tenant, &new.company)?.is_none() {
        return Err(StoreError::CompanyUnknown(new.company.clone()));
    }
    let sql = "INSERT INTO hub_imports VALUES (?1, ?2, \
               (SELECT coalesce(max(number), 0) + 1 FROM hub_imports WHERE tenant = ?1), \
               ?3, ?4, ?5, ?6, ?7, 1, NULL, ?8, NULL, ?9, ?9)";
    t.prepare_cached(sql)?.execute((
        tenant.as_str(),
        id.as_str(),
        new.kind.as_str(),
        &new.idempotency_key,
        new.company.as_str(),
        new.body.to_string(),
        &new.body_hash,
        ImportState::Received.as_str(),
        micros(now),
    ))?;
    get(t, scope, &id)
}

pub(super) fn get(t: &Transaction<'_>, scope: &TenantScope, id: &ImportId) -> Result<Import, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM hub_imports WHERE tenant = ? AND id = ?");
    let mut statement = t.prepare_cached(&sql)?;
    let mut rows = statement.query((scope.tenant().as_str(), id.as_str()))?;
    let unknown = || StoreError::ImportUnknown(id.clone());
    let import = import_row(rows.next()?.ok_or_else(unknown)?)?;
    if scope.sees(&import.company) {
        Ok(import)
    } else {
        Err(unknown())
    }
}

pub(super) fn list(
    t: &Transaction<'_>,
    scope: &TenantScope,
    state: Option<ImportState>,
    limit: u32,
) -> Result<Vec<Import>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hub_imports WHERE tenant = ?1 AND (?2 IS NULL OR state = ?2) \
         AND (?3 IS NULL OR company IN (SELECT value FROM json_each(?3))) ORDER BY number DESC LIMIT ?4"
    );
    let companies = scope.companies.as_ref().map(|c| {
        serde_json::Value::from(c.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>()).to_string()
    });
    let mut statement = t.prepare_cached(&sql)?;
    let mut rows = statement.query((
        scope.tenant().as_str(),
        state.map(ImportState::as_str),
        companies,
        limit,
    ))?;
    let mut imports = Vec::new();
    while let Some(row) = rows.next()? {
        imports.push(import_row(row)?);
    }
    Ok(imports)
}

/// The caller has claimed the company for the agent.
pub(super) fn grant_lease(
    t: &Transaction<'_>,
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
    let lease: i64 = t.prepare_cached(sql)?.query_row(
        (
            request.journal.as_str(),
            &request.time_zone,
            tenant.as_str(),
            request.company.as_str(),
        ),
        |row| row.get(0),
    )?;
    let open = open_imports(t, tenant, &request.company)?;
    Ok(Lease {
        lease: LeaseEpoch(lease.cast_unsigned()),
        store: store.clone(),
        open,
    })
}

pub(super) fn work(
    t: &Transaction<'_>,
    scope: &AgentScope,
    companies: &[(CompanyId, LeaseEpoch)],
    limit: u32,
) -> Result<Vec<ImportDocument>, StoreError> {
    let sql = format!(
        "SELECT {DOCUMENT} FROM hub_imports WHERE tenant = ? AND company = ? AND state = 'received' \
         AND coalesce(accepted, 0) < revision ORDER BY number LIMIT ?"
    );
    let mut left = limit.clamp(1, MAX_DOCUMENTS);
    let mut documents = Vec::new();
    for (company, lease) in companies {
        check_lease(t, scope, company, *lease)?;
        let mut statement = t.prepare_cached(&sql)?;
        let mut rows = statement.query((scope.tenant().as_str(), company.as_str(), left))?;
        while let Some(row) = rows.next()? {
            documents.push(document_row(row)?);
            left -= 1;
        }
    }
    Ok(documents)
}

pub(super) fn accept(
    t: &Transaction<'_>,
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
               AND accepted IS NOT ?1";
    t.prepare_cached(sql)?
        .execute((accept.revision, micros(now), scope.tenant().as_str(), id.as_str()))?;
    Ok(())
}

pub(super) fn reserve(
    t: &Transaction<'_>,
    scope: &AgentScope,
    id: &ImportId,
    reserve: &Reserve,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = held(t, scope, id, reserve.lease)?;
    let Reservation {
        write,
        name,
        value,
        at,
    } = &reserve.reservation;
    let (tenant, company) = (scope.tenant().as_str(), known.company.as_str());
    let sql =
        "SELECT import FROM hub_reservations WHERE tenant = ? AND company = ? AND name = ? AND value = ?";
    let by: Option<String> = t
        .prepare_cached(sql)?
        .query_row((tenant, company, name, value), |row| row.get(0))
        .optional()?;
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
    t.prepare_cached(sql)?
        .execute((tenant, company, name, value, id.as_str(), write, at))?;
    // From here on the document may be in the ERP.
    let sql = "UPDATE hub_imports SET updated_at = ?, state = 'writing' \
               WHERE tenant = ? AND id = ? AND state IN ('received', 'validated', 'waiting', 'writing')";
    t.prepare_cached(sql)?
        .execute((micros(now), tenant, id.as_str()))?;
    Ok(())
}

pub(super) fn report(
    t: &Transaction<'_>,
    scope: &AgentScope,
    id: &ImportId,
    report: &Report,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = held(t, scope, id, report.lease)?;
    // A late repetition of an earlier report must not hide that the document is in Sage.
    if known.state == ImportState::Written && report.report.state != ImportState::Written {
        return Ok(());
    }
    let text =
        serde_json::to_string(&report.report).map_err(|e| StoreError::corrupt(format!("a report: {e}")))?;
    let sql = "UPDATE hub_imports SET state = ?1, report = ?2, updated_at = ?3 \
               WHERE tenant = ?4 AND id = ?5 AND (report IS NOT ?2 OR state <> ?1)";
    t.prepare_cached(sql)?.execute((
        report.report.state.as_str(),
        text,
        micros(now),
        scope.tenant().as_str(),
        id.as_str(),
    ))?;
    Ok(())
}

struct Held {
    company: CompanyId,
    revision: u32,
    state: ImportState,
}

/// The import, if the agent holds its company's lease.
fn held(
    t: &Transaction<'_>,
    scope: &AgentScope,
    id: &ImportId,
    lease: LeaseEpoch,
) -> Result<Held, StoreError> {
    let sql = "SELECT company, revision, state FROM hub_imports WHERE tenant = ? AND id = ?";
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, String>(2)?));
    let found = t
        .prepare_cached(sql)?
        .query_row((scope.tenant().as_str(), id.as_str()), read)
        .optional()?;
    let (company, revision, state) = found.ok_or_else(|| StoreError::ImportUnknown(id.clone()))?;
    let company = CompanyId::new(company);
    check_lease(t, scope, &company, lease)?;
    Ok(Held {
        company,
        revision,
        state: import_state(&state)?,
    })
}

fn check_lease(
    t: &Transaction<'_>,
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

fn open_imports(
    t: &Transaction<'_>,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<Vec<OpenImport>, StoreError> {
    let sql = format!(
        "SELECT {DOCUMENT}, state FROM hub_imports i WHERE tenant = ?1 AND company = ?2 \
         AND state IN ('received', 'validated', 'waiting', 'writing') \
         AND (accepted IS NOT NULL OR EXISTS \
              (SELECT 1 FROM hub_reservations r WHERE r.tenant = ?1 AND r.import = i.id)) ORDER BY number"
    );
    let mut statement = t.prepare_cached(&sql)?;
    let mut rows = statement.query((tenant.as_str(), company.as_str()))?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let document = document_row(row)?;
        let reservations = reservations(t, tenant, &document.id)?;
        open.push(OpenImport {
            document,
            reservations,
        });
    }
    Ok(open)
}

fn reservations(
    t: &Transaction<'_>,
    tenant: &TenantId,
    id: &ImportId,
) -> Result<Vec<Reservation>, StoreError> {
    let sql =
        "SELECT write, name, value, at FROM hub_reservations WHERE tenant = ? AND import = ? ORDER BY number";
    let mut statement = t.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        Ok(Reservation {
            write: row.get(0)?,
            name: row.get(1)?,
            value: row.get(2)?,
            at: row.get(3)?,
        })
    };
    Ok(statement
        .query_map((tenant.as_str(), id.as_str()), read)?
        .collect::<Result<_, _>>()?)
}

fn import_row(row: &Row<'_>) -> Result<Import, StoreError> {
    let report: Option<String> = row.get(5)?;
    let report = report
        .map(|r| serde_json::from_str(&r).map_err(|e| StoreError::corrupt(format!("a report: {e}"))))
        .transpose()?;
    Ok(Import {
        id: ImportId::new(row.get::<_, String>(0)?),
        kind: import_kind(&row.get::<_, String>(1)?)?,
        company: CompanyId::new(row.get::<_, String>(2)?),
        revision: row.get(3)?,
        state: import_state(&row.get::<_, String>(4)?)?,
        report,
        created_at: timestamp(row.get(6)?)?,
        updated_at: timestamp(row.get(7)?)?,
    })
}

fn document_row(row: &Row<'_>) -> Result<ImportDocument, StoreError> {
    let body: String = row.get(4)?;
    Ok(ImportDocument {
        id: ImportId::new(row.get::<_, String>(0)?),
        company: CompanyId::new(row.get::<_, String>(1)?),
        kind: import_kind(&row.get::<_, String>(2)?)?,
        revision: row.get(3)?,
        body: serde_json::from_str(&body).map_err(|e| StoreError::corrupt(format!("a body: {e}")))?,
        decision: model::Decision::default(),
    })
}

fn import_kind(name: &str) -> Result<ImportKind, StoreError> {
    serde_json::from_value(name.into()).map_err(|_| StoreError::corrupt(format!("the import kind {name}")))
}

fn import_state(name: &str) -> Result<ImportState, StoreError> {
    ImportState::from_name(name).ok_or_else(|| StoreError::corrupt(format!("the import state {name}")))
}
