//! A hub on a free port, with a clock that tests set, and a driver's side of it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "tests may stop where they stand")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use catalog::{Catalog, Class, DocumentBatch, Removal, RemovalReason};
use hub::Hub;
use hub_store::{AgentRole, SqlStore, Store, TokenGrant, TokenScope};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, Response, StatusCode};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use values::{AgentId, CompanyId, Epoch, Hash, Key, Secret, Sequence, StoreId, TenantId};
use wire::agent::{Enroll, Enrolled, Lease, PROTOCOL, StreamState, Token, TokenRequest};
use wire::{BatchHeader, encode_batch};

pub(crate) const START: i64 = 1_777_777_777;

pub(crate) struct World {
    pub(crate) store: Arc<SqlStore>,
    pub(crate) hub: Hub,
    pub(crate) address: String,
    pub(crate) client: Client,
    pub(crate) serving: tokio::task::JoinHandle<std::io::Result<()>>,
    pub(crate) stop: tokio::sync::oneshot::Sender<()>,
    clock: Arc<AtomicI64>,
    counter: AtomicU32,
    _folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), &self.body["code"]),
            (status, &json!(code)),
            "{}",
            self.body
        );
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], format!("/errors/{code}"));
        for field in ["title", "detail", "remedy"] {
            assert!(
                self.body[field].as_str().is_some_and(|t| !t.is_empty()),
                "{field}: {}",
                self.body
            );
        }
        self.body
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|hub| hub).await
    }

    /// Over a hub that is set up otherwise.
    pub(crate) async fn with(set_up: impl FnOnce(Hub) -> Hub) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = test_tier::store_address(&folder.path().join("hub.db"));
        Self::over(&address, folder, set_up).await
    }

    /// Over this store.
    pub(crate) async fn over(address: &str, folder: TempDir, set_up: impl FnOnce(Hub) -> Hub) -> Self {
        // An error only means that another test has installed it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let store = Arc::new(open(address));
        let clock = Arc::new(AtomicI64::new(START));
        let shown = Arc::clone(&clock);
        let now = move || Timestamp::from_second(shown.load(Ordering::SeqCst)).unwrap();
        let hub = set_up(Hub::new(store.clone(), Arc::new(now)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = hub.clone();
        let serving = tokio::spawn(hub::serve(server, listener, async move {
            let _ = stopped.await;
        }));
        let client = Client::builder().no_proxy().build().unwrap();
        let counter = AtomicU32::new(0);
        Self {
            store,
            hub,
            address,
            client,
            serving,
            stop,
            clock,
            counter,
            _folder: folder,
        }
    }

    /// With the tenant acme and its driver.
    pub(crate) async fn with_driver() -> (Self, TenantId, Agent) {
        let world = Self::new().await;
        let tenant = world.tenant("acme");
        let agent = world.driver(&tenant).await;
        (world, tenant, agent)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.hub.now()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn number(&self) -> u32 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn tenant(&self, name: &str) -> TenantId {
        let id = TenantId::new(format!("t_{name}"));
        self.store
            .add_tenant(&id, name, &hub_store::Actor::command_line(), self.now())
            .unwrap();
        id
    }

    pub(crate) fn token(
        &self,
        tenant: &TenantId,
        scope: TokenScope,
        companies: Option<&[&str]>,
        classes: &[Class],
    ) -> String {
        let token = format!("erp_{:08}_secret", self.number());
        let companies = companies.map(|c| c.iter().map(|c| CompanyId::new(*c)).collect());
        let grant = TokenGrant {
            scope,
            companies,
            classes: classes.to_vec(),
            ..TokenGrant::default()
        };
        self.store
            .add_api_token(
                tenant,
                &Secret::new(&token),
                &grant,
                &hub_store::Actor::command_line(),
                self.now(),
            )
            .unwrap();
        token
    }

    pub(crate) fn code(&self, tenant: &TenantId, role: AgentRole) -> String {
        let code = format!("code-{}", self.number());
        let expires_at = self.now() + SignedDuration::from_hours(24);
        self.store
            .add_enrolment_code(
                tenant,
                &Secret::new(&code),
                role,
                expires_at,
                &hub_store::Actor::command_line(),
                self.now(),
            )
            .unwrap();
        code
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, Some(token), None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &impl serde::Serialize) -> Answer {
        self.ask(
            Method::POST,
            path,
            Some(token),
            Some(&serde_json::to_value(body).unwrap()),
        )
        .await
    }

    pub(crate) async fn order(&self, token: &str, key: Option<&str>, body: &Value) -> Answer {
        let mut request = self
            .client
            .post(format!("{}/v1/sales_orders", self.address))
            .bearer_auth(token)
            .json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn driver(&self, tenant: &TenantId) -> Agent {
        let code = self.code(tenant, AgentRole::Driver);
        let mut agent = Agent::new(self.number());
        let body = self.enroll(&agent.enroll(&code)).await.ok();
        agent.id = serde_json::from_value::<Enrolled>(body).unwrap().agent;
        self.renew(&mut agent).await;
        agent
    }

    pub(crate) async fn enroll(&self, request: &Enroll) -> Answer {
        let body = serde_json::to_value(request).unwrap();
        self.ask(Method::POST, "/agent/v1/enroll", None, Some(&body))
            .await
    }

    pub(crate) async fn ask_token(&self, request: &TokenRequest) -> Answer {
        let body = serde_json::to_value(request).unwrap();
        self.ask(Method::POST, "/agent/v1/token", None, Some(&body)).await
    }

    pub(crate) async fn renew(&self, agent: &mut Agent) {
        let nonce = format!("{:032x}", self.number());
        let body = self
            .ask_token(&agent.sign(self.now().as_second(), &nonce))
            .await
            .ok();
        agent.token = serde_json::from_value::<Token>(body)
            .unwrap()
            .token
            .reveal()
            .to_owned();
    }

    pub(crate) async fn batch(&self, agent: &Agent, bytes: Vec<u8>) -> Answer {
        let url = format!("{}/agent/v1/batches", self.address);
        read(
            self.client
                .post(url)
                .bearer_auth(&agent.token)
                .body(bytes)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Opens epoch 1 of a stream and sends this batch.
    pub(crate) async fn sync(&self, agent: &Agent, company: &str, dataset: &str, batch: &DocumentBatch) {
        let dataset = self.store.catalog().resolve(dataset).unwrap();
        let state = self.open_stream(agent, company, dataset.name.as_str()).await;
        let reset = json!({
            "company": company, "dataset": dataset.name, "epoch": state.epoch.0 + 1, "fingerprint": dataset.fingerprint(),
            "from_epoch": state.epoch, "from_sequence": state.sequence, "from_digest": state.digest,
        });
        self.post("/agent/v1/streams/reset", &agent.token, &reset)
            .await
            .ok();
        let header = self.header(company, dataset.name.as_str(), state.epoch.0 + 1, 1, Hash(0));
        self.batch(agent, encode_batch(&header, batch).unwrap())
            .await
            .ok();
    }

    /// Sends the stream's next batch: these records leave.
    pub(crate) async fn remove(
        &self,
        agent: &Agent,
        company: &str,
        dataset: &str,
        leaving: &[(&str, RemovalReason)],
    ) -> Answer {
        let state = self.open_stream(agent, company, dataset).await;
        let sequence = state.sequence.0 + 1;
        let mut header = self.header(company, dataset, state.epoch.0, sequence, state.digest);
        header.removals = leaving
            .iter()
            .map(|(key, reason)| Removal {
                key: Key::from_stored((*key).to_owned()),
                reason: *reason,
            })
            .collect();
        let none = self.store.catalog().resolve(dataset).unwrap().empty_batch();
        self.batch(agent, encode_batch(&header, &none).unwrap()).await
    }

    pub(crate) async fn open_stream(&self, agent: &Agent, company: &str, dataset: &str) -> StreamState {
        let body = json!({ "company": company, "dataset": dataset, "count": true });
        serde_json::from_value(
            self.post("/agent/v1/streams/open", &agent.token, &body)
                .await
                .ok(),
        )
        .unwrap()
    }

    pub(crate) fn header(
        &self,
        company: &str,
        dataset: &str,
        epoch: u64,
        sequence: u64,
        previous: Hash,
    ) -> BatchHeader {
        let dataset = self.store.catalog().resolve(dataset).unwrap();
        BatchHeader {
            company: CompanyId::new(company),
            dataset: dataset.name.clone(),
            epoch: Epoch(epoch),
            sequence: Sequence(sequence),
            previous,
            fingerprint: dataset.fingerprint(),
            removals: Vec::new(),
            approved: 0,
        }
    }

    pub(crate) async fn lease(&self, agent: &Agent, company: &str) -> Lease {
        let body = json!({ "company": company, "time_zone": "America/New_York", "journal": "j1" });
        serde_json::from_value(self.post("/agent/v1/lease", &agent.token, &body).await.ok()).unwrap()
    }
}

impl World {
    /// Sends the head of a request with a body of so many bytes, and the first of them alone.
    pub(crate) async fn begin(&self, path: &str, token: &str, length: usize) -> TcpStream {
        let address = self.address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

async fn read(response: Response) -> Answer {
    let status = response.status();
    let kind = response
        .headers()
        .get("content-type")
        .map(|k| k.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let text = response.text().await.unwrap();
    let wanted = if status.is_success() {
        "application/json"
    } else {
        "application/problem+json"
    };
    assert_eq!(kind, wanted, "{status}: {text}");
    Answer {
        status,
        body: serde_json::from_str(&text).unwrap(),
    }
}

fn open(address: &str) -> SqlStore {
    let now = Timestamp::from_second(START).unwrap();
    SqlStore::open(
        address,
        None,
        Catalog::standard().unwrap(),
        &StoreId::new("s1"),
        now,
    )
    .unwrap()
}

pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) token: String,
    pub(crate) key: Ed25519KeyPair,
}

impl Agent {
    pub(crate) fn new(number: u32) -> Self {
        let mut seed = [7_u8; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        Self {
            id: AgentId::new("none"),
            token: String::new(),
            key,
        }
    }

    pub(crate) fn enroll(&self, code: &str) -> Enroll {
        use ring::signature::KeyPair as _;
        Enroll {
            protocol: PROTOCOL,
            code: Secret::new(code),
            public_key: hex::encode(self.key.public_key()),
            host: "SAGE01".into(),
            version: "1.0.0".into(),
        }
    }

    pub(crate) fn sign(&self, at: i64, nonce: &str) -> TokenRequest {
        let text = TokenRequest::signed_text(&self.id, at, nonce);
        let signature = hex::encode(self.key.sign(text.as_bytes()));
        TokenRequest {
            agent: self.id.clone(),
            at,
            nonce: nonce.into(),
            signature,
            version: "1.0.0".into(),
        }
    }
}

pub(crate) fn order() -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "2", "unit_price": "79.50" }],
    })
}
