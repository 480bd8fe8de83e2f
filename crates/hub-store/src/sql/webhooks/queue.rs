//! What webhooks have still to be told. A webhook has a position in its tenant's feed; what
//! stands behind it was not told yet, and what was told in vain waits in a table, one event
//! of each subject. One process tells a webhook at a time.

use std::collections::{HashMap, HashSet};

use catalog::Catalog;
use jiff::Timestamp;
use values::{CompanyId, Secret, TenantId};

use super::events::{IMPORT, OF_IMPORT, TEST, imports_between, of_change, of_import, record_now, test};
use super::{COLUMNS, in_force, operator, webhook_row};
use crate::engine::{Param, ToParam as _, Tx};
use crate::sql::{changes, micros, timestamp};
use crate::{
    ChangeQuery, Claim, Delivery, PendingEvent, Settlement, StoreError, Subject, TenantScope, TokenScope,
    WakeKind, Webhook, WebhookEvent, WebhookId, WebhookWork,
};

/// Events that wait to be sent again: as many as a person can look at. A full queue stops
/// the reading of the feed, which forgets nothing.
const MOST_WAITING: u64 = 10_000;
/// Deliveries that are remembered of a webhook.
const KEPT_DELIVERIES: i64 = 200;

pub(super) fn due(t: &Tx<'_>, limit: u32, now: Timestamp) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
    let sql = "SELECT tenant, id FROM (SELECT w.tenant, w.id, w.lease_until, \
               row_number() OVER (PARTITION BY w.tenant ORDER BY w.lease_until, w.id) AS turn \
               FROM hub_webhooks w JOIN hub_tenants n ON n.tenant = w.tenant \
               WHERE w.reason IS NULL AND w.lease_until <= ?1 AND w.resume_at <= ?1 \
               AND ((w.position < n.head AND (SELECT count(*) FROM hub_webhook_events e \
               WHERE e.tenant = w.tenant AND e.webhook = w.id) < ?2) OR EXISTS (SELECT 1 FROM hub_webhook_events e \
               WHERE e.tenant = w.tenant AND e.webhook = w.id AND e.next_attempt_at <= ?1)) \
               ) due ORDER BY turn, lease_until, id LIMIT ?3";
    let most = MOST_WAITING.cast_signed();
    t.all(sql, (micros(now), most, limit), |row| {
        Ok((
            TenantId::new(row.get::<String>(0)?),
            WebhookId::new(row.get::<String>(1)?),
        ))
    })
}

pub(super) fn claim(t: &Tx<'_>, claim: &Claim, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE hub_webhooks SET owner = ?1, lease_until = ?2 WHERE tenant = ?3 AND id = ?4 \
               AND reason IS NULL AND lease_until <= ?5";
    let taken = t.execute(
        sql,
        (
            &claim.owner,
            micros(until),
            claim.tenant.as_str(),
            claim.webhook.as_str(),
            micros(now),
        ),
    )?;
    Ok(taken > 0)
}

pub(super) fn keep(t: &Tx<'_>, claim: &Claim, until: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE hub_webhooks SET lease_until = ? WHERE tenant = ? AND id = ? AND owner = ?";
    let kept = t.execute(
        sql,
        (
            micros(until),
            claim.tenant.as_str(),
            claim.webhook.as_str(),
            &claim.owner,
        ),
    )?;
    Ok(kept > 0)
}

pub(super) fn release(t: &Tx<'_>, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE hub_webhooks SET owner = '', lease_until = ? WHERE tenant = ? AND id = ? AND owner = ?";
    t.execute(
        sql,
        (
            micros(now),
            claim.tenant.as_str(),
            claim.webhook.as_str(),
            &claim.owner,
        ),
    )?;
    Ok(())
}

/// An event that waits.
struct Waiting {
    position: i64,
    attempts: u32,
    next_attempt_at: i64,
}

