//! Documents for the ERP.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use hub_store::{Import, NewImport, StoreError, hash_body};
use model::{ImportKind, ImportState, Problem};
use serde_json::{Value, json};
use values::{CompanyId, ImportId};

use crate::auth::{Reader, Writer};
use crate::error::ApiError;
use crate::hub::{Counters, Hub};
use crate::request::{Body, Parameters, Unique};

const DEFAULT_LIMIT: u32 = 100;
/// Imports carry their attempts: a page stays below a few MiB.
const MAX_LIMIT: u32 = 1000;
/// Room for any scheme of a shop; it is stored for ever.
const MAX_KEY_BYTES: usize = 255;

pub(crate) async fn create(
    Writer(scope): Writer,
    State(hub): State<Hub>,
    dataset: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    parameters: Parameters,
    body: Result<Body<Unique>, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let Path(dataset) = dataset?;
    let kind = match dataset.as_str() {
        "sales_orders" => ImportKind::SalesOrder,
        known if hub.store().catalog().get(known).is_some() => {
            return Err(ApiError::new(
                "method_not_allowed",
                format!("{known} cannot be posted"),
            ));
        }
        unknown => {
            return Err(ApiError::new(
                "path_unknown",
                format!("nothing is at /v1/{unknown}"),
            ));
        }
    };
    parameters.finish()?;
    let idempotency_key = idempotency_key(&headers)?;
    let Body(Unique(body)) = body?;
    let company = check(kind, &body)?;
    let canonical =
        serde_json_canonicalizer::to_vec(&body).map_err(|e| ApiError::new("body_invalid", e.to_string()))?;
    let new = NewImport {
        kind,
        idempotency_key,
        company,
        body,
        body_hash: hash_body(&canonical),
    };
    let now = hub.now();
    let stored = hub
        .call_api(move |store| match store.add_import(&scope, &new, now) {
            Err(StoreError::CompanyUnknown(company)) => Err(ApiError::document(vec![Problem::new(
                "company_unknown",
                "company",
                format!("no company {company} is known"),
                "send a company of GET /v1/sites",
            )])),
            other => Ok(other?),
        })
        .await?;
    hub.announce_work();
    if stored.created_at.as_microsecond() == now.as_microsecond() {
        Counters::add(&hub.counters().documents, 1);
    }
    let location = [(header::LOCATION, format!("/v1/imports/{}", stored.id))];
    Ok((
        StatusCode::ACCEPTED,
        location,
        Json(json!({ "id": stored.id, "state": stored.state })),
    ))
}

pub(crate) async fn one(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    hub.call(move |store| store.import(&scope, &id))
        .await
        .map(|import| Json(show(import)))
}

pub(crate) async fn list(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let state = parameters.take("state")?;
    parameters.finish()?;
    let state = state.map(|name| {
        ImportState::from_name(&name)
            .ok_or_else(|| ApiError::new("parameter_invalid", format!("no state is called {name:?}")))
    });
    let state = state.transpose()?;
    let imports = hub.call(move |store| store.imports(&scope, state, limit)).await?;
    Ok(Json(
        json!({ "data": imports.into_iter().map(show).collect::<Vec<_>>() }),
    ))
}

fn show(import: Import) -> Value {
    let report = import.report;
    json!({
        "id": import.id,
        "kind": import.kind,
        "company": import.company,
        "revision": import.revision,
        "state": import.state,
        "sales_order_no": report.as_ref().and_then(|r| r.numbers.get("sales_order_no").cloned()),
        "totals": report.as_ref().map(|r| r.totals.clone()).unwrap_or_default(),
        "warnings": report.as_ref().map(|r| r.warnings.clone()).unwrap_or_default(),
        "problems": report.as_ref().map(|r| r.problems.clone()).unwrap_or_default(),
        "attempts": report.map(|r| r.attempts).unwrap_or_default(),
        "created_at": import.created_at,
        "updated_at": import.updated_at,
    })
}

/// All problems that can be seen here, at once; then the company.
fn check(kind: ImportKind, body: &Value) -> Result<CompanyId, ApiError> {
    let company = body
        .get("company")
        .and_then(Value::as_str)
        .filter(|c| !c.is_empty());
    let mut problems = Vec::new();
    if company.is_none() && body.is_object() {
        problems.push(Problem::new(
            "required",
            "company",
            "company is missing or not a text",
            "send a company of GET /v1/sites",
        ));
    }
    problems.extend(kind.problems_of(body));
    match company {
        Some(company) if problems.is_empty() => Ok(CompanyId::new(company)),
        Some(_) | None => Err(ApiError::document(problems)),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Err(ApiError::new(
            "idempotency_key_required",
            "the request has no Idempotency-Key header",
        ));
    };
    let text = value
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|t| (1..=MAX_KEY_BYTES).contains(&t.len()));
    text.map(str::to_owned).ok_or_else(|| {
        ApiError::new(
            "idempotency_key_invalid",
            format!("the key is empty, over {MAX_KEY_BYTES} bytes or not ASCII"),
        )
    })
}
