use std::io;
use std::path::PathBuf;

/// Something secret cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// This host has no identity yet.
    #[error("{} does not exist: this host is not enrolled", path.display())]
    NotEnrolled {
        /// The file that would hold it.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than the owner may read the file.
    #[error("{} has mode {mode:o}: others can read it", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else than it should.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, without the content.
        reason: String,
    },
    /// The environment variable is not set, or no text.
    #[error("environment variable {name} is not set")]
    VariableMissing {
        /// Its name.
        name: String,
    },
    /// The system gave no random numbers for a key.
    #[error("no key could be made: the system gives no random numbers")]
    NoRandomness,
}

impl SecretsError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEnrolled { .. } => "not_enrolled",
            Self::Unreadable { .. } => "secret_unreadable",
            Self::Unwritable { .. } => "secret_unwritable",
            Self::Permissions { .. } => "secret_exposed",
            Self::Damaged { .. } => "secret_damaged",
            Self::VariableMissing { .. } => "variable_missing",
            Self::NoRandomness => "no_randomness",
        }
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NotEnrolled { .. } => "run erp-driver enroll".to_owned(),
            Self::Unreadable { path, .. } => {
                format!(
                    "see that {} exists and that the service's user may read it",
                    path.display()
                )
            }
            Self::Unwritable { path, .. } => {
                format!(
                    "see that the service's user may write the folder of {}, and that the disk has room",
                    path.display()
                )
            }
            Self::Permissions { path, .. } => format!("chmod 600 {}", path.display()),
            Self::Damaged { path, .. } => {
                format!(
                    "restore {} from a backup, or remove it and set it up (or enroll) again",
                    path.display()
                )
            }
            Self::VariableMissing { name } => {
                format!("set {name} for the service's user, or name a file instead")
            }
            Self::NoRandomness => "restart the host".to_owned(),
        }
    }
}
