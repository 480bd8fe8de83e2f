//! An import under work.

use std::collections::VecDeque;

use import::plan::{Identities, Plan, Write};
use import::planning::Past;
use import::{Command, Document, Event, Import, Moment, Obstacle, Record, Reserved, Waiting};
use jiff::Timestamp;
use values::ImportId;

/// An import under work.
pub(super) struct Current {
    pub(super) document: Document,
    pub(super) import: Import,
    pub(super) commands: VecDeque<Command>,
    /// What it runs into, and since when.
    blocked: Option<(Obstacle, Timestamp)>,
    /// The hub knows that it is journaled. Before, nothing is done and nothing reported: an
    /// import that the hub holds as neither new nor journaled would be handed over never again.
    pub(super) is_acknowledged: bool,
}

pub(super) fn current_of(record: &Record, is_acknowledged: bool) -> Current {
    let (import, commands) = Import::resume(record);
    Current {
        document: record.document.clone(),
        import,
        commands: commands.into(),
        blocked: None,
        is_acknowledged,
    }
}

impl Current {
    pub(super) fn step(&mut self, event: Event, moment: &Moment) {
        let (import, commands) = self.import.clone().step(event, moment);
        self.import = import;
        self.commands = commands.into();
    }

    /// Keeps since when it runs into the same thing, over all tries.
    pub(super) fn note_obstacle(&mut self, at: Timestamp) {
        match self.import.waiting() {
            Some(waiting) if self.blocked.is_some_and(|(before, _)| before == waiting.obstacle) => {}
            Some(waiting) => self.blocked = Some((waiting.obstacle, at)),
            None => {}
        }
    }

    pub(super) const fn waiting(&self) -> Option<&Waiting> {
        self.import.waiting()
    }

    pub(super) const fn blocked_since(&self) -> Option<(Obstacle, Timestamp)> {
        self.blocked
    }

    pub(super) fn waits_for_pause(&self) -> bool {
        let waiting = self.import.waiting();
        waiting.is_some_and(|waiting| waiting.obstacle == Obstacle::Paused)
    }

    pub(super) const fn id(&self) -> &ImportId {
        &self.document.id
    }

    /// The writes of its plan; none before it is planned.
    pub(super) fn writes(&self) -> &[Write] {
        self.import
            .plan()
            .map_or(&[], |plan: &Plan| plan.writes.as_slice())
    }

    /// The write at this place of its plan.
    pub(super) fn write(&self, place: usize) -> Option<&Write> {
        self.writes().get(place)
    }

    /// What was done for it before; `suspects` are [`import::Import::suspects`].
    pub(super) fn past<'a>(&'a self, suspects: &'a [Reserved]) -> Past<'a> {
        Past {
            done: self.import.done(),
            reservations: suspects,
        }
    }

    /// What may be in Sage of it.
    pub(super) fn suspects(&self) -> Vec<Reserved> {
        self.import.suspects()
    }

    /// What its writes that are in Sage became, by place in the plan.
    pub(super) fn earlier(&self) -> Identities {
        let done = self.import.done();
        let places = self.writes().iter().enumerate().filter_map(|(place, write)| {
            let done = done.iter().find(|done| done.name == write.identity_name())?;
            Some((u32::try_from(place).ok()?, done.identity.clone()))
        });
        places.collect()
    }

    /// Was the identity reserved for it before?
    pub(super) fn has_tried(&self, identity: &str) -> bool {
        self.import.reservations().iter().any(|r| r.identity == identity)
    }
}
