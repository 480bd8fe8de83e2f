//! What is connected, and where it stands.

use axum::Json;
use axum::extract::State;
use hub_store::Sites;

use crate::auth::Reader;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::request::Parameters;

pub(crate) async fn sites(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    parameters: Parameters,
) -> Result<Json<Sites>, ApiError> {
    parameters.finish()?;
    let now = hub.now();
    hub.call(move |store| store.sites(&scope, now)).await.map(Json)
}
