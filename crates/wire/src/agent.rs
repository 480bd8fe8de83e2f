//! Between agent and hub: JSON bodies of `/agent/v1`, except [`crate::encode_batch`].
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /agent/v1/enroll` | [`Enroll`] | [`Enrolled`] |
//! | `POST /agent/v1/token` | [`TokenRequest`] | [`Token`] |
//! | `POST /agent/v1/lease` | [`LeaseRequest`] | [`Lease`] |
//! | `POST /agent/v1/open` | [`OpenRequest`] | [`OpenPage`] |
//! | `POST /agent/v1/streams/open` | [`StreamRequest`] | [`StreamState`] |
//! | `POST /agent/v1/streams/reset` | [`StreamReset`] | [`StreamState`] |
//! | `POST /agent/v1/hashes` | [`HashRequest`] | [`HashPage`] |
//! | `POST /agent/v1/checksums` | [`ChecksumRequest`] | [`ChecksumPage`] |
//! | `POST /agent/v1/status` | [`crate::status::AgentStatus`] | [`Done`] |
//! | `POST /agent/v1/batches` | binary, [`crate::encode_batch`] | [`BatchAck`] |
//! | `POST /agent/v1/work` | [`WorkRequest`] (long poll) | [`Work`] |
//! | `POST /agent/v1/imports/{id}/accept` | [`Accept`] | [`Done`] |
//! | `POST /agent/v1/imports/{id}/reserve` | [`Reserve`] | [`Done`] |
//! | `POST /agent/v1/imports/{id}/report` | [`Report`] | [`Done`] |
//! | `POST /agent/v1/imports/{id}/decide` | [`Decide`] | [`Done`] |
//! | `POST /agent/v1/previews/{id}` | [`PreviewAnswer`] | [`Done`] |
//!
//! Every request but the first two carries the token as a bearer. A refusal is a
//! [`Refusal`] (RFC 9457, `application/problem+json`).

use model::{Decision, ImportKind, ImportReport};
use serde::{Deserialize, Serialize};
use values::{
    AgentId, CompanyId, DatasetName, Epoch, Hash, ImportId, Key, LeaseEpoch, Secret, Sequence, StoreId,
    TenantId,
};

/// The version that this build speaks. A hub serves agents of the version before, too.
pub const PROTOCOL: u32 = 1;

/// Redeems a one-time code for an identity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enroll {
    /// [`PROTOCOL`] of the agent.
    pub protocol: u32,
    /// As printed by `erp-hub enroll-code`.
    pub code: Secret,
    /// Ed25519 public key, 64 hex digits; the private half never leaves the host.
    pub public_key: String,
    /// The host's name, for people.
    pub host: String,
    /// The agent's version, for people.
    pub version: String,
}

/// The agent is known now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its id.
    pub agent: AgentId,
    /// Whose agent it is.
    pub tenant: TenantId,
    /// The tenant's name, for people.
    pub tenant_name: String,
}

/// Asks for a short-lived token, proving possession of the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRequest {
    /// Who asks.
    pub agent: AgentId,
    /// Seconds since 1970 by the agent's clock; the hub accepts five minutes either way.
    pub at: i64,
    /// Random, 32 hex digits, used once.
    pub nonce: String,
    /// Ed25519 over [`TokenRequest::signed_text`], 128 hex digits.
    pub signature: String,
    /// The agent's version, for people.
    pub version: String,
}

impl TokenRequest {
    /// What is signed.
    #[must_use]
    pub fn signed_text(agent: &AgentId, at: i64, nonce: &str) -> String {
        format!("erp-driver token request\n{agent}\n{at}\n{nonce}\n")
    }
}

/// A bearer token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Opaque.
    pub token: Secret,
    /// Seconds for which it holds.
    pub expires_in_s: u64,
    /// Seconds since 1970 by the hub's clock: the agent measures its own against it.
    pub hub_time: i64,
}

/// Asks to be the company's one writer, and claims the company for this agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// The company as the API calls it.
    pub company: CompanyId,
    /// The IANA zone of the Sage server.
    pub time_zone: String,
    /// Identity of the driver's journal.
    pub journal: StoreId,
}

/// This agent is the company's writer until somebody asks after it. What is open in the company
/// is asked for with [`OpenRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Grows with every grant; requests with an older one are refused as `lease_lost`.
    pub lease: LeaseEpoch,
    /// The hub's store.
    pub store: StoreId,
}

/// Asks for everything of a company that was reserved or journaled and is not settled, in pages:
/// each document comes with its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// Which company.
    pub company: CompanyId,
    /// The writer's lease.
    pub lease: LeaseEpoch,
    /// Start behind this document.
    #[serde(default)]
    pub after: Option<ImportId>,
}

