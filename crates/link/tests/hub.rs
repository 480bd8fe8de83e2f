//! The link against a small server on this machine.

#![expect(clippy::unwrap_used, reason = "a server that does not start fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use link::{Link, LinkConfig, LinkError, Proxy};
use serde_json::json;
use values::{AgentId, CompanyId, DatasetName};
use wire::agent::{HashRequest, WorkRequest};

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

fn open(hub_url: String) -> Result<Link, LinkError> {
    let request_timeout = Duration::from_millis(500);
    let config = LinkConfig {
        hub_url,
        proxy: Proxy::None,
        request_timeout,
        ..LinkConfig::default()
    };
    Link::new(&config, AgentId::new("a_1"), |_: &[u8]| "00".to_owned())
}

fn tokens(count: Arc<AtomicU32>, expires_in_s: u64) -> Router {
    let give = move || async move {
        let n = count.fetch_add(1, Ordering::SeqCst);
        Json(json!({"token": format!("t{n}"), "expires_in_s": expires_in_s, "hub_time": 0}))
    };
    Router::new().route("/agent/v1/token", post(give))
}

fn work() -> WorkRequest {
    WorkRequest {
        companies: Vec::new(),
        wait_ms: 0,
        limit: 1,
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_a_good_one_kept() {
    let count = Arc::new(AtomicU32::new(0));
    let answer = |headers: HeaderMap| async move {
        if headers["authorization"] == "Bearer t0" {
            let refusal = json!({"type": "", "title": "", "status": 401, "code": "token_invalid", "detail": "", "remedy": ""});
            return (StatusCode::UNAUTHORIZED, Json(refusal)).into_response();
        }
        Json(json!({"imports": []})).into_response()
    };
    let link =
        open(serve(tokens(Arc::clone(&count), 600).route("/agent/v1/work", post(answer))).await).unwrap();
    link.work(&work()).await.unwrap();
    link.work(&work()).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert!(link.hub_offset() < -1_000_000);
}

#[tokio::test]
async fn an_expired_token_is_renewed() {
    let count = Arc::new(AtomicU32::new(0));
    let answer = || async { Json(json!({"imports": []})) };
    let link =
        open(serve(tokens(Arc::clone(&count), 0).route("/agent/v1/work", post(answer))).await).unwrap();
    link.work(&work()).await.unwrap();
    link.work(&work()).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn faults_are_told_apart() {
    let busy = || async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]) };
    let slow = || async { tokio::time::sleep(Duration::from_secs(5)).await };
    let router = tokens(Arc::default(), 600)
        .route("/agent/v1/work", post(busy))
        .route("/agent/v1/batches", post(slow))
        .route("/agent/v1/hashes", post(|| async { StatusCode::BAD_GATEWAY }));
    let link = open(serve(router).await).unwrap();
    let error = link.work(&work()).await.unwrap_err();
    assert_eq!(error.wait(), Some(Duration::from_secs(7)));
    assert_eq!(
        link.send_batch(Vec::new()).await.unwrap_err().code(),
        "hub_timed_out"
    );
    let hashes = HashRequest {
        company: CompanyId::new("ABC"),
        dataset: DatasetName::new("items"),
        after: None,
        limit: 1,
        recompute: false,
    };
    let error = link.hashes(&hashes).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("hub_failed", true));

    let gone = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = open(format!("http://{gone}"))
        .unwrap()
        .work(&work())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "hub_connection_refused");
    assert_eq!(
        open("http://hub.example.com".into()).unwrap_err().code(),
        "plain_http_refused"
    );
}

#[tokio::test]
async fn an_endless_answer_is_given_up() {
    let endless = || async { vec![b' '; 33 * 1024 * 1024] };
    let router = tokens(Arc::default(), 600).route("/agent/v1/work", post(endless));
    let config = LinkConfig {
        hub_url: serve(router).await,
        proxy: Proxy::None,
        ..LinkConfig::default()
    };
    let link = Link::new(&config, AgentId::new("a_1"), |_: &[u8]| "00".to_owned()).unwrap();
    let error = link.work(&work()).await.unwrap_err();
    assert_eq!(error.code(), "hub_protocol");
    assert!(error.to_string().contains("over 33554432 bytes"), "{error}");
}
