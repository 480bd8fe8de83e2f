//! Reading requests: bodies and parameters, once, with the exact place in the error.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse as _;
use serde::de::DeserializeOwned;

use crate::MAX_JSON_BYTES;
use crate::error::ApiError;
use crate::hub::Hub;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Hub> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, hub: &Hub) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, hub).await.map_err(|rejection| {
            let text = rejection.body_text();
            match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                    "body_too_large",
                    format!("the body is over {MAX_JSON_BYTES} bytes"),
                ),
                _ => ApiError::new("body_invalid", text),
            }
        })?;
        let value =
            serde_json::from_slice(&bytes).map_err(|e| ApiError::new("body_invalid", e.to_string()))?;
        Ok(Self(value))
    }
}

/// Query parameters; each is taken by name, and what is left is refused.
pub(crate) struct Parameters(Vec<(String, String)>);

impl FromRequestParts<Hub> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Hub) -> Result<Self, ApiError> {
        let Query(pairs) = Query::try_from_uri(&parts.uri)?;
        Ok(Self(pairs))
    }
}

impl Parameters {
    /// The parameter's value; twice is an error.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(place) = self.0.iter().position(|(n, _)| n == name) else {
            return Ok(None);
        };
        let (_, value) = self.0.swap_remove(place);
        if self.0.iter().any(|(n, _)| n == name) {
            return Err(ApiError::new("parameter_invalid", format!("{name} stands twice")));
        }
        Ok(Some(value))
    }

    /// `limit`, within bounds.
    pub(crate) fn limit(&mut self, default: u32, most: u32) -> Result<u32, ApiError> {
        let Some(text) = self.take("limit")? else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|n| (1..=most).contains(n))
            .ok_or_else(|| {
                ApiError::new("parameter_invalid", format!("limit is {text:?}"))
                    .with_remedy(format!("send a number from 1 to {most}"))
            })
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::new(
                "parameter_unknown",
                format!("there is no parameter {name:?} here"),
            )),
        }
    }
}
