//! A simulated driver: keeps a stream of items, and enters what its company is sent. It has a
//! memory that is never lost, so that what it knows is the measure.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, Removal, RemovalReason};
use hub_store::contract::documents;
use model::{ImportReport, ImportState};
use reqwest::Method;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use values::{AgentId, CompanyId, Epoch, Hash, Key, LeaseEpoch, Secret, Sequence};
use wire::agent::{Enroll, Enrolled, Lease, PROTOCOL, StreamState, Token, TokenRequest, Work, code};
use wire::{BatchHeader, digest, encode_batch};

use crate::Chance;
use crate::client::{Clock, Content, Hubs};
use crate::feed::View;

const DATASET: &str = "items";
const ITEMS: usize = 12;

/// What a driver knows in the end.
pub(crate) struct End {
    /// Its records.
    pub(crate) records: View,
    /// Orders by import: the number that each was entered under.
    pub(crate) entered: BTreeMap<String, String>,
}

/// A batch of which nobody knows whether it arrived.
struct Sent {
    bytes: Vec<u8>,
    sequence: Sequence,
    digest: Hash,
    changes: Vec<(String, Option<u64>)>,
}

pub(crate) struct Agent {
    hubs: Hubs,
    company: String,
    chance: Chance,
    key: Ed25519KeyPair,
    id: AgentId,
    token: String,
    catalog: Catalog,
    version: u64,
    sent: Option<Sent>,
    records: View,
    lease: Option<LeaseEpoch>,
    numbers: u32,
    entered: BTreeMap<String, String>,
    /// Entered, and the hub has not said that it knows.
    untold: VecDeque<(String, u32)>,
}

impl Agent {
    pub(crate) fn new(hubs: &Hubs, company: &str, mut chance: Chance) -> Self {
        let mut seed = [0_u8; 32];
        for part in seed.chunks_mut(8) {
            part.copy_from_slice(&chance.draw().to_le_bytes());
        }
        Self {
            hubs: hubs.clone(),
            company: company.to_owned(),
            chance,
            key: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap(),
            id: AgentId::new("none"),
            token: String::new(),
            catalog: Catalog::standard().unwrap(),
            version: 0,
            sent: None,
            records: View::new(),
            lease: None,
            numbers: 0,
            entered: BTreeMap::new(),
            untold: VecDeque::new(),
        }
    }

    pub(crate) async fn live(mut self, code: String, clock: Arc<Clock>) -> End {
        self.enroll(&code).await;
        loop {
            let is_last = clock.are_drivers_home();
            if !is_last || self.sent.is_some() {
                self.sync().await;
            }
            let is_quiet = self.enter_orders().await;
            if is_last && is_quiet && self.sent.is_none() {
                return End {
                    records: self.records,
                    entered: self.entered,
                };
            }
            tokio::time::sleep(Duration::from_millis(200 + self.chance.below(1200))).await;
        }
    }

    /// A code is good once: whoever got no answer may have been enrolled all the same, and asks
    /// again with the same key.
    async fn enroll(&mut self, code: &str) {
        let enroll = Enroll {
            protocol: PROTOCOL,
            code: Secret::new(code),
            public_key: hex::encode(self.key.public_key()),
            host: "SAGE01".into(),
            version: "1.0.0".into(),
        };
        let body = serde_json::to_value(&enroll).unwrap();
        let (status, body) = self.insist("/agent/v1/enroll", &body).await;
        assert_eq!(status, 200, "{body}");
        self.id = serde_json::from_value::<Enrolled>(body).unwrap().agent;
        self.renew().await;
    }

