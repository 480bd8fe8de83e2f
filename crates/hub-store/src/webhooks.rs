//! What the store says of webhooks: who wants to be told of what, and what has still to be
//! told. Sending is the hub's.

use std::fmt;

use catalog::Class;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use values::{CompanyId, DatasetName, Secret, TenantId};

use crate::{StoreError, TenantScope};

/// A webhook's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookId(String);

impl WebhookId {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// A record is new or has changed.
    #[serde(rename = "record.changed")]
    RecordChanged,
    /// A record has left.
    #[serde(rename = "record.deleted")]
    RecordDeleted,
    /// A document came into another state.
    #[serde(rename = "import.state_changed")]
    ImportStateChanged,
    /// Somebody tries the webhook.
    #[serde(rename = "webhook.test")]
    Test,
}

impl WebhookEvent {
    /// What a webhook may ask for. Tests come to every one.
    pub const CHOICES: [Self; 3] = [Self::RecordChanged, Self::RecordDeleted, Self::ImportStateChanged];

    /// The name in messages and requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordChanged => "record.changed",
            Self::RecordDeleted => "record.deleted",
            Self::ImportStateChanged => "import.state_changed",
            Self::Test => "webhook.test",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::CHOICES
            .into_iter()
            .chain([Self::Test])
            .find(|event| event.as_str() == name)
    }
}

/// What a webhook is told of, and as whom it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wants {
    /// Kinds of events.
    pub events: Vec<WebhookEvent>,
    /// Datasets whose records it is told of; none means all.
    pub datasets: Option<Vec<DatasetName>>,
    /// Companies; none means all, later ones too.
    pub companies: Option<Vec<CompanyId>>,
    /// Classes of fields that messages show.
    pub classes: Vec<Class>,
}

/// Why a webhook is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody switched it off.
    Requested,
    /// The receiver answered 410.
    Gone,
    /// Nothing but failures for too long.
    Failing,
    /// What it has still to be told of can no longer be told apart from what it knows.
    CursorExpired,
}

impl DisabledReason {
    const ALL: [Self; 4] = [Self::Requested, Self::Gone, Self::Failing, Self::CursorExpired];

    /// The name in answers and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::CursorExpired => "cursor_expired",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// How a receiver has answered lately: what pauses and what switches off rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the failures began that no success has followed.
    pub failing_since: Option<Timestamp>,
    /// How often in a row it was paused as a whole.
    pub pauses: u32,
    /// Nothing is sent before.
    pub resume_at: Option<Timestamp>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where messages go.
    pub url: String,
    /// For people.
    pub description: String,
    /// Of what it is told.
    pub wants: Wants,
    /// Why it is told nothing; none when it is active.
    pub disabled: Option<DisabledReason>,
    /// Since when it is active or not.
    pub since: Timestamp,
    /// Everything up to this position of the feed was told, or waits to be told again.
    pub position: u64,
    /// Where the feed stood when the walk began at the very start; zero for others. Of what
    /// had left by then it needs no tombstone.
    pub begun: u64,
    /// Where the tenant's feed ends.
    pub head: u64,
    /// How it has answered lately.
    pub standing: Standing,
    /// Events that wait to be sent again.
    pub waiting: u64,
    /// When the oldest of them happened.
    pub oldest_waiting_at: Option<Timestamp>,
    /// Until when the secret before the last rotation signs, too, and longest of those before.
    pub former_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last changed it.
    pub updated_at: Timestamp,
}

/// A webhook that somebody makes.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Where messages go.
    pub url: String,
    /// For people.
    pub description: String,
    /// Of what it is told.
    pub wants: Wants,
    /// What messages are signed with.
    pub secret: Secret,
}

/// What changes of a webhook; none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct WebhookEdit {
    /// Where messages go.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Of what it is told.
    pub wants: Option<Wants>,
    /// Told, or not.
    pub active: Option<bool>,
}

/// From where a webhook is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    /// Behind this position of the feed.
    Position {
        /// The position; zero is the very start.
        after: u64,
        /// [`crate::ChangePage::begun`] of the page that it is from.
        begun: u64,
    },
    /// What the hub stored at this instant or later.
    Time(Timestamp),
    /// What comes from now on: what is behind is never told.
    Now,
}

/// What an event is about. Of one subject one event is on its way at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The dataset, `import` or `test`. A dataset is never called like that.
    pub topic: String,
    /// Whose; blank for a test.
    pub company: String,
    /// The record's key, the document's id or the test's.
    pub key: String,
}

/// An event on its way to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEvent {
    /// What it is about.
    pub subject: Subject,
    /// What kind.
    pub event: WebhookEvent,
    /// Where it stands in the feed; zero for a test.
    pub position: u64,
    /// When it happened.
    pub at: Timestamp,
    /// How often it was sent in vain.
    pub attempts: u32,
    /// It came to a subject that waits to be sent again: it takes that place.
    pub waits_until: Option<Timestamp>,
    /// What is told.
    pub data: Value,
}

/// What a webhook has to be told next.
#[derive(Clone, Debug)]
pub struct WebhookWork {
    /// The webhook as it is now.
    pub webhook: Webhook,
    /// What signs: the present one, then former ones, while they do.
    pub secrets: Vec<Secret>,
    /// Changes with everything that makes what was read of no use.
    pub epoch: i64,
    /// Events to send again, by when they were due.
    pub again: Vec<PendingEvent>,
    /// Events that wait and are of no interest any more: what comes in the feed replaces them.
    pub overtaken: Vec<Subject>,
    /// Subjects that wait and failed for the first time since [`Standing::failing_since`].
    pub failed: u64,
    /// Events of the feed, by position.
    pub fresh: Vec<PendingEvent>,
    /// Where the feed goes on behind them.
    pub position: u64,
    /// [`Webhook::begun`] from here on.
    pub begun: u64,
    /// There is more in the feed.
    pub more: bool,
}

