//! What a host keeps to itself: its key, its identity, and the passwords that it is given.

mod error;
mod identity;
mod key;
mod password;
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(windows), path = "unix.rs")]
mod protected;

pub use error::SecretsError;
pub use identity::Identity;
pub use key::HostKey;
pub use password::{PasswordSource, password};
