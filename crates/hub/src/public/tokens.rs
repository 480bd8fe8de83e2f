//! Tokens of the tenant, for those who administer it.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use catalog::Class;
use hub_store::{ApiTokenInfo, StoreError, TenantScope, TokenGrant, TokenQuery, TokenScope, parse_network};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use values::CompanyId;

use crate::api::Endpoint;
use crate::auth::Admin;
use crate::cursor::Named;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::openapi::administration::example_token;
use crate::openapi::schema::{flag, reference, text};
use crate::openapi::{JSON, Operation};
use crate::random;
use crate::request::{Body, Parameters};

const DEFAULT_LIMIT: u32 = 100;
/// Each may name a thousand companies.
const MAX_LIMIT: u32 = 1000;
/// Shown in lists.
const MAX_NAME_CHARS: usize = 100;
/// Checked with each request.
const MAX_ADDRESSES: usize = 50;
/// Of a token that is for some companies only.
const MAX_COMPANIES: usize = 1000;

pub(crate) fn endpoints() -> [Endpoint; 4] {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    let all_of_them = Operation::new("list_tokens", "Administration", "Tokens, the oldest first")
        .described("Tokens that reach no further than the one that asks, by their first characters.")
        .takes("revoked", flag(), "With those that were revoked.")
        .takes("limit", limit, "Tokens of a page.")
        .takes(
            "cursor",
            text(),
            "`next_cursor` of the page before; repeat the other parameters.",
        )
        .answers(
            200,
            "The page.",
            reference("TokenList"),
            json!({ "data": [example_token()], "next_cursor": null }),
        )
        .conditional()
        .refuses(&["cursor_invalid", "permission_missing"]);
    let mut made = example_token();
    made["token"] = "erp_0123abcd…".into();
    let make = Operation::new("create_token", "Administration", "Makes a token")
        .described("`token` is shown once. It reaches no further than the one that makes it, lasts no longer and is taken from no other networks.")
        .body(
            JSON,
            reference("NewToken"),
            vec![
                ("reads".to_owned(), json!({ "scope": "read" })),
                (
                    "shop".to_owned(),
                    json!({
                        "scope": "write", "name": "shop", "companies": ["ABC"], "classes": ["public", "personal"],
                        "addresses": ["203.0.113.0/24"], "expires_at": "2027-01-31T00:00:00Z",
                    }),
                ),
            ],
        )
        .answers(201, "The token.", reference("TokenMade"), made)
        .refuses(&["company_unknown", "grant_exceeded", "permission_missing"]);
    let show_it = of_token("get_token", "What a token is good for").conditional();
    let revoke_it = of_token("revoke_token", "Revokes a token, for good")
        .described("It is refused from the next request on. Repeated, it changes nothing.");
    [
        Endpoint::get("/v1/tokens", list, all_of_them),
        Endpoint::post("/v1/tokens", create, make),
        Endpoint::get("/v1/tokens/{prefix}", one, show_it),
        Endpoint::post("/v1/tokens/{prefix}/revoke", revoke, revoke_it),
    ]
}

fn of_token(id: &'static str, words: &'static str) -> Operation {
    Operation::new(id, "Administration", words)
        .in_path(
            "prefix",
            text(),
            "Its first characters, as lists show them.",
            "erp_0123abcd",
        )
        .answers(200, "As it is now.", reference("Token"), example_token())
        .refuses(&["permission_missing", "token_unknown"])
}

async fn list(
    Admin(scope): Admin,
    State(hub): State<Hub>,
    mut parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let limit = parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?;
    let revoked = parameters.flag("revoked")?;
    let cursor = parameters.take("cursor")?;
    parameters.finish()?;
    let after = cursor.map(|cursor| read_place(&scope, &cursor)).transpose()?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    hub.call(move |store| {
        let mut query = TokenQuery {
            after,
            revoked,
            limit: limit + 1,
        };
        let mut data: Vec<ApiTokenInfo> = Vec::new();
        // Those that the token does not reach leave room for others.
        while data.len() <= most {
            let some = store.api_token_page(scope.tenant(), &query)?;
            let Some(last) = some.last() else { break };
            query.after = Some((last.created_at, last.prefix.clone()));
            data.extend(some.into_iter().filter(|token| reaches(&scope, token)));
        }
        let more = data.len() > most;
        data.truncate(most);
        let last = data.last().filter(|_| more);
        let next = last.map(|last| {
            let place = format!("{}:{}", last.created_at.as_microsecond(), last.prefix);
            Named::Tokens.after(scope.tenant(), &place)
        });
        Ok(Json(json!({ "data": data, "next_cursor": next })))
    })
    .await
}

/// When a token was made and how it begins.
fn read_place(scope: &TenantScope, cursor: &str) -> Result<(Timestamp, String), ApiError> {
    let place = Named::Tokens.read(scope.tenant(), cursor)?;
    let read = || {
        let (at, prefix) = place.split_once(':')?;
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some((at, prefix.to_owned()))
    };
    read().ok_or_else(|| ApiError::new("cursor_invalid", "the cursor is not one of this listing"))
}

