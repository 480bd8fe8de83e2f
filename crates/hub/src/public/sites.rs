//! What is connected, and where it stands.

use axum::Json;
use axum::extract::State;
use hub_store::Sites;
use serde_json::json;

use crate::api::Endpoint;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::Operation;
use crate::openapi::schema::reference;
use crate::request::Parameters;

pub(crate) fn endpoints() -> [Endpoint; 1] {
    let example = json!({
        "agents": [{
            "agent": "a_01", "role": "driver", "host": "SAGE01", "version": "1.0.0", "enrolled_at": "2026-05-01T08:00:00Z",
            "last_contact_at": "2026-05-06T10:00:00Z", "revoked_at": null, "clock_offset_s": 0,
            "status_at": "2026-05-06T10:00:00Z", "status_age_s": 4,
        }],
        "companies": [{ "company": "ABC", "agent": "a_01", "time_zone": "America/New_York", "lease": 1, "problem": null }],
        "datasets": [{
            "company": "ABC", "dataset": "items", "records": 1200, "epoch": 1, "sequence": 7,
            "updated_at": "2026-05-06T10:00:00Z", "state": "synced", "lag_s": 30,
        }],
    });
    let operation = Operation::new("list_sites", "Sites", "What is connected, and where it stands")
        .described("Companies that the token sees, their agents and datasets: freshness, findings, what waits for a person.")
        .answers(200, "All of it.", reference("Sites"), example)
        .conditional();
    [Endpoint::get("/v1/sites", sites, operation)]
}

pub(crate) async fn sites(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    parameters: Parameters,
) -> Result<Json<Sites>, ApiError> {
    parameters.finish()?;
    let now = hub.now();
    hub.call(move |store| store.sites(&scope, now)).await.map(Json)
}
