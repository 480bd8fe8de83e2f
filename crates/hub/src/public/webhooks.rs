//! Webhooks: who is told of what.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use catalog::Class;
use hub_store::{
    Delivery, NewWebhook, ReplayFrom, Store, TenantScope, Wants, Webhook, WebhookEdit, WebhookEvent,
    WebhookId,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use values::DatasetName;

use super::records::chosen_company;
use crate::api::Endpoint;
use crate::auth::{Reader, Writer};
use crate::cursor::Feed;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::webhooks as described;
use crate::random;
use crate::request::{Body, Parameters};
use crate::webhooks::FORMER_SECRET_FOR;
use crate::webhooks::address::check_url;

const DEFAULT_LIMIT: u32 = 50;
/// As many as are remembered.
const MAX_LIMIT: u32 = 200;

pub(crate) fn endpoints() -> [Endpoint; 9] {
    let limit = (DEFAULT_LIMIT, MAX_LIMIT);
    [
        Endpoint::get("/v1/webhooks", list, described::list()),
        Endpoint::post("/v1/webhooks", add, described::add()),
        Endpoint::get("/v1/webhooks/{id}", get, described::get()),
        Endpoint::patch("/v1/webhooks/{id}", edit, described::edit()),
        Endpoint::delete("/v1/webhooks/{id}", remove, described::remove()),
        Endpoint::post("/v1/webhooks/{id}/rotate", rotate, described::rotate()),
        Endpoint::post("/v1/webhooks/{id}/test", test, described::test()),
        Endpoint::post("/v1/webhooks/{id}/replay", replay, described::replay()),
        Endpoint::get(
            "/v1/webhooks/{id}/deliveries",
            deliveries,
            described::deliveries(limit),
        ),
    ]
}

/// What a webhook is to be, as it is sent. What is left out stays as it is, or is the usual.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    #[serde(default, deserialize_with = "present")]
    url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    description: Option<String>,
    #[serde(default, deserialize_with = "present")]
    events: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    datasets: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given")]
    companies: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    classes: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    active: Option<bool>,
}

/// What may be left out, and is not null.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Null is told from what is left out.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Texts for people.
const MAX_DESCRIPTION_BYTES: usize = 500;

impl Posted {
    /// What is wanted, over what was.
    fn wants(
        &self,
        hub: &Hub,
        store: &dyn Store,
        scope: &TenantScope,
        before: &Wants,
    ) -> Result<Wants, ApiError> {
        let events = match &self.events {
            None => before.events.clone(),
            Some(names) => names.iter().map(|name| event(name)).collect::<Result<_, _>>()?,
        };
        let dataset =
            |name: &String| -> Result<DatasetName, ApiError> { Ok(store.dataset(scope, name)?.name.clone()) };
        let datasets = match &self.datasets {
            None => before.datasets.clone(),
            Some(None) => None,
            Some(Some(names)) => Some(names.iter().map(dataset).collect::<Result<_, _>>()?),
        };
        let company = |name: &String| match chosen_company(hub, scope, Some(name.clone()))? {
            Some(company) => Ok(company),
            None => Err(ApiError::new(
                "company_unknown",
                format!("no company {name} is known"),
            )),
        };
        let companies = match &self.companies {
            None => before.companies.clone(),
            Some(None) => None,
            Some(Some(names)) => Some(names.iter().map(company).collect::<Result<_, _>>()?),
        };
        let class = |name: &String| {
            Class::from_name(name).ok_or_else(|| {
                ApiError::new("body_invalid", format!("classes: {name:?} is none"))
                    .with_remedy("use public, personal, cost or credit")
            })
        };
        let classes = match &self.classes {
            None => before.classes.clone(),
            Some(names) => names.iter().map(class).collect::<Result<_, _>>()?,
        };
        Ok(Wants {
            events,
            datasets,
            companies,
            classes,
        })
    }

