//! What an agent tells of itself.

use axum::Json;
use axum::extract::State;
use wire::agent::Done;
use wire::status::AgentStatus;

use crate::auth::Driver;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::request::Body;

/// Keeps the latest; its size is that of any body.
pub(crate) async fn put(
    Driver(scope): Driver,
    State(hub): State<Hub>,
    Body(status): Body<AgentStatus>,
) -> Result<Json<Done>, ApiError> {
    let now = hub.now();
    hub.call(move |store| store.put_status(&scope, &status, now))
        .await?;
    Ok(Json(Done {}))
}
