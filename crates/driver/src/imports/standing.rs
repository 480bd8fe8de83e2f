//! What a company's writer says of itself: what it waits for, by name.

use import::Obstacle;
use jiff::Timestamp;
use sage::Condition;
use wire::status::{ImportsStanding, NamedCondition, WaitingDocument};

use super::current::Current;
use super::runner::Runner;

impl Runner {
    /// Tells how documents go in after each turn, when it has changed.
    #[must_use]
    pub fn telling(mut self, tell: impl Fn(ImportsStanding) + 'static) -> Self {
        self.tell = Box::new(tell);
        self
    }

    /// How the company's documents go in just now.
    pub(super) fn standing(&mut self) -> ImportsStanding {
        let now = self.clock.now();
        let waiting: Vec<&Current> = self.imports.iter().filter(|i| i.waiting().is_some()).collect();
        ImportsStanding {
            condition: self.condition(now),
            // A journal that cannot be read is a condition of its own.
            frozen: self.frozen().ok().flatten(),
            queued: count(self.imports.len()),
            waiting_count: count(waiting.len()),
            in_doubt: count(self.in_doubt.len()),
            session_open: self.worker.is_some(),
            waiting: waiting
                .into_iter()
                .take(ImportsStanding::MOST_WAITING)
                .filter_map(waiting_document)
                .collect(),
        }
    }

    pub(super) fn tell(&mut self) {
        let standing = self.standing();
        if self.told.as_ref() != Some(&standing) {
            (self.tell)(standing.clone());
            self.told = Some(standing);
        }
    }

    /// What holds up every document: a state of Sage's, or the hub or the journal.
    fn condition(&self, now: Timestamp) -> Option<NamedCondition> {
        if let Some(gate) = &self.gate {
            let same = self.imports.iter().filter_map(Current::blocked_since);
            let since = same
                .filter(|(obstacle, _)| *obstacle == gate.obstacle)
                .map(|(_, since)| since)
                .min();
            let since = since.or_else(|| (gate.until > now).then_some(gate.since));
            if let Some(since) = since {
                return Some(named(gate.obstacle, &gate.detail, since, gate.until));
            }
        }
        let pause = &self.hub_pause;
        let until = pause.until.filter(|until| *until > now)?;
        let (obstacle, since) = pause.cause?;
        Some(named(obstacle, &pause.detail, since, until))
    }
}

fn waiting_document(current: &Current) -> Option<WaitingDocument> {
    let waiting = current.waiting()?;
    let (_, since) = current.blocked_since()?;
    Some(WaitingDocument {
        import: current.id().clone(),
        condition: named(waiting.obstacle, &waiting.detail, since, waiting.until),
    })
}

fn named(obstacle: Obstacle, detail: &str, since: Timestamp, until: Timestamp) -> NamedCondition {
    let locked_by = (obstacle == Obstacle::Sage(Condition::RecordLocked))
        .then(|| Condition::locked_by(detail).map(str::to_owned))
        .flatten();
    NamedCondition {
        code: obstacle.as_str().to_owned(),
        detail: detail.to_owned(),
        since: since.to_string(),
        until: until.to_string(),
        locked_by,
        remedy: obstacle.remedy().to_owned(),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
