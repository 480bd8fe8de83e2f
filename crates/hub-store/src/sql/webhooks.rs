//! Webhooks: who is told of what. What has still to be told is in `queue`.

mod events;
mod queue;
mod replay;

use catalog::Class;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value as Json, json};
use values::{Secret, TenantId};

pub(super) use events::import_moved;

use super::audit::{self, Act};
use super::imports::parsed;
use super::{changes, micros, timestamp};
use crate::engine::{Param, Row, ToParam as _, Tx};
use crate::{
    Actor, AuditAction, Claim, Delivery, DisabledReason, NewWebhook, ReplayFrom, Settlement, SqlStore,
    Standing, StoreError, TenantScope, TokenScope, WakeKind, Wants, Webhook, WebhookEdit, WebhookEvent,
    WebhookId, WebhookWork, Webhooks,
};

/// Each of them costs a request for every change.
const MOST: i64 = 50;
/// Secrets that sign beside the one that was given last.
const MOST_FORMER: usize = 7;
const COLUMNS: &str = "id, url, description, events, datasets, companies, classes, reason, since, position, \
                       failing_since, pauses, resume_at, former_secrets, created_at, updated_at, \
                       (SELECT head FROM hub_tenants n WHERE n.tenant = w.tenant), \
                       (SELECT count(*) FROM hub_webhook_events e WHERE e.tenant = w.tenant AND e.webhook = w.id), \
                       (SELECT min(e.at) FROM hub_webhook_events e WHERE e.tenant = w.tenant AND e.webhook = w.id), begun";

impl Webhooks for SqlStore {
    fn operator(&self, tenant: &TenantId) -> TenantScope {
        operator(tenant)
    }

    fn add_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        new: &NewWebhook,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.write(scope.tenant(), |t| add(t, scope, id, new, now))
    }

    fn webhooks(&self, scope: &TenantScope) -> Result<Vec<Webhook>, StoreError> {
        self.read(|t| list(t, scope))
    }

    fn webhook(&self, scope: &TenantScope, id: &WebhookId) -> Result<Webhook, StoreError> {
        self.read(|t| get(t, scope, id))
    }

    fn edit_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        change: &WebhookEdit,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.write(scope.tenant(), |t| edit(t, scope, id, change, now))
    }

    fn rotate_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        secret: &Secret,
        former_until: Timestamp,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.write(scope.tenant(), |t| {
            rotate(t, scope, id, (secret, former_until), now)
        })
    }

    fn remove_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.write(scope.tenant(), |t| remove(t, scope, id, now))
    }

    fn replay_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        from: ReplayFrom,
        now: Timestamp,
    ) -> Result<Webhook, StoreError> {
        self.write(scope.tenant(), |t| {
            let known = get(t, scope, id)?;
            // What waits from behind a place comes again in the feed.
            let (position, begun, forgotten) = match from {
                ReplayFrom::Position { after, begun } => {
                    changes::check(t, scope.tenant(), (after, begun))?;
                    (after, begun, after)
                }
                ReplayFrom::Now => (known.head, 0, 0),
                ReplayFrom::Time(at) => {
                    let position = replay::position_at(t, &self.catalog, scope.tenant(), at)?;
                    (position.cast_unsigned(), 0, position.cast_unsigned())
                }
            };
            let mut details = json!({ "position": { "old": known.position, "new": position } });
            match from {
                ReplayFrom::Position { .. } => {}
                ReplayFrom::Time(at) => details["time"] = json!(at),
                ReplayFrom::Now => details["skip"] = true.into(),
            }
            note(t, scope, AuditAction::WebhookReplayed, &known, details, now)?;
            move_to(t, scope, id, [position, begun, forgotten], now)
        })
    }

    fn test_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        test: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(scope.tenant(), |t| {
            if get(t, scope, id)?.disabled.is_some() {
                return Err(StoreError::WebhookDisabled(id.clone()));
            }
            queue::add_test(t, scope.tenant(), id, test, now)
        })
    }

    fn webhook_deliveries(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.read(|t| {
            get(t, scope, id)?;
            queue::deliveries(t, scope.tenant(), id, limit)
        })
    }

    fn due_webhooks(&self, limit: u32, now: Timestamp) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
        self.read(|t| queue::due(t, limit, now))
    }

    fn claim_webhook(&self, claim: &Claim, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        self.write_beside(|t| queue::claim(t, claim, until, now))
    }

    fn keep_webhook(&self, claim: &Claim, until: Timestamp) -> Result<bool, StoreError> {
        self.write_beside(|t| queue::keep(t, claim, until))
    }

    fn release_webhook(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        self.write_beside(|t| queue::release(t, claim, now))
    }

    fn webhook_work(
        &self,
        claim: &Claim,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<WebhookWork>, StoreError> {
        self.read(|t| queue::work(t, &self.catalog, claim, limit, now))
    }

    fn settle_webhook(
        &self,
        claim: &Claim,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_beside(|t| queue::settle(t, claim, settlement, now))
    }

    fn disable_webhook(
        &self,
        claim: &Claim,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(&claim.tenant, |t| {
            let sql = "UPDATE hub_webhooks SET reason = ?1, since = ?2, epoch = epoch + 1 \
                       WHERE tenant = ?3 AND id = ?4 AND owner = ?5 AND reason IS NULL";
            let parameters = (
                reason.as_str(),
                micros(now),
                claim.tenant.as_str(),
                claim.webhook.as_str(),
                &claim.owner,
            );
            if t.execute(sql, parameters)? == 0 {
                return Ok(());
            }
            let act = Act {
                action: AuditAction::WebhookDisabled,
                subject: claim.webhook.as_str(),
                company: None,
                details: json!({ "reason": reason.as_str() }),
            };
            audit::note(t, &claim.tenant, &Actor::hub(), act, now)
        })
    }

    fn webhook_backlog(&self) -> Result<(Option<Timestamp>, u64), StoreError> {
        self.read(queue::backlog)
    }
}

