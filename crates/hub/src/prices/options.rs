//! What a company has chosen for its prices: where it is read, and where it is changed.

use axum::Json;
use axum::extract::State;
use hub_store::StoreError;
use pricing::Options;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use values::CompanyId;

use crate::auth::{Admin, Reader};
use crate::error::ApiError;
use crate::hub::Hub;
use crate::public::records::chosen_company;
use crate::request::{Body, Parameters};

/// Options by name, with null where a choice is taken back.
pub(crate) type Choices = Map<String, Value>;

/// Prices are worked out by these.
pub(crate) fn of_choices(chosen: &Choices) -> Result<Options, StoreError> {
    Options::deserialize(Value::Object(chosen.clone()))
        .map_err(|e| StoreError::Corrupt(format!("options of prices that this version does not know: {e}")))
}

/// All options as they hold.
pub(crate) fn as_they_hold(chosen: &Choices) -> Result<Value, StoreError> {
    serde_json::to_value(of_choices(chosen)?)
        .map_err(|e| StoreError::Corrupt(format!("options of prices: {e}")))
}

/// What is wrong with these choices.
pub(crate) fn check(choices: &Choices) -> Result<(), String> {
    let known = as_they_hold(&Choices::new()).unwrap_or_default();
    for (name, value) in choices {
        if known.get(name).is_none() {
            return Err(format!("there is no option {name:?} of prices"));
        }
        if !value.is_null() {
            let one = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
            Options::deserialize(one).map_err(|e| format!("{name}: {e}"))?;
        }
    }
    Ok(())
}

pub(super) async fn show(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let company = parameters.take("company")?;
    parameters.finish()?;
    let of_request = hub.clone();
    hub.call_api(move |store| {
        let company = company_of(&of_request, &scope, company)?;
        let chosen = store.price_options(scope.tenant(), &company)?;
        shown(&company, &chosen)
    })
    .await
}

pub(super) async fn choose(
    Admin(scope): Admin,
    State(hub): State<Hub>,
    mut parameters: Parameters,
    body: Result<Body<Choices>, ApiError>,
) -> Result<Json<Value>, ApiError> {
    let company = parameters.take("company")?;
    parameters.finish()?;
    let Body(choices) = body?;
    check(&choices).map_err(|detail| ApiError::new("body_invalid", detail))?;
    let (of_request, now) = (hub.clone(), hub.now());
    hub.call_api(move |store| {
        let company = company_of(&of_request, &scope, company)?;
        let chosen = store.choose_price_options(scope.tenant(), &company, &choices, &scope.actor(), now)?;
        shown(&company, &chosen)
    })
    .await
}

fn company_of(
    hub: &Hub,
    scope: &hub_store::TenantScope,
    named: Option<String>,
) -> Result<CompanyId, ApiError> {
    chosen_company(hub, scope, named)?
        .ok_or_else(|| ApiError::new("company_unknown", "the token sees no company yet"))
}

fn shown(company: &CompanyId, chosen: &Choices) -> Result<Json<Value>, ApiError> {
    let options = as_they_hold(chosen)?;
    Ok(Json(
        json!({ "company": company, "options": options, "chosen": chosen }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_one_by_one() {
        let choices = |of: Value| serde_json::from_value::<Choices>(of).unwrap();
        check(&choices(
            json!({ "rounding": "once", "price_decimals": 2, "total_by": null }),
        ))
        .unwrap();
        for (odd, named) in [
            (json!({ "rounding": "sometimes" }), "rounding"),
            (json!({ "price_decimals": 7 }), "price_decimals"),
            (json!({ "price_decimals": "2" }), "price_decimals"),
            (json!({ "round": null }), "round"),
        ] {
            let problem = check(&choices(odd.clone())).unwrap_err();
            assert!(problem.contains(named), "{odd}: {problem}");
        }
        let held = as_they_hold(&choices(json!({ "rounding": "once" }))).unwrap();
        assert_eq!(
            (&held["rounding"], &held["zero_bound"]),
            (&json!("once"), &json!("ends"))
        );
    }
}
