//! What Sage would say to an order, without entering it.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub_store::{NewPreview, PreviewResult, StoreError, TenantScope};
use model::ImportKind;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use values::{CompanyId, ImportId};

use super::imports::unknown_company;
use super::withheld::Told;
use crate::api::Endpoint;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::Operation;
use crate::openapi::schema::{reference, text};
use crate::random;
use crate::request::Parameters;

pub(crate) fn endpoints() -> [Endpoint; 1] {
    let operation = Operation::new("get_preview", "Documents", "The answer to a preview")
        .in_path(
            "id",
            text(),
            "As `POST /v1/sales_orders?preview=true` returned it.",
            "p_0123456789abcdef",
        )
        .answers(200, "What Sage would say.", reference("Preview"), example())
        .answers(
            202,
            "Sage is still asked.",
            reference("Preview"),
            json!({ "id": "p_0123456789abcdef" }),
        )
        .conditional()
        .refuses(&["preview_unknown"]);
    [Endpoint::get("/v1/previews/{id}", one, operation)]
}

/// A preview as examples show it.
pub(super) fn example() -> Value {
    json!({
        "id": "p_0123456789abcdef", "state": "validated", "totals": { "order_total": "159.00" },
        "lines": [{ "item_code": "1001-HON-H252", "unit_price": "79.500000", "extension_amt": "159.00" }],
        "warnings": [], "problems": [],
    })
}

/// Shorter than what shops and proxies allow an answer to take.
const WAIT: Duration = Duration::from_secs(20);
/// The driver may answer at another process of the hub, which cannot wake this one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The body was checked for the company.
pub(super) async fn ask(
    scope: Arc<TenantScope>,
    hub: Hub,
    (kind, company, body): (ImportKind, CompanyId, Value),
) -> Result<Response, ApiError> {
    let id = random::preview_id();
    let new = NewPreview {
        id: id.clone(),
        kind,
        company,
        body,
    };
    let deadline = Instant::now() + WAIT;
    let (mut answered, mut stopping) = (hub.answered(scope.tenant()), hub.stopping());
    let (now, asking) = (hub.now(), scope.clone());
    hub.call_api(move |store| match store.add_preview(&asking, &new, now) {
        Err(StoreError::CompanyUnknown(company)) => Err(unknown_company(&company)),
        other => Ok(other?),
    })
    .await?;
    loop {
        answered.mark_unchanged();
        let (asking, asked) = (scope.clone(), id.clone());
        if let Some(result) = hub.call(move |store| store.preview(&asking, &asked)).await? {
            let result = readable(&scope, &hub, result);
            return Ok(Json(show(&id, &result)).into_response());
        }
        if Instant::now() >= deadline || *stopping.borrow() {
            let location = [(header::LOCATION, format!("/v1/previews/{id}"))];
            return Ok((StatusCode::ACCEPTED, location, Json(json!({ "id": id }))).into_response());
        }
        tokio::select! {
            _ = answered.changed() => {}
            _ = stopping.changed() => {}
            () = sleep_until(deadline.min(Instant::now() + LOOK_AGAIN)) => {}
        }
    }
}

pub(crate) async fn one(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    id: Result<Path<ImportId>, PathRejection>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let Path(id) = id?;
    parameters.finish()?;
    let (asking, asked) = (scope.clone(), id.clone());
    let result = hub.call(move |store| store.preview(&asking, &asked)).await?;
    Ok(match result {
        Some(result) => Json(show(&id, &readable(&scope, &hub, result))).into_response(),
        None => (StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response(),
    })
}

/// As far as the token may read it. Only orders are previewed.
fn readable(scope: &TenantScope, hub: &Hub, result: PreviewResult) -> PreviewResult {
    let told = Told {
        scope,
        catalog: hub.store().catalog(),
        kind: ImportKind::SalesOrder,
    };
    PreviewResult {
        warnings: told.warnings(result.warnings),
        problems: told.problems(result.problems),
        ..result
    }
}

fn show(id: &ImportId, result: &PreviewResult) -> Value {
    json!({
        "id": id,
        "state": result.state,
        "totals": result.totals,
        "lines": result.lines,
        "warnings": result.warnings,
        "problems": result.problems,
    })
}