/// A page of what is open. Nobody edits any of it while the driver has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPage {
    /// Oldest first.
    pub imports: Vec<OpenImport>,
    /// Nothing is left behind these.
    pub end: bool,
}

/// An import that this hub holds as reserved or journaled, but not settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenImport {
    /// The document.
    pub document: ImportDocument,
    /// Reservations, oldest first.
    pub reservations: Vec<Reservation>,
}

/// An identity in the ERP that a document may have been written under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Which write of the document, from 0.
    pub write: u32,
    /// What is reserved (`sales_order_no`).
    pub name: String,
    /// Its value.
    pub value: String,
    /// When, by the driver's clock (RFC 3339).
    pub at: String,
}

/// A document for the ERP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportDocument {
    /// Its id.
    pub id: ImportId,
    /// For which company.
    pub company: CompanyId,
    /// What kind.
    pub kind: ImportKind,
    /// Grows when the document is edited.
    pub revision: u32,
    /// The request's body.
    pub body: serde_json::Value,
    /// What a person decided about it since it was last settled; empty when nobody did.
    #[serde(default)]
    pub decision: Decision,
}

/// Where this agent believes a stream to stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRequest {
    /// Whose rows.
    pub company: CompanyId,
    /// Which dataset.
    pub dataset: DatasetName,
    /// Count the live records, too: that costs the hub a look at all of them.
    #[serde(default)]
    pub count: bool,
}

/// Opens a new epoch: sequence 0, no pass is continued, no record is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReset {
    /// Whose rows.
    pub company: CompanyId,
    /// Which dataset.
    pub dataset: DatasetName,
    /// Must be larger than the hub's.
    pub epoch: Epoch,
    /// The hub's epoch that the agent's decision rests on; another one is refused as
    /// `epoch_stale`.
    pub from_epoch: Epoch,
    /// The hub's sequence that it rests on; likewise.
    pub from_sequence: Sequence,
    /// The hub's digest that it rests on; likewise.
    pub from_digest: Hash,
    /// The dataset's shape that the driver will send.
    pub fingerprint: Hash,
}

/// Where the hub's side of a stream stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// The hub's store.
    pub store: StoreId,
    /// Epoch 0 means that the hub has never heard of the stream.
    pub epoch: Epoch,
    /// Last batch committed in it.
    pub sequence: Sequence,
    /// Its digest; 0 when the epoch has none.
    pub digest: Hash,
    /// Digest of the batch before it, as its header says; 0 when there is none.
    pub previous: Hash,
    /// The shape that the epoch was opened with.
    pub fingerprint: Hash,
    /// The shape that the hub's own catalog has now.
    pub hub_fingerprint: Hash,
    /// Live records, when they were asked for.
    #[serde(default)]
    pub records: Option<u64>,
}

/// Asks for keys and hashes in key-byte order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashRequest {
    /// Whose rows.
    pub company: CompanyId,
    /// Which dataset.
    pub dataset: DatasetName,
    /// Start behind this key.
    pub after: Option<Key>,
    /// At most so many; the hub may give fewer.
    pub limit: u32,
    /// Compute the hashes from the stored columns instead of giving the stored ones.
    pub recompute: bool,
}

/// A page of keys and hashes of live records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashPage {
    /// In key-byte order.
    pub entries: Vec<(Key, Hash)>,
    /// Nothing is left behind these.
    pub end: bool,
}

/// Asks for checksums over ranges of keys, computed anew from the stored columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksumRequest {
    /// Whose rows.
    pub company: CompanyId,
    /// Which dataset.
    pub dataset: DatasetName,
    /// Start behind this key.
    pub after: Option<Key>,
    /// Live records of one range; the last one may have fewer.
    pub range: u32,
    /// At most so many ranges; the hub may give fewer.
    pub limit: u32,
}

/// Ranges of live records in key-byte order, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksumPage {
    /// One after the other.
    pub ranges: Vec<RangeChecksum>,
    /// Nothing is left behind these.
    pub end: bool,
}

/// The records behind the range before, up to and with `last`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeChecksum {
    /// Key of the range's last record.
    pub last: Key,
    /// Records in it.
    pub records: u32,
    /// [`values::Hash::of_bytes`] of each `key NUL hash-in-hex`, summed wrapping.
    pub checksum: Hash,
}

/// The batch is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchAck {
    /// The batch's epoch.
    pub epoch: Epoch,
    /// Its sequence.
    pub sequence: Sequence,
    /// It had been committed before; nothing was stored now.
    pub repeated: bool,
}

/// Asks for documents of these companies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkRequest {
    /// Companies and the leases held for them.
    pub companies: Vec<(CompanyId, LeaseEpoch)>,
    /// Wait at most so long for something to come, in milliseconds; the hub caps it at 30 s.
    pub wait_ms: u64,
    /// At most so many documents.
    pub limit: u32,
}

