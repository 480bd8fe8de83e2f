//! The contract of [`Store`](crate::Store), as one suite that each implementation's tests
//! call. It panics at the first promise that is broken, saying which.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a contract suite is called by tests only and reports by panicking"
)]

mod audit;
mod brake;
mod changes;
mod companies;
mod decisions;
mod derived;
mod identity;
mod imports;
mod late;
mod money;
mod own;
mod prices;
mod records;
mod removals;
mod sites;
mod streams;
mod thread;
mod tokens;
mod webhooks;

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal64Array, RecordBatch, StringArray, UInt32Array};
use catalog::{Class, Dataset, DocumentBatch, Field, Removal, RemovalReason};
use jiff::{SignedDuration, Timestamp};
use values::{AgentId, CompanyId, Epoch, Hash, Key, Kind, Secret, Sequence, StoreId, TenantId};
use wire::agent::{BatchAck, Enroll, HashRequest, PROTOCOL, StreamRequest, StreamReset, StreamState};
use wire::{BatchHeader, digest, encode_batch};

use crate::{
    AgentRole, AgentScope, Lookup, Page, Record, RecordPage, RecordQuery, Store, StoreError, TenantScope,
    TokenGrant, TokenScope,
};

/// Runs the whole suite. `open` opens the same store, with the standard catalog and empty at
/// the first call, once more each time.
pub fn check_store(open: &dyn Fn() -> Box<dyn Store>) {
    let id = open().id().clone();
    identity::check(open().as_ref());
    tokens::check(open().as_ref());
    audit::check(open().as_ref());
    streams::check(open().as_ref());
    records::check(open().as_ref());
    removals::check(open().as_ref());
    brake::check(open().as_ref());
    changes::check(open().as_ref());
    changes::check_crowd(open().as_ref());
    companies::check(open().as_ref());
    prices::check(open().as_ref());
    own::check(open().as_ref());
    derived::check(open().as_ref());
    sites::check(open().as_ref());
    imports::check(open().as_ref());
    decisions::check(open().as_ref());
    late::check(open().as_ref());
    money::check(open().as_ref());
    thread::check(open().as_ref());
    webhooks::check(open().as_ref());
    let reopened = open();
    own::check_after_reopening(reopened.as_ref());
    assert_eq!(reopened.id(), &id, "a store keeps its identity");
    imports::check_after_reopening(reopened.as_ref());
    let fresh = StoreId::new("another epoch");
    changes::check_epoch(reopened.as_ref(), || {
        reopened
            .start_epoch(&fresh, &crate::Actor::command_line(), now())
            .unwrap();
    });
    assert_eq!(open().id(), &fresh, "a new epoch is one of another store");
}

/// Documents of a dataset with these keys (their first part that is a text; other parts are
/// fixed), each with `lines` rows of every kind of child and values of the site's own in each
/// class. Another version has other values.
#[must_use]
pub fn documents(dataset: &Dataset, keys: &[&str], lines: u32, version: i64) -> DocumentBatch {
    let key = dataset.key_places();
    let texts = |place: &&usize| dataset.fields[**place].kind == Kind::Text;
    let first = key.iter().find(texts).copied();
    let text = |place: usize, field: &Field, row: usize| match (first == Some(place), field.column.as_str()) {
        (true, _) if dataset.user_defined => {
            let part = keys.get(row).copied().unwrap_or_default();
            Key::from_parts([part]).as_str().to_owned()
        }
        (true, _) => keys.get(row).copied().unwrap_or_default().to_owned(),
        (false, _) if field.is_udf() => own_values(version),
        (false, catalog::STAMP_TIME) => "15.5".to_owned(),
        (false, _) if key.contains(&place) => "00".to_owned(),
        (false, _) => format!("{} v{version} é", field.name),
    };
    let parents = columns(&dataset.fields, keys.len(), version, text);
    let parents = RecordBatch::try_new(dataset.schema(), parents).unwrap();
    let children = dataset.children.iter().map(|child| {
        let of = (0_u32..)
            .take(keys.len())
            .flat_map(|parent| std::iter::repeat_n(parent, lines as usize));
        let of = UInt32Array::from_iter_values(of);
        let length = of.values().len();
        let mut all: Vec<ArrayRef> = vec![Arc::new(of)];
        all.extend(columns(&child.fields, length, version, |_, field, row| {
            if field.is_udf() {
                own_values(version)
            } else {
                format!("{} {}", field.name, row % lines.max(1) as usize)
            }
        }));
        RecordBatch::try_new(child.schema(), all).unwrap()
    });
    DocumentBatch {
        parents,
        children: children.collect(),
    }
}

