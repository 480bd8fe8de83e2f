//! How often one token may ask: a bucket of requests that fills up again steadily.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Buckets kept: those that are full again tell nothing.
const MOST_BUCKETS: usize = 10_000;
const MICROS: i64 = 1_000_000;

/// So many requests may come at once; used up, they come back over the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    quota: u32,
    window_s: u32,
}

impl RateLimit {
    /// Well above what a shop needs, well below what keeps others waiting.
    pub const DEFAULT: Self = Self {
        quota: 2_000,
        window_s: 10,
    };

    /// None when one of them is zero.
    #[must_use]
    pub const fn new(quota: u32, window_s: u32) -> Option<Self> {
        if quota == 0 || window_s == 0 {
            return None;
        }
        Some(Self { quota, window_s })
    }

    /// As `RateLimit-Policy` says it.
    pub(crate) fn policy(self) -> String {
        format!("\"default\";q={};w={}", self.quota, self.window_s)
    }

    /// Microseconds in which one request comes back.
    fn step(self) -> i64 {
        (i64::from(self.window_s) * MICROS / i64::from(self.quota)).max(1)
    }
}

impl std::fmt::Display for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.quota, self.window_s)
    }
}

/// Not `REQUESTS/SECONDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write it as REQUESTS/SECONDS, both above zero, like 2000/10")]
pub struct RateLimitError;

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        let (quota, window) = text.split_once('/').ok_or(RateLimitError)?;
        match (quota.parse(), window.parse()) {
            (Ok(quota), Ok(window)) => Self::new(quota, window).ok_or(RateLimitError),
            (Ok(_) | Err(_), _) => Err(RateLimitError),
        }
    }
}

/// What one request found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// May it go on?
    pub(crate) allowed: bool,
    /// Requests that are left.
    pub(crate) remaining: u32,
    /// Seconds until all are back.
    pub(crate) reset_s: u32,
    /// Seconds until the next one is back; zero while some are left.
    pub(crate) retry_after_s: u32,
}

/// The buckets of all tokens.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    limit: RateLimit,
    /// When the bucket will be full again, in microseconds: all that a bucket is.
    full_at: Mutex<HashMap<K, i64>>,
}

impl<K: Eq + std::hash::Hash> Buckets<K> {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            full_at: Mutex::default(),
        }
    }

    pub(crate) const fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Takes one request out of the token's bucket.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Standing {
        let now = now.as_microsecond();
        let step = self.limit.step();
        let quota = i64::from(self.limit.quota);
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST_BUCKETS && !buckets.contains_key(&key) {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let full_at = buckets.entry(key).or_insert(now);
        // A clock that was set back must not lock anybody out for longer than a window.
        *full_at = (*full_at).clamp(now, now + quota * step);
        let missing = (*full_at - now + step - 1) / step;
        let allowed = missing < quota;
        if allowed {
            *full_at += step;
        }
        let (remaining, wait) = if allowed {
            (quota - missing - 1, 0)
        } else {
            (0, *full_at - now - (quota - 1) * step)
        };
        Standing {
            allowed,
            remaining: u32::try_from(remaining).unwrap_or(0),
            reset_s: seconds(*full_at - now),
            retry_after_s: if allowed { 0 } else { seconds(wait).max(1) },
        }
    }
}

fn seconds(micros: i64) -> u32 {
    u32::try_from((micros.max(0) + MICROS - 1) / MICROS).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_777_777_777_000 + milliseconds).unwrap()
    }

    #[test]
    fn the_quota_comes_back_steadily() {
        let buckets = Buckets::new(RateLimit::new(4, 2).unwrap());
        for left in [3, 2, 1, 0] {
            let standing = buckets.take("a", at(0));
            assert_eq!((standing.allowed, standing.remaining), (true, left));
        }
        let refused = buckets.take("a", at(0));
        assert_eq!(
            refused,
            Standing {
                allowed: false,
                remaining: 0,
                reset_s: 2,
                retry_after_s: 1
            }
        );
        assert!(
            buckets.take("b", at(0)).allowed,
            "others have buckets of their own"
        );
        assert!(!buckets.take("a", at(499)).allowed);
        assert!(
            buckets.take("a", at(500)).allowed,
            "a request that was refused costs nothing"
        );
        assert!(!buckets.take("a", at(501)).allowed);
        assert_eq!(buckets.take("a", at(10_000)).remaining, 3);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let buckets = Buckets::new(RateLimit::new(2, 1).unwrap());
        for _ in 0..2 {
            assert!(buckets.take("a", at(3_600_000)).allowed);
        }
        assert!(!buckets.take("a", at(0)).allowed);
        assert!(buckets.take("a", at(500)).allowed);
    }

    #[test]
    fn full_buckets_are_forgotten_when_there_are_many() {
        let buckets = Buckets::new(RateLimit::new(1, 1).unwrap());
        for token in 0..MOST_BUCKETS {
            buckets.take(token, at(0));
        }
        buckets.take(MOST_BUCKETS, at(1_001));
        assert_eq!(buckets.full_at.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_limit_is_written_as_requests_and_seconds() {
        assert_eq!(
            "100/60".parse(),
            Ok(RateLimit {
                quota: 100,
                window_s: 60
            })
        );
        assert_eq!(RateLimit::DEFAULT.to_string().parse(), Ok(RateLimit::DEFAULT));
        for wrong in ["", "100", "0/1", "1/0", "a/b", "-1/5"] {
            assert_eq!(wrong.parse::<RateLimit>(), Err(RateLimitError), "{wrong}");
        }
    }
}
