//! What the time of the company's writer goes into, told when a session ends.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Times by what they went into. They are the writer's own: what goes on elsewhere meanwhile
/// is not in them.
#[derive(Debug, Default)]
pub(super) struct Spent(BTreeMap<&'static str, (u64, Duration)>);

impl Spent {
    /// Since `start` it went into this.
    pub(super) fn add(&mut self, what: &'static str, start: Instant) {
        let (times, spent) = self.0.entry(what).or_default();
        *times += 1;
        *spent += start.elapsed();
    }

    /// Begins anew, and gives what was counted so far.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Takes up what was counted elsewhere.
    pub(super) fn join(&mut self, other: Self) {
        for (what, (times, spent)) in other.0 {
            let (all_times, all_spent) = self.0.entry(what).or_default();
            *all_times += times;
            *all_spent += spent;
        }
    }
}

impl fmt::Display for Spent {
    /// `what:times:microseconds`, blanks between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, (times, spent))) in self.0.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{what}:{times}:{}", spent.as_micros())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_apart_is_told_together() {
        let (mut one, mut other) = (Spent::default(), Spent::default());
        one.0.insert("plan", (2, Duration::from_micros(1500)));
        other.0.insert("plan", (1, Duration::from_micros(500)));
        other.0.insert("report", (1, Duration::from_micros(7)));
        one.join(other);
        assert_eq!(one.take().to_string(), "plan:3:2000 report:1:7");
        assert_eq!(one.to_string(), "");
    }
}
