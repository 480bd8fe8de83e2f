use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Url};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;
use values::{AgentId, ImportId, Secret};
use wire::agent::{
    Accept, BatchAck, ChecksumPage, ChecksumRequest, Decide, Done, Enroll, Enrolled, HashPage, HashRequest,
    Lease, LeaseRequest, OpenPage, OpenRequest, PreviewAnswer, Refusal, Report, Reserve, StreamRequest,
    StreamReset, StreamState, Token, TokenRequest, Work, WorkRequest, code,
};
use wire::status::AgentStatus;

use crate::{LinkError, tls};

/// Largest answer: a page of documents or hashes is far below it.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// A token is renewed so long before it expires, so that no request outlives it on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(30);
/// Longest wait that a hub can ask for: a broken header must not stop an agent for days.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How to reach the hub.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Its address, with `https://`.
    pub hub_url: String,
    /// Private authorities (PEM), trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The way out.
    pub proxy: Proxy,
    /// For name, connection and TLS.
    pub connect_timeout: Duration,
    /// For a request and its answer; a long poll has its wait on top.
    pub request_timeout: Duration,
    /// Names this program to the hub.
    pub user_agent: String,
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            hub_url: String::new(),
            ca_file: None,
            proxy: Proxy::System,
            connect_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(120),
            user_agent: concat!("erp-driver/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The way out of the site's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// As the system says.
    System,
    /// None, whatever the system says.
    None,
    /// This one, `http://host:port`; it may hold `user:password@`.
    Address(Secret),
}

/// The agent's connection to its hub. Cheap to clone; clones share connections and token.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

/// Signs with the host's key; hex digits.
type Sign = Box<dyn Fn(&[u8]) -> String + Send + Sync>;

struct Inner {
    http: Http,
    agent: AgentId,
    sign: Sign,
    held: Mutex<Option<Held>>,
    offset_s: std::sync::atomic::AtomicI64,
    is_measured: std::sync::atomic::AtomicBool,
}

#[derive(Clone)]
struct Held {
    token: Secret,
    until: Instant,
}

struct Http {
    client: Client,
    base: String,
    timeout: Duration,
}

enum Body {
    Json(Vec<u8>),
    Binary(Vec<u8>),
}

impl Link {
    /// Prepares the connection; nothing is sent yet. `sign` gives the Ed25519 signature of
    /// the host's key as hex digits.
    ///
    /// # Errors
    /// The settings do not hold.
    pub fn new(
        config: &LinkConfig,
        agent: AgentId,
        sign: impl Fn(&[u8]) -> String + Send + Sync + 'static,
    ) -> Result<Self, LinkError> {
        Ok(Self(Arc::new(Inner {
            http: Http::new(config)?,
            agent,
            sign: Box::new(sign),
            held: Mutex::new(None),
            offset_s: 0.into(),
            is_measured: false.into(),
        })))
    }

