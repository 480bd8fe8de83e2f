//! The description of the API, served by the API.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::json;

use crate::api::{self, Endpoint};
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::{self, JSON, Operation};

pub(crate) fn endpoints() -> [Endpoint; 1] {
    let operation = Operation::new("get_openapi", "Operation", "This document")
        .open()
        .answers(
            200,
            "OpenAPI 3.1.",
            json!({ "type": "object" }),
            json!({ "openapi": "3.1.0" }),
        );
    [Endpoint::get("/v1/openapi.json", document, operation)]
}

/// Made once for the process: neither catalog nor endpoints change while it runs.
static DOCUMENT: OnceLock<Bytes> = OnceLock::new();

async fn document(State(hub): State<Hub>) -> Result<impl IntoResponse, ApiError> {
    let bytes = match DOCUMENT.get() {
        Some(bytes) => bytes.clone(),
        None => {
            let document = openapi::document(hub.store().catalog(), &api::endpoints());
            let bytes =
                serde_json::to_vec(&document).map_err(|e| ApiError::new("internal", e.to_string()))?;
            DOCUMENT.get_or_init(|| bytes.into()).clone()
        }
    };
    Ok(([(header::CONTENT_TYPE, JSON)], bytes))
}