/// Everything of a tenant's, without a token.
fn operator(tenant: &TenantId) -> TenantScope {
    TenantScope {
        tenant: tenant.clone(),
        scope: TokenScope::Admin,
        companies: None,
        classes: Class::ALL.to_vec(),
        prefix: String::new(),
        addresses: Vec::new(),
        expires_at: None,
        address: None,
    }
}

fn add(
    t: &Tx<'_>,
    scope: &TenantScope,
    id: &WebhookId,
    new: &NewWebhook,
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let tenant = scope.tenant().as_str();
    let sql = "SELECT count(*) FROM hub_webhooks WHERE tenant = ?";
    if t.row(sql, [tenant], |row| row.get::<i64>(0))? >= MOST {
        return Err(StoreError::WebhooksTooMany(MOST));
    }
    let wants = within(scope, &new.wants)?;
    let written = Written::of(&wants)?;
    let sql = "INSERT INTO hub_webhooks (tenant, id, url, description, events, datasets, companies, classes, secret, \
               since, position, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, \
               (SELECT head FROM hub_tenants WHERE tenant = ?1), ?10, ?10)";
    let parameters = [
        tenant.param(),
        Param::Text(id.as_str()),
        new.url.param(),
        new.description.param(),
        written.events.param(),
        written.datasets.param(),
        written.companies.param(),
        written.classes.param(),
        Param::Text(new.secret.reveal()),
        Param::Integer(micros(now)),
    ];
    t.execute(sql, parameters.as_slice())?;
    let added = get(t, scope, id)?;
    note(t, scope, AuditAction::WebhookAdded, &added, shown(&added), now)?;
    Ok(added)
}

fn list(t: &Tx<'_>, scope: &TenantScope) -> Result<Vec<Webhook>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM hub_webhooks w WHERE tenant = ? ORDER BY created_at, id");
    let mut all = t.all(&sql, [scope.tenant().as_str()], webhook_row)?;
    all.retain(|webhook| covers(scope, &webhook.wants));
    Ok(all)
}

