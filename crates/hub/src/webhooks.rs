//! Webhooks: what changed is sent to those who asked to be told, after the conventions of
//! Standard Webhooks. What has to be sent is not handed over but looked for in the store, so
//! that nothing is lost when a process ends.

pub(crate) mod address;
mod message;
mod sender;
mod standing;
mod task;
mod tell;

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::SignedDuration;

pub use standing::{Retries, RetriesError};
pub(crate) use task::run;

/// The secret before the last rotation signs, too, for so long.
pub(crate) const FORMER_SECRET_FOR: SignedDuration = SignedDuration::from_hours(24);

/// How webhooks are sent.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// Receivers may be in private networks and speak plain `http://`.
    pub allow_private: bool,
    /// How long to wait before each repetition.
    pub retries: Retries,
    /// Nothing but failures for so long switches a webhook off.
    pub give_up_after: SignedDuration,
}

impl WebhookOptions {
    /// Over a long weekend, and the day on which somebody looks.
    pub const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            allow_private: false,
            retries: Retries::default(),
            give_up_after: Self::GIVE_UP_AFTER,
        }
    }
}

/// What came of sending a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver has it: an answer of 200 to 299.
    Delivered,
    /// Another answer.
    Refused,
    /// 410: it wants no more.
    Gone,
    /// No answer in time. Whether it has the message is not known.
    TimedOut,
    /// No connection, or one that broke.
    Unreachable,
    /// The address is none that the hub may send to.
    AddressPrivate,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] = [
        Self::Delivered,
        Self::Refused,
        Self::Gone,
        Self::TimedOut,
        Self::Unreachable,
        Self::AddressPrivate,
    ];

    /// The name in answers and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::AddressPrivate => "address_private",
        }
    }
}

/// Messages by what came of them, since the start.
#[derive(Debug, Default)]
pub(crate) struct Deliveries([AtomicU64; Outcome::ALL.len()]);

impl Deliveries {
    pub(crate) fn add(&self, outcome: Outcome) {
        let place = Outcome::ALL.iter().position(|known| *known == outcome);
        if let Some(counter) = place.and_then(|place| self.0.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let counts = self.0.iter().map(|counter| counter.load(Ordering::Relaxed));
        Outcome::ALL.into_iter().zip(counts)
    }
}
