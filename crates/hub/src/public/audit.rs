//! The tenant's audit log, for those who administer it.

use axum::Json;
use axum::extract::State;
use hub_store::{AuditAction, AuditQuery, StoreError};
use jiff::Timestamp;
use serde_json::{Value, json};
use values::CompanyId;

use crate::api::Endpoint;
use crate::auth::Admin;
use crate::cursor::Numbered;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::Operation;
use crate::openapi::administration::example_entry;
use crate::openapi::schema::{instant, one_of, reference, text};
use crate::request::Parameters;

const DEFAULT_LIMIT: u32 = 100;
/// Entries are small.
const MAX_LIMIT: u32 = 1000;

pub(crate) fn endpoints() -> [Endpoint; 1] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    let page = json!({ "data": [example_entry()], "next_cursor": null });
    let operation = Operation::new("list_audit", "Administration", "Who did what, when and from where")
        .described(
            "Every administrative act and everything that was decided about documents, the newest first. A token of some \
             companies sees what was done about those.",
        )
        .takes("action", one_of(&AuditAction::ALL.map(AuditAction::as_str)), "Only of this action.")
        .takes("actor", text(), "Only by this actor: `command line`, `token PREFIX`, `agent ID`, `hub`.")
        .takes("subject", text(), "Only about this: an id, a token's first characters, a company.")
        .takes("company", text(), "Only of this company.")
        .takes("from", instant(), "Not before.")
        .takes("to", instant(), "Before.")
        .takes("limit", limit, "Entries of a page.")
        .takes("cursor", text(), "`next_cursor` of the page before; repeat the other parameters.")
        .answers(200, "The page.", reference("AuditPage"), page)
        .conditional()
        .refuses(&["company_unknown", "cursor_expired", "cursor_invalid", "permission_missing"]);
    [Endpoint::get("/v1/audit", audit, operation)]
}

async fn audit(
    Admin(scope): Admin,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let action = parameters.take("action")?.map(|name| {
        AuditAction::from_name(&name).ok_or_else(|| {
            let names = AuditAction::ALL.map(AuditAction::as_str);
            ApiError::new("parameter_invalid", format!("action is {name:?}"))
                .with_remedy(format!("use one of {}", names.join(", ")))
        })
    });
    let (action, actor, subject) = (
        action.transpose()?,
        parameters.take("actor")?,
        parameters.take("subject")?,
    );
    let company = parameters.take("company")?.map(CompanyId::new);
    let (from, to) = (moment(&mut parameters, "from")?, moment(&mut parameters, "to")?);
    let cursor = parameters.take("cursor")?;
    parameters.finish()?;
    hub.call_api(move |store| {
        let companies = match company {
            Some(company) if !scope.sees(&company) => {
                return Err(StoreError::CompanyUnknown(company).into());
            }
            Some(company) => Some(vec![company]),
            None => scope.companies().map(<[CompanyId]>::to_vec),
        };
        let before = cursor
            .map(|cursor| Numbered::Audit.read(store.id(), &cursor))
            .transpose()?;
        let query = AuditQuery {
            action,
            actor,
            subject,
            companies,
            from,
            to,
            before,
            limit,
        };
        let page = store.audit(scope.tenant(), &query)?;
        let next = page.next.map(|number| Numbered::Audit.after(store.id(), number));
        Ok(Json(json!({ "data": page.data, "next_cursor": next })))
    })
    .await
}

fn moment(parameters: &mut Parameters, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = parameters.take(name)? else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        ApiError::new("parameter_invalid", format!("{name} is {text:?}"))
            .with_remedy("send an instant of RFC 3339, like 2026-05-06T10:00:00Z")
    })
}