    fn check(&self, hub: &Hub) -> Result<Option<String>, ApiError> {
        if self
            .description
            .as_ref()
            .is_some_and(|d| d.len() > MAX_DESCRIPTION_BYTES)
        {
            let detail = format!("description: it is over {MAX_DESCRIPTION_BYTES} bytes");
            return Err(ApiError::new("body_invalid", detail));
        }
        let url = self.url.as_deref();
        let url = url.map(|url| check_url(url, hub.webhooks().allow_private));
        Ok(url.transpose()?.map(String::from))
    }
}

fn event(name: &str) -> Result<WebhookEvent, ApiError> {
    WebhookEvent::from_name(name)
        .filter(|event| WebhookEvent::CHOICES.contains(event))
        .ok_or_else(|| {
            ApiError::new(
                "webhook_event_unknown",
                format!("there is no kind of event {name:?}"),
            )
        })
}

/// What a webhook is told of when nothing is said: everything, without fields that not
/// everybody reads.
pub(crate) fn usual() -> Wants {
    Wants {
        events: WebhookEvent::CHOICES.to_vec(),
        datasets: None,
        companies: None,
        classes: vec![Class::Public],
    }
}

async fn list(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    parameters.finish()?;
    hub.call(move |store| {
        let all = store.webhooks(&scope)?;
        let all: Vec<_> = all.iter().map(|webhook| show(store, &scope, webhook)).collect();
        Ok(Json(json!({ "data": all })))
    })
    .await
}

async fn add(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    parameters: Parameters,
    body: Result<Body<Posted>, ApiError>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    parameters.finish()?;
    let Body(posted) = body?;
    let url = posted
        .check(&hub)?
        .ok_or_else(|| ApiError::new("webhook_url_invalid", "url is missing"))?;
    if posted.active == Some(false) {
        let detail = "active: a new webhook is active";
        return Err(ApiError::new("body_invalid", detail));
    }
    let (now, of_request) = (hub.now(), hub.clone());
    hub.call_api(move |store| {
        let new = NewWebhook {
            url,
            wants: posted.wants(&of_request, store, &scope, &usual())?,
            description: posted.description.unwrap_or_default(),
            secret: random::webhook_secret(),
        };
        let added = store.add_webhook(&scope, &random::webhook_id(), &new, now)?;
        let mut shown = show(store, &scope, &added);
        shown["secret"] = new.secret.reveal().into();
        Ok((StatusCode::CREATED, Json(shown)))
    })
    .await
}

async fn get(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    hub.call(move |store| {
        let webhook = store.webhook(&scope, &id)?;
        Ok(Json(show(store, &scope, &webhook)))
    })
    .await
}

async fn edit(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    parameters: Parameters,
    body: Result<Body<Posted>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    let Body(posted) = body?;
    let url = posted.check(&hub)?;
    let (now, of_request) = (hub.now(), hub.clone());
    hub.call_api(move |store| {
        let known = store.webhook(&scope, &id)?;
        let edit = WebhookEdit {
            url,
            wants: Some(posted.wants(&of_request, store, &scope, &known.wants)?),
            description: posted.description,
            active: posted.active,
        };
        let edited = store.edit_webhook(&scope, &id, &edit, now);
        let edited = edited.map_err(|error| with_way_back(error.into()))?;
        Ok(Json(show(store, &scope, &edited)))
    })
    .await
}

/// What to do where a webhook cannot go on.
fn with_way_back(refusal: ApiError) -> ApiError {
    match refusal.code() {
        "cursor_expired" => refusal.with_remedy(
            "POST /v1/webhooks/{id}/replay with {\"since\": \"\"} to send everything, or {\"skip\": true} to go on from now; then switch it on",
        ),
        _ => refusal,
    }
}

async fn remove(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    let now = hub.now();
    hub.call(move |store| {
        let removed = store.remove_webhook(&scope, &id, now)?;
        Ok(Json(show(store, &scope, &removed)))
    })
    .await
}

