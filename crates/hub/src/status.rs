//! What machines and people ask about the hub itself.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, Uri, header};
use axum::response::IntoResponse;

use crate::api::Endpoint;
use crate::error::{ApiError, CODES, find};
use crate::hub::{Counters, Hub};
use crate::openapi::Operation;
use crate::openapi::schema::text;

const TEXT: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];

pub(crate) fn endpoints() -> [Endpoint; 5] {
    let about = |id: &'static str, words: &'static str, example: &str| {
        Operation::new(id, "Operation", words)
            .open()
            .answers_text(200, words, example)
    };
    let page = about(
        "get_error",
        "One code of errors",
        "Not a key\n\ncode: key_invalid\nstatus: 400\n",
    )
    .in_path("code", text(), "As a problem shows it.", "key_invalid")
    .refuses(&["error_unknown"]);
    [
        Endpoint::get("/healthz", healthz, about("healthz", "The process runs", "ok\n")),
        Endpoint::get("/readyz", readyz, about("readyz", "The store answers", "ok\n")),
        Endpoint::get(
            "/metrics",
            metrics,
            about(
                "metrics",
                "Counters in the text format of Prometheus",
                "erp_hub_batches_total 7\n",
            ),
        ),
        Endpoint::get(
            "/errors",
            error_list,
            about(
                "list_errors",
                "All codes of errors",
                "400 key_invalid: Not a key\n",
            ),
        ),
        Endpoint::get("/errors/{code}", error_page, page),
    ]
}

/// The process runs.
pub(crate) async fn healthz() -> impl IntoResponse {
    (TEXT, "ok\n")
}

/// The store answers.
pub(crate) async fn readyz(State(hub): State<Hub>) -> Result<impl IntoResponse, ApiError> {
    hub.call_now(|store| Ok(store.ping()?)).await?;
    Ok((TEXT, "ok\n"))
}

/// Counters since the start, in the text format of Prometheus. Nothing of a tenant's.
pub(crate) async fn metrics(State(hub): State<Hub>) -> impl IntoResponse {
    let Counters {
        batches,
        records,
        documents,
        refusals,
    } = hub.counters();
    let mut text = String::new();
    for (name, help, counter) in [
        ("batches", "Batches committed.", batches),
        ("records", "Records in committed batches.", records),
        ("documents", "Documents posted and stored.", documents),
        ("refused_batches", "Batches refused.", refusals),
    ] {
        let value = counter.load(Ordering::Relaxed);
        text.push_str(&format!(
            "# HELP erp_hub_{name}_total {help}\n# TYPE erp_hub_{name}_total counter\nerp_hub_{name}_total {value}\n"
        ));
    }
    // Writing to a String cannot fail.
    let written = hub.requests().write(&mut text);
    debug_assert!(written.is_ok());
    let name = "erp_hub_webhook_deliveries_total";
    text.push_str(&format!(
        "# HELP {name} Messages of webhooks by what came of them.\n# TYPE {name} counter\n"
    ));
    for (outcome, count) in hub.deliveries().all() {
        text.push_str(&format!("{name}{{outcome=\"{}\"}} {count}\n", outcome.as_str()));
    }
    // A store that does not answer shows in /readyz.
    if let Ok((oldest, disabled)) = hub.background(|store| store.webhook_backlog()).await {
        let age = oldest.map_or(0, |at| hub.now().duration_since(at).as_secs().max(0));
        for (name, help, value) in [
            (
                "oldest_undelivered_seconds",
                "Age of the oldest event that waits to be sent again.",
                age,
            ),
            (
                "disabled",
                "Webhooks that the hub has switched off.",
                disabled.cast_signed(),
            ),
        ] {
            text.push_str(&format!(
                "# HELP erp_hub_webhooks_{name} {help}\n# TYPE erp_hub_webhooks_{name} gauge\nerp_hub_webhooks_{name} {value}\n"
            ));
        }
    }
    (TEXT, text)
}

/// All codes.
pub(crate) async fn error_list() -> impl IntoResponse {
    let mut text = String::new();
    for code in CODES {
        // Writing to a String cannot fail.
        let written = writeln!(text, "{} {}: {}", code.status, code.code, code.title);
        debug_assert!(written.is_ok());
    }
    (TEXT, text)
}

/// The page that a refusal's `type` names.
pub(crate) async fn error_page(
    path: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let Path(name) = path?;
    let code =
        find(&name).ok_or_else(|| ApiError::new("error_unknown", format!("no code is called {name:?}")))?;
    let text = format!(
        "{}\n\ncode: {}\nstatus: {}\n\nWhat to do: {}.\n",
        code.title, code.code, code.status, code.remedy
    );
    Ok((TEXT, text))
}

/// For all other paths.
pub(crate) async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::new("path_unknown", format!("nothing is at {}", uri.path()))
}

/// For known paths with another method.
pub(crate) async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        "method_not_allowed",
        format!("{} does not take {method}", uri.path()),
    )
}
