//! The hub: agents deliver here, the platform reads and posts here. Stateless over one
//! store; [`router`] is the whole of its HTTP face.

mod address;
mod agent;
mod api;
mod auth;
mod cache;
mod command;
mod conditional;
mod connections;
mod cursor;
mod error;
mod guard;
mod hub;
mod lanes;
mod limits;
mod observe;
mod openapi;
mod prices;
mod public;
mod random;
mod request;
mod serve;
mod status;
mod tls;
mod uses;
mod waiting;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

pub use command::{Command, CommandError, run};
pub use error::{CODES, Code};
pub use hub::{Clock, Hub};
pub use limits::{RateLimit, RateLimitError};
pub use serve::{Server, serve};
pub use tls::{Certificates, TlsError};
pub use webhooks::{Retries, RetriesError, WebhookOptions};

/// A JSON body: the largest order that Sage takes is well below it.
const MAX_JSON_BYTES: usize = 1024 * 1024;

/// All routes of the hub.
pub fn router(hub: Hub) -> Router {
    api::routes(&hub)
        .merge(agent::routes())
        .fallback(status::no_such_path)
        .method_not_allowed_fallback(status::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(from_fn_with_state(hub.clone(), observe::observe))
        .with_state(hub)
}
