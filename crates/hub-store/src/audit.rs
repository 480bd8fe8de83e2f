//! The audit log: who did what, when and from where.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use values::{AgentId, CompanyId};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    who: Who,
    address: Option<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    CommandLine,
    Hub,
    Token(String),
    Agent(AgentId),
}

impl Actor {
    /// Somebody at the hub's own command line.
    #[must_use]
    pub const fn command_line() -> Self {
        Self {
            who: Who::CommandLine,
            address: None,
        }
    }

    /// The hub by itself.
    pub(crate) const fn hub() -> Self {
        Self {
            who: Who::Hub,
            address: None,
        }
    }

    pub(crate) fn token(prefix: &str, address: Option<IpAddr>) -> Self {
        Self {
            who: Who::Token(prefix.to_owned()),
            address,
        }
    }

    pub(crate) fn agent(agent: &AgentId, address: Option<IpAddr>) -> Self {
        Self {
            who: Who::Agent(agent.clone()),
            address,
        }
    }

    /// From where, where that is known.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// `command line`, `hub`, `token erp_0123abcd` or `agent a_0123`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::CommandLine => f.write_str("command line"),
            Who::Hub => f.write_str("hub"),
            Who::Token(prefix) => write!(f, "token {prefix}"),
            Who::Agent(agent) => write!(f, "agent {agent}"),
        }
    }
}

/// What can be done that is kept in the log. Names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A tenant was added.
    TenantAdded,
    /// A one-time code was made.
    CodeAdded,
    /// A one-time code that nobody has used was taken back.
    CodeRevoked,
    /// A driver redeemed a code.
    AgentEnrolled,
    /// A driver's access was ended.
    AgentRevoked,
    /// A token was made.
    TokenAdded,
    /// A token was revoked.
    TokenRevoked,
    /// A driver was the first to bring a company.
    CompanyClaimed,
    /// A company was given to another driver.
    CompanyMoved,
    /// A company was taken out of the hub.
    CompanyRemoved,
    /// How a company's prices are worked out was changed.
    CompanyPricesEdited,
    /// A document was posted and taken.
    ImportAccepted,
    /// A document got another body.
    ImportEdited,
    /// A document is tried again.
    ImportRetried,
    /// A document was given up.
    ImportDiscarded,
    /// The store was copied to a file.
    StoreCopied,
    /// The hub runs by other settings than before.
    HubSettings,
    /// The store was put back to a copy.
    StoreRestored,
    /// A webhook was made.
    WebhookAdded,
    /// A webhook was changed, switched on or off.
    WebhookEdited,
    /// A webhook was switched off by the hub.
    WebhookDisabled,
    /// A webhook got another secret.
    WebhookRotated,
    /// A webhook is told again, or is not told something.
    WebhookReplayed,
    /// A webhook was removed.
    WebhookRemoved,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::TenantAdded,
        Self::CodeAdded,
        Self::CodeRevoked,
        Self::AgentEnrolled,
        Self::AgentRevoked,
        Self::TokenAdded,
        Self::TokenRevoked,
        Self::CompanyClaimed,
        Self::CompanyMoved,
        Self::CompanyRemoved,
        Self::CompanyPricesEdited,
        Self::ImportAccepted,
        Self::ImportEdited,
        Self::ImportRetried,
        Self::ImportDiscarded,
        Self::StoreCopied,
        Self::HubSettings,
        Self::StoreRestored,
        Self::WebhookAdded,
        Self::WebhookEdited,
        Self::WebhookDisabled,
        Self::WebhookRotated,
        Self::WebhookReplayed,
        Self::WebhookRemoved,
    ];

    /// As the log writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantAdded => "tenant.added",
            Self::CodeAdded => "enrolment_code.added",
            Self::CodeRevoked => "enrolment_code.revoked",
            Self::AgentEnrolled => "agent.enrolled",
            Self::AgentRevoked => "agent.revoked",
            Self::TokenAdded => "token.added",
            Self::TokenRevoked => "token.revoked",
            Self::CompanyClaimed => "company.claimed",
            Self::CompanyMoved => "company.moved",
            Self::CompanyRemoved => "company.removed",
            Self::CompanyPricesEdited => "company.prices_edited",
            Self::ImportAccepted => "import.accepted",
            Self::ImportEdited => "import.edited",
            Self::ImportRetried => "import.retried",
            Self::ImportDiscarded => "import.discarded",
            Self::StoreCopied => "store.copied",
            Self::HubSettings => "hub.settings",
            Self::StoreRestored => "store.restored",
            Self::WebhookAdded => "webhook.added",
            Self::WebhookEdited => "webhook.edited",
            Self::WebhookDisabled => "webhook.disabled",
            Self::WebhookRotated => "webhook.secret_rotated",
            Self::WebhookReplayed => "webhook.replayed",
            Self::WebhookRemoved => "webhook.removed",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

impl Serialize for AuditAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One entry of a tenant's log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Its place: entries are numbered by tenant, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor`] writes it.
    pub actor: String,
    /// From where, where that is known.
    pub address: Option<String>,
    /// What.
    pub action: AuditAction,
    /// To what: an id, a token's first characters, a company.
    pub subject: String,
    /// Of which company, where it is about one.
    pub company: Option<CompanyId>,
    /// What it was and what it became, where that matters; no secrets, nothing of people.
    pub details: serde_json::Value,
}

/// Asks for entries of a tenant's log, the newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Of this action.
    pub action: Option<AuditAction>,
    /// By this actor, as entries name it.
    pub actor: Option<String>,
    /// To this subject.
    pub subject: Option<String>,
    /// Of these companies alone; none means all, and what is of no company.
    pub companies: Option<Vec<CompanyId>>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only those before this number.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// A page of a tenant's log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditPage {
    /// The newest first.
    pub data: Vec<AuditEntry>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}
