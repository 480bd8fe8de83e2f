//! The money of a day: captured, entered, posted.

use axum::Json;
use axum::extract::State;
use catalog::Class;
use hub_store::TieOut;
use values::parse_date;

use super::records::chosen_company;
use crate::auth::Reader;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::request::Parameters;

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
    hub.call_api(move |store| {
        let company = chosen_company(store, &scope, company)?
            .ok_or_else(|| ApiError::new("company_unknown", "no company has been synced yet"))?;
        Ok(Json(store.tie_out(&scope, &company, day)?))
    })
    .await
}