/// What came of sending an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id.
    pub message: String,
    /// What kind.
    pub event: WebhookEvent,
    /// What it was about.
    pub subject: Subject,
    /// The how many-th time.
    pub attempt: u32,
    /// When it was sent.
    pub at: Timestamp,
    /// How long the answer took.
    pub took_ms: u32,
    /// The answer's status; none when there was none.
    pub status: Option<u16>,
    /// `delivered`, or why not: a code of docs/errors.md.
    pub outcome: String,
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What it is about.
    pub subject: Subject,
    /// When it is sent again, with the event as it is now; none when it was told.
    pub again: Option<(Timestamp, PendingEvent)>,
}

/// A webhook that one process alone tells for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose.
    pub tenant: TenantId,
    /// Which webhook.
    pub webhook: WebhookId,
    /// Which process.
    pub owner: String,
}

/// What a process has done for a webhook.
#[derive(Clone, Debug, Default)]
pub struct Settlement {
    /// The work's.
    pub epoch: i64,
    /// What became of events.
    pub settled: Vec<Settled>,
    /// All that was sent.
    pub deliveries: Vec<Delivery>,
    /// Up to where the feed was told.
    pub position: u64,
    /// The work's.
    pub begun: u64,
    /// How the receiver stands now.
    pub standing: Standing,
    /// It came back: what waits and failed for the first time since
    /// [`Standing::failing_since`] is due at once.
    pub recovered: bool,
}

/// Webhooks at the store.
pub trait Webhooks {
    /// Everything of a tenant's, for a command at the store itself: requests have scopes of
    /// their tokens.
    fn operator(&self, tenant: &TenantId) -> TenantScope;

    /// Makes a webhook; it is told what comes from now on.
    ///
    /// # Errors
    /// [`StoreError::WebhookBeyondToken`], [`StoreError::WebhooksTooMany`].
    fn add_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        new: &NewWebhook,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;

    /// Webhooks that read no more than the token, oldest first.
    ///
    /// # Errors
    /// The store failed.
    fn webhooks(&self, scope: &TenantScope) -> Result<Vec<Webhook>, StoreError>;

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`].
    fn webhook(&self, scope: &TenantScope, id: &WebhookId) -> Result<Webhook, StoreError>;

    /// Changes a webhook. One that becomes active goes on where it stood.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`], [`StoreError::WebhookBeyondToken`],
    /// [`StoreError::FeedExpired`] when it stood too far behind.
    fn edit_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        edit: &WebhookEdit,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;

    /// Gives it another secret; the present one signs, too, until an instant, and former ones
    /// until theirs.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`].
    fn rotate_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        secret: &Secret,
        former_until: Timestamp,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;

    /// Removes it with all that it has still to be told; returns what it was.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`].
    fn remove_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;

    /// Sets it back in the feed, or forward. What waits to be sent again is sent from there.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`], [`StoreError::FeedExpired`].
    fn replay_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        from: ReplayFrom,
        now: Timestamp,
    ) -> Result<Webhook, StoreError>;

    /// Sends it an event of kind [`WebhookEvent::Test`] with this id.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`], [`StoreError::WebhookDisabled`].
    fn test_webhook(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        test: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What was sent lately, the newest first.
    ///
    /// # Errors
    /// [`StoreError::WebhookUnknown`].
    fn webhook_deliveries(
        &self,
        scope: &TenantScope,
        id: &WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Webhooks of all tenants that have something to be told and that nobody tells: one of
    /// each tenant, then another of each, the longest left ones first.
    ///
    /// # Errors
    /// The store failed.
    fn due_webhooks(&self, limit: u32, now: Timestamp) -> Result<Vec<(TenantId, WebhookId)>, StoreError>;

    /// Takes a webhook for a process until an instant; false when another has it, or it is
    /// not active.
    ///
    /// # Errors
    /// The store failed.
    fn claim_webhook(&self, claim: &Claim, until: Timestamp, now: Timestamp) -> Result<bool, StoreError>;

    /// Keeps it longer; false when it was lost.
    ///
    /// # Errors
    /// The store failed.
    fn keep_webhook(&self, claim: &Claim, until: Timestamp) -> Result<bool, StoreError>;

    /// Gives it back. Whoever has lost it gives nothing back.
    ///
    /// # Errors
    /// The store failed.
    fn release_webhook(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError>;

    /// What the webhook has to be told next: at most so many events of the feed, and as many
    /// that are due again. None when it was lost or is not active.
    ///
    /// # Errors
    /// [`StoreError::FeedExpired`].
    fn webhook_work(
        &self,
        claim: &Claim,
        limit: u32,
        now: Timestamp,
    ) -> Result<Option<WebhookWork>, StoreError>;

    /// Keeps what was done, if the webhook is still this process's and nobody has changed it
    /// meanwhile; else only that something was sent. Returns whether it was kept.
    ///
    /// # Errors
    /// The store failed.
    fn settle_webhook(
        &self,
        claim: &Claim,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Switches it off, and tells the audit log.
    ///
    /// # Errors
    /// The store failed.
    fn disable_webhook(
        &self,
        claim: &Claim,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// When the oldest event happened that waits to be sent again, and how many webhooks were
    /// switched off by the hub.
    ///
    /// # Errors
    /// The store failed.
    fn webhook_backlog(&self) -> Result<(Option<Timestamp>, u64), StoreError>;
}
