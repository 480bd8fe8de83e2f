//! Why a command failed, and what to do.

use sync::Failure;

/// A command failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failed {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Failed {
    /// From its parts.
    pub fn new(code: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// From a failed pass.
    #[must_use]
    pub fn from_pass(failure: &Failure) -> Self {
        match failure {
            Failure::Read(error) => Self::new(error.code.as_str(), error.to_string(), error.remedy()),
            Failure::Hub {
                code,
                message,
                remedy,
            } => Self::new(code, message, remedy),
            Failure::Store {
                code,
                message,
                remedy,
            } => Self::new(code, message, remedy),
        }
    }
}

macro_rules! explained {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failed {
            fn from(error: $error) -> Self {
                Self::new(error.code(), error.to_string(), error.remedy())
            }
        })*
    };
}

explained!(
    agent_store::StoreError,
    agent_store::journal::JournalError,
    crate::config::ApprovalsError,
    crate::pause::PauseFileError,
    crate::reading::SetupError,
    host::config::ConfigError,
    host::lock::LockError,
    link::LinkError,
    secrets::SecretsError,
);

impl host::cli::Explained for Failed {
    fn code(&self) -> &str {
        &self.code
    }

    fn remedy(&self) -> Option<String> {
        (!self.remedy.is_empty()).then(|| self.remedy.clone())
    }

    fn is_usage(&self) -> bool {
        self.code == wire::agent::code::ACCEPT_UNKNOWN
    }
}

impl From<crate::config::ConfigError> for Failed {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::new(error.code, error.to_string(), error.remedy)
    }
}
