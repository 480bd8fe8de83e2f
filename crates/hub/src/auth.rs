//! Who asks. A handler gets at a tenant's data only through one of these extractors: the
//! store's methods take the scope, and only an extractor has one.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hub_store::{AgentRole, AgentScope, TenantScope};
use values::Secret;

use crate::error::ApiError;
use crate::hub::Hub;

/// Who asks with an API token, as [`crate::guard`] found out.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// SHA-256 of the token.
    pub(crate) token: [u8; 32],
    pub(crate) scope: Arc<TenantScope>,
}

/// A token that may read.
pub(crate) struct Reader(pub(crate) Arc<TenantScope>);

/// A token that may post documents.
pub(crate) struct Writer(pub(crate) Arc<TenantScope>);

/// An enrolled driver.
pub(crate) struct Driver(pub(crate) AgentScope);

impl FromRequestParts<Hub> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Hub) -> Result<Self, ApiError> {
        match parts.extensions.get::<Caller>() {
            Some(caller) => Ok(Self(Arc::clone(&caller.scope))),
            // Only a route that is not guarded comes here: it is refused whoever asks.
            None => Err(ApiError::new(
                "token_missing",
                "the request was not checked for a token",
            )),
        }
    }
}

impl FromRequestParts<Hub> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let Reader(scope) = Reader::from_request_parts(parts, hub).await?;
        if scope.scope().may_write() {
            return Ok(Self(scope));
        }
        let detail = format!(
            "a token with scope {} may not post documents",
            scope.scope().as_str()
        );
        Err(ApiError::new("permission_missing", detail).with_remedy("use a token with scope write or admin"))
    }
}

impl FromRequestParts<Hub> for Driver {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        let now = hub.now();
        let scope = hub
            .call(move |store| store.authenticate_agent(&token, now))
            .await?;
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