pub(super) fn work(
    t: &Tx<'_>,
    catalog: &Catalog,
    claim: &Claim,
    limit: u32,
    now: Timestamp,
) -> Result<Option<WebhookWork>, StoreError> {
    let own = (claim.tenant.as_str(), claim.webhook.as_str());
    let sql = format!(
        "SELECT {COLUMNS}, epoch, secret FROM hub_webhooks w \
         WHERE tenant = ? AND id = ? AND owner = ? AND reason IS NULL"
    );
    let found = t.one(&sql, (own.0, own.1, &claim.owner), |row| {
        let webhook = webhook_row(row)?;
        let mut secrets = vec![Secret::new(row.get::<String>(21)?)];
        let former = in_force(&row.get::<String>(13)?, now)?;
        secrets.extend(former.into_iter().map(|(secret, _)| Secret::new(secret)));
        Ok((webhook, row.get::<i64>(20)?, secrets))
    })?;
    let Some((webhook, epoch, secrets)) = found else {
        return Ok(None);
    };
    let scope = TenantScope {
        scope: TokenScope::Read,
        companies: webhook.wants.companies.clone(),
        classes: webhook.wants.classes.clone(),
        ..operator(&claim.tenant)
    };
    let room = MOST_WAITING.saturating_sub(webhook.waiting);
    let limit_fresh = limit.min(u32::try_from(room).unwrap_or(limit));
    let mut work = WebhookWork {
        again: Vec::new(),
        overtaken: Vec::new(),
        failed: failed_since(t, own, webhook.standing.failing_since)?,
        fresh: Vec::new(),
        position: webhook.position,
        begun: if webhook.position == 0 {
            webhook.head
        } else {
            webhook.begun
        },
        more: false,
        webhook,
        secrets,
        epoch,
    };
    if limit_fresh > 0 {
        add_fresh(t, catalog, &scope, &mut work, limit_fresh, now)?;
    }
    let waiting = waiting_of(t, own, &work.fresh)?;
    for event in &mut work.fresh {
        if let Some(waiting) = waiting.get(&event.subject) {
            event.attempts = waiting.attempts;
            let until = timestamp(waiting.next_attempt_at)?;
            event.waits_until = (until > now).then_some(until);
        }
    }
    add_again(t, catalog, &scope, &mut work, limit, now)?;
    Ok(Some(work))
}