async fn one(
    Admin(scope): Admin,
    State(hub): State<Hub>,
    prefix: Result<Path<String>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<ApiTokenInfo>, ApiError> {
    let Path(prefix) = prefix?;
    parameters.finish()?;
    hub.call(move |store| {
        let token = store.api_token(scope.tenant(), &prefix)?;
        reached(&scope, token).map(Json)
    })
    .await
}

async fn revoke(
    Admin(scope): Admin,
    State(hub): State<Hub>,
    prefix: Result<Path<String>, PathRejection>,
    parameters: Parameters,
) -> Result<Json<ApiTokenInfo>, ApiError> {
    let Path(prefix) = prefix?;
    parameters.finish()?;
    let now = hub.now();
    hub.call(move |store| {
        reached(&scope, store.api_token(scope.tenant(), &prefix)?)?;
        store
            .revoke_api_token(scope.tenant(), &prefix, &scope.actor(), now)
            .map(Json)
    })
    .await
}

/// A token of the tenant that reaches further is as good as none.
fn reached(scope: &TenantScope, token: ApiTokenInfo) -> Result<ApiTokenInfo, StoreError> {
    if reaches(scope, &token) {
        Ok(token)
    } else {
        Err(StoreError::TokenUnknown(token.prefix))
    }
}

fn reaches(scope: &TenantScope, token: &ApiTokenInfo) -> bool {
    scope.covers(token.companies.as_deref(), &[])
}

/// What `POST /v1/tokens` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    scope: TokenScope,
    #[serde(default)]
    name: String,
    #[serde(default)]
    companies: Option<Vec<CompanyId>>,
    #[serde(default)]
    classes: Option<Vec<String>>,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

impl NewToken {
    fn check(self, now: Timestamp) -> Result<TokenGrant, ApiError> {
        let invalid = |detail: String| ApiError::new("body_invalid", detail);
        if self.name.chars().count() > MAX_NAME_CHARS || self.name.chars().any(char::is_control) {
            return Err(invalid(format!(
                "name is over {MAX_NAME_CHARS} characters or has control characters"
            )));
        }
        if self.addresses.len() > MAX_ADDRESSES {
            return Err(invalid(format!("addresses are over {MAX_ADDRESSES}")));
        }
        if self
            .companies
            .as_ref()
            .is_some_and(|all| all.is_empty() || all.len() > MAX_COMPANIES)
        {
            return Err(invalid(format!(
                "companies are none or over {MAX_COMPANIES}; leave them out for all"
            )));
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(invalid(format!("expires_at is past: it is {now} here")));
        }
        let class = |name: &String| {
            Class::from_name(name).ok_or_else(|| {
                invalid(format!(
                    "classes: {name:?} is not one of public, personal, cost and credit"
                ))
            })
        };
        let classes = self
            .classes
            .unwrap_or_else(|| vec![Class::Public.as_str().to_owned()]);
        let network = |text: &String| parse_network(text).map_err(|e| invalid(format!("addresses: {e}")));
        Ok(TokenGrant {
            name: self.name,
            scope: self.scope,
            companies: self.companies,
            classes: classes.iter().map(class).collect::<Result<_, _>>()?,
            addresses: self.addresses.iter().map(network).collect::<Result<_, _>>()?,
            expires_at: self.expires_at,
        })
    }
}

async fn create(
    Admin(scope): Admin,
    State(hub): State<Hub>,
    parameters: Parameters,
    body: Result<Body<NewToken>, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    parameters.finish()?;
    let Body(new) = body?;
    let now = hub.now();
    let grant = new.check(now)?;
    let made = hub
        .call_api(move |store| {
            let known = store.companies(scope.tenant())?;
            let named = grant.companies.iter().flatten();
            // What the token does not see, it is not told of either.
            let seen =
                |company: &CompanyId| scope.sees(company) && known.iter().any(|k| k.company == *company);
            if let Some(unknown) = named.into_iter().find(|company| !seen(company)) {
                return Err(StoreError::CompanyUnknown(unknown.clone()).into());
            }
            if !scope.covers(grant.companies.as_deref(), &grant.classes) {
                let detail = "the token that asks does not have all of these companies and classes itself";
                return Err(ApiError::new("grant_exceeded", detail));
            }
            if !scope.outlasts(&grant.addresses, grant.expires_at) {
                let detail =
                    "the token that asks is not taken from all of these networks itself, or not as long";
                return Err(ApiError::new("grant_exceeded", detail));
            }
            let token = random::api_token();
            store.add_api_token(scope.tenant(), &token, &grant, &scope.actor(), now)?;
            let mut shown = json!(store.api_token(scope.tenant(), token.reveal())?);
            shown["token"] = token.reveal().into();
            Ok(shown)
        })
        .await?;
    let headers: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(made)))
}
