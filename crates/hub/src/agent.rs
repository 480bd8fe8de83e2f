//! The API of enrolled drivers; messages and codes are those of [`wire::agent`].

pub(crate) mod identity;
pub(crate) mod status;
pub(crate) mod streams;
pub(crate) mod writing;

use axum::Router;
use axum::routing::post;
use values::CompanyId;

use crate::error::ApiError;
use crate::hub::Hub;

/// What drivers ask for; messages and answers are described in [`wire::agent`].
pub(crate) fn routes() -> Router<Hub> {
    Router::new()
        .route("/agent/v1/enroll", post(identity::enroll))
        .route("/agent/v1/token", post(identity::token))
        .route("/agent/v1/lease", post(writing::lease))
        .route("/agent/v1/open", post(writing::open))
        .route("/agent/v1/streams/open", post(streams::open))
        .route("/agent/v1/streams/reset", post(streams::reset))
        .route("/agent/v1/hashes", post(streams::hashes))
        .route("/agent/v1/checksums", post(streams::checksums))
        .route("/agent/v1/status", post(status::put))
        .route("/agent/v1/batches", post(streams::batch))
        .route("/agent/v1/work", post(writing::work))
        .route("/agent/v1/imports/{id}/accept", post(writing::accept))
        .route("/agent/v1/imports/{id}/reserve", post(writing::reserve))
        .route("/agent/v1/imports/{id}/report", post(writing::report))
        .route("/agent/v1/imports/{id}/decide", post(writing::decide))
        .route("/agent/v1/previews/{id}", post(writing::answer_preview))
}

/// A company's name stands in URLs, files and reports.
const MAX_COMPANY_BYTES: usize = 64;

/// A company's name as it may be claimed.
fn check_company(company: &CompanyId) -> Result<(), ApiError> {
    let name = company.as_str();
    if !name.is_empty() && name.len() <= MAX_COMPANY_BYTES && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::new(
        "parameter_invalid",
        "the company's id is empty, too long or has control characters",
    )
    .with_remedy(format!(
        "give the company an id of 1 to {MAX_COMPANY_BYTES} bytes"
    )))
}