fn get(t: &Tx<'_>, scope: &TenantScope, id: &WebhookId) -> Result<Webhook, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM hub_webhooks w WHERE tenant = ? AND id = ?");
    let found = t.one(&sql, (scope.tenant().as_str(), id.as_str()), webhook_row)?;
    found
        .filter(|webhook| covers(scope, &webhook.wants))
        .ok_or_else(|| StoreError::WebhookUnknown(id.clone()))
}

fn edit(
    t: &Tx<'_>,
    scope: &TenantScope,
    id: &WebhookId,
    change: &WebhookEdit,
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let known = get(t, scope, id)?;
    let wants = change.wants.as_ref().map(|wants| within(scope, wants));
    let written = Written::of(&wants.transpose()?.unwrap_or_else(|| known.wants.clone()))?;
    let (reason, since) = match (change.active, known.disabled) {
        (Some(true), Some(_)) => {
            changes::check_webhook(t, scope.tenant(), (known.position, known.begun))?;
            (None, now)
        }
        (Some(false), None) => (Some(DisabledReason::Requested), now),
        (Some(_) | None, stays) => (stays, known.since),
    };
    let sql = "UPDATE hub_webhooks SET url = ?3, description = ?4, events = ?5, datasets = ?6, companies = ?7, \
               classes = ?8, reason = ?9, since = ?10, updated_at = ?11 WHERE tenant = ?1 AND id = ?2";
    let parameters = [
        Param::Text(scope.tenant().as_str()),
        Param::Text(id.as_str()),
        change.url.as_ref().unwrap_or(&known.url).param(),
        change.description.as_ref().unwrap_or(&known.description).param(),
        written.events.param(),
        written.datasets.param(),
        written.companies.param(),
        written.classes.param(),
        reason.map_or(Param::Null, |reason| Param::Text(reason.as_str())),
        Param::Integer(micros(since)),
        Param::Integer(micros(now)),
    ];
    t.execute(sql, parameters.as_slice())?;
    if change.url.is_some() || (reason.is_none() && known.disabled.is_some()) {
        begin_anew(t, scope, id, now)?;
    }
    let edited = changed(t, scope, id)?;
    let details = difference(&known, &edited);
    if !details.is_null() {
        note(t, scope, AuditAction::WebhookEdited, &known, details, now)?;
    }
    Ok(edited)
}

/// How the receiver answered counts no more: it is another one, or has been seen to.
fn begin_anew(t: &Tx<'_>, scope: &TenantScope, id: &WebhookId, now: Timestamp) -> Result<(), StoreError> {
    let own = (scope.tenant().as_str(), id.as_str());
    let sql =
        "UPDATE hub_webhooks SET failing_since = NULL, pauses = 0, resume_at = 0 WHERE tenant = ? AND id = ?";
    t.execute(sql, own)?;
    queue::all_due(t, own, now)
}

/// A process that is telling it takes it up as it is now.
fn changed(t: &Tx<'_>, scope: &TenantScope, id: &WebhookId) -> Result<Webhook, StoreError> {
    let sql = "UPDATE hub_webhooks SET epoch = epoch + 1 WHERE tenant = ? AND id = ?";
    t.execute(sql, (scope.tenant().as_str(), id.as_str()))?;
    t.wake(WakeKind::Change, scope.tenant());
    get(t, scope, id)
}

