//! What is connected, and where it stands.

use axum::Json;
use axum::extract::State;
use hub_store::{SitesQuery, StoreError};
use serde_json::{Value, json};
use values::CompanyId;

use crate::api::Endpoint;
use crate::auth::Reader;
use crate::cursor::Named;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::Operation;
use crate::openapi::schema::{reference, text};
use crate::request::Parameters;

const DEFAULT_LIMIT: u32 = 100;
/// A company has some thirty datasets.
const MAX_LIMIT: u32 = 300;

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
        "next_cursor": null,
    });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    let operation = Operation::new("list_sites", "Sites", "What is connected, and where it stands")
        .described("Companies that the token sees, their agents and datasets: freshness, findings, what waits for a person.")
        .takes("company", text(), "Only this company, its agent and its datasets.")
        .takes("limit", limit, "Companies of a page, each with all of its datasets.")
        .takes("cursor", text(), "`next_cursor` of the page before; repeat the other parameters.")
        .answers(200, "The page; agents stand on the first one.", reference("Sites"), example)
        .conditional()
        .refuses(&["company_unknown", "cursor_invalid"]);
    [Endpoint::get("/v1/sites", sites, operation)]
}

pub(crate) async fn sites(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let company = parameters.take("company")?.map(CompanyId::new);
    let cursor = parameters.take("cursor")?;
    parameters.finish()?;
    let after = cursor
        .map(|cursor| Named::Sites.read(scope.tenant(), &cursor))
        .transpose()?
        .map(CompanyId::new);
    let is_first = after.is_none();
    let query = SitesQuery {
        company,
        after,
        limit,
    };
    let now = hub.now();
    hub.call(move |store| {
        let sites = store.sites(&scope, &query, now)?;
        if let Some(company) = query
            .company
            .filter(|_| is_first && sites.companies.is_empty())
        {
            return Err(StoreError::CompanyUnknown(company));
        }
        let next = sites.next.as_ref();
        let next = next.map(|company| Named::Sites.after(scope.tenant(), company.as_str()));
        Ok(Json(json!({
            "agents": sites.agents, "companies": sites.companies, "datasets": sites.datasets, "next_cursor": next,
        })))
    })
    .await
}
