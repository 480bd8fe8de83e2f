//! When each dataset is due, and whose turn it is.
//!
//! A dataset has up to two clocks: one for quick passes (a delta, or the whole of a small
//! table), one for sweeps. Whoever is due longest gets the next turn. A whole pass takes its
//! turns in slices, so that a big table never starves a small one.

use std::time::{Duration, Instant};

use catalog::{Dataset, Temperament};
use jiff::civil::Time;
use sync::PassKind;

use crate::config::{HourWindow, Pace};

/// Longest pause after failures: long enough not to hammer a server that is down, short
/// enough that nobody waits for a restart.
const MAX_FAILURE_PAUSE: Duration = Duration::from_secs(60);
/// Nothing is due before: somebody looks again.
const IDLE: Duration = Duration::from_secs(3600);
/// Outside a dataset's hours it is looked at again after this time.
const OUTSIDE_HOURS: Duration = Duration::from_secs(60);

/// How often a dataset is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two quick passes.
    pub interval: Duration,
    /// Between two sweeps; none where each quick pass is one.
    pub sweep_interval: Option<Duration>,
    /// When sweeps may run, by the Sage server's clock.
    pub hours: Option<HourWindow>,
    /// Most documents a second of a sweep.
    pub rows_per_s: Option<u64>,
}

impl Timing {
    /// As the configuration and the dataset's temperament say.
    #[must_use]
    pub const fn of(dataset: &Dataset, pace: &Pace) -> Self {
        let has_delta = match dataset.temperament {
            Temperament::Hot => false,
            Temperament::Master | Temperament::History => dataset.stamped,
        };
        Self {
            interval: Duration::from_secs(pace.interval_s),
            sweep_interval: if has_delta {
                Some(Duration::from_secs(pace.sweep_interval_s))
            } else {
                None
            },
            hours: pace.sweep_hours,
            rows_per_s: pace.sweep_rows_per_s,
        }
    }
}

/// Whose turn it is, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Place of the dataset.
    pub dataset: usize,
    /// The pass that is due.
    pub kind: PassKind,
}

/// The datasets of a company and when each is due.
#[derive(Debug)]
pub struct Schedule {
    share_percent: u32,
    entries: Vec<Entry>,
    /// Sweeps of all datasets share what reading may take: none begins before.
    sweeps_rest_until: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    timing: Timing,
    quick: Clock,
    sweep: Clock,
    /// No whole pass was completed yet: until then the quick clock makes it.
    is_loaded: bool,
}

#[derive(Clone, Copy, Debug)]
struct Clock {
    at: Instant,
    /// After failures.
    not_before: Instant,
    failures: u32,
}

impl Schedule {
    /// All datasets are due now.
    #[must_use]
    pub fn new(timings: &[Timing], share_percent: u32, now: Instant) -> Self {
        let clock = Clock {
            at: now,
            not_before: now,
            failures: 0,
        };
        let entries = timings.iter().map(|timing| Entry {
            timing: *timing,
            quick: clock,
            sweep: clock,
            is_loaded: false,
        });
        Self {
            share_percent: share_percent.clamp(1, 100),
            entries: entries.collect(),
            sweeps_rest_until: now,
        }
    }

    /// What is known of a dataset from before a restart: it was loaded, and its next sweep is
    /// due so much later.
    pub fn remember(&mut self, dataset: usize, sweep_at: Instant) {
        if let Some(entry) = self.entries.get_mut(dataset) {
            entry.is_loaded = true;
            entry.sweep.at = sweep_at;
        }
    }

    /// Whose turn it is, or how long to wait for the first. `time` is the Sage server's time
    /// of day.
    ///
    /// # Errors
    /// The time to wait; an hour when there is no dataset at all.
    pub fn next(&self, now: Instant, time: Time) -> Result<Turn, Duration> {
        let turns = (0..).zip(&self.entries).flat_map(|(dataset, entry)| {
            let kind = entry.quick_kind();
            let quick = (entry.quick.due(), entry.quick.at, Turn { dataset, kind });
            let sweep = entry.sweep_due(now, time, self.sweeps_rest_until).map(|at| {
                let kind = PassKind::Sweep;
                (at, entry.sweep.at, Turn { dataset, kind })
            });
            [Some(quick), sweep].into_iter().flatten()
        });
        // Sweeps that rested together go on with the one that waits longest.
        match turns.min_by_key(|(at, wanted, _)| (*at, *wanted)) {
            Some((at, _, turn)) if at <= now => Ok(turn),
            Some((at, _, _)) => Err(at - now),
            None => Err(IDLE),
        }
    }