    /// Redeems a one-time code.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn enroll(config: &LinkConfig, request: &Enroll) -> Result<Enrolled, LinkError> {
        let http = Http::new(config)?;
        http.post("enroll", &json(request)?, None, http.timeout).await
    }

    /// Seconds by which the hub's clock is ahead of this machine's; 0 before the first token.
    #[must_use]
    pub fn hub_offset(&self) -> i64 {
        self.0.offset_s.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Seconds by which this machine's clock is ahead of the hub's; none before the first
    /// token.
    #[must_use]
    pub fn clock_offset(&self) -> Option<i64> {
        let is_measured = self.0.is_measured.load(std::sync::atomic::Ordering::Relaxed);
        is_measured.then(|| self.hub_offset().saturating_neg())
    }

    /// Becomes a company's writer.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn lease(&self, request: &LeaseRequest) -> Result<Lease, LinkError> {
        self.ask("lease", request).await
    }

    /// A page of what is open in a company.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open_imports(&self, request: &OpenRequest) -> Result<OpenPage, LinkError> {
        self.ask("open", request).await
    }

    /// Where the hub's side of a stream stands.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn stream_state(&self, request: &StreamRequest) -> Result<StreamState, LinkError> {
        self.ask("streams/open", request).await
    }

    /// Opens an epoch.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn reset_stream(&self, request: &StreamReset) -> Result<StreamState, LinkError> {
        self.ask("streams/reset", request).await
    }

    /// Keys and hashes.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn hashes(&self, request: &HashRequest) -> Result<HashPage, LinkError> {
        self.ask("hashes", request).await
    }

    /// Checksums of ranges of records.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn checksums(&self, request: &ChecksumRequest) -> Result<ChecksumPage, LinkError> {
        self.ask("checksums", request).await
    }

    /// Tells people at the hub how the agent fares.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn status(&self, request: &AgentStatus) -> Result<Done, LinkError> {
        self.ask("status", request).await
    }

    /// Delivers an encoded batch; it is durable when this returns.
    ///
    /// # Errors
    /// [`LinkError`]; after a time-out the same bytes may be sent again.
    pub async fn send_batch(&self, bytes: Vec<u8>) -> Result<BatchAck, LinkError> {
        self.send("batches", &Body::Binary(bytes), self.0.http.timeout)
            .await
    }

    /// Waits for documents, at most as long as the request says.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn work(&self, request: &WorkRequest) -> Result<Work, LinkError> {
        let timeout = self
            .0
            .http
            .timeout
            .saturating_add(Duration::from_millis(request.wait_ms));
        self.send("work", &json(request)?, timeout).await
    }

    /// Says that a document is journaled.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn accept(&self, import: &ImportId, request: &Accept) -> Result<Done, LinkError> {
        self.ask(&format!("imports/{import}/accept"), request).await
    }

    /// Records an identity before it is written under.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn reserve(&self, import: &ImportId, request: &Reserve) -> Result<Done, LinkError> {
        self.ask(&format!("imports/{import}/reserve"), request).await
    }

    /// Says where a document stands.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn report(&self, import: &ImportId, request: &Report) -> Result<Done, LinkError> {
        self.ask(&format!("imports/{import}/report"), request).await
    }

    /// Passes on what a person decided about a document at this host.
    ///
    /// # Errors
    /// [`LinkError`]; `import_not_editable` when its state does not allow it.
    pub async fn decide(&self, import: &ImportId, request: &Decide) -> Result<Done, LinkError> {
        self.ask(&format!("imports/{import}/decide"), request).await
    }

    /// Says what Sage would say to a document.
    ///
    /// # Errors
    /// [`LinkError`]; `preview_unknown` when nobody waits for it any more.
    pub async fn answer_preview(
        &self,
        preview: &ImportId,
        request: &PreviewAnswer,
    ) -> Result<Done, LinkError> {
        self.ask(&format!("previews/{preview}"), request).await
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, request: &impl Serialize) -> Result<T, LinkError> {
        self.send(path, &json(request)?, self.0.http.timeout).await
    }

    /// Sends with a token; one that does not hold any more is replaced once.
    async fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Body,
        timeout: Duration,
    ) -> Result<T, LinkError> {
        let token = self.token(None).await?;
        match self.0.http.post(path, body, Some(&token), timeout).await {
            Err(LinkError::Refused(refusal)) if refusal.code == code::TOKEN_INVALID => {
                let token = self.token(Some(&token)).await?;
                self.0.http.post(path, body, Some(&token), timeout).await
            }
            other => other,
        }
    }

    /// The token, fetched when there is none, it expires soon, or it is the `refused` one.
    async fn token(&self, refused: Option<&Secret>) -> Result<Secret, LinkError> {
        let mut held = self.0.held.lock().await;
        if let Some(now) = held.as_ref()
            && Some(&now.token) != refused
            && now.until > Instant::now()
        {
            return Ok(now.token.clone());
        }
        let asked = Instant::now();
        let at = unix_seconds();
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let text = TokenRequest::signed_text(&self.0.agent, at, &nonce);
        let request = TokenRequest {
            agent: self.0.agent.clone(),
            at,
            nonce,
            signature: (self.0.sign)(text.as_bytes()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let answer: Token = self
            .0
            .http
            .post("token", &json(&request)?, None, self.0.http.timeout)
            .await?;
        // The hub read its clock half a round trip ago.
        let half_s = i64::try_from(asked.elapsed().as_secs() / 2).unwrap_or(0);
        let offset = answer
            .hub_time
            .saturating_add(half_s)
            .saturating_sub(unix_seconds());
        self.0
            .offset_s
            .store(offset, std::sync::atomic::Ordering::Relaxed);
        self.0
            .is_measured
            .store(true, std::sync::atomic::Ordering::Relaxed);
        let lifetime = Duration::from_secs(answer.expires_in_s.min(24 * 3600));
        let until = asked + lifetime.saturating_sub(RENEW_BEFORE.min(lifetime / 4));
        *held = Some(Held {
            token: answer.token.clone(),
            until,
        });
        Ok(answer.token)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({} to {})", self.0.agent, self.0.http.base)
    }
}

impl Http {
    fn new(config: &LinkConfig) -> Result<Self, LinkError> {
        tls::install_provider();
        let settings = |what: &str, reason: String| LinkError::Settings {
            what: what.to_owned(),
            reason,
        };
        let url = Url::parse(&config.hub_url)
            .map_err(|e| settings(&format!("hub address {:?}", config.hub_url), e.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) => {}
            "http" => {
                return Err(LinkError::PlainHttp {
                    url: config.hub_url.clone(),
                });
            }
            other => {
                return Err(settings(
                    "hub address",
                    format!("{other} is neither https nor http"),
                ));
            }
        }
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .connect_timeout(config.connect_timeout)
            .user_agent(&config.user_agent);
        if let Some(path) = &config.ca_file {
            builder = builder.tls_certs_merge(tls::authorities(path)?);
        }
        builder = match &config.proxy {
            // Unencrypted requests stay on this machine.
            _ if url.scheme() == "http" => builder.no_proxy(),
            Proxy::System => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::Address(address) => builder
                .proxy(reqwest::Proxy::all(address.reveal()).map_err(|e| settings("proxy", e.to_string()))?),
        };
        let client = builder
            .build()
            .map_err(|e| settings("TLS or proxy", format!("{e:?}")))?;
        let base = config.hub_url.trim_end_matches('/').to_owned();
        Ok(Self {
            client,
            base,
            timeout: config.request_timeout,
        })
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Body,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<T, LinkError> {
        let url = format!("{}/agent/v1/{path}", self.base);
        let (kind, bytes) = match body {
            Body::Json(bytes) => ("application/json", bytes),
            Body::Binary(bytes) => ("application/octet-stream", bytes),
        };
        let mut request = self
            .client
            .post(&url)
            .timeout(timeout)
            .header(CONTENT_TYPE, kind)
            .body(bytes.clone());
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        let failed = |e: reqwest::Error| LinkError::from_transport(&self.base, &e);
        let mut answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let wait = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(LinkError::Protocol {
                    url,
                    reason: format!("over {MAX_ANSWER_BYTES} bytes"),
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|e| LinkError::Protocol {
                url,
                reason: e.to_string(),
            });
        }
        match status.as_u16() {
            429 => Err(LinkError::TooManyRequests {
                wait: Duration::from_secs(wait.unwrap_or(5)).min(LONGEST_WAIT),
            }),
            407 => Err(LinkError::ProxyAuthentication {
                url: self.base.clone(),
            }),
            status @ 500.. => Err(LinkError::HubFailed { url, status }),
            status => match serde_json::from_slice::<Refusal>(&bytes) {
                Ok(refusal) => Err(LinkError::Refused(Box::new(refusal))),
                Err(_) => Err(LinkError::Protocol {
                    url,
                    reason: format!("status {status} without a reason"),
                }),
            },
        }
    }
}

fn json(value: &impl Serialize) -> Result<Body, LinkError> {
    serde_json::to_vec(value)
        .map(Body::Json)
        .map_err(|e| LinkError::Settings {
            what: "request".to_owned(),
            reason: e.to_string(),
        })
}

fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
