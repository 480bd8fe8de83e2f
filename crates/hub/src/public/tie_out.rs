//! The money of a day: captured, entered, posted.

use axum::Json;
use axum::extract::State;
use catalog::Class;
use hub_store::TieOut;
use serde_json::json;
use values::parse_date;

use super::records::chosen_company;
use crate::api::Endpoint;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::Operation;
use crate::openapi::schema::{date, reference, text};
use crate::request::Parameters;

pub(crate) fn endpoints() -> [Endpoint; 1] {
    let nothing = || json!({ "sum": "0.00", "count": 0 });
    let sums = json!({
        "captured": { "sum": "171.50", "count": 1 }, "queued": nothing(), "held": nothing(), "in_doubt": nothing(),
        "refused": nothing(), "entered": { "sum": "171.50", "count": 1 }, "with_order": nothing(),
        "unposted": { "sum": "171.50", "count": 1 }, "posted": nothing(), "given_back": nothing(),
    });
    let example = json!({
        "company": "ABC", "date": "2026-05-06", "total": sums, "payment_types": [], "deposits": [], "differences": [],
        "sources": ["unposted_receipts", "payments"],
    });
    let operation = Operation::new(
        "get_tie_out",
        "Money",
        "The money of a day: captured, entered, posted",
    )
    .described("For tokens of class `credit`.")
    .needs("date", date(), "The day in the company's time.")
    .takes("company", text(), "Needed when the token sees several companies.")
    .answers(200, "The day.", reference("TieOut"), example)
    .conditional()
    .refuses(&["company_required", "company_unknown", "permission_missing"]);
    [Endpoint::get("/v1/tie_out", tie_out, operation)]
}

pub(crate) async fn tie_out(
    Reader(scope): Reader,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<TieOut>, ApiError> {
    let company = parameters.take("company")?;
    let date = parameters.take("date")?.unwrap_or_default();
    parameters.finish()?;
    let day = parse_date(&date).ok().flatten().ok_or_else(|| {
        ApiError::new("parameter_invalid", format!("date is {date:?}"))
            .with_remedy("send the day in the company's time as YYYY-MM-DD")
    })?;
    if !scope.reads(Class::Credit) {
        return Err(
            ApiError::new("permission_missing", "the token does not read what customers pay")
                .with_remedy("use a token that was made with the class credit"),
        );
    }
    let of_request = hub.clone();
    hub.call_api(move |store| {
        let company = chosen_company(&of_request, &scope, company)?
            .ok_or_else(|| ApiError::new("company_unknown", "no company has been synced yet"))?;
        Ok(Json(store.tie_out(&scope, &company, day)?))
    })
    .await
}