/// How many that wait failed for the first time since an instant.
fn failed_since(t: &Tx<'_>, own: (&str, &str), since: Option<Timestamp>) -> Result<u64, StoreError> {
    let Some(since) = since else { return Ok(0) };
    let sql = "SELECT count(*) FROM hub_webhook_events WHERE tenant = ? AND webhook = ? AND since >= ?";
    let count: i64 = t.row(sql, (own.0, own.1, micros(since)), |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The next events of the feed.
fn add_fresh(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    work: &mut WebhookWork,
    limit: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let wants = &work.webhook.wants;
    let wants_records = [WebhookEvent::RecordChanged, WebhookEvent::RecordDeleted]
        .iter()
        .any(|event| wants.events.contains(event));
    let query = ChangeQuery {
        after: work.webhook.position,
        begun: work.webhook.begun,
        datasets: if wants_records {
            wants.datasets.clone()
        } else {
            Some(Vec::new())
        },
        limit,
        ..ChangeQuery::default()
    };
    let place = (query.after, query.begun);
    let place = changes::check_webhook(t, scope.tenant(), place)?;
    let page = changes::page_from(t, catalog, scope, &query, place, now)?;
    let (mut position, mut more) = (page.position, page.more);
    let mut events: Vec<PendingEvent> = page.data.into_iter().map(of_change).collect();
    if wants.events.contains(&WebhookEvent::ImportStateChanged) {
        let between = (work.webhook.position.cast_signed(), position.cast_signed());
        let (imports, until) = imports_between(t, scope, between, limit)?;
        if let Some(until) = until {
            (position, more) = (until, true);
            events.retain(|event| event.position <= position);
        }
        events.extend(imports);
        events.sort_by_key(|event| event.position);
    }
    events.retain(|event| wants.events.contains(&event.event));
    work.fresh = events;
    (work.position, work.more) = (position, more);
    Ok(())
}

/// Which of these subjects wait to be sent again.
fn waiting_of(
    t: &Tx<'_>,
    own: (&str, &str),
    events: &[PendingEvent],
) -> Result<HashMap<Subject, Waiting>, StoreError> {
    let mut found = HashMap::new();
    let none = "SELECT 1 FROM hub_webhook_events WHERE tenant = ? AND webhook = ? LIMIT 1";
    if events.is_empty() || !t.exists(none, own)? {
        return Ok(found);
    }
    let sql = "SELECT position, attempts, next_attempt_at FROM hub_webhook_events \
               WHERE tenant = ? AND webhook = ? AND topic = ? AND company = ? AND key = ?";
    for event in events {
        let Subject { topic, company, key } = &event.subject;
        let waiting = t.one(sql, (own.0, own.1, topic, company, key), |row| {
            Ok(Waiting {
                position: row.get(0)?,
                attempts: row.get(1)?,
                next_attempt_at: row.get(2)?,
            })
        })?;
        if let Some(waiting) = waiting {
            found.insert(event.subject.clone(), waiting);
        }
    }
    Ok(found)
}

/// What is due again, as it is now.
fn add_again(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    work: &mut WebhookWork,
    limit: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT topic, company, key, at, position, attempts, next_attempt_at FROM hub_webhook_events \
               WHERE tenant = ? AND webhook = ? AND next_attempt_at <= ? ORDER BY next_attempt_at, position LIMIT ?";
    let own = (scope.tenant().as_str(), work.webhook.id.as_str());
    let due = t.all(sql, (own.0, own.1, micros(now), limit), |row| {
        let subject = Subject {
            topic: row.get(0)?,
            company: row.get(1)?,
            key: row.get(2)?,
        };
        let waiting = Waiting {
            position: row.get(4)?,
            attempts: row.get(5)?,
            next_attempt_at: row.get(6)?,
        };
        Ok((subject, timestamp(row.get(3)?)?, waiting))
    })?;
    let fresh: HashSet<Subject> = work.fresh.iter().map(|event| event.subject.clone()).collect();
    for (subject, at, waiting) in due {
        if fresh.contains(&subject) {
            continue;
        }
        let event = as_now(t, catalog, scope, &work.webhook, &subject, (at, &waiting), now)?;
        match event {
            Some(event) => work.again.push(PendingEvent {
                attempts: waiting.attempts,
                ..event
            }),
            None => work.overtaken.push(subject),
        }
    }
    Ok(())
}

/// The event, when it is still the subject's latest and is wanted; else what comes in the
/// feed stands for it.
fn as_now(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    webhook: &Webhook,
    subject: &Subject,
    (at, waiting): (Timestamp, &Waiting),
    now: Timestamp,
) -> Result<Option<PendingEvent>, StoreError> {
    let wants = &webhook.wants;
    let company = CompanyId::new(subject.company.as_str());
    let event = match subject.topic.as_str() {
        TEST => return Ok(Some(test(&webhook.id, subject, at))),
        IMPORT => {
            let sql = format!("SELECT {OF_IMPORT} FROM hub_imports WHERE tenant = ? AND id = ?");
            t.one(&sql, (scope.tenant().as_str(), &subject.key), of_import)?
        }
        dataset => match catalog.resolve(dataset) {
            Some(dataset)
                if wants
                    .datasets
                    .as_ref()
                    .is_none_or(|all| all.contains(&dataset.name)) =>
            {
                record_now(t, catalog, scope, &dataset, &company, &subject.key, now)?
            }
            Some(_) | None => None,
        },
    };
    Ok(event.filter(|event| {
        event.position <= webhook.position.max(waiting.position.cast_unsigned())
            && wants.events.contains(&event.event)
            && scope.sees(&company)
    }))
}

pub(super) fn add_test(
    t: &Tx<'_>,
    tenant: &TenantId,
    id: &WebhookId,
    test: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO hub_webhook_events (tenant, webhook, topic, company, key, at, position, attempts, \
               next_attempt_at) VALUES (?1, ?2, ?3, '', ?4, ?5, 0, 0, ?5)";
    t.execute(sql, (tenant.as_str(), id.as_str(), TEST, test, micros(now)))?;
    t.wake(WakeKind::Change, tenant);
    Ok(())
}

/// Everything that waits is due.
pub(super) fn all_due(t: &Tx<'_>, own: (&str, &str), now: Timestamp) -> Result<(), StoreError> {
    due_since(t, own, 0, now)
}

/// What waits and failed for the first time at an instant or later is due.
fn due_since(t: &Tx<'_>, own: (&str, &str), since: i64, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE hub_webhook_events SET next_attempt_at = ?1 WHERE tenant = ?2 AND webhook = ?3 \
               AND next_attempt_at > ?1 AND since >= ?4";
    t.execute(sql, (micros(now), own.0, own.1, since))?;
    Ok(())
}

pub(super) fn settle(
    t: &Tx<'_>,
    claim: &Claim,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let own = (claim.tenant.as_str(), claim.webhook.as_str());
    let sent = i64::try_from(settlement.deliveries.len()).unwrap_or(i64::MAX);
    // Whoever changes the webhook waits from here on, or this waits for him and finds it
    // changed.
    let sql = "UPDATE hub_webhooks SET deliveries = deliveries + ? WHERE tenant = ? AND id = ? \
               RETURNING deliveries, owner, epoch, reason IS NULL, failing_since";
    let found = t.one(sql, (sent, own.0, own.1), |row| {
        let is_own = row.get::<String>(1)? == claim.owner && row.get::<i64>(2)? == settlement.epoch;
        let failing_since: Option<i64> = row.get(4)?;
        Ok((row.get::<i64>(0)?, is_own && row.get::<bool>(3)?, failing_since))
    })?;
    let Some((number, is_own, failing_since)) = found else {
        return Ok(false);
    };
    remember(t, own, &settlement.deliveries, number)?;
    if !is_own {
        return Ok(false);
    }
    let standing = &settlement.standing;
    let sql = "UPDATE hub_webhooks SET position = ?, begun = ?, failing_since = ?, pauses = ?, resume_at = ? \
               WHERE tenant = ? AND id = ?";
    t.execute(
        sql,
        (
            settlement.position.cast_signed(),
            settlement.begun.cast_signed(),
            standing.failing_since.map(micros),
            standing.pauses,
            standing.resume_at.map_or(0, micros),
            own.0,
            own.1,
        ),
    )?;
    for settled in &settlement.settled {
        match &settled.again {
            Some((at, event)) => put_waiting(t, own, event, micros(*at), now)?,
            None => {
                let Subject { topic, company, key } = &settled.subject;
                let sql = "DELETE FROM hub_webhook_events WHERE tenant = ? AND webhook = ? AND topic = ? \
                           AND company = ? AND key = ?";
                t.execute(sql, (own.0, own.1, topic, company, key))?;
            }
        }
    }
    if let Some(since) = failing_since.filter(|_| settlement.recovered) {
        // What failed before does so for reasons of its own, and keeps its time.
        due_since(t, own, since, now)?;
    }
    Ok(true)
}

fn put_waiting(
    t: &Tx<'_>,
    own: (&str, &str),
    event: &PendingEvent,
    next_attempt_at: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Subject { topic, company, key } = &event.subject;
    // Since when the subject has something to tell stays, and since when it fails: only a test
    // waits without having failed.
    let sql = "INSERT INTO hub_webhook_events (tenant, webhook, topic, company, key, at, position, attempts, \
               next_attempt_at, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT (tenant, webhook, topic, company, key) DO UPDATE SET \
               position = ?7, attempts = ?8, next_attempt_at = ?9, since = CASE \
               WHEN hub_webhook_events.attempts = 0 THEN ?10 ELSE hub_webhook_events.since END";
    let parameters = (
        own.0,
        own.1,
        topic,
        company,
        key,
        micros(event.at),
        event.position.cast_signed(),
        event.attempts,
        next_attempt_at,
        micros(now),
    );
    t.execute(sql, parameters)?;
    Ok(())
}

/// Notes what was sent; `last` is the last one's number.
fn remember(t: &Tx<'_>, own: (&str, &str), sent: &[Delivery], last: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO hub_webhook_deliveries (tenant, webhook, number, message, event, topic, company, key, \
               attempt, at, took_ms, status, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    for (back, delivery) in (0_i64..KEPT_DELIVERIES).zip(sent.iter().rev()) {
        let Subject { topic, company, key } = &delivery.subject;
        let parameters = [
            Param::Text(own.0),
            Param::Text(own.1),
            Param::Integer(last - back),
            delivery.message.param(),
            Param::Text(delivery.event.as_str()),
            topic.param(),
            company.param(),
            key.param(),
            delivery.attempt.param(),
            Param::Integer(micros(delivery.at)),
            delivery.took_ms.param(),
            delivery
                .status
                .map_or(Param::Null, |status| Param::Integer(status.into())),
            delivery.outcome.param(),
        ];
        t.execute(sql, parameters.as_slice())?;
    }
    if !sent.is_empty() {
        let sql = "DELETE FROM hub_webhook_deliveries WHERE tenant = ? AND webhook = ? AND number <= ?";
        t.execute(sql, (own.0, own.1, last - KEPT_DELIVERIES))?;
    }
    Ok(())
}

pub(super) fn deliveries(
    t: &Tx<'_>,
    tenant: &TenantId,
    id: &WebhookId,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT message, event, topic, company, key, attempt, at, took_ms, status, outcome \
               FROM hub_webhook_deliveries WHERE tenant = ? AND webhook = ? ORDER BY number DESC LIMIT ?";
    t.all(sql, (tenant.as_str(), id.as_str(), limit), |row| {
        let event: String = row.get(1)?;
        Ok(Delivery {
            message: row.get(0)?,
            event: WebhookEvent::from_name(&event)
                .ok_or_else(|| StoreError::corrupt(format!("the event {event}")))?,
            subject: Subject {
                topic: row.get(2)?,
                company: row.get(3)?,
                key: row.get(4)?,
            },
            attempt: row.get(5)?,
            at: timestamp(row.get(6)?)?,
            took_ms: row.get(7)?,
            status: row
                .get::<Option<i64>>(8)?
                .and_then(|status| u16::try_from(status).ok()),
            outcome: row.get(9)?,
        })
    })
}

pub(super) fn backlog(t: &Tx<'_>) -> Result<(Option<Timestamp>, u64), StoreError> {
    let sql = "SELECT min(e.at) FROM hub_webhooks w JOIN hub_webhook_events e ON e.tenant = w.tenant \
               AND e.webhook = w.id WHERE w.reason IS NULL";
    let oldest: Option<i64> = t.row(sql, (), |row| row.get(0))?;
    let sql = "SELECT count(*) FROM hub_webhooks WHERE reason <> 'requested'";
    let disabled: i64 = t.row(sql, (), |row| row.get(0))?;
    Ok((oldest.map(timestamp).transpose()?, disabled.cast_unsigned()))
}
