//! The trait and the types that it speaks in.

use std::borrow::Cow;
use std::net::IpAddr;

use catalog::{Catalog, Dataset, DocumentBatch, RemovalReason};
use jiff::Timestamp;
use model::Decision;
use serde::Serialize;
use values::{AgentId, CompanyId, Date, Hash, ImportId, Key, LeaseEpoch, Secret, StoreId, TenantId};
use wire::BatchHeader;
use wire::agent::{
    Accept, BatchAck, ChecksumPage, ChecksumRequest, Decide, DecideAction, Discarded, Enroll, Enrolled,
    HashPage, HashRequest, ImportDocument, Lease, LeaseRequest, OpenPage, OpenRequest, Preview,
    PreviewAnswer, Report, Reserve, StreamRequest, StreamReset, StreamState,
};
use wire::status::AgentStatus;

use crate::{
    Actor, AgentRole, AgentScope, ApiTokenInfo, AuditPage, AuditQuery, ChangePage, ChangeQuery, Import,
    ImportPage, ImportQuery, NewImport, NewPreview, OrderThread, PreviewResult, Record, Selection, Sites,
    SitesQuery, StoreError, TenantScope, TieOut, TokenGrant, TokenQuery, TokenUse, WakeListener, Webhooks,
};

/// What `erp-hub agent list` shows of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentInfo {
    /// Its id.
    pub agent: AgentId,
    /// What it is.
    pub role: AgentRole,
    /// The host's name.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was last heard of.
    pub last_contact_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What can be shown of a one-time code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnrolmentCodeInfo {
    /// What it is known by: of its digest, so that nothing of the code is told.
    pub id: String,
    /// What it is for.
    pub role: AgentRole,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// What a token request is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentKey {
    /// Ed25519 public key, 64 hex digits.
    pub public_key: String,
    /// The agent may not ask any more.
    pub revoked: bool,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TenantInfo {
    /// Its id.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A company of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompanyInfo {
    /// As the API calls it.
    pub company: CompanyId,
    /// Whose it is.
    pub agent: AgentId,
    /// The site's zone, once its driver has asked for a lease.
    pub time_zone: Option<String>,
    /// Grows with every grant.
    pub lease: LeaseEpoch,
}

/// What was taken out with a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovedCompany {
    /// Records of all datasets.
    pub records: u64,
    /// Documents that were open and are given up.
    pub documents: u64,
}

/// Where a page of records begins, and so in which order it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// By key, behind this one.
    Key(Option<Key>),
    /// By position in the tenant's feed, behind this one.
    Position(u64),
    /// The same on a walk that began at the very start, when the feed stood at `begun`.
    Walk {
        /// Behind this position.
        after: u64,
        /// Records that had left by then were never seen on it.
        begun: u64,
    },
}

impl Page {
    /// A walk that goes on behind a position; `begun` is zero when it did not begin at the
    /// start.
    #[must_use]
    pub const fn of_walk(after: u64, begun: u64) -> Self {
        if begun == 0 {
            Self::Position(after)
        } else {
            Self::Walk { after, begun }
        }
    }

    /// Position and beginning, where records come by position.
    pub(crate) const fn place(&self) -> Option<(u64, u64)> {
        match self {
            Self::Key(_) => None,
            Self::Position(after) => Some((*after, 0)),
            Self::Walk { after, begun } => Some((*after, *begun)),
        }
    }
}

/// Asks for a page of records.
#[derive(Clone, Debug)]
pub struct RecordQuery<'a> {
    /// Of this dataset, as [`Store::dataset`] gave it.
    pub dataset: &'a Dataset,
    /// Of this company.
    pub company: CompanyId,
    /// Where it begins.
    pub page: Page,
    /// At most so many.
    pub limit: u32,
    /// Only records whose field, by its place in the dataset, has this value (a text, a
    /// decimal or a date as the API writes it; a blank date is none). Tombstones pass only
    /// when there is no filter.
    pub filters: Vec<(usize, String)>,
    /// Only these fields; none means all.
    pub fields: Option<Selection>,
}

