//! One message on its way.

use std::error::Error as _;
use std::time::{Duration, Instant};

use hub_store::{PendingEvent, Webhook};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use values::Secret;

use super::address::{self, Checked, PrivateAddress};
use super::{Outcome, WebhookOptions, message, standing};

/// Name, connection and TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// The whole of a request; who needs longer answers first and works afterwards.
const WHOLE: Duration = Duration::from_secs(15);
/// The body of an answer says nothing to the hub: it is read so far, and so long, for the
/// connection to be used again.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
const ANSWER_BODY: Duration = Duration::from_secs(1);
/// Connections kept open to one receiver.
const IDLE: usize = 8;

/// Sends messages.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    allow_private: bool,
}

/// What came of a message.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) message: String,
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) at: Timestamp,
    pub(super) took_ms: u32,
    /// The receiver asks to be left alone for so long.
    pub(super) retry_after: Option<SignedDuration>,
}

impl Sender {
    /// # Errors
    /// TLS cannot be set up.
    pub(super) fn new(options: &WebhookOptions) -> Result<Self, reqwest::Error> {
        // An error says that a provider is installed already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let allow_private = options.allow_private;
        let client = Client::builder()
            .dns_resolver(Checked { allow_private }.shared())
            // A proxy would look names up by itself.
            .no_proxy()
            .redirect(Policy::none())
            .https_only(!allow_private)
            .http1_only()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .pool_max_idle_per_host(IDLE)
            .user_agent(concat!("erp-hub/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            allow_private,
        })
    }

    /// Sends an event once.
    pub(super) async fn send(
        &self,
        webhook: &Webhook,
        secrets: &[Secret],
        event: &PendingEvent,
        now: Timestamp,
    ) -> Sent {
        let id = message::message_id(&webhook.id, event);
        let body = message::body(event);
        let signatures = message::signatures(secrets, &id, now, &body);
        let began = Instant::now();
        let (outcome, status, retry_after) = match address::check_url(&webhook.url, self.allow_private) {
            Err(_) => (Outcome::AddressPrivate, None, None),
            Ok(url) => {
                let request = self
                    .client
                    .post(url)
                    .header(CONTENT_TYPE, "application/json")
                    .header("webhook-id", &id)
                    .header("webhook-timestamp", now.as_second().to_string())
                    .header("webhook-signature", signatures)
                    .body(body);
                match request.send().await {
                    Ok(response) => answered(response, now).await,
                    Err(error) => (failed(&error), None, None),
                }
            }
        };
        Sent {
            message: id,
            outcome,
            status,
            at: now,
            took_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
            retry_after,
        }
    }
}

async fn answered(response: Response, now: Timestamp) -> (Outcome, Option<u16>, Option<SignedDuration>) {
    let status = response.status();
    let outcome = match status {
        status if status.is_success() => Outcome::Delivered,
        StatusCode::GONE => Outcome::Gone,
        _ => Outcome::Refused,
    };
    let asks = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    let retry_after = asks.then(|| asked(response.headers(), now)).flatten();
    // The status has said all: whether the rest comes does not matter.
    let _read = tokio::time::timeout(ANSWER_BODY, read(response)).await;
    (outcome, Some(status.as_u16()), retry_after)
}

fn asked(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    standing::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

async fn read(mut response: Response) {
    let mut bytes = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes += chunk.len();
        if bytes > MAX_ANSWER_BYTES {
            break;
        }
    }
}

fn failed(error: &reqwest::Error) -> Outcome {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<PrivateAddress>().is_some() {
            return Outcome::AddressPrivate;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        Outcome::TimedOut
    } else {
        Outcome::Unreachable
    }
}
