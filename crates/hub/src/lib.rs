//! The hub: agents deliver here, the platform reads and posts here. Stateless over one
//! store; [`router`] is the whole of its HTTP face.

mod agent;
mod auth;
mod command;
mod cursor;
mod error;
mod hub;
mod public;
mod random;
mod request;
mod serve;
mod status;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use command::{Command, CommandError, run};
pub use error::{CODES, Code};
pub use hub::{Clock, Hub};
pub use serve::serve;

/// A JSON body: the largest order that Sage takes is well below it.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// All routes of the hub.
pub fn router(hub: Hub) -> Router {
    Router::new()
        .route("/agent/v1/enroll", post(agent::identity::enroll))
        .route("/agent/v1/token", post(agent::identity::token))
        .route("/agent/v1/lease", post(agent::writing::lease))
        .route("/agent/v1/streams/open", post(agent::streams::open))
        .route("/agent/v1/streams/reset", post(agent::streams::reset))
        .route("/agent/v1/hashes", post(agent::streams::hashes))
        .route("/agent/v1/checksums", post(agent::streams::checksums))
        .route("/agent/v1/status", post(agent::status::put))
        .route("/agent/v1/batches", post(agent::streams::batch))
        .route("/agent/v1/work", post(agent::writing::work))
        .route("/agent/v1/imports/{id}/accept", post(agent::writing::accept))
        .route("/agent/v1/imports/{id}/reserve", post(agent::writing::reserve))
        .route("/agent/v1/imports/{id}/report", post(agent::writing::report))
        .route("/agent/v1/imports/{id}/decide", post(agent::writing::decide))
        .route("/agent/v1/previews/{id}", post(agent::writing::answer_preview))
        .route("/v1/sites", get(public::sites::sites))
        .route("/v1/imports", get(public::imports::list))
        .route(
            "/v1/imports/{id}",
            get(public::imports::one).patch(public::decisions::edit),
        )
        .route("/v1/imports/{id}/retry", post(public::decisions::retry))
        .route("/v1/imports/{id}/discard", post(public::decisions::discard))
        .route("/v1/previews/{id}", get(public::previews::one))
        .route("/v1/tie_out", get(public::tie_out::tie_out))
        .route(
            "/v1/{dataset}",
            get(public::records::list).post(public::imports::create),
        )
        .route("/v1/{dataset}/{key}", get(public::records::one))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .route("/errors", get(status::error_list))
        .route("/errors/{code}", get(status::error_page))
        .fallback(status::no_such_path)
        .method_not_allowed_fallback(status::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .with_state(hub)
}