/// One value of each class, called after it.
fn own_values(version: i64) -> String {
    let class = |class: Class| format!("\"{0}\":{{\"UDF_{0}\":\"{0} v{version}\"}}", class.as_str());
    let mut classes: Vec<_> = Class::ALL.into_iter().map(class).collect();
    classes.sort();
    format!("{{{}}}", classes.join(","))
}

fn columns(
    fields: &[Field],
    rows: usize,
    version: i64,
    text: impl Fn(usize, &Field, usize) -> String,
) -> Vec<ArrayRef> {
    let column = |(place, field): (usize, &Field)| -> ArrayRef {
        match field.kind {
            Kind::Text | Kind::Json => Arc::new(StringArray::from_iter_values(
                (0..rows).map(|row| text(place, field, row)),
            )),
            Kind::Decimal { scale } => {
                let units = (0..rows).map(|row| version * 1_000_007 - i64::try_from(row).unwrap());
                let units = Decimal64Array::from_iter_values(units);
                Arc::new(
                    units
                        .with_precision_and_scale(18, i8::try_from(scale).unwrap())
                        .unwrap(),
                )
            }
            // Every third is none; the stamp's date never is.
            Kind::Date => {
                Arc::new(Date32Array::from_iter((0..rows).map(|row| {
                    (field.column == catalog::STAMP_DATE || row % 3 != 1).then_some(20_574)
                })))
            }
        }
    };
    fields.iter().enumerate().map(column).collect()
}

/// A tenant with one enrolled driver, made through the store's own doors.
#[derive(Debug)]
pub struct Site {
    /// The tenant.
    pub tenant: TenantId,
    /// Its driver.
    pub agent: AgentScope,
    /// A token that sees and may do everything.
    pub all: TenantScope,
}

impl Site {
    /// Adds a tenant with this name; the name also makes its secrets.
    #[must_use]
    pub fn new(store: &dyn Store, name: &str) -> Self {
        let tenant = TenantId::new(format!("t_{name}"));
        store
            .add_tenant(&tenant, name, &crate::Actor::command_line(), now())
            .unwrap();
        let agent = add_agent(store, &tenant, &format!("a_{name}"));
        let all = scope(
            store,
            &tenant,
            &format!("erp_{name}-all-00"),
            TokenScope::Admin,
            None,
            &Class::ALL,
        );
        Self { tenant, agent, all }
    }
}

/// The instant at which the suite runs.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_777_777_777).unwrap()
}

pub(crate) fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn enroll_request(code: &str) -> Enroll {
    Enroll {
        protocol: PROTOCOL,
        code: Secret::new(code),
        public_key: "00".repeat(32),
        host: "SAGE01".to_owned(),
        version: "1.0.0".to_owned(),
    }
}

fn add_agent(store: &dyn Store, tenant: &TenantId, name: &str) -> AgentScope {
    let code = format!("code of {name}");
    store
        .add_enrolment_code(
            tenant,
            &Secret::new(&code),
            AgentRole::Driver,
            later(60),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    let agent = store
        .enroll(&enroll_request(&code), &AgentId::new(name), None, now())
        .unwrap()
        .agent;
    let token = Secret::new(format!("token of {name}"));
    store
        .issue_agent_token(&agent, "first", "1.0.0", &token, later(900), now())
        .unwrap();
    store.authenticate_agent(&token, now()).unwrap()
}

fn scope(
    store: &dyn Store,
    tenant: &TenantId,
    token: &str,
    scope: TokenScope,
    companies: Option<Vec<CompanyId>>,
    classes: &[Class],
) -> TenantScope {
    let token = Secret::new(token);
    let grant = TokenGrant {
        scope,
        companies,
        classes: classes.to_vec(),
        ..TokenGrant::default()
    };
    store
        .add_api_token(tenant, &token, &grant, &crate::Actor::command_line(), now())
        .unwrap();
    store.authenticate(&token, now()).unwrap()
}

/// Keys of a page's entries, tombstones marked by a cross.
fn listed(page: &RecordPage) -> Vec<String> {
    let entry = |entry: &Record| {
        let entry = entry.json();
        let cross = if entry.get("deleted_at").is_some() {
            "†"
        } else {
            ""
        };
        format!("{}{cross}", entry["key"].as_str().unwrap_or_default())
    };
    page.data.iter().map(entry).collect()
}

#[track_caller]
fn refused<T>(result: Result<T, StoreError>, code: &str) {
    match result {
        Ok(_) => panic!("was done instead of being refused as {code}"),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            assert!(!error.remedy().is_empty() && !error.is_retryable(), "{error}");
        }
    }
}

