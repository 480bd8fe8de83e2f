//! Who asks. A handler gets at a tenant's data only through one of these extractors: the
//! store's methods take the scope, and only an extractor has one.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hub_store::{AgentRole, AgentScope, Permission, TenantScope};
use values::Secret;

use crate::address::Address;
use crate::error::ApiError;
use crate::hub::Hub;

/// Who asks with an API token, as [`crate::guard`] found out.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// SHA-256 of the token.
    pub(crate) token: [u8; 32],
    pub(crate) scope: Arc<TenantScope>,
    /// From where.
    pub(crate) address: Option<IpAddr>,
}

impl Caller {
    /// What is done with the scope says from where.
    fn acting(&self) -> Arc<TenantScope> {
        Arc::new(TenantScope::clone(&self.scope).at(self.address))
    }
}

/// A token that may read.
pub(crate) struct Reader(pub(crate) Arc<TenantScope>);

/// A token that may post documents.
pub(crate) struct Writer(pub(crate) Arc<TenantScope>);

/// A token that may make and revoke others.
pub(crate) struct Admin(pub(crate) Arc<TenantScope>);

/// An enrolled driver.
pub(crate) struct Driver(pub(crate) AgentScope);

impl FromRequestParts<Hub> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Hub) -> Result<Self, ApiError> {
        caller(parts).map(|caller| Self(Arc::clone(&caller.scope)))
    }
}

impl FromRequestParts<Hub> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Hub) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if caller.scope.may(Permission::Write) {
            return Ok(Self(caller.acting()));
        }
        Err(missing(&caller.scope, "post documents", "write or admin"))
    }
}

impl FromRequestParts<Hub> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Hub) -> Result<Self, ApiError> {
        let caller = caller(parts)?;
        if caller.scope.may(Permission::Administer) {
            return Ok(Self(caller.acting()));
        }
        Err(missing(&caller.scope, "do this", "admin"))
    }
}

fn caller(parts: &Parts) -> Result<&Caller, ApiError> {
    // Only a route that is not guarded has none: it is refused whoever asks.
    parts
        .extensions
        .get::<Caller>()
        .ok_or_else(|| ApiError::new("token_missing", "the request was not checked for a token"))
}

fn missing(scope: &TenantScope, what: &str, needed: &str) -> ApiError {
    let detail = format!("a token with scope {} may not {what}", scope.scope().as_str());
    ApiError::new("permission_missing", detail).with_remedy(format!("use a token with scope {needed}"))
}

impl FromRequestParts<Hub> for Driver {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        let now = hub.now();
        let Address(address) = Address::from_request_parts(parts, hub).await?;
        let scope = hub
            .call_now(move |store| Ok(store.authenticate_agent(&token, now)?))
            .await?
            .at(address);
        match scope.role() {
            AgentRole::Driver => Ok(Self(scope)),
            AgentRole::QueryManager => {
                let detail = "a query manager does not sync and does not write";
                Err(ApiError::new("permission_missing", detail)
                    .with_remedy("enrol this host with a code of role driver"))
            }
        }
    }
}

/// The token that a request carries.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Secret, ApiError> {
    let header = headers.get(AUTHORIZATION).and_then(|h| h.to_str().ok());
    let token = header
        .and_then(|h| h.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token.map(|(_, token)| token.trim()).filter(|t| !t.is_empty()) {
        Some(token) => Ok(Secret::new(token)),
        None => Err(ApiError::new("token_missing", "the request has no bearer token")),
    }
}