/// What is left of a record that is no longer in the ERP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Which.
    pub key: Key,
    /// Whose.
    pub company: CompanyId,
    /// Why it left.
    pub reason: RemovalReason,
    /// When the hub was told.
    pub deleted_at: Timestamp,
}

/// What there is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// A record, as the API shows it.
    Found(Record),
    /// There was one.
    Deleted(Tombstone),
    /// There never was one, as far as the hub knows.
    Unknown,
}

/// A page of records as the API shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordPage {
    /// JSON objects: records, and in the feed's order tombstones between them.
    pub data: Vec<Record>,
    /// Key and feed position of the last of them.
    pub last: Option<(Key, u64)>,
    /// Where the feed goes on, where records come by position: everything before it that the
    /// query asks for has been seen.
    pub position: u64,
    /// Where the feed stood when the walk began at the very start; zero when it has passed
    /// that, or began elsewhere.
    pub begun: u64,
    /// Nothing is left behind these.
    pub end: bool,
}

/// The hub's memory. What is administered or decided stands in its tenant's audit log, too,
/// with who did it (`by`, or the scope's). Every method either has taken full effect durably when it returns,
/// or has taken none.
pub trait Store: Webhooks + Send + Sync {
    /// The store's random identity.
    fn id(&self) -> &StoreId;

    /// The datasets that it has tables for.
    fn catalog(&self) -> &Catalog;

    /// Gives the store another identity, after its database was put back to a copy: places in
    /// feeds from before expire, and drivers compare everything with it. Whoever has it open
    /// has to open it anew.
    ///
    /// # Errors
    /// The store failed.
    fn start_epoch(&self, fresh_id: &StoreId, by: &Actor, now: Timestamp) -> Result<(), StoreError>;

    /// Can it be read?
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    fn ping(&self) -> Result<(), StoreError>;

    /// Calls `listener` soon after something happened that calls wait for, at this process or
    /// at another over the same database. A word may be lost: whoever waits looks by itself
    /// from time to time, too.
    fn on_wake(&self, listener: WakeListener);

    /// Adds a tenant.
    ///
    /// # Errors
    /// [`StoreError::TenantExists`].
    fn add_tenant(&self, id: &TenantId, name: &str, by: &Actor, now: Timestamp) -> Result<(), StoreError>;

    /// The tenant with this name or id.
    ///
    /// # Errors
    /// [`StoreError::TenantUnknown`].
    fn find_tenant(&self, name_or_id: &str) -> Result<TenantId, StoreError>;

    /// All tenants, by name.
    ///
    /// # Errors
    /// The store failed.
    fn tenants(&self) -> Result<Vec<TenantInfo>, StoreError>;

