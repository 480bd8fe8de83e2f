//! The hub's public API, as a web team would call it.

use std::sync::Once;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: String,
    /// Body; null when it is no JSON.
    pub body: Value,
}

/// A caller with a token.
#[derive(Clone, Debug)]
pub struct Api {
    address: String,
    token: String,
}

impl Api {
    /// Calls this address with this token.
    #[must_use]
    pub fn new(address: &str, token: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `GET path`.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.request(reqwest::Method::GET, path, &[], None)
    }

    /// `POST path` with an idempotency key.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.post_text(path, key, &body.to_string())
    }

    /// `POST path` with an idempotency key and a body as it stands.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn post_text(&self, path: &str, key: &str, body: &str) -> Answer {
        self.request(
            reqwest::Method::POST,
            path,
            &[("Idempotency-Key", key), ("Content-Type", "application/json")],
            Some(body),
        )
    }

    /// `PATCH path` with a JSON merge patch.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/merge-patch+json")];
        self.request(reqwest::Method::PATCH, path, &headers, Some(&body.to_string()))
    }

    /// All records of a dataset, over all pages.
    ///
    /// # Panics
    /// When a page is refused.
    #[must_use]
    pub fn all(&self, dataset: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = self.get(&format!("/v1/{dataset}?limit=500{cursor}"));
            assert_eq!(answer.status, 200, "{}", answer.body);
            found.extend(answer.body["data"].as_array().unwrap().iter().cloned());
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    /// Asks again and again until the answer suits, or the time is over.
    ///
    /// # Panics
    /// When the time is over; says the last answer.
    #[must_use]
    #[track_caller]
    pub fn wait_for(&self, path: &str, limit: Duration, suits: impl Fn(&Answer) -> bool) -> Answer {
        let start = Instant::now();
        loop {
            let answer = self.get(path);
            if suits(&answer) {
                return answer;
            }
            assert!(
                start.elapsed() < limit,
                "{path} is still {} {}",
                answer.status,
                answer.body
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `POST path` with an idempotency key, by a caller who waits no longer than so long;
    /// none when there was no answer, which says nothing of what the hub has done.
    ///
    /// # Panics
    /// When the address is none.
    #[must_use]
    pub fn try_post(&self, path: &str, key: &str, body: &Value, patience: Duration) -> Option<Answer> {
        let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
        let body = body.to_string();
        self.send(reqwest::Method::POST, path, &headers, Some(&body), Some(patience))
            .ok()
    }

    /// `GET path`; none when there was no answer.
    ///
    /// # Panics
    /// When the address is none.
    #[must_use]
    pub fn try_get(&self, path: &str, patience: Duration) -> Option<Answer> {
        self.send(reqwest::Method::GET, path, &[], None, Some(patience))
            .ok()
    }

    fn request(
        &self,
        method: reqwest::Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        self.send(method, path, headers, body, None).unwrap()
    }

    fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
        patience: Option<Duration>,
    ) -> reqwest::Result<Answer> {
        CALLER.with(|(runtime, client)| {
            runtime.block_on(async {
                let mut request = client
                    .request(method, format!("{}{path}", self.address))
                    .bearer_auth(&self.token);
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                if let Some(body) = body {
                    request = request.body(body.to_owned());
                }
                if let Some(patience) = patience {
                    request = request.timeout(patience);
                }
                let answer = request.send().await?;
                let content_type = answer
                    .headers()
                    .get("content-type")
                    .map(|v| v.to_str().unwrap().to_owned());
                let status = answer.status().as_u16();
                let body = answer.bytes().await?;
                Ok(Answer {
                    status,
                    content_type: content_type.unwrap_or_default(),
                    body: serde_json::from_slice(&body).unwrap_or(Value::Null),
                })
            })
        })
    }
}

thread_local! {
    /// Every call has a connection of its own: the hub may have been killed since the last.
    static CALLER: (Runtime, reqwest::Client) = {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another test of this process may have been first.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        (runtime, client)
    };
}
