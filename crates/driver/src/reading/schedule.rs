//! When each dataset is due.

use std::time::{Duration, Instant};

/// Longest pause after failures: long enough not to hammer a server that is down, short
/// enough that nobody waits for a restart.
const MAX_FAILURE_PAUSE: Duration = Duration::from_secs(60);

/// The next due time of each dataset of a company. The one that is due longest goes first,
/// so that a big table never starves a small one.
#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    share_percent: u32,
    due: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Instant,
    failures: u32,
}

impl Schedule {
    /// All datasets are due now.
    #[must_use]
    pub fn new(datasets: usize, interval: Duration, share_percent: u32, now: Instant) -> Self {
        Self {
            interval,
            share_percent: share_percent.clamp(1, 100),
            due: vec![Entry { at: now, failures: 0 }; datasets],
        }
    }

    /// The dataset that is due longest, or how long to wait for the first.
    ///
    /// # Errors
    /// The time to wait; an hour when there is no dataset at all.
    pub fn next(&self, now: Instant) -> Result<usize, Duration> {
        let first = self.due.iter().enumerate().min_by_key(|(_, e)| e.at);
        match first {
            Some((dataset, entry)) if entry.at <= now => Ok(dataset),
            Some((_, entry)) => Err(entry.at - now),
            None => Err(Duration::from_secs(3600)),
        }
    }

    /// A pass is over: the next one comes after the interval, or later, so that reading
    /// takes no more than its share of wall time.
    pub fn done(&mut self, dataset: usize, took: Duration, now: Instant) {
        let share = took.saturating_mul(100) / self.share_percent;
        let pause = self.interval.max(share.saturating_sub(took));
        if let Some(entry) = self.due.get_mut(dataset) {
            *entry = Entry {
                at: now + pause,
                failures: 0,
            };
        }
    }

    /// A pass failed: the next ones come at growing distances. `random` spreads many agents.
    pub fn failed(&mut self, dataset: usize, now: Instant, random: u64) {
        if let Some(entry) = self.due.get_mut(dataset) {
            let ceiling = self
                .interval
                .saturating_mul(1 << entry.failures.min(8))
                .min(MAX_FAILURE_PAUSE);
            let spread = u64::try_from(ceiling.as_millis() / 2).unwrap_or(0).max(1);
            *entry = Entry {
                at: now + ceiling / 2 + Duration::from_millis(random % spread),
                failures: entry.failures.saturating_add(1),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_big_table_never_starves_a_small_one() {
        let now = Instant::now();
        let mut schedule = Schedule::new(2, 2 * SECOND, 10, now);
        assert_eq!(schedule.next(now), Ok(0));
        // Sixty seconds of reading come with nine minutes of rest.
        let later = now + 60 * SECOND;
        schedule.done(0, 60 * SECOND, later);
        assert_eq!(schedule.next(later), Ok(1));
        schedule.done(1, SECOND / 100, later);
        assert_eq!(schedule.next(later), Err(2 * SECOND));
        assert_eq!(schedule.next(later + 3 * SECOND), Ok(1));
        schedule.done(1, SECOND / 100, later + 539 * SECOND);
        assert_eq!(schedule.next(later + 540 * SECOND), Ok(0));
    }

    #[test]
    fn failures_come_at_growing_distances() {
        let now = Instant::now();
        let mut schedule = Schedule::new(1, 2 * SECOND, 10, now);
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            schedule.failed(0, now, 0);
            let wait = schedule.next(now).unwrap_err();
            assert!(wait > last, "{wait:?}");
            last = wait;
        }
        for _ in 0..20 {
            schedule.failed(0, now, u64::MAX);
        }
        assert!(schedule.next(now).unwrap_err() <= MAX_FAILURE_PAUSE);
    }
}
