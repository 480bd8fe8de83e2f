use std::path::Path;

use serde::{Deserialize, Serialize};
use values::{AgentId, TenantId};

use crate::{SecretsError, protected};

const FILE: &str = "identity.json";

/// Who this host is to its hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The agent's id.
    pub agent: AgentId,
    /// Whose agent it is.
    pub tenant: TenantId,
    /// The hub that knows it.
    pub hub_url: String,
    /// Since when.
    pub enrolled_at: jiff::Timestamp,
}

impl Identity {
    /// Reads it from the state folder.
    ///
    /// # Errors
    /// [`SecretsError::NotEnrolled`] without one; unreadable, exposed or damaged.
    pub fn load(state_dir: &Path) -> Result<Self, SecretsError> {
        let path = state_dir.join(FILE);
        if matches!(path.try_exists(), Ok(false)) {
            return Err(SecretsError::NotEnrolled { path });
        }
        let bytes = protected::read(&path)?;
        serde_json::from_slice(&bytes).map_err(|e| SecretsError::Damaged {
            path,
            reason: e.to_string(),
        })
    }

    /// Keeps it in the state folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, state_dir: &Path) -> Result<(), SecretsError> {
        let path = state_dir.join(FILE);
        let bytes = serde_json::to_vec_pretty(self).map_err(|e| SecretsError::Unwritable {
            path: path.clone(),
            source: e.into(),
        })?;
        protected::write(&path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            Identity::load(folder.path()).unwrap_err().remedy(),
            "run erp-driver enroll"
        );
        let identity = Identity {
            agent: AgentId::new("a_1"),
            tenant: TenantId::new("t_1"),
            hub_url: "https://hub.example.com".into(),
            enrolled_at: jiff::Timestamp::UNIX_EPOCH,
        };
        identity.save(folder.path()).unwrap();
        assert_eq!(Identity::load(folder.path()).unwrap(), identity);
    }
}
