//! An import under work.

use std::collections::VecDeque;
use std::time::Instant;

use import::plan::{Identities, Plan, Write};
use import::{Command, Document, Event, Import, Moment, Obstacle, Record, Reserved, Stage, Waiting};
use jiff::Timestamp;
use values::ImportId;

use super::lanes::Lane;

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
    /// What it has to itself while it is on its way.
    pub(super) lane: Lane,
    /// It is on its way: not waiting, and its end not journaled.
    pub(super) is_under_way: bool,
    /// What it waits for an answer to.
    pub(super) asked: Option<Asked>,
}

/// Something that was asked and is not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Names the answer.
    pub(super) ticket: u64,
    pub(super) what: Asking,
    pub(super) at: Instant,
}

/// What is asked beside the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// The hub, to note that it is journaled.
    Accept,
    /// The hub, for its identity.
    Reserve,
    /// The hub, to note its end.
    Report,
    /// The hub, to note where it stands.
    Announce,
    /// The tables, for its plan.
    Plan,
    /// The tables, for what was entered.
    Look,
}

pub(super) fn current_of(record: &Record, is_acknowledged: bool, lane: Lane) -> Current {
    let (import, commands) = Import::resume(record);
    Current {
        document: record.document.clone(),
        import,
        commands: commands.into(),
        blocked: None,
        is_acknowledged,
        lane,
        is_under_way: false,
        asked: None,
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

    /// Is Sage's session set up for it?
    pub(super) const fn is_in_session(&self) -> bool {
        matches!(
            self.import.stage(),
            Stage::Numbering | Stage::Keeping { .. } | Stage::Announcing | Stage::Starting | Stage::Writing
        )
    }

    /// Is its end journaled?
    pub(super) const fn has_ended(&self) -> bool {
        matches!(
            self.import.stage(),
            Stage::Reporting { .. } | Stage::Settled { .. }
        )
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

    /// What was reserved for it last.
    pub(super) fn reserved(&self) -> Option<&Reserved> {
        self.import.reservations().last()
    }

    /// Was the identity reserved for it before?
    pub(super) fn has_tried(&self, identity: &str) -> bool {
        self.import.reservations().iter().any(|r| r.identity == identity)
    }
}