    /// Stores a one-time code (its hash only).
    ///
    /// # Errors
    /// The store failed.
    fn add_enrolment_code(
        &self,
        tenant: &TenantId,
        code: &Secret,
        role: AgentRole,
        expires_at: Timestamp,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The tenant's enrolment codes, the newest first. None is told itself.
    ///
    /// # Errors
    /// The store failed.
    fn enrolment_codes(&self, tenant: &TenantId) -> Result<Vec<EnrolmentCodeInfo>, StoreError>;

    /// Takes a code back that nobody has used, by itself or by its id.
    ///
    /// # Errors
    /// [`StoreError::CodeUnknown`], [`StoreError::CodeUsed`].
    fn revoke_enrolment_code(
        &self,
        tenant: &TenantId,
        code_or_id: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Redeems a code: the agent is known under `agent` from now on. `from` is where it asks
    /// from, for the audit log.
    ///
    /// # Errors
    /// [`StoreError::CodeUnknown`], [`StoreError::CodeUsed`], [`StoreError::CodeExpired`].
    fn enroll(
        &self,
        request: &Enroll,
        agent: &AgentId,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError>;

    /// The tenant's agents, oldest first.
    ///
    /// # Errors
    /// The store failed.
    fn agents(&self, tenant: &TenantId) -> Result<Vec<AgentInfo>, StoreError>;

    /// Revokes an agent and its tokens; repeated is no error.
    ///
    /// # Errors
    /// [`StoreError::AgentUnknown`].
    fn revoke_agent(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What a token request of this agent is checked against.
    ///
    /// # Errors
    /// [`StoreError::AgentUnknown`].
    fn agent_key(&self, agent: &AgentId) -> Result<AgentKey, StoreError>;

    /// Stores a token for an agent whose signature was checked, and spends the nonce.
    ///
    /// # Errors
    /// [`StoreError::NonceUsed`], [`StoreError::AgentUnknown`], [`StoreError::AgentRevoked`].
    fn issue_agent_token(
        &self,
        agent: &AgentId,
        nonce: &str,
        version: &str,
        token: &Secret,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Who has this agent token.
    ///
    /// # Errors
    /// [`StoreError::TokenInvalid`], [`StoreError::AgentRevoked`].
    fn authenticate_agent(&self, token: &Secret, now: Timestamp) -> Result<AgentScope, StoreError>;

    /// Stores an API token (its hash and prefix only).
    ///
    /// # Errors
    /// The store failed.
    fn add_api_token(
        &self,
        tenant: &TenantId,
        token: &Secret,
        grant: &TokenGrant,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The tenant's API tokens, oldest first.
    ///
    /// # Errors
    /// The store failed.
    fn api_tokens(&self, tenant: &TenantId) -> Result<Vec<ApiTokenInfo>, StoreError>;

    /// Some of them.
    ///
    /// # Errors
    /// The store failed.
    fn api_token_page(&self, tenant: &TenantId, query: &TokenQuery) -> Result<Vec<ApiTokenInfo>, StoreError>;

    /// What can be shown of the API token that begins so; it may be given whole.
    ///
    /// # Errors
    /// [`StoreError::TokenUnknown`].
    fn api_token(&self, tenant: &TenantId, token_or_prefix: &str) -> Result<ApiTokenInfo, StoreError>;

    /// Revokes the API token that begins so; repeated is no error.
    ///
    /// # Errors
    /// [`StoreError::TokenUnknown`].
    fn revoke_api_token(
        &self,
        tenant: &TenantId,
        token_or_prefix: &str,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ApiTokenInfo, StoreError>;

    /// Keeps when tokens were last used.
    ///
    /// # Errors
    /// The store failed.
    fn note_token_uses(&self, uses: &[TokenUse]) -> Result<(), StoreError>;

    /// A mark that is another one once anything was committed to the store, by this process
    /// or another; it is told in microseconds. None when only asking tells what holds now.
    ///
    /// # Errors
    /// The store failed.
    fn commit_mark(&self) -> Result<Option<i64>, StoreError>;

    /// Who has this API token, as it is now. Whence it may be used is for the caller to check
    /// ([`TenantScope::admits`]).
    ///
    /// # Errors
    /// [`StoreError::TokenInvalid`], [`StoreError::TokenExpired`].
    fn authenticate(&self, token: &Secret, now: Timestamp) -> Result<TenantScope, StoreError>;

    /// The tenant's companies by id.
    ///
    /// # Errors
    /// The store failed.
    fn companies(&self, tenant: &TenantId) -> Result<Vec<CompanyInfo>, StoreError>;

    /// Gives a company to another agent; the former one loses its lease.
    ///
    /// # Errors
    /// [`StoreError::CompanyUnknown`], [`StoreError::AgentUnknown`], [`StoreError::AgentRevoked`].
    fn move_company(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
        to: &AgentId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Takes a company out: its records with their tombstones, its streams and previews, and
    /// whose it is. Documents stay as they are, with what they have spent; open ones are given
    /// up where `discard_open` says so. Places in the tenant's feed expire.
    ///
    /// # Errors
    /// [`StoreError::CompanyUnknown`], [`StoreError::CompanyInUse`] while its driver works,
    /// [`StoreError::CompanyHasDocuments`].
    fn remove_company(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
        discard_open: bool,
        by: &Actor,
        now: Timestamp,
    ) -> Result<RemovedCompany, StoreError>;

    /// What was chosen for the company's prices, by the option's name; blank where nothing was.
    ///
    /// # Errors
    /// [`StoreError::CompanyUnknown`].
    fn price_options(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
    ) -> Result<serde_json::Map<String, serde_json::Value>, StoreError>;

    /// Chooses options of the company's prices, null taking a choice back, and returns all that
    /// are chosen. Who keeps prices learns of it: the tenant's feed moves.
    ///
    /// # Errors
    /// [`StoreError::CompanyUnknown`].
    fn choose_price_options(
        &self,
        tenant: &TenantId,
        company: &CompanyId,
        choices: &serde_json::Map<String, serde_json::Value>,
        by: &Actor,
        now: Timestamp,
    ) -> Result<serde_json::Map<String, serde_json::Value>, StoreError>;

    /// A page of the tenant's audit log, the newest first.
    ///
    /// # Errors
    /// The store failed.
    fn audit(&self, tenant: &TenantId, query: &AuditQuery) -> Result<AuditPage, StoreError>;

    /// Tells the audit log of each tenant by what settings the hub runs from now on, where they are
    /// others than it was told before; returns how many it told.
    ///
    /// # Errors
    /// The store failed.
    fn note_settings(
        &self,
        settings: &serde_json::Value,
        by: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Forgets entries of all audit logs of before an instant; returns how many.
    ///
    /// # Errors
    /// The store failed.
    fn drop_audit(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// Where a stream stands.
    ///
    /// # Errors
    /// [`StoreError::DatasetUnknown`], [`StoreError::CompanyClaimed`].
    fn stream(&self, scope: &AgentScope, request: &StreamRequest) -> Result<StreamState, StoreError>;

    /// Opens a new epoch and, when nobody has it, claims the company.
    ///
    /// # Errors
    /// [`StoreError::EpochStale`], [`StoreError::FingerprintMismatch`] and those of [`Self::stream`].
    fn reset_stream(
        &self,
        scope: &AgentScope,
        request: &StreamReset,
        now: Timestamp,
    ) -> Result<StreamState, StoreError>;

    /// Stores a batch, rows and removals, if it is the stream's next; a repeated last batch is
    /// acknowledged.
    ///
    /// # Errors
    /// [`StoreError::EpochStale`], [`StoreError::OutOfOrder`], [`StoreError::StreamDiverged`],
    /// [`StoreError::FingerprintMismatch`], [`StoreError::Shape`], [`StoreError::BrakeEngaged`] and those of [`Self::stream`].
    fn ingest(
        &self,
        scope: &AgentScope,
        header: &BatchHeader,
        batch: &DocumentBatch,
        digest: Hash,
        now: Timestamp,
    ) -> Result<BatchAck, StoreError>;

    /// Keys and hashes of live records in key-byte order.
    ///
    /// # Errors
    /// Those of [`Self::stream`].
    fn hashes(&self, scope: &AgentScope, request: &HashRequest) -> Result<HashPage, StoreError>;

    /// Checksums over ranges of live records, computed anew from the stored columns.
    ///
    /// # Errors
    /// Those of [`Self::stream`].
    fn checksums(&self, scope: &AgentScope, request: &ChecksumRequest) -> Result<ChecksumPage, StoreError>;

    /// Keeps what an agent tells of itself in the place of what it told before. What it says
    /// about companies that it does not have is left out.
    ///
    /// # Errors
    /// The store failed.
    fn put_status(&self, scope: &AgentScope, status: &AgentStatus, now: Timestamp) -> Result<(), StoreError>;

    /// Makes the agent the company's one writer, claiming the company when nobody has it.
    ///
    /// # Errors
    /// [`StoreError::CompanyClaimed`], [`StoreError::TimeZoneUnknown`].
    fn grant_lease(
        &self,
        scope: &AgentScope,
        request: &LeaseRequest,
        now: Timestamp,
    ) -> Result<Lease, StoreError>;

    /// A page of what the company's writer has to know of: documents that a driver has journaled, or
    /// reserved for, and that are not settled, oldest first. It ends at so many documents, or at so
    /// many bytes of bodies, that a driver can take it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    fn open_imports(&self, scope: &AgentScope, request: &OpenRequest) -> Result<OpenPage, StoreError>;

    /// Documents that no driver has journaled, oldest first; as many at a time as a driver can take.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    fn work(
        &self,
        scope: &AgentScope,
        companies: &[(CompanyId, LeaseEpoch)],
        limit: u32,
    ) -> Result<Vec<ImportDocument>, StoreError>;

    /// Documents that were given up without the driver's having heard; it may have journaled them.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    fn discarded(
        &self,
        scope: &AgentScope,
        companies: &[(CompanyId, LeaseEpoch)],
    ) -> Result<Vec<Discarded>, StoreError>;

    /// The driver has journaled the document, or that it was given up.
    ///
    /// # Errors
    /// [`StoreError::ImportUnknown`], [`StoreError::LeaseLost`], [`StoreError::RevisionStale`].
    fn accept(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        accept: &Accept,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Reserves an identity for the document, for ever.
    ///
    /// # Errors
    /// [`StoreError::ImportUnknown`], [`StoreError::LeaseLost`], [`StoreError::IdentityTaken`].
    fn reserve(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        reserve: &Reserve,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Keeps the driver's report, unless it is about an earlier revision. A document that is
    /// written or given up stays so.
    ///
    /// # Errors
    /// [`StoreError::ImportUnknown`], [`StoreError::LeaseLost`].
    fn report(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        report: &Report,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The dataset with this name, if the token may know of it: a standard one, or one that a
    /// company which it sees has brought (`udt_…`).
    ///
    /// # Errors
    /// [`StoreError::DatasetUnknown`].
    fn dataset(&self, scope: &TenantScope, name: &str) -> Result<Cow<'_, Dataset>, StoreError>;

    /// A page of records; `now` tells which day it is, where days count.
    ///
    /// # Errors
    /// [`StoreError::FilterInvalid`].
    fn records(
        &self,
        scope: &TenantScope,
        query: &RecordQuery<'_>,
        now: Timestamp,
    ) -> Result<RecordPage, StoreError>;

    /// What there is under a key.
    ///
    /// # Errors
    /// The store failed.
    fn record(
        &self,
        scope: &TenantScope,
        dataset: &Dataset,
        company: &CompanyId,
        key: &Key,
        fields: Option<&Selection>,
        now: Timestamp,
    ) -> Result<Lookup, StoreError>;

    /// A page of the tenant's feed: all datasets of the companies that the token sees, every
    /// record at its latest position. A position that a reader has passed is never taken
    /// later: positions are taken by one writer of the tenant at a time.
    ///
    /// # Errors
    /// [`StoreError::FeedExpired`] when records may have left unseen since the position.
    fn changes(
        &self,
        scope: &TenantScope,
        query: &ChangeQuery,
        now: Timestamp,
    ) -> Result<ChangePage, StoreError>;

    /// Forgets tombstones of before an instant, and refuses positions before them from then
    /// on. Returns how many there were.
    ///
    /// # Errors
    /// The store failed.
    fn drop_tombstones(&self, deleted_before: Timestamp) -> Result<u64, StoreError>;

    /// Stores a document, or finds the one that was stored under the same key.
    ///
    /// # Errors
    /// [`StoreError::IdempotencyConflict`], [`StoreError::CompanyUnknown`],
    /// [`StoreError::TransactionUsed`].
    fn add_import(&self, scope: &TenantScope, new: &NewImport, now: Timestamp) -> Result<Import, StoreError>;

    /// An import that the token sees, with its body.
    ///
    /// # Errors
    /// [`StoreError::ImportUnknown`].
    fn import(&self, scope: &TenantScope, id: &ImportId) -> Result<Import, StoreError>;

    /// Imports that the token sees, the newest first.
    ///
    /// # Errors
    /// The store failed.
    fn imports(&self, scope: &TenantScope, query: &ImportQuery) -> Result<ImportPage, StoreError>;

    /// Puts another body in the place of a document's: a new revision that the driver takes
    /// up as if it had just come. `revision` is the one that the new body rests on.
    ///
    /// # Errors
    /// [`StoreError::ImportUnknown`], [`StoreError::RevisionStale`],
    /// [`StoreError::ImportNotEditable`], [`StoreError::OrderEntered`],
    /// [`StoreError::TransactionUsed`].
    fn edit_import(
        &self,
        scope: &TenantScope,
        id: &ImportId,
        revision: u32,
        body: &serde_json::Value,
        now: Timestamp,
    ) -> Result<Import, StoreError>;

    /// Tries a document again or gives it up, as a person decided; `revision` is the one that
    /// the person saw, when that is known.
    ///
    /// # Errors
    /// [`StoreError::ImportUnknown`], [`StoreError::RevisionStale`],
    /// [`StoreError::ImportNotEditable`], [`StoreError::DecisionIncomplete`],
    /// [`StoreError::TransactionUsed`].
    fn decide_import(
        &self,
        scope: &TenantScope,
        id: &ImportId,
        revision: Option<u32>,
        action: DecideAction,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<Import, StoreError>;

    /// The same at the word of somebody at the driver's host, whose company it must be.
    ///
    /// # Errors
    /// Those of [`Self::decide_import`]; documents of other agents' companies are unknown.
    fn decide(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        decide: &Decide,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets what documents say that became final before an instant, a few hundred at a
    /// time: identity, hash, numbers and amounts stay. Returns how many there were; 0 means
    /// that none is left.
    ///
    /// # Errors
    /// The store failed.
    fn redact_imports(&self, settled_before: Timestamp, now: Timestamp) -> Result<u64, StoreError>;

    /// What became of a written order in the ERP; none for other documents.
    ///
    /// # Errors
    /// The store failed.
    fn order_thread(&self, scope: &TenantScope, import: &Import) -> Result<Option<OrderThread>, StoreError>;

    /// Compares the money of a company's local day with what the ERP has of it.
    ///
    /// # Errors
    /// [`StoreError::CompanyUnknown`].
    fn tie_out(&self, scope: &TenantScope, company: &CompanyId, day: Date) -> Result<TieOut, StoreError>;

    /// Keeps a preview for the driver.
    ///
    /// # Errors
    /// [`StoreError::CompanyUnknown`], [`StoreError::PreviewsWaiting`].
    fn add_preview(&self, scope: &TenantScope, new: &NewPreview, now: Timestamp) -> Result<(), StoreError>;

    /// The answer to a preview, once there is one.
    ///
    /// # Errors
    /// [`StoreError::PreviewUnknown`].
    fn preview(&self, scope: &TenantScope, id: &ImportId) -> Result<Option<PreviewResult>, StoreError>;

    /// Previews for the driver, the latest first, a few at a time. One that is not answered
    /// within a minute is given out once more, for five minutes.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    fn take_previews(
        &self,
        scope: &AgentScope,
        companies: &[(CompanyId, LeaseEpoch)],
        now: Timestamp,
    ) -> Result<Vec<Preview>, StoreError>;

    /// Keeps the answer to a preview.
    ///
    /// # Errors
    /// [`StoreError::PreviewUnknown`], [`StoreError::LeaseLost`].
    fn answer_preview(
        &self,
        scope: &AgentScope,
        id: &ImportId,
        answer: &PreviewAnswer,
    ) -> Result<(), StoreError>;

    /// Drops previews that were asked before an instant, and those that nobody answered within
    /// five minutes; returns how many.
    ///
    /// # Errors
    /// The store failed.
    fn drop_previews(&self, asked_before: Timestamp, now: Timestamp) -> Result<u64, StoreError>;

    /// Agents, companies and datasets that the token sees, with what agents last told.
    ///
    /// # Errors
    /// The store failed.
    fn sites(&self, scope: &TenantScope, query: &SitesQuery, now: Timestamp) -> Result<Sites, StoreError>;
}
