//! Ids and secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_store::WebhookId;
use values::{AgentId, ImportId, Secret, StoreId, TenantId};

/// Short, because it stands in every row and index.
pub(crate) fn tenant_id() -> TenantId {
    TenantId::new(format!("t_{}", host::random::hex::<6>()))
}

pub(crate) fn agent_id() -> AgentId {
    AgentId::new(format!("a_{}", host::random::hex::<8>()))
}

pub(crate) fn store_id() -> StoreId {
    StoreId::new(host::random::hex::<16>())
}

/// Unlike an import's, it stands for nothing that lasts.
pub(crate) fn preview_id() -> ImportId {
    ImportId::new(format!("p_{}", host::random::hex::<16>()))
}

/// A one-time code: people copy it, so 128 bits and no more.
pub(crate) fn enrolment_code() -> Secret {
    Secret::new(host::random::hex::<16>())
}

pub(crate) fn agent_token() -> Secret {
    Secret::new(host::random::hex::<32>())
}

pub(crate) fn webhook_id() -> WebhookId {
    WebhookId::new(format!("wh_{}", host::random::hex::<8>()))
}

/// As the convention for webhooks writes them.
pub(crate) fn webhook_secret() -> Secret {
    Secret::new(format!("whsec_{}", STANDARD.encode(host::random::bytes::<32>())))
}

/// A test's id.
pub(crate) fn webhook_test() -> String {
    host::random::hex::<8>()
}

/// Recognisable, so that scanners find one that was leaked.
pub(crate) fn api_token() -> Secret {
    Secret::new(format!("erp_{}", host::random::hex::<32>()))
}
