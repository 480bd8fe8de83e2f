//! Reading requests: bodies and parameters, once, with the exact place in the error.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse as _;
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::MAX_JSON_BYTES;
use crate::error::ApiError;
use crate::hub::Hub;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Hub> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, hub: &Hub) -> Result<Self, ApiError> {
        parse(&bytes(request, hub).await?).map(Self)
    }
}

/// A JSON body that may be left out.
pub(crate) struct Optional<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<Hub> for Optional<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, hub: &Hub) -> Result<Self, ApiError> {
        let bytes = bytes(request, hub).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        parse(&bytes).map(Self)
    }
}

async fn bytes(request: Request, hub: &Hub) -> Result<Bytes, ApiError> {
    let within = hub.body_within();
    let received = tokio::time::timeout(within, Bytes::from_request(request, hub)).await;
    let received = received.map_err(|_| {
        ApiError::new(
            "body_late",
            format!("no whole body within {} s", within.as_secs()),
        )
    })?;
    received.map_err(|rejection| {
        let text = rejection.body_text();
        match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                "body_too_large",
                format!("the body is over {MAX_JSON_BYTES} bytes"),
            ),
            _ => ApiError::new("body_invalid", text),
        }
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.trim_ascii().is_empty() {
        return Err(ApiError::new("body_invalid", "the body is empty"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        // The path of the whole body is a point.
        let detail = if path == "." {
            problem.to_string()
        } else {
            format!("{path}: {problem}")
        };
        ApiError::new("body_invalid", detail)
    })?;
    json.end()
        .map_err(|error| ApiError::new("body_invalid", error.to_string()))?;
    Ok(value)
}

/// JSON in which no object names a member twice: which of the two was meant, nobody knows.
pub(crate) struct Unique(pub(crate) Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Unique, E> {
                Ok(Unique(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
                let mut list = Vec::new();
                while let Some(Unique(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Unique(list.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
                let mut object = Map::new();
                while let Some(name) = members.next_key::<String>()? {
                    let Unique(value) = members.next_value()?;
                    if object.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name} stands twice in one object")));
                    }
                    object.insert(name, value);
                }
                Ok(Unique(object.into()))
            }
        }
        deserializer.deserialize_any(Any)
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

    /// A parameter that is `true`, `false` or left out.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, ApiError> {
        match self.take(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(ApiError::new("parameter_invalid", format!("{name} is {other:?}"))
                .with_remedy("send true or false")),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(text: &str) -> String {
        let refused = parse::<Unique>(text.as_bytes()).map(|Unique(value)| value);
        refused.unwrap_err().detail().to_owned()
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (text, wanted) in [
            ("", "the body is empty"),
            (" \n", "the body is empty"),
            ("{", "EOF while parsing"),
            ("{\"lines\": [{}, {\"unit_price\": 79,50}]}", "lines[1]"),
            (
                "{\"customer\": {\"customer_no\": ABF}}",
                "customer.customer_no: expected value",
            ),
            ("{\"lines\": [{\"a\": 1, \"a\": 2}]}", "lines[0]"),
            ("{} {}", "trailing characters"),
        ] {
            let said = detail(text);
            assert!(said.contains(wanted), "{text}: {said}");
        }
    }
}
