//! Before every request with a token: who asks, and how often.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::address::Address;
use crate::auth::bearer;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::limits::{RateLimit, Standing};

/// Checks the token, takes one request out of its bucket, and puts who it is where the
/// extractors find it.
pub(crate) async fn guard(State(hub): State<Hub>, mut request: Request, next: Next) -> Response {
    let caller = match bearer(request.headers()) {
        Ok(token) => {
            let address = Address::of(request.extensions(), request.headers(), hub.trusted_proxies());
            hub.caller(token, address).await
        }
        Err(error) => Err(error),
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let Some((limit, standing)) = hub.take_request(&caller) else {
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    };
    let mut response = if standing.allowed {
        request.extensions_mut().insert(caller);
        next.run(request).await
    } else {
        too_many(limit, standing)
    };
    tell(response.headers_mut(), limit, standing);
    response
}

fn too_many(limit: RateLimit, standing: Standing) -> Response {
    let detail = format!("the token has used up its quota ({limit} requests/seconds)");
    let mut response = ApiError::new("rate_limited", detail).into_response();
    let seconds = HeaderValue::from(standing.retry_after_s);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// After draft-ietf-httpapi-ratelimit-headers.
fn tell(headers: &mut HeaderMap, limit: RateLimit, standing: Standing) {
    let left = format!("\"default\";r={};t={}", standing.remaining, standing.reset_s);
    for (name, text) in [("ratelimit-policy", limit.policy()), ("ratelimit", left)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}