/// What there is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Documents not yet journaled, oldest first.
    pub imports: Vec<ImportDocument>,
    /// Documents that somebody only asks about; to be answered after the imports, or not at
    /// all: nothing is lost with them.
    #[serde(default)]
    pub previews: Vec<Preview>,
    /// Documents that a person has given up since the driver journaled them. Each is told
    /// until it is accepted.
    #[serde(default)]
    pub discarded: Vec<Discarded>,
}

/// A document that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    /// The document.
    pub import: ImportId,
    /// The revision to accept.
    pub revision: u32,
}

/// A document that is never entered: somebody asks what Sage would say to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Names the question; no import has this id.
    pub id: ImportId,
    /// For which company.
    pub company: CompanyId,
    /// What kind.
    pub kind: ImportKind,
    /// The request's body.
    pub body: serde_json::Value,
}

/// What Sage says to a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewAnswer {
    /// The writer's lease.
    pub lease: LeaseEpoch,
    /// `validated` when it would be written, else why not.
    pub report: ImportReport,
}

/// A person's word about a document, given at the driver's host. It needs no lease: the
/// company must be this agent's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    /// What shall happen.
    pub action: DecideAction,
    /// The revision that the person saw; any other is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// What is accepted, and why.
    #[serde(default)]
    pub decision: Decision,
}

/// What shall happen to a document that waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecideAction {
    /// It is tried again, as a new revision.
    Retry,
    /// It is given up.
    Discard,
}

/// The driver has journaled the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// The writer's lease.
    pub lease: LeaseEpoch,
    /// The revision journaled.
    pub revision: u32,
}

/// The driver is about to write under this identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// The writer's lease.
    pub lease: LeaseEpoch,
    /// The identity. One that another import of the company holds is refused with
    /// `identity_taken`.
    pub reservation: Reservation,
}

/// Where the document stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The writer's lease.
    pub lease: LeaseEpoch,
    /// The revision that it is about: a report of an earlier one is not kept. 0 means that
    /// the driver does not tell.
    #[serde(default)]
    pub revision: u32,
    /// The whole report.
    pub report: ImportReport,
}

/// It is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// A problem after RFC 9457, on both APIs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Address of the code's page in the documentation.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short words for the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable, snake_case.
    pub code: String,
    /// What happened here.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// Codes of refusals that agents act on.
pub mod code {
    /// The enrolment code was used before.
    pub const CODE_USED: &str = "code_used";
    /// The enrolment code has expired.
    pub const CODE_EXPIRED: &str = "code_expired";
    /// There is no such enrolment code.
    pub const CODE_UNKNOWN: &str = "code_unknown";
    /// The agent was revoked.
    pub const AGENT_REVOKED: &str = "agent_revoked";
    /// The token does not hold (any more): ask for a new one.
    pub const TOKEN_INVALID: &str = "token_invalid";
    /// The agent's clock is more than five minutes off.
    pub const CLOCK_OFF: &str = "clock_off";
    /// Another agent has the company.
    pub const COMPANY_CLAIMED: &str = "company_claimed";
    /// Another process became the company's writer.
    pub const LEASE_LOST: &str = "lease_lost";
    /// The same sequence with another digest, or a batch that does not follow the last one.
    pub const STREAM_DIVERGED: &str = "stream_diverged";
    /// The epoch is not the stream's.
    pub const EPOCH_STALE: &str = "epoch_stale";
    /// Not the next sequence.
    pub const OUT_OF_ORDER: &str = "out_of_order";
    /// The batch's shape is not the hub's.
    pub const FINGERPRINT_MISMATCH: &str = "fingerprint_mismatch";
    /// The hub has no such dataset.
    pub const DATASET_UNKNOWN: &str = "dataset_unknown";
    /// Another import holds the reserved identity.
    pub const IDENTITY_TAKEN: &str = "identity_taken";
    /// More records would leave unexplained than may without a person's word.
    pub const BRAKE_ENGAGED: &str = "brake_engaged";
    /// There is no such import.
    pub const IMPORT_UNKNOWN: &str = "import_unknown";
    /// The document is in a state in which that cannot be done.
    pub const IMPORT_NOT_EDITABLE: &str = "import_not_editable";
    /// The document was edited or decided about meanwhile.
    pub const REVISION_STALE: &str = "revision_stale";
    /// A problem is accepted that the document does not have.
    pub const ACCEPT_UNKNOWN: &str = "accept_unknown";
    /// There is no such preview, or no more.
    pub const PREVIEW_UNKNOWN: &str = "preview_unknown";
    /// The agent speaks a version that this hub does not.
    pub const PROTOCOL_UNSUPPORTED: &str = "protocol_unsupported";
}
