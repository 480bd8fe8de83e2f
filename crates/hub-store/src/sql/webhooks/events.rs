//! What there is to tell, as events.

use catalog::Catalog;
use jiff::Timestamp;
use model::ImportReport;
use serde_json::json;
use values::{CompanyId, Key, TenantId};

use crate::engine::{Row, Tx};
use crate::sql::documents::load_one;
use crate::sql::imports::parsed;
use crate::sql::view::View;
use crate::sql::{feed, timestamp};
use crate::{Change, PendingEvent, StoreError, Subject, TenantScope, WebhookEvent, WebhookId};

/// Topics that are no datasets.
pub(super) const IMPORT: &str = "import";
pub(super) const TEST: &str = "test";

pub(super) fn of_change(change: Change) -> PendingEvent {
    let Change {
        position,
        dataset,
        company,
        key,
        at,
        record,
    } = change;
    let mut data = json!({
        "dataset": dataset, "company": company, "key": key, "updated_at": at, "sequence": position,
    });
    let event = match record {
        Some(record) => {
            data["record"] = record.json();
            WebhookEvent::RecordChanged
        }
        None => {
            data["deleted_at"] = at.to_string().into();
            WebhookEvent::RecordDeleted
        }
    };
    PendingEvent {
        subject: Subject {
            topic: dataset.as_str().to_owned(),
            company: company.as_str().to_owned(),
            key: key.as_str().to_owned(),
        },
        event,
        position,
        at,
        attempts: 0,
        waits_until: None,
        data,
    }
}

pub(super) const OF_IMPORT: &str = "id, company, kind, revision, state, report, updated_at, position";

/// Documents whose state changed between two positions; the last position when there are
/// more.
pub(super) fn imports_between(
    t: &Tx<'_>,
    scope: &TenantScope,
    (after, until): (i64, i64),
    limit: u32,
) -> Result<(Vec<PendingEvent>, Option<u64>), StoreError> {
    let sql = format!(
        "SELECT {OF_IMPORT} FROM hub_imports WHERE tenant = ? AND position > ? AND position <= ? \
         ORDER BY position LIMIT ?"
    );
    let parameters = (scope.tenant().as_str(), after, until, limit);
    let mut events = t.all(&sql, parameters, of_import)?;
    let is_full = u32::try_from(events.len()).is_ok_and(|found| found >= limit);
    let last = events.last().filter(|_| is_full).map(|event| event.position);
    events.retain(|event| scope.sees(&CompanyId::new(event.subject.company.as_str())));
    Ok((events, last))
}

pub(super) fn of_import(row: &Row<'_>) -> Result<PendingEvent, StoreError> {
    let (id, company): (String, String) = (row.get(0)?, row.get(1)?);
    let report: Option<String> = row.get(5)?;
    let at = timestamp(row.get(6)?)?;
    let position = row.get::<i64>(7)?.cast_unsigned();
    let mut data = json!({
        "id": id, "company": company, "kind": row.get::<String>(2)?, "revision": row.get::<i64>(3)?,
        "state": row.get::<String>(4)?, "updated_at": at, "sequence": position, "problems": [],
    });
    if let Some(report) = report {
        let report: ImportReport = parsed("a report", &report)?;
        let codes: Vec<_> = report.problems.iter().map(|p| p.code.as_str()).collect();
        data["problems"] = json!(codes);
        for (name, number) in &report.numbers {
            data[name.as_str()] = number.as_str().into();
        }
    }
    Ok(PendingEvent {
        subject: Subject {
            topic: IMPORT.to_owned(),
            company,
            key: id,
        },
        event: WebhookEvent::ImportStateChanged,
        position,
        at,
        attempts: 0,
        waits_until: None,
        data,
    })
}

pub(super) fn record_now(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    dataset: &catalog::Dataset,
    company: &CompanyId,
    key: &str,
    now: Timestamp,
) -> Result<Option<PendingEvent>, StoreError> {
    let key = Key::from_stored(key.to_owned());
    let documents = load_one(t, dataset, scope.tenant(), company, &key)?;
    let found = if let Some(marks) = documents.marks.first() {
        let view = View::new(t, catalog, scope, dataset, company, None, now)?;
        let record = view.render(t, &documents)?.pop();
        Some((marks.position, marks.updated_at, record))
    } else {
        let sql = "SELECT position, deleted_at FROM hub_tombstones \
                   WHERE tenant = ? AND company = ? AND dataset = ? AND key = ?";
        let own = (
            scope.tenant().as_str(),
            company.as_str(),
            dataset.name.as_str(),
            key.as_str(),
        );
        t.one(sql, own, |row| {
            let position: i64 = row.get(0)?;
            Ok((position.cast_unsigned(), timestamp(row.get(1)?)?, None))
        })?
    };
    Ok(found.map(|(position, at, record)| {
        of_change(Change {
            position,
            dataset: dataset.name.clone(),
            company: company.clone(),
            key,
            at,
            record,
        })
    }))
}

pub(super) fn test(webhook: &WebhookId, subject: &Subject, at: Timestamp) -> PendingEvent {
    PendingEvent {
        subject: subject.clone(),
        event: WebhookEvent::Test,
        position: 0,
        at,
        attempts: 0,
        waits_until: None,
        data: json!({ "webhook": webhook }),
    }
}

/// A document came into another state, or begins anew: it stands last in the feed.
pub(in crate::sql) fn import_moved(t: &Tx<'_>, tenant: &TenantId, id: &str) -> Result<(), StoreError> {
    let mut taken = feed::take(t, tenant, 1)?;
    let sql = "UPDATE hub_imports SET position = ? WHERE tenant = ? AND id = ?";
    t.execute(sql, (feed::next(&mut taken)?, tenant.as_str(), id))?;
    Ok(())
}
