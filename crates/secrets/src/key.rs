use std::fmt;
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::{SecretsError, protected};

const FILE: &str = "host.key";

/// The host's Ed25519 key. The private half never leaves the state folder.
pub struct HostKey(Ed25519KeyPair);

impl HostKey {
    /// Makes a key and keeps it in the folder, in the place of an older one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn generate(state_dir: &Path) -> Result<Self, SecretsError> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| SecretsError::NoRandomness)?;
        protected::write(&state_dir.join(FILE), document.as_ref())?;
        Self::load(state_dir)
    }

    /// Reads the folder's key.
    ///
    /// # Errors
    /// [`SecretsError::NotEnrolled`] without one; unreadable, exposed or damaged.
    pub fn load(state_dir: &Path) -> Result<Self, SecretsError> {
        let path = state_dir.join(FILE);
        if matches!(path.try_exists(), Ok(false)) {
            return Err(SecretsError::NotEnrolled { path });
        }
        let bytes = protected::read(&path)?;
        Ed25519KeyPair::from_pkcs8(&bytes)
            .map(Self)
            .map_err(|e| SecretsError::Damaged {
                path,
                reason: e.to_string(),
            })
    }

    /// Reads the folder's key, or makes one when there is none.
    ///
    /// # Errors
    /// As [`HostKey::load`] and [`HostKey::generate`]; a damaged key is not replaced.
    pub fn load_or_generate(state_dir: &Path) -> Result<Self, SecretsError> {
        match Self::load(state_dir) {
            Err(SecretsError::NotEnrolled { .. }) => Self::generate(state_dir),
            other => other,
        }
    }

    /// The public half, 64 hex digits.
    #[must_use]
    pub fn public_hex(&self) -> String {
        hex::encode(self.0.public_key().as_ref())
    }

    /// Signs; 128 hex digits.
    #[must_use]
    pub fn sign_hex(&self, text: &[u8]) -> String {
        hex::encode(self.0.sign(text).as_ref())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.public_hex())
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn comes_back_and_signs() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(HostKey::load(folder.path()).unwrap_err().code(), "not_enrolled");
        let made = HostKey::load_or_generate(folder.path()).unwrap();
        let key = HostKey::load_or_generate(folder.path()).unwrap();
        assert_eq!(made.public_hex(), key.public_hex());
        let public = hex::decode(key.public_hex()).unwrap();
        let signature = hex::decode(key.sign_hex(b"text")).unwrap();
        let verifier = UnparsedPublicKey::new(&ED25519, public);
        verifier.verify(b"text", &signature).unwrap();
        assert!(verifier.verify(b"other", &signature).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn exposed_or_damaged_is_refused_and_not_replaced() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        HostKey::generate(folder.path()).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            HostKey::load_or_generate(folder.path()).unwrap_err().code(),
            "secret_exposed"
        );
        protected::write(&path, b"x").unwrap();
        assert_eq!(
            HostKey::load_or_generate(folder.path()).unwrap_err().code(),
            "secret_damaged"
        );
    }
}
