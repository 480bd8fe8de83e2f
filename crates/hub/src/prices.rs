//! What Sage would ask for items, worked out in memory: [`pricing`] over the hub's records.

mod ask;
mod books;
mod describe;
pub(crate) mod options;

use axum::Json;
use axum::extract::State;
use hub_store::{StoreError, TenantScope};
use serde_json::Value;
use values::CompanyId;

use crate::api::Endpoint;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::request::{Body, Parameters};
use ask::Asked;
pub(crate) use books::Books;

pub(crate) fn endpoints() -> [Endpoint; 3] {
    [
        Endpoint::post("/v1/prices", prices, describe::operation()),
        Endpoint::get("/v1/prices/options", options::show, describe::options()),
        Endpoint::patch("/v1/prices/options", options::choose, describe::choosing()),
    ]
}

async fn prices(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    parameters: Parameters,
    body: Result<Body<Asked>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    parameters.finish()?;
    let Body(asked) = body?;
    let question = asked.check().map_err(ApiError::document)?;
    let (of_request, asking, company) = (hub.clone(), scope.clone(), question.company.clone());
    let whole = hub
        .call_api(move |_| whole_company(&of_request, &asking, &company))
        .await?;
    let company = question.company.clone();
    let answer = books::ask(&hub, whole, company, move |kept| question.answer(kept, &scope)).await?;
    answer.map(Json).map_err(ApiError::document)
}

/// The company, if there is one that the token sees.
fn whole_company(hub: &Hub, scope: &TenantScope, company: &CompanyId) -> Result<TenantScope, ApiError> {
    let unknown = || StoreError::CompanyUnknown(company.clone());
    let whole = scope.whole_company(company).ok_or_else(unknown)?;
    // What is known may be a second old: only what it answers well is taken from it.
    let is_known = hub.companies(scope.tenant(), false)?.contains(company)
        || hub.companies(scope.tenant(), true)?.contains(company);
    if is_known {
        Ok(whole)
    } else {
        Err(unknown().into())
    }
}
