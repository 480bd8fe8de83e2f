//! What Sage would ask for items, worked out in memory: [`pricing`] over the hub's records.

mod ask;
mod books;
mod describe;

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

pub(crate) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::post("/v1/prices", prices, describe::operation())]
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
    let (now, of_request) = (hub.now(), hub.clone());
    hub.call_api(move |store| {
        let whole = whole_company(&of_request, &scope, &question.company)?;
        of_request
            .books()
            .with(store, &whole, &question.company, now, |kept| {
                question.answer(kept, &scope)
            })?
            .map(Json)
            .map_err(ApiError::document)
    })
    .await
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