async fn rotate(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    let now = hub.now();
    hub.call(move |store| {
        let secret = random::webhook_secret();
        let rotated = store.rotate_webhook(&scope, &id, &secret, now + FORMER_SECRET_FOR, now)?;
        let mut shown = show(store, &scope, &rotated);
        shown["secret"] = secret.reveal().into();
        Ok(Json(shown))
    })
    .await
}

async fn test(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    parameters: Parameters,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    let now = hub.now();
    hub.call(move |store| {
        let test = random::webhook_test();
        store.test_webhook(&scope, &id, &test, now)?;
        Ok((StatusCode::ACCEPTED, Json(json!({ "test": test }))))
    })
    .await
}

/// From where to send again: one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    #[serde(default, deserialize_with = "present")]
    since: Option<String>,
    #[serde(default, deserialize_with = "present")]
    time: Option<Timestamp>,
    #[serde(default, deserialize_with = "present")]
    skip: Option<bool>,
}

async fn replay(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    parameters: Parameters,
    body: Result<Body<Replay>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    let Body(wanted) = body?;
    let now = hub.now();
    hub.call_api(move |store| {
        let feed = Feed {
            store: store.id(),
            tenant: scope.tenant(),
        };
        let from = match (wanted.since.as_deref(), wanted.time, wanted.skip) {
            (Some(""), None, None) => ReplayFrom::Position { after: 0, begun: 0 },
            (Some(cursor), None, None) => {
                let (after, begun) = feed.read(cursor)?;
                ReplayFrom::Position { after, begun }
            }
            (None, Some(time), None) => ReplayFrom::Time(time),
            (None, None, Some(true)) => ReplayFrom::Now,
            _ => {
                return Err(ApiError::new(
                    "replay_invalid",
                    "the request names no place, or several",
                ));
            }
        };
        let replayed = store.replay_webhook(&scope, &id, from, now)?;
        Ok(Json(show(store, &scope, &replayed)))
    })
    .await
}

async fn deliveries(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    id: Result<Path<WebhookId>, PathRejection>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    parameters.finish()?;
    hub.call(move |store| {
        let sent = store.webhook_deliveries(&scope, &id, limit)?;
        let sent: Vec<_> = sent.iter().map(show_delivery).collect();
        Ok(Json(json!({ "data": sent })))
    })
    .await
}

/// A webhook as the API shows it; its secret is shown once, when it is made.
pub(crate) fn show(store: &dyn Store, scope: &TenantScope, webhook: &Webhook) -> Value {
    let feed = Feed {
        store: store.id(),
        tenant: scope.tenant(),
    };
    let state = match (webhook.disabled, webhook.standing.failing_since) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "failing",
        (None, None) => "active",
    };
    let classes: Vec<_> = webhook.wants.classes.iter().map(|class| class.as_str()).collect();
    json!({
        "id": webhook.id, "url": webhook.url, "description": webhook.description,
        "events": webhook.wants.events, "datasets": webhook.wants.datasets,
        "companies": webhook.wants.companies, "classes": classes,
        "state": state, "reason": webhook.disabled.map(|reason| reason.as_str()), "since": webhook.since,
        "failing_since": webhook.standing.failing_since, "paused_until": webhook.standing.resume_at,
        "caught_up": webhook.position == webhook.head && webhook.waiting == 0,
        "waiting": webhook.waiting, "oldest_waiting_at": webhook.oldest_waiting_at,
        "cursor": feed.after(webhook.position, webhook.begun), "former_secret_until": webhook.former_secret_until,
        "created_at": webhook.created_at, "updated_at": webhook.updated_at,
    })
}

/// A delivery as the API shows it.
pub(crate) fn show_delivery(delivery: &Delivery) -> Value {
    let subject = &delivery.subject;
    json!({
        "message": delivery.message, "event": delivery.event, "topic": subject.topic,
        "company": subject.company, "key": subject.key, "attempt": delivery.attempt, "at": delivery.at,
        "took_ms": delivery.took_ms, "status": delivery.status, "outcome": delivery.outcome,
    })
}
