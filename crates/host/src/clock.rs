//! The one clock of the programs.

/// Now, by this machine's clock.
#[must_use]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
