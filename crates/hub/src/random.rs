//! Ids and secrets. All randomness of the hub is drawn here.

use values::{AgentId, Secret, StoreId, TenantId};

/// Short, because it stands in every row and index.
pub(crate) fn tenant_id() -> TenantId {
    TenantId::new(format!("t_{}", hex::encode(rand::random::<[u8; 6]>())))
}

pub(crate) fn agent_id() -> AgentId {
    AgentId::new(format!("a_{}", hex::encode(rand::random::<[u8; 8]>())))
}

pub(crate) fn store_id() -> StoreId {
    StoreId::new(hex::encode(rand::random::<[u8; 16]>()))
}

/// A one-time code: people copy it, so 128 bits and no more.
pub(crate) fn enrolment_code() -> Secret {
    Secret::new(hex::encode(rand::random::<[u8; 16]>()))
}

pub(crate) fn agent_token() -> Secret {
    Secret::new(hex::encode(rand::random::<[u8; 32]>()))
}

/// Recognisable, so that scanners find one that was leaked.
pub(crate) fn api_token() -> Secret {
    Secret::new(format!("erp_{}", hex::encode(rand::random::<[u8; 32]>())))
}