    async fn renew(&mut self) {
        let at = jiff::Timestamp::now().as_second();
        loop {
            let nonce = format!("{:016x}{:016x}", self.chance.draw(), self.chance.draw());
            let text = TokenRequest::signed_text(&self.id, at, &nonce);
            let request = TokenRequest {
                agent: self.id.clone(),
                at,
                nonce,
                signature: hex::encode(self.key.sign(text.as_bytes())),
                version: "1.0.0".into(),
            };
            let body = serde_json::to_value(&request).unwrap();
            // A nonce is good once; each try has its own.
            let answer = self
                .hubs
                .ask(
                    &mut self.chance,
                    Method::POST,
                    "/agent/v1/token",
                    "",
                    &[],
                    Content::Json(&body),
                )
                .await;
            if let Some((status, body)) = answer {
                assert_eq!(status, 200, "{body}");
                let token: Token = serde_json::from_value(body).unwrap();
                token.token.reveal().clone_into(&mut self.token);
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks until there is an answer; a token that ran out is renewed.
    async fn insist(&mut self, path: &str, body: &Value) -> (u16, Value) {
        loop {
            let (status, answer) = self
                .hubs
                .insist(
                    &mut self.chance,
                    Method::POST,
                    path,
                    &self.token.clone(),
                    &[],
                    Some(body),
                )
                .await;
            if answer["code"] == code::TOKEN_INVALID {
                self.renew().await;
                continue;
            }
            return (status, answer);
        }
    }

    /// One step of the stream: learns what became of the batch before, or sends the next.
    async fn sync(&mut self) {
        let dataset = self.catalog.get(DATASET).unwrap();
        let fingerprint = dataset.fingerprint();
        let open = json!({ "company": self.company, "dataset": DATASET });
        let (status, body) = self.insist("/agent/v1/streams/open", &open).await;
        assert_eq!(status, 200, "{body}");
        let mut state: StreamState = serde_json::from_value(body).unwrap();
        if state.epoch == Epoch(0) {
            let reset = json!({
                "company": self.company, "dataset": DATASET, "epoch": 1, "fingerprint": fingerprint,
                "from_epoch": 0, "from_sequence": 0, "from_digest": state.digest,
            });
            let (status, body) = self.insist("/agent/v1/streams/reset", &reset).await;
            if body["code"] == code::EPOCH_STALE {
                // It was opened by a try that got no answer.
                return;
            }
            assert_eq!(status, 200, "{body}");
            state = serde_json::from_value(body).unwrap();
        }
        if let Some(sent) = &self.sent
            && (state.sequence, state.digest) == (sent.sequence, sent.digest)
        {
            self.is_committed();
        }
        if self.sent.is_none() {
            self.sent = Some(self.next_batch(&state));
        }
        let Some(sent) = &self.sent else { return };
        assert_eq!(
            state.sequence.0 + 1,
            sent.sequence.0,
            "{}: the hub lost a batch or has one too many",
            self.company
        );
        let token = self.token.clone();
        let answer = self
            .hubs
            .ask(
                &mut self.chance,
                Method::POST,
                "/agent/v1/batches",
                &token,
                &[],
                Content::Bytes(&sent.bytes),
            )
            .await;
        match answer {
            Some((200, _)) => self.is_committed(),
            Some((_, refusal)) if refusal["code"] == code::TOKEN_INVALID => self.renew().await,
            Some((status, refusal)) => panic!("{status} {refusal}"),
            // Nobody knows: the stream's state will tell.
            None => {}
        }
    }

    fn is_committed(&mut self) {
        let Some(sent) = self.sent.take() else { return };
        for (key, version) in sent.changes {
            self.records.insert((self.company.clone(), key), version);
        }
    }

    /// A few items change; now and then one leaves.
    fn next_batch(&mut self, state: &StreamState) -> Sent {
        let dataset = self.catalog.get(DATASET).unwrap();
        self.version += 1;
        let mut header = BatchHeader {
            company: CompanyId::new(self.company.as_str()),
            dataset: dataset.name.clone(),
            epoch: state.epoch,
            sequence: Sequence(state.sequence.0 + 1),
            previous: state.digest,
            fingerprint: dataset.fingerprint(),
            removals: Vec::new(),
            // A person has agreed to whatever leaves.
            approved: 1_000,
        };
        let live: Vec<&String> = self
            .records
            .iter()
            .filter(|(_, v)| v.is_some())
            .map(|((_, key), _)| key)
            .collect();
        if live.len() > ITEMS / 2 && self.chance.below(8) == 0 {
            let key = live[self.chance.place(live.len())].clone();
            header.removals.push(Removal {
                key: Key::from_stored(key.clone()),
                reason: RemovalReason::Filtered,
            });
            return Sent::new(&header, &dataset.empty_batch(), vec![(key, None)]);
        }
        let first = self.chance.place(ITEMS);
        let keys: Vec<String> = (first..=first + self.chance.place(3))
            .map(|item| format!("I{item:02}"))
            .collect();
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let batch = documents(dataset, &names, 0, i64::try_from(self.version).unwrap());
        let changes = keys.iter().map(|key| (key.clone(), Some(self.version))).collect();
        Sent::new(&header, &batch, changes)
    }

    /// Takes what there is to enter and enters it; true when there was nothing.
    async fn enter_orders(&mut self) -> bool {
        let lease = match self.lease {
            Some(lease) => lease,
            None => self.take_lease().await,
        };
        let ask = json!({ "companies": [[self.company, lease]], "wait_ms": 100, "limit": 5 });
        let (status, body) = self.insist("/agent/v1/work", &ask).await;
        if self.has_lost_lease(&body) {
            return false;
        }
        assert_eq!(status, 200, "{body}");
        let work: Work = serde_json::from_value(body).unwrap();
        let is_quiet = work.imports.is_empty() && self.untold.is_empty();
        for import in work.imports {
            let id = import.id.as_str().to_owned();
            let accept = json!({ "lease": lease, "revision": import.revision });
            let (status, body) = self
                .insist(&format!("/agent/v1/imports/{id}/accept"), &accept)
                .await;
            if self.has_lost_lease(&body) {
                return false;
            }
            assert_eq!(status, 200, "{body}");
            assert!(
                !self.entered.contains_key(&id),
                "{id} is handed out again after it was accepted"
            );
            self.numbers += 1;
            let number = format!("{:07}", self.numbers);
            let reservation = json!({ "write": 0, "name": "sales_order_no", "value": number, "at": jiff::Timestamp::now() });
            let reserve = json!({ "lease": lease, "reservation": reservation });
            let (status, body) = self
                .insist(&format!("/agent/v1/imports/{id}/reserve"), &reserve)
                .await;
            assert_eq!(status, 200, "{body}");
            self.entered.insert(id.clone(), number);
            self.untold.push_back((id, import.revision));
        }
        while let Some((id, revision)) = self.untold.front().cloned() {
            let mut report = ImportReport {
                state: ImportState::Written,
                numbers: BTreeMap::new(),
                totals: BTreeMap::new(),
                lines: Vec::new(),
                warnings: Vec::new(),
                problems: Vec::new(),
                attempts: Vec::new(),
            };
            report
                .numbers
                .insert("sales_order_no".to_owned(), self.entered[&id].clone());
            let told = json!({ "lease": lease, "revision": revision, "report": report });
            let (status, body) = self
                .insist(&format!("/agent/v1/imports/{id}/report"), &told)
                .await;
            assert_eq!(status, 200, "{body}");
            self.untold.pop_front();
        }
        is_quiet
    }

    async fn take_lease(&mut self) -> LeaseEpoch {
        let ask = json!({
            "company": self.company, "time_zone": "America/New_York", "journal": format!("j-{}", self.company),
        });
        let (status, body) = self.insist("/agent/v1/lease", &ask).await;
        assert_eq!(status, 200, "{body}");
        let lease: Lease = serde_json::from_value(body).unwrap();
        self.lease = Some(lease.lease);
        lease.lease
    }

    fn has_lost_lease(&mut self, body: &Value) -> bool {
        let is_lost = body["code"] == code::LEASE_LOST;
        if is_lost {
            self.lease = None;
        }
        is_lost
    }
}

impl Sent {
    fn new(
        header: &BatchHeader,
        batch: &catalog::DocumentBatch,
        changes: Vec<(String, Option<u64>)>,
    ) -> Self {
        let bytes = encode_batch(header, batch).unwrap();
        Self {
            digest: digest(&bytes),
            bytes,
            sequence: header.sequence,
            changes,
        }
    }
}
