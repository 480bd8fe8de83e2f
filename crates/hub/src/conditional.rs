//! Answers that the caller has already: `ETag` and `If-None-Match`.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use values::Hash;

use crate::error::ApiError;

/// Answers are built in memory; a page of the widest records is a few MiB.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// Names each answer of a GET by its content, and says 304 where the caller has it. The
/// content is what this very token sees, computed fields included: no other mark is as true.
pub(crate) async fn conditional(request: Request, next: Next) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return next.run(request).await;
    }
    let wanted = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_ANSWER_BYTES).await else {
        tracing::error!("an answer broke off while it was built");
        return ApiError::new("internal", "the answer broke off inside the hub").into_response();
    };
    let tag = format!("\"{}\"", Hash::of_bytes(&bytes));
    let is_same = wanted.is_some_and(|wanted| names(&wanted, &tag));
    mark(&mut parts.headers, &tag);
    if is_same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// What is sent compressed is the same answer in other bytes: its tag is a weak one.
pub(crate) async fn weaken(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok())
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
    response
}

fn mark(headers: &mut HeaderMap, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    // For this token alone, and to be asked about each time.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.insert(
        header::VARY,
        HeaderValue::from_static("authorization, accept-encoding"),
    );
}

/// Does `If-None-Match` name this tag? Compared weakly, as RFC 9110 says.
fn names(wanted: &HeaderValue, tag: &str) -> bool {
    let Ok(wanted) = wanted.to_str() else {
        return false;
    };
    let mut tags = wanted.split(',').map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_and_weakly() {
        let names = |wanted: &'static str| names(&HeaderValue::from_static(wanted), "\"a1\"");
        for yes in ["\"a1\"", "W/\"a1\"", "\"b\", \"a1\"", "*"] {
            assert!(names(yes), "{yes}");
        }
        for no in ["\"a\"", "a1", "", "\"a1"] {
            assert!(!names(no), "{no}");
        }
    }
}
