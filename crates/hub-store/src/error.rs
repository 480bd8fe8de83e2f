//! Why the store refuses or fails.

use std::path::PathBuf;

use catalog::ShapeError;
use jiff::Timestamp;
use values::{AgentId, CompanyId, DatasetName, ImportId};

use crate::WebhookId;

/// A refusal with a stable code, or a failure of the store itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No such tenant.
    #[error("no tenant is called {0}")]
    TenantUnknown(String),
    /// The tenant's name is in use.
    #[error("a tenant called {0} exists already")]
    TenantExists(String),
    /// No such enrolment code.
    #[error("there is no such enrolment code")]
    CodeUnknown,
    /// The enrolment code was redeemed before.
    #[error("the enrolment code was used before")]
    CodeUsed,
    /// The enrolment code has expired.
    #[error("the enrolment code expired at {0}")]
    CodeExpired(String),
    /// No such agent.
    #[error("there is no agent {0}")]
    AgentUnknown(AgentId),
    /// The agent was revoked.
    #[error("agent {0} was revoked")]
    AgentRevoked(AgentId),
    /// The token does not hold.
    #[error("the token is unknown, expired or revoked")]
    TokenInvalid,
    /// The API token's time is over.
    #[error("the token expired at {0}")]
    TokenExpired(Timestamp),
    /// No API token of the tenant begins so.
    #[error("no token begins with {0}")]
    TokenUnknown(String),
    /// The nonce was used before.
    #[error("the nonce was used before")]
    NonceUsed,
    /// No agent has claimed this company.
    #[error("no company {0} is known")]
    CompanyUnknown(CompanyId),
    /// Another agent has the company.
    #[error("company {company} belongs to agent {by}")]
    CompanyClaimed {
        /// The company.
        company: CompanyId,
        /// Whose it is.
        by: AgentId,
    },
    /// The company's driver is at work.
    #[error("agent {agent} still works for company {company}")]
    CompanyInUse {
        /// The company.
        company: CompanyId,
        /// Whose it is.
        agent: AgentId,
    },
    /// Documents of the company are open.
    #[error("company {company} has {open} open documents, and {unproven} that are being written or in doubt")]
    CompanyHasDocuments {
        /// The company.
        company: CompanyId,
        /// Those that could be given up.
        open: u64,
        /// Those of which nobody knows whether they are in the ERP.
        unproven: u64,
    },
    /// The time zone has no rules.
    #[error("{0:?} is not an IANA time zone")]
    TimeZoneUnknown(String),
    /// Another process became the company's writer.
    #[error("the lease on company {0} was granted anew")]
    LeaseLost(CompanyId),
    /// No such dataset.
    #[error("there is no dataset {0}")]
    DatasetUnknown(DatasetName),
    /// The driver's shape is not the hub's.
    #[error("dataset {0} has another shape in this hub's catalog")]
    FingerprintMismatch(DatasetName),
    /// The epoch is not the stream's, or the stream moved on meanwhile.
    #[error("the stream of {company}/{dataset} stands at {found}, not at {given}")]
    EpochStale {
        /// Whose rows.
        company: CompanyId,
        /// Which dataset.
        dataset: DatasetName,
        /// Where the stream stands.
        found: String,
        /// What the request rests on.
        given: String,
    },
    /// Not the next sequence.
    #[error("the stream of {company}/{dataset} expects batch {expected}, not {given}")]
    OutOfOrder {
        /// Whose rows.
        company: CompanyId,
        /// Which dataset.
        dataset: DatasetName,
        /// The next sequence.
        expected: u64,
        /// The batch's.
        given: u64,
    },
    /// The batch does not continue the stream's chain.
    #[error("batch {sequence} of {company}/{dataset} does not continue this stream")]
    StreamDiverged {
        /// Whose rows.
        company: CompanyId,
        /// Which dataset.
        dataset: DatasetName,
        /// The batch's sequence.
        sequence: u64,
    },
    /// The batch is not of its dataset's shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// More records would leave unexplained than may without a person's word.
    #[error(
        "{unexplained} of {records} records of {company}/{dataset} would have left unexplained within 24 hours \
         and {allowed} may{}; nothing of the batch was stored",
        if *.emptied { ", and none would be left" } else { "" }
    )]
    BrakeEngaged {
        /// Whose rows.
        company: CompanyId,
        /// Which dataset.
        dataset: DatasetName,
        /// Unexplained removals of the last 24 hours, the batch's included.
        unexplained: u64,
        /// How many may leave.
        allowed: u64,
        /// Live records before those left.
        records: u64,
        /// No live record would be left.
        emptied: bool,
    },
    /// The tenant's sites have brought as many datasets as may be.
    #[error("there is no room for {dataset}: the tenant has {most} datasets of its own")]
    DatasetsTooMany {
        /// The new one.
        dataset: DatasetName,
        /// How many there may be.
        most: i64,
    },
    /// Records may have left unseen since the position, or nobody has taken it yet.
    #[error(
        "the feed can no longer be followed from there: the position is too old, or from before a restore"
    )]
    FeedExpired,
    /// A filter's value is none of the field's kind.
    #[error("{field} is {value:?}, which is not {wanted}")]
    FilterInvalid {
        /// The field, as the parameter is called.
        field: String,
        /// What was given.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used for another document, import {0}")]
    IdempotencyConflict(ImportId),
    /// No such import.
    #[error("there is no import {0}")]
    ImportUnknown(ImportId),
    /// The import was edited meanwhile.
    #[error("import {id} is at revision {found}, not {given}")]
    RevisionStale {
        /// The import.
        id: ImportId,
        /// Its revision.
        found: u32,
        /// The request's.
        given: u32,
    },
    /// The import is in a state in which that cannot be done.
    #[error("import {id} is {state} and cannot be {action}")]
    ImportNotEditable {
        /// The import.
        id: ImportId,
        /// Where it stands.
        state: String,
        /// What was wanted.
        action: &'static str,
    },
    /// The document's order is in Sage: what is edited of it would not get there.
    #[error("sales order {sales_order_no} of import {id} is in Sage, and only its payment can be edited")]
    OrderEntered {
        /// The import.
        id: ImportId,
        /// The order.
        sales_order_no: String,
    },
    /// Another document has the gateway's transaction.
    #[error("gateway transaction {transaction} was sent with import {by}")]
    TransactionUsed {
        /// The gateway's id.
        transaction: String,
        /// The document that has it.
        by: ImportId,
    },
    /// The decision lacks what makes it one.
    #[error("import {id} is {state}: {missing}")]
    DecisionIncomplete {
        /// The import.
        id: ImportId,
        /// Where it stands.
        state: String,
        /// What has to be said.
        missing: &'static str,
    },
    /// A problem is accepted that the document does not have.
    #[error("import {id} has no problem {code:?} that could be accepted; it has {}", named(.has))]
    AcceptUnknown {
        /// The import.
        id: ImportId,
        /// What was accepted.
        code: String,
        /// The codes of its problems.
        has: Vec<String>,
    },
    /// No such preview, or no more.
    #[error("there is no preview {0}")]
    PreviewUnknown(ImportId),
    /// As many previews of the company wait as may.
    #[error("{waiting} previews of company {company} wait for its driver already")]
    PreviewsWaiting {
        /// Whose.
        company: CompanyId,
        /// How many.
        waiting: u32,
    },
    /// No such webhook, or one that reads more than the token.
    #[error("there is no webhook {0} that the token may see")]
    WebhookUnknown(WebhookId),
    /// A webhook would read more than the token.
    #[error("the webhook would read companies or classes of fields that the token does not read")]
    WebhookBeyondToken,
    /// The tenant has as many webhooks as may be.
    #[error("the tenant has {0} webhooks, and there may be no more")]
    WebhooksTooMany(i64),
    /// Nothing is sent to the webhook.
    #[error("webhook {0} is switched off")]
    WebhookDisabled(WebhookId),
    /// Another import holds the identity.
    #[error("{name} {value} is reserved for import {by}")]
    IdentityTaken {
        /// What is reserved.
        name: String,
        /// Its value.
        value: String,
        /// For which import.
        by: ImportId,
    },
    /// The store was written by a later version of the hub.
    #[error("the store is at version {found}, this hub knows up to {known}")]
    TooNew {
        /// Its version.
        found: i64,
        /// The latest that is known.
        known: i64,
    },
    /// What stands in the store cannot be read back.
    #[error("the store holds {0}")]
    Corrupt(String),
    /// There is a file already where one would be written.
    #[error("{} is there already", .0.display())]
    FileExists(PathBuf),
    /// A file of the store's cannot be read.
    #[error("{} cannot be read: {error}", .file.display())]
    FileUnreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another process has the store open.
    #[error("{} is in use", .0.display())]
    InUse(PathBuf),
    /// A file of the store's is damaged.
    #[error("the store's file is damaged: {0}")]
    Damaged(String),
    /// The file or the schema holds something else.
    #[error("there is something else in the place of a hub's store")]
    NoStore,
    /// The file cannot be made.
    #[error("the store cannot be made: {0}")]
    File(#[from] std::io::Error),
    /// The database failed.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The database on a server cannot be used now: it is gone, busy or was interrupted.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// The database on a server refused a statement.
    #[error("the store failed: {0}")]
    Postgres(String),
    /// The address of a database cannot be used. What it says never has the password in it.
    #[error("the store's address cannot be used: {0}")]
    AddressInvalid(String),
    /// The server's version is too old.
    #[error("the server has PostgreSQL {0}")]
    ServerTooOld(i32),
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        use wire::agent::code;
        match self {
            Self::TenantUnknown(_) => "tenant_unknown",
            Self::TenantExists(_) => "tenant_exists",
            Self::CodeUnknown => code::CODE_UNKNOWN,
            Self::CodeUsed => code::CODE_USED,
            Self::CodeExpired(_) => code::CODE_EXPIRED,
            Self::AgentUnknown(_) => "agent_unknown",
            Self::AgentRevoked(_) => code::AGENT_REVOKED,
            Self::TokenInvalid => code::TOKEN_INVALID,
            Self::TokenExpired(_) => "token_expired",
            Self::TokenUnknown(_) => "token_unknown",
            Self::NonceUsed => "nonce_used",
            Self::CompanyUnknown(_) => "company_unknown",
            Self::CompanyClaimed { .. } => code::COMPANY_CLAIMED,
            Self::CompanyInUse { .. } => "company_in_use",
            Self::CompanyHasDocuments { .. } => "company_has_documents",
            Self::TimeZoneUnknown(_) => "time_zone_unknown",
            Self::LeaseLost(_) => code::LEASE_LOST,
            Self::DatasetUnknown(_) => code::DATASET_UNKNOWN,
            Self::FingerprintMismatch(_) => code::FINGERPRINT_MISMATCH,
            Self::EpochStale { .. } => code::EPOCH_STALE,
            Self::OutOfOrder { .. } => code::OUT_OF_ORDER,
            Self::StreamDiverged { .. } => code::STREAM_DIVERGED,
            Self::Shape(_) => "batch_malformed",
            Self::BrakeEngaged { .. } => code::BRAKE_ENGAGED,
            Self::DatasetsTooMany { .. } => "datasets_too_many",
            Self::FeedExpired => "cursor_expired",
            Self::FilterInvalid { .. } => "parameter_invalid",
            Self::IdempotencyConflict(_) => "idempotency_conflict",
            Self::ImportUnknown(_) => code::IMPORT_UNKNOWN,
            Self::RevisionStale { .. } => code::REVISION_STALE,
            Self::ImportNotEditable { .. } => code::IMPORT_NOT_EDITABLE,
            Self::OrderEntered { .. } => "order_entered",
            Self::TransactionUsed { .. } => "gateway_transaction_used",
            Self::DecisionIncomplete { .. } => "decision_incomplete",
            Self::AcceptUnknown { .. } => code::ACCEPT_UNKNOWN,
            Self::PreviewUnknown(_) => code::PREVIEW_UNKNOWN,
            Self::PreviewsWaiting { .. } => "previews_waiting",
            Self::WebhookUnknown(_) => "webhook_unknown",
            Self::WebhookBeyondToken => "webhook_beyond_token",
            Self::WebhooksTooMany(_) => "webhooks_too_many",
            Self::WebhookDisabled(_) => "webhook_disabled",
            Self::IdentityTaken { .. } => code::IDENTITY_TAKEN,
            Self::TooNew { .. } => "store_too_new",
            Self::Corrupt(_) => "store_corrupt",
            Self::FileExists(_) => "file_exists",
            Self::FileUnreadable { .. } => "file_unreadable",
            Self::InUse(_) => "store_in_use",
            Self::Damaged(_) => "store_damaged",
            Self::NoStore => "store_foreign",
            Self::File(_) => "store_unwritable",
            Self::Sqlite(_) | Self::Unavailable(_) => "store_unavailable",
            Self::Postgres(_) => "store_failed",
            Self::AddressInvalid(_) => "store_address_invalid",
            Self::ServerTooOld(_) => "store_server_too_old",
        }
    }

    /// May the same call succeed later without anybody doing something?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Sqlite(_) | Self::Unavailable(_))
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::TenantUnknown(_) => "create it with `erp-hub tenant add NAME`, or correct the name",
            Self::TenantExists(_) => "choose another name, or use the tenant that exists",
            Self::CodeUnknown => "copy the code exactly as `erp-hub enroll-code` printed it",
            Self::CodeUsed | Self::CodeExpired(_) => "make a new code with `erp-hub enroll-code`",
            Self::AgentUnknown(_) => "see `erp-hub agent list`; enrol the driver again if it is gone",
            Self::AgentRevoked(_) => "if that was a mistake, make a new code and enrol the driver again",
            Self::TokenInvalid => "ask for a new token",
            Self::TokenExpired(_) => "make a new token with `erp-hub token add` or `POST /v1/tokens`",
            Self::TokenUnknown(_) => {
                "see `erp-hub token list` or `GET /v1/tokens` for the tokens of the tenant"
            }
            Self::NonceUsed => "sign a new request with a fresh nonce",
            Self::CompanyUnknown(_) => {
                "use a company of `GET /v1/sites`; a company is known once its driver has connected"
            }
            Self::CompanyClaimed { .. } => {
                "if this driver shall take the company over, stop the other one and run `erp-hub company move`"
            }
            Self::CompanyInUse { .. } => {
                "stop the driver or take the company out of its configuration, and try again ten minutes later; or revoke it"
            }
            Self::CompanyHasDocuments { unproven: 0, .. } => {
                "let them be entered, or give them up with --discard-open"
            }
            Self::CompanyHasDocuments { .. } => {
                "look in Sage for those in doubt and decide about each; let those under way end"
            }
            Self::TimeZoneUnknown(_) => "set erp.time_zone to an IANA name such as America/New_York",
            Self::LeaseLost(_) => "stop writing; ask for a new lease and read back what was begun",
            Self::DatasetUnknown(_) => "use a dataset that this hub's catalog has, or update the hub",
            Self::FingerprintMismatch(_) => "bring hub and driver to the same version",
            Self::EpochStale { .. } | Self::OutOfOrder { .. } | Self::StreamDiverged { .. } => {
                "open the stream again and continue from where the hub stands"
            }
            Self::Shape(_) => "report this: the driver sent rows that its own catalog does not describe",
            Self::BrakeEngaged { .. } => {
                "see what would leave with `erp-driver reconcile`, and confirm it there if that is right"
            }
            Self::DatasetsTooMany { .. } => "sync fewer user-defined tables",
            Self::FilterInvalid { .. } => {
                "write decimals with a point (79.50) and dates as YYYY-MM-DD, as the records show them"
            }
            Self::IdempotencyConflict(_) => {
                "use a new key for a new document, or repeat the first body unchanged"
            }
            Self::ImportUnknown(_) => "use an id as POST returned it",
            Self::RevisionStale { .. } => {
                "somebody edited it or decided about it meanwhile: look at it as it is now, then decide with its revision"
            }
            Self::ImportNotEditable { .. } => {
                "what the driver has taken up ends first (problems says what it waits for), what is written or discarded stays; see its state"
            }
            Self::OrderEntered { .. } => {
                "edit payment alone, and change the order in Sage; or discard the document and say why"
            }
            Self::TransactionUsed { .. } => {
                "if it is the same payment, do not send it again; if not, send the gateway's id of this one"
            }
            Self::DecisionIncomplete { .. } => {
                "say why; for a document in doubt, look in Sage first and accept in_doubt only when it is not there"
            }
            Self::AcceptUnknown { .. } => {
                "accept codes of the problems that the document shows, written as there"
            }
            Self::FeedExpired => {
                "start again without it, and keep what is not in the feed out of what you keep"
            }
            Self::PreviewUnknown(_) => {
                "ask for the preview again: an answer is kept for an hour, a question for five minutes"
            }
            Self::PreviewsWaiting { .. } => {
                "try again later; preview when the buyer checks out, not with each change of the cart"
            }
            Self::WebhookUnknown(_) => {
                "see GET /v1/webhooks; a webhook is seen by tokens that read all its companies and classes"
            }
            Self::WebhookBeyondToken => "name fewer companies or classes, or use a token that reads them",
            Self::WebhooksTooMany(_) => "remove one, or let one webhook be told of more datasets",
            Self::WebhookDisabled(_) => "switch it on again once its receiver answers",
            Self::IdentityTaken { .. } => "take the next number and reserve that",
            Self::TooNew { .. } => "run the version of the hub that wrote the store, or a later one",
            Self::FileExists(_) => {
                "name another file, or move that one away first: nothing is written over it"
            }
            Self::FileUnreadable { .. } => "correct the path and its rights",
            Self::InUse(_) => "stop the hub, and wait for other commands to end; nothing was done",
            Self::Damaged(_) => "use another copy of the store, and see whether the disk fails",
            Self::NoStore => {
                "correct the path or the address: what is there belongs to another program and was left alone"
            }
            Self::File(_) => "check that the folder exists and may be written",
            Self::Corrupt(_) => "restore the store from a backup and report this",
            Self::Unavailable(_) => {
                "try again; if it stays, see that the database runs, takes more connections and lets this user in"
            }
            Self::Postgres(_) => {
                "see that database, user and password are right and the user may create tables; else look at the database's log"
            }
            Self::AddressInvalid(_) => {
                "write it as sqlite:PATH or postgres://USER@HOST:PORT/DATABASE; a password may come from PGPASSWORD or password_file"
            }
            Self::ServerTooOld(_) => "use PostgreSQL 15 or later",
            Self::Sqlite(_) => "try again; if it stays, look at the hub's disk space, permissions and log",
        }
    }

    /// Something stored that this version cannot read.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}

fn named(codes: &[String]) -> String {
    if codes.is_empty() {
        "none".to_owned()
    } else {
        codes.join(", ")
    }
}
