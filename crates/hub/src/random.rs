//! Ids and secrets.

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

/// Recognisable, so that scanners find one that was leaked.
pub(crate) fn api_token() -> Secret {
    Secret::new(format!("erp_{}", host::random::hex::<32>()))
}