/// A stream under test, from the driver's side.
struct Stream<'a> {
    store: &'a dyn Store,
    agent: &'a AgentScope,
    company: CompanyId,
    dataset: Cow<'a, Dataset>,
}

impl<'a> Stream<'a> {
    fn new(store: &'a dyn Store, agent: &'a AgentScope, company: &str, dataset: &str) -> Self {
        let dataset = store.catalog().resolve(dataset).unwrap();
        Self {
            store,
            agent,
            company: CompanyId::new(company),
            dataset,
        }
    }

    fn state(&self) -> StreamState {
        let request = StreamRequest {
            company: self.company.clone(),
            dataset: self.dataset.name.clone(),
            count: true,
        };
        self.store.stream(self.agent, &request).unwrap()
    }

    fn reset_from(&self, state: &StreamState, epoch: u64) -> StreamReset {
        StreamReset {
            company: self.company.clone(),
            dataset: self.dataset.name.clone(),
            epoch: Epoch(epoch),
            from_epoch: state.epoch,
            from_sequence: state.sequence,
            from_digest: state.digest,
            fingerprint: self.dataset.fingerprint(),
        }
    }

    fn reset(&self, epoch: u64) -> Result<StreamState, StoreError> {
        self.store
            .reset_stream(self.agent, &self.reset_from(&self.state(), epoch), now())
    }

    fn header(&self, epoch: u64, sequence: u64, previous: Hash) -> BatchHeader {
        BatchHeader {
            company: self.company.clone(),
            dataset: self.dataset.name.clone(),
            epoch: Epoch(epoch),
            sequence: Sequence(sequence),
            previous,
            fingerprint: self.dataset.fingerprint(),
            removals: Vec::new(),
            approved: 0,
        }
    }

    fn send(&self, header: &BatchHeader, batch: &DocumentBatch) -> Result<BatchAck, StoreError> {
        self.send_at(header, batch, now())
    }

    fn send_at(
        &self,
        header: &BatchHeader,
        batch: &DocumentBatch,
        at: Timestamp,
    ) -> Result<BatchAck, StoreError> {
        let digest = digest(&encode_batch(header, batch).unwrap());
        self.store.ingest(self.agent, header, batch, digest, at)
    }

    /// Sends the next batch: these rows, and these records leave.
    fn exchange(
        &self,
        batch: &DocumentBatch,
        leaving: &[(&str, RemovalReason)],
        approved: u64,
        at: Timestamp,
    ) -> Result<BatchAck, StoreError> {
        let state = self.state();
        let mut header = self.header(state.epoch.0, state.sequence.0 + 1, state.digest);
        header.approved = approved;
        header.removals = leaving
            .iter()
            .map(|(key, reason)| Removal {
                key: Key::from_stored((*key).to_owned()),
                reason: *reason,
            })
            .collect();
        self.send_at(&header, batch, at)
    }

    /// These records leave.
    fn remove(&self, leaving: &[(&str, RemovalReason)]) -> Result<BatchAck, StoreError> {
        self.exchange(&self.dataset.empty_batch(), leaving, 0, now())
    }

    fn list(&self, scope: &TenantScope, page: Page) -> RecordPage {
        let query = RecordQuery {
            fields: None,
            dataset: &self.dataset,
            company: self.company.clone(),
            page,
            limit: 1000,
            filters: Vec::new(),
        };
        self.store.records(scope, &query, now()).unwrap()
    }

    fn lookup(&self, scope: &TenantScope, key: &str) -> Lookup {
        let key = Key::from_stored(key.to_owned());
        self.store
            .record(scope, &self.dataset, &self.company, &key, None, now())
            .unwrap()
    }

    /// The record with this key.
    #[track_caller]
    fn get(&self, scope: &TenantScope, key: &str) -> serde_json::Value {
        match self.lookup(scope, key) {
            Lookup::Found(record) => record.json(),
            other @ (Lookup::Deleted(_) | Lookup::Unknown) => panic!("{key}: {other:?}"),
        }
    }

    fn hash_keys(&self, recompute: bool) -> Vec<String> {
        let request = HashRequest {
            company: self.company.clone(),
            dataset: self.dataset.name.clone(),
            after: None,
            limit: 1000,
            recompute,
        };
        let page = self.store.hashes(self.agent, &request).unwrap();
        page.entries.into_iter().map(|(key, _)| key.to_string()).collect()
    }

    /// Sends the next batch of the stream.
    fn push(&self, batch: &DocumentBatch) {
        let state = self.state();
        let ack = self
            .send(
                &self.header(state.epoch.0, state.sequence.0 + 1, state.digest),
                batch,
            )
            .unwrap();
        assert!(!ack.repeated);
    }
}
