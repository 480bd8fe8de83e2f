use std::time::Duration;

/// The first wait is at most this: a short fault should cost little.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer: after an outage of the hub everybody is back within five minutes.
const LONGEST: Duration = Duration::from_secs(300);

/// Exponential waits with full jitter, so that many agents do not come back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// After a failure: how long to wait. `random` is evenly distributed over `u64`.
    pub fn failed(&mut self, random: u64) -> Duration {
        let ceiling = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let ceiling_ms = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(random % (ceiling_ms + 1))
    }

    /// After a success: the next failure counts as the first.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_cap_and_starts_again() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.failed(500), Duration::from_millis(500));
        assert_eq!(backoff.failed(1000), Duration::from_millis(1000));
        for _ in 0..40 {
            assert!(backoff.failed(u64::MAX) <= LONGEST);
        }
        assert_eq!(backoff.failed(300_000), LONGEST);
        backoff.succeeded();
        assert_eq!(backoff.failed(501), Duration::ZERO);
    }
}
