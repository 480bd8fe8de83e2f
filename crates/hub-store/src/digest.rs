//! Digests of secrets and bodies: SHA-256, because somebody may try to find a match.

use model::ImportKind;
use ring::digest::{SHA256, digest};
use values::{ImportId, Secret, TenantId};

/// What is stored of a secret. Secrets are random and long, so one round is enough.
pub(crate) fn hash_secret(secret: &Secret) -> Vec<u8> {
    sha256(secret.reveal().as_bytes())
}

/// The digest by which two bodies under one idempotency key are compared; `canonical` is
/// the body as canonical JSON (RFC 8785).
#[must_use]
pub fn hash_body(canonical: &[u8]) -> Vec<u8> {
    sha256(canonical)
}

/// The id of an import: the same request gets the same id, even from a restored hub.
#[must_use]
pub fn import_id(tenant: &TenantId, kind: ImportKind, idempotency_key: &str) -> ImportId {
    let text = format!("{tenant}\n{}\n{idempotency_key}", kind.as_str());
    let digest = sha256(text.as_bytes());
    ImportId::new(hex::encode(digest.get(..16).unwrap_or(&digest)))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_id_is_frozen_and_parts_do_not_run_together() {
        let id = |tenant: &str, key: &str| import_id(&TenantId::new(tenant), ImportKind::SalesOrder, key);
        assert_eq!(id("t1", "web-1").as_str().len(), 32);
        assert_eq!(id("t1", "web-1"), id("t1", "web-1"));
        assert_ne!(id("t1", "web-1"), id("t1", "web-2"));
        assert_ne!(id("t1", "web-1"), id("t2", "web-1"));
    }
}
