//! The hub's store: everything that the hub remembers, behind one trait, with one contract
//! suite for every implementation.
//!
//! Methods stand at the level of what the hub does, not of tables. Time and random bytes
//! come in as parameters. Calls block; a caller on an async runtime moves them off it.

mod audit;
mod changes;
pub mod contract;
mod copy;
mod digest;
mod engine;
mod error;
mod imports;
mod record;
mod scope;
mod selection;
mod sites;
mod sql;
mod store;
mod tokens;
mod wake;
mod webhooks;

pub use audit::{Actor, AuditAction, AuditEntry, AuditPage, AuditQuery};
pub use changes::{Change, ChangePage, ChangeQuery};
pub use copy::{Restored, back_up, note_copy, restore};
pub use digest::{hash_body, import_id};
pub use error::StoreError;
pub use imports::{
    Import, ImportPage, ImportQuery, NewImport, NewPreview, OrderInvoice, OrderStatus, OrderThread,
    PreviewResult, Sum, TieOut, TieOutDeposit, TieOutDifference, TieOutSums, TieOutType,
};
pub use record::Record;
pub use scope::{AgentRole, AgentScope, Permission, TenantScope, TokenScope};
pub use selection::Selection;
pub use sites::{AgentSite, CompanySite, DatasetSite, ReportSite, Sites, SitesQuery, StreamSite};
pub use sql::SqlStore;
pub use store::{
    AgentInfo, AgentKey, CompanyInfo, EnrolmentCodeInfo, Lookup, Page, RecordPage, RecordQuery,
    RemovedCompany, Store, TenantInfo, Tombstone,
};
pub use tokens::{ApiTokenInfo, TokenGrant, TokenQuery, TokenUse, parse_network};
pub use wake::{Wake, WakeKind, WakeListener};
pub use webhooks::{
    Claim, Delivery, DisabledReason, NewWebhook, PendingEvent, ReplayFrom, Settled, Settlement, Standing,
    Subject, Wants, Webhook, WebhookEdit, WebhookEvent, WebhookId, WebhookWork, Webhooks,
};

/// The cryptography of all of the hub's TLS: ring.
#[must_use]
pub fn tls_provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::ring::default_provider())
}