    /// When the dataset gets its next turn.
    #[must_use]
    pub fn due(&self, dataset: usize) -> Option<Instant> {
        self.entries.get(dataset).map(|entry| entry.quick.due())
    }

    /// A pass is over: the next one comes after the interval, or later, so that reading
    /// takes no more than its share of wall time. `whole` says that it read everything.
    pub fn done(&mut self, turn: Turn, whole: bool, took: Duration, now: Instant) {
        let rest = self.rest(took);
        let Some(entry) = self.entries.get_mut(turn.dataset) else {
            return;
        };
        let was_quick = turn.kind == entry.quick_kind();
        if whole {
            entry.is_loaded = true;
            if let Some(interval) = entry.timing.sweep_interval {
                entry.sweep.succeeds(now, now + interval.max(rest));
                self.sweeps_rest_until = now + rest;
            }
        }
        if was_quick || entry.timing.sweep_interval.is_none() {
            entry.quick.succeeds(now, now + entry.timing.interval.max(rest));
        }
    }

    /// A slice of a whole pass is over. One that loads goes on at its next turn; a sweep
    /// rests for its share and its budget of rows.
    pub fn yielded(&mut self, turn: Turn, documents: u64, took: Duration, now: Instant) {
        let share = self.rest(took);
        let Some(entry) = self.entries.get_mut(turn.dataset) else {
            return;
        };
        if !entry.is_loaded {
            entry.quick.succeeds(now, now);
            return;
        }
        let millis = entry
            .timing
            .rows_per_s
            .and_then(|rows| documents.saturating_mul(1000).checked_div(rows));
        let budget = millis
            .map_or(Duration::ZERO, Duration::from_millis)
            .saturating_sub(took);
        if entry.timing.sweep_interval.is_some() {
            entry.sweep.succeeds(now, now + budget);
            self.sweeps_rest_until = now + share;
            // A delta that became a whole pass goes on as a sweep.
            if turn.kind == PassKind::Delta {
                let interval = entry.timing.interval;
                entry.quick.succeeds(now, now + interval);
            }
        } else {
            entry.quick.succeeds(now, now + budget.max(share));
        }
    }

    /// A slice of a delta is over: whoever is due goes first, then it goes on.
    pub fn delta_yielded(&mut self, dataset: usize, now: Instant) {
        if let Some(entry) = self.entries.get_mut(dataset) {
            entry.quick.succeeds(now, now);
        }
    }

    /// Everything is to be compared as soon as it can be: the clock was set back, or who left
    /// could not be told.
    pub fn sweep_soon(&mut self, dataset: usize, now: Instant) {
        if let Some(entry) = self.entries.get_mut(dataset) {
            entry.sweep.at = now;
        }
    }

    /// A pass failed: the next ones of its clock come at growing distances, and not before
    /// it has rested for what it took. `random` spreads many agents.
    pub fn failed(&mut self, turn: Turn, took: Duration, now: Instant, random: u64) {
        let rest = self.rest(took);
        let Some(entry) = self.entries.get_mut(turn.dataset) else {
            return;
        };
        let interval = entry.timing.interval;
        if turn.kind == entry.quick_kind() {
            entry.quick.fails(interval, rest, now, random);
        } else {
            entry.sweep.fails(interval, rest, now, random);
            self.sweeps_rest_until = self.sweeps_rest_until.max(now + rest);
        }
    }

    /// The dataset waits: there is nothing to read for now.
    pub fn pause(&mut self, dataset: usize, until: Instant) {
        if let Some(entry) = self.entries.get_mut(dataset) {
            entry.quick.not_before = until;
            entry.sweep.not_before = until;
        }
    }

