//! What drivers and shops share: two hubs, either of which may be gone, and a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

use crate::Chance;

/// The longest that an answer may take; a hub that was killed gives none.
const PATIENCE: Duration = Duration::from_secs(10);

/// When who ends.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    are_shops_closed: AtomicBool,
    are_drivers_home: AtomicBool,
    are_readers_home: AtomicBool,
}

impl Clock {
    pub(crate) fn close_shops(&self) {
        self.are_shops_closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn send_drivers_home(&self) {
        self.are_drivers_home.store(true, Ordering::Relaxed);
    }

    pub(crate) fn send_readers_home(&self) {
        self.are_readers_home.store(true, Ordering::Relaxed);
    }

    pub(crate) fn are_shops_closed(&self) -> bool {
        self.are_shops_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn are_drivers_home(&self) -> bool {
        self.are_drivers_home.load(Ordering::Relaxed)
    }

    pub(crate) fn are_readers_home(&self) -> bool {
        self.are_readers_home.load(Ordering::Relaxed)
    }
}

/// The two hubs.
#[derive(Clone, Debug)]
pub(crate) struct Hubs {
    addresses: Arc<[String; 2]>,
    client: Client,
}

/// What is sent.
pub(crate) enum Content<'c> {
    Nothing,
    Json(&'c Value),
    Bytes(&'c [u8]),
}

impl Hubs {
    pub(crate) fn new(addresses: [String; 2]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self {
            addresses: Arc::new(addresses),
            client,
        }
    }

    /// Asks one of the two; none when there was no answer, and nobody knows what came of it.
    /// A hub that is about to stop is no answer either.
    pub(crate) async fn ask(
        &self,
        chance: &mut Chance,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        content: Content<'_>,
    ) -> Option<(u16, Value)> {
        let address = &self.addresses[chance.place(2)];
        let mut request = self
            .client
            .request(method, format!("{address}{path}"))
            .bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match content {
            Content::Nothing => request,
            Content::Json(body) => request.json(body),
            Content::Bytes(bytes) => request.body(bytes.to_vec()),
        };
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        if status >= 500 {
            assert_eq!(status, 503, "{path}: {text}");
            return None;
        }
        Some((status, serde_json::from_str(&text).unwrap()))
    }

    /// Asks until there is an answer.
    pub(crate) async fn insist(
        &self,
        chance: &mut Chance,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        loop {
            let content = body.map_or(Content::Nothing, Content::Json);
            if let Some(answer) = self
                .ask(chance, method.clone(), path, token, headers, content)
                .await
            {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50 + chance.below(150))).await;
        }
    }
}