fn rotate(
    t: &Tx<'_>,
    scope: &TenantScope,
    id: &WebhookId,
    (secret, former_until): (&Secret, Timestamp),
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let known = get(t, scope, id)?;
    note(t, scope, AuditAction::WebhookRotated, &known, Json::Null, now)?;
    let own = (scope.tenant().as_str(), id.as_str());
    let sql = "SELECT secret, former_secrets FROM hub_webhooks WHERE tenant = ? AND id = ?";
    let (present, former): (String, String) = t.row(sql, own, |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Who asks again has perhaps not seen the answer: the receiver may know none but an older one.
    let mut former = in_force(&former, now)?;
    former.insert(0, (present, micros(former_until)));
    former.truncate(MOST_FORMER);
    let sql = "UPDATE hub_webhooks SET former_secrets = ?, secret = ?, updated_at = ? \
               WHERE tenant = ? AND id = ?";
    t.execute(
        sql,
        (
            written(&former)?,
            secret.reveal(),
            micros(now),
            scope.tenant().as_str(),
            id.as_str(),
        ),
    )?;
    changed(t, scope, id)
}

fn remove(t: &Tx<'_>, scope: &TenantScope, id: &WebhookId, now: Timestamp) -> Result<Webhook, StoreError> {
    let known = get(t, scope, id)?;
    note(t, scope, AuditAction::WebhookRemoved, &known, shown(&known), now)?;
    let own = (scope.tenant().as_str(), id.as_str());
    // The webhook first: whoever is about to settle finds it gone and adds nothing.
    t.execute("DELETE FROM hub_webhooks WHERE tenant = ? AND id = ?", own)?;
    for table in ["hub_webhook_events", "hub_webhook_deliveries"] {
        let sql = format!("DELETE FROM {table} WHERE tenant = ? AND webhook = ?");
        t.execute(&sql, own)?;
    }
    Ok(known)
}

fn move_to(
    t: &Tx<'_>,
    scope: &TenantScope,
    id: &WebhookId,
    [position, begun, forgotten]: [u64; 3],
    now: Timestamp,
) -> Result<Webhook, StoreError> {
    let own = (scope.tenant().as_str(), id.as_str());
    let sql = "UPDATE hub_webhooks SET position = ?, begun = ?, updated_at = ? WHERE tenant = ? AND id = ?";
    let place = (position.cast_signed(), begun.cast_signed());
    t.execute(sql, (place.0, place.1, micros(now), own.0, own.1))?;
    let sql = "DELETE FROM hub_webhook_events WHERE tenant = ? AND webhook = ? AND position > ?";
    t.execute(sql, (own.0, own.1, forgotten.cast_signed()))?;
    begin_anew(t, scope, id, now)?;
    changed(t, scope, id)
}

/// A webhook is seen by tokens that read at least as much: nobody makes another one's
/// messages come to himself.
fn covers(scope: &TenantScope, wants: &Wants) -> bool {
    scope.covers(wants.companies.as_deref(), &wants.classes)
}

/// Tells the audit log.
fn note(
    t: &Tx<'_>,
    scope: &TenantScope,
    action: AuditAction,
    webhook: &Webhook,
    details: Json,
    now: Timestamp,
) -> Result<(), StoreError> {
    let act = Act {
        action,
        subject: webhook.id.as_str(),
        company: None,
        details,
    };
    audit::note(t, scope.tenant(), &scope.actor(), act, now)
}

/// What the audit log says of a webhook: who is told of what. Paths of addresses may be secret.
fn shown(webhook: &Webhook) -> Json {
    let Wants {
        events,
        datasets,
        companies,
        classes,
    } = &webhook.wants;
    let classes: Vec<_> = classes.iter().map(|class| class.as_str()).collect();
    json!({
        "url": origin(&webhook.url), "events": events, "datasets": datasets, "companies": companies,
        "classes": classes,
    })
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

/// What was changed of a webhook; null where nothing was.
fn difference(old: &Webhook, new: &Webhook) -> Json {
    let pair = |old: &Json, new: &Json| json!({ "old": old, "new": new });
    let (before, after) = (shown(old), shown(new));
    let mut details = serde_json::Map::new();
    for (name, new) in after.as_object().into_iter().flatten() {
        let old = &before[name];
        if old != new {
            details.insert(name.clone(), pair(old, new));
        }
    }
    if old.url != new.url {
        details.insert("url".to_owned(), pair(&before["url"], &after["url"]));
    }
    if old.description != new.description {
        details.insert("description".to_owned(), "changed".into());
    }
    let active = [old, new].map(|webhook| Json::from(webhook.disabled.is_none()));
    if active[0] != active[1] {
        details.insert("active".to_owned(), pair(&active[0], &active[1]));
    }
    if details.is_empty() {
        Json::Null
    } else {
        details.into()
    }
}

/// The same, with the token's companies where none are named.
fn within(scope: &TenantScope, wants: &Wants) -> Result<Wants, StoreError> {
    let wants = Wants {
        companies: wants.companies.clone().or_else(|| scope.companies.clone()),
        ..wants.clone()
    };
    if covers(scope, &wants) {
        Ok(wants)
    } else {
        Err(StoreError::WebhookBeyondToken)
    }
}

/// Secrets that still sign beside the present one, the latest first, each with its end.
fn in_force(former: &str, now: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    let mut all: Vec<(String, i64)> = parsed("a webhook's former secrets", former)?;
    all.retain(|(_, until)| micros(now) < *until);
    Ok(all)
}

/// Until when any of them signs.
fn former_until(former: &str) -> Result<Option<Timestamp>, StoreError> {
    let all: Vec<(IgnoredAny, i64)> = parsed("a webhook's former secrets", former)?;
    let last = all.into_iter().map(|(_, until)| until).max();
    last.map(timestamp).transpose()
}

/// What is wanted in the store's form.
struct Written {
    events: String,
    datasets: Option<String>,
    companies: Option<String>,
    classes: String,
}

impl Written {
    fn of(wants: &Wants) -> Result<Self, StoreError> {
        Ok(Self {
            events: written(&wants.events)?,
            datasets: wants.datasets.as_ref().map(written).transpose()?,
            companies: wants.companies.as_ref().map(written).transpose()?,
            classes: written(
                &wants
                    .classes
                    .iter()
                    .map(|class| class.as_str())
                    .collect::<Vec<_>>(),
            )?,
        })
    }
}

fn written<T: Serialize>(list: &T) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|e| StoreError::corrupt(format!("a webhook: {e}")))
}