    fn rest(&self, took: Duration) -> Duration {
        (took.saturating_mul(100) / self.share_percent).saturating_sub(took)
    }
}

impl Clock {
    fn due(&self) -> Instant {
        self.at.max(self.not_before)
    }

    const fn succeeds(&mut self, now: Instant, at: Instant) {
        *self = Self {
            at,
            not_before: now,
            failures: 0,
        };
    }

    fn fails(&mut self, interval: Duration, rest: Duration, now: Instant, random: u64) {
        let ceiling = interval
            .saturating_mul(1 << self.failures.min(8))
            .min(MAX_FAILURE_PAUSE);
        let spread = u64::try_from(ceiling.as_millis() / 2).unwrap_or(0).max(1);
        let pause = ceiling / 2 + Duration::from_millis(random % spread);
        self.not_before = now + pause.max(rest);
        self.failures = self.failures.saturating_add(1);
    }
}

impl Entry {
    const fn quick_kind(&self) -> PassKind {
        if self.is_loaded && self.timing.sweep_interval.is_some() {
            PassKind::Delta
        } else {
            PassKind::Sweep
        }
    }

    fn sweep_due(&self, now: Instant, time: Time, rest_until: Instant) -> Option<Instant> {
        if !self.is_loaded || self.timing.sweep_interval.is_none() {
            return None;
        }
        let at = self.sweep.due().max(rest_until);
        let is_open = self.timing.hours.is_none_or(|hours| hours.contains(time));
        Some(if is_open { at } else { at.max(now + OUTSIDE_HOURS) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NOON: Time = Time::constant(12, 0, 0, 0);
    const DELTA: PassKind = PassKind::Delta;
    const SWEEP: PassKind = PassKind::Sweep;

    fn timing(interval: u64, sweep: Option<u64>) -> Timing {
        Timing {
            interval: Duration::from_secs(interval),
            sweep_interval: sweep.map(Duration::from_secs),
            hours: None,
            rows_per_s: None,
        }
    }

    fn turn(dataset: usize, kind: PassKind) -> Turn {
        Turn { dataset, kind }
    }

    #[test]
    fn a_big_load_never_starves_stock() {
        let start = Instant::now();
        // A table of hours, and stock every two seconds.
        let mut schedule = Schedule::new(&[timing(2, Some(3600)), timing(2, None)], 10, start);
        let mut now = start;
        let (mut slices, mut worst, mut last) = (0, Duration::ZERO, start);
        while now < start + 600 * SECOND {
            match schedule.next(now, NOON) {
                Ok(t) if t.dataset == 0 => {
                    assert_eq!(t.kind, SWEEP);
                    now += 5 * SECOND;
                    slices += 1;
                    schedule.yielded(t, 100_000, 5 * SECOND, now);
                }
                Ok(t) => {
                    worst = worst.max(now - last);
                    now += SECOND / 10;
                    last = now;
                    schedule.done(t, true, SECOND / 10, now);
                }
                Err(wait) => now += wait,
            }
        }
        assert!(worst <= 6 * SECOND, "{worst:?}");
        assert!(slices > 100, "the load goes on: {slices}");
    }

    #[test]
    fn sweeps_rest_for_their_share_and_deltas_do_not_wait_for_them() {
        let now = Instant::now();
        let timings = [timing(2, Some(3600)), timing(2, Some(3600))];
        let mut schedule = Schedule::new(&timings, 10, now);
        for dataset in 0..2 {
            schedule.remember(dataset, now);
            schedule.done(turn(dataset, DELTA), false, SECOND / 100, now);
        }
        let first = schedule.next(now, NOON).unwrap();
        assert_eq!(first, turn(0, SWEEP));
        let later = now + 5 * SECOND;
        schedule.yielded(first, 1000, 5 * SECOND, later);
        // Both deltas are due, no sweep is for 45 seconds.
        let mut at = later;
        for _ in 0..40 {
            match schedule.next(at, NOON) {
                Ok(t) => {
                    assert_eq!(t.kind, DELTA);
                    schedule.done(t, false, SECOND / 100, at);
                }
                Err(wait) => at += wait,
            }
        }
        let at = later + 46 * SECOND;
        let mut kinds = Vec::new();
        while let Ok(t) = schedule.next(at, NOON) {
            kinds.push(t);
            schedule.done(t, t.kind == SWEEP, SECOND / 100, at);
        }
        assert!(
            kinds.contains(&turn(1, SWEEP)),
            "the other sweep gets its turn: {kinds:?}"
        );
    }

    #[test]
    fn sweeps_keep_to_their_hours_and_their_rows() {
        let now = Instant::now();
        let night = Timing {
            hours: "22:00-05:00".parse().ok(),
            rows_per_s: Some(100),
            ..timing(60, Some(86_400))
        };
        let mut schedule = Schedule::new(&[night], 100, now);
        schedule.remember(0, now);
        schedule.done(turn(0, DELTA), false, SECOND / 100, now);
        assert!(schedule.next(now, NOON).is_err());
        let evening = Time::constant(22, 0, 0, 0);
        assert_eq!(schedule.next(now, evening), Ok(turn(0, SWEEP)));
        schedule.yielded(turn(0, SWEEP), 1000, SECOND, now + SECOND);
        assert_eq!(schedule.next(now + SECOND, evening), Err(9 * SECOND));
    }

    #[test]
    fn a_clock_that_was_set_back_queues_a_sweep() {
        let now = Instant::now();
        let mut schedule = Schedule::new(&[timing(2, Some(3600))], 10, now);
        schedule.done(turn(0, SWEEP), true, SECOND / 100, now);
        assert_eq!(schedule.next(now, NOON), Err(2 * SECOND));
        assert_eq!(schedule.next(now + 2 * SECOND, NOON), Ok(turn(0, DELTA)));
        schedule.sweep_soon(0, now);
        assert_eq!(schedule.next(now + SECOND, NOON), Ok(turn(0, SWEEP)));
    }

    #[test]
    fn a_sweep_that_fails_is_not_tried_again_with_each_delta() {
        let start = Instant::now();
        let mut schedule = Schedule::new(&[timing(2, Some(3600))], 10, start);
        schedule.remember(0, start);
        let (mut now, mut sweeps, mut deltas) = (start, 0, 0);
        while now < start + 3600 * SECOND {
            match schedule.next(now, NOON) {
                Ok(t) if t.kind == SWEEP => {
                    sweeps += 1;
                    now += 60 * SECOND;
                    schedule.failed(t, 60 * SECOND, now, 0);
                }
                Ok(t) => {
                    deltas += 1;
                    now += SECOND / 100;
                    schedule.done(t, false, SECOND / 100, now);
                }
                Err(wait) => now += wait,
            }
        }
        assert!(sweeps <= 7, "a tenth of the hour: {sweeps}");
        assert!(deltas > 1000, "deltas go on: {deltas}");
    }

    #[test]
    fn a_delta_that_takes_long_lets_others_go_first() {
        let now = Instant::now();
        let mut schedule = Schedule::new(&[timing(2, Some(3600)), timing(2, None)], 10, now);
        schedule.remember(0, now + 3600 * SECOND);
        assert_eq!(schedule.next(now, NOON), Ok(turn(0, DELTA)));
        let later = now + 5 * SECOND;
        schedule.delta_yielded(0, later);
        assert_eq!(schedule.next(later, NOON), Ok(turn(1, SWEEP)));
        schedule.done(turn(1, SWEEP), true, SECOND / 10, later);
        assert_eq!(schedule.next(later, NOON), Ok(turn(0, DELTA)));
    }

    #[test]
    fn failures_come_at_growing_distances() {
        let now = Instant::now();
        let mut schedule = Schedule::new(&[timing(2, None)], 10, now);
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            schedule.failed(turn(0, SWEEP), Duration::ZERO, now, 0);
            let wait = schedule.next(now, NOON).unwrap_err();
            assert!(wait > last, "{wait:?}");
            last = wait;
        }
        for _ in 0..20 {
            schedule.failed(turn(0, SWEEP), Duration::ZERO, now, u64::MAX);
        }
        assert!(schedule.next(now, NOON).unwrap_err() <= MAX_FAILURE_PAUSE);
    }
}
