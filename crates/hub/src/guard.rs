//! Before every request with a token: who asks, how often, and how much at a time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::auth::bearer;
use crate::error::ApiError;
use crate::hub::Hub;
use crate::lanes;
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
    let lane = hub.lanes().of(caller.token);
    let Some((limit, standing)) = hub.take_request(&caller) else {
        request.extensions_mut().insert(caller);
        return on_lane(&hub, lane, request, next).await;
    };
    let mut response = if standing.allowed {
        request.extensions_mut().insert(caller);
        on_lane(&hub, lane, request, next).await
    } else {
        too_many(limit, standing)
    };
    tell(response.headers_mut(), limit, standing);
    response
}

/// Answers the request if there is a place for it beside the token's others.
async fn on_lane(hub: &Hub, lane: Arc<Semaphore>, request: Request, next: Next) -> Response {
    if let Ok(place) = lane.try_acquire_owned() {
        return lanes::hold(place, next.run(request)).await;
    }
    let detail = format!("{} requests of the token are under way", hub.lanes().width());
    ApiError::new("too_many_at_once", detail).into_response()
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