fn webhook_row(row: &Row<'_>) -> Result<Webhook, StoreError> {
    fn list<T: DeserializeOwned>(text: Option<String>) -> Result<Option<T>, StoreError> {
        text.map(|text| parsed("a webhook", &text)).transpose()
    }
    let at = |column: usize| row.get::<Option<i64>>(column)?.map(timestamp).transpose();
    let classes: Vec<String> = parsed("a webhook", &row.get::<String>(6)?)?;
    let reason: Option<String> = row.get(7)?;
    let resume_at: i64 = row.get(12)?;
    Ok(Webhook {
        id: WebhookId::new(row.get::<String>(0)?),
        url: row.get(1)?,
        description: row.get(2)?,
        wants: Wants {
            events: parsed::<Vec<WebhookEvent>>("a webhook", &row.get::<String>(3)?)?,
            datasets: list(row.get(4)?)?,
            companies: list(row.get(5)?)?,
            classes: classes.iter().filter_map(|name| Class::from_name(name)).collect(),
        },
        disabled: reason
            .map(|name| {
                DisabledReason::from_name(&name)
                    .ok_or_else(|| StoreError::corrupt(format!("the reason {name} of a webhook")))
            })
            .transpose()?,
        since: timestamp(row.get(8)?)?,
        position: row.get::<i64>(9)?.cast_unsigned(),
        begun: row.get::<i64>(19)?.cast_unsigned(),
        standing: Standing {
            failing_since: at(10)?,
            pauses: row.get(11)?,
            resume_at: (resume_at > 0).then(|| timestamp(resume_at)).transpose()?,
        },
        former_secret_until: former_until(&row.get::<String>(13)?)?,
        created_at: timestamp(row.get(14)?)?,
        updated_at: timestamp(row.get(15)?)?,
        head: row.get::<i64>(16)?.cast_unsigned(),
        waiting: row.get::<i64>(17)?.cast_unsigned(),
        oldest_waiting_at: at(18)?,
    })
}
