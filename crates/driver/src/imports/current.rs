//! An import under work.

use std::collections::VecDeque;
use std::time::Duration;

use import::plan::{Identities, Plan, Write};
use import::{Command, Document, Event, Import, Moment, Obstacle, Record, Reserved, Stage, Waiting};
use jiff::Timestamp;
use values::{Decimal, ImportId};

use super::lanes::{Lane, changed_customer};

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
    /// The existing customer that it changes.
    pub(super) changes: Option<String>,
    /// It waits for so long that those behind it go on meanwhile.
    pub(super) is_aside: bool,
    /// It goes on after such a wait: its plan may be old.
    pub(super) was_aside: bool,
    /// What was read for the record that is about to be entered.
    pub(super) prepared: Option<Prepared>,
}

/// What a record needs of the ERP's tables, read before its identity is reserved: behind the
/// hub's word nothing waits any more.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// The record's.
    pub(super) identity: String,
    /// The document's mark, where the record's table has the column.
    pub(super) marker: Option<String>,
    /// What the other receipts of its deposit come to, where that can be told.
    pub(super) deposited: Option<Decimal>,
}

/// Something that was asked and is not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Names the answer.
    pub(super) ticket: u64,
    pub(super) what: Asking,
    /// By the clock that never goes back.
    pub(super) at: Duration,
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
    /// The journal, to keep its end.
    Settle,
    /// A file's import, which may take minutes.
    HandOver,
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
        changes: changed_customer(&record.document),
        is_aside: false,
        was_aside: false,
        prepared: None,
    }
}

impl Current {
    pub(super) fn step(&mut self, event: Event, moment: &Moment) {
        let (import, commands) = self.import.clone().step(event, moment);
        self.import = import;
        self.commands = commands.into();
    }

    /// Keeps since when it runs into the same thing, over all tries, and sees whether those
    /// behind it are to wait as long.
    pub(super) fn note_obstacle(&mut self, at: Timestamp) {
        let Some(waiting) = self.import.waiting() else {
            return;
        };
        let since = match self.blocked {
            Some((before, since)) if before == waiting.obstacle => since,
            Some(_) | None => at,
        };
        self.blocked = Some((waiting.obstacle, since));
        let patience = waiting.obstacle.patience();
        self.is_aside = patience.is_some_and(|patience| waiting.until.duration_since(since) >= patience);
        self.prepared = None;
    }

    /// Do those behind it of the same lane wait for it?
    pub(super) const fn keeps_lane(&self) -> bool {
        !self.is_aside && !self.has_ended()
    }

    /// Has it a plan that holds? What it was made of must not move.
    pub(super) const fn has_standing_plan(&self) -> bool {
        self.keeps_lane() && self.import.plan().is_some()
    }

    /// Is it with a person who imports its file?
    pub(super) fn waits_for_import_file(&self) -> bool {
        let waiting = self.import.waiting();
        waiting.is_some_and(|waiting| waiting.obstacle == Obstacle::ImportFile)
    }

    /// Was its write begun, so that only its end is still to be found, journaled and told?
    pub(super) const fn is_ending(&self) -> bool {
        matches!(
            self.import.stage(),
            Stage::Fencing { .. }
                | Stage::Reading { .. }
                | Stage::Ending { .. }
                | Stage::Passing { .. }
                | Stage::Concluding { .. }
        )
    }

    /// Is what is journaled for it as begun still to be ended?
    pub(super) const fn is_closing(&self) -> bool {
        let has_begun = !matches!(self.import.stage(), Stage::Fencing { .. }) && self.is_ending();
        (has_begun || matches!(self.import.stage(), Stage::Reporting { .. }))
            && self.import.waiting().is_none()
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
    pub(super) fn is_in_session(&self) -> bool {
        self.is_being_entered() && !self.import.is_filed()
    }

    /// Is it the one whose file is handed over? That needs no session.
    pub(super) fn is_filing(&self) -> bool {
        self.is_being_entered() && self.import.is_filed()
    }

    const fn is_being_entered(&self) -> bool {
        matches!(
            self.import.stage(),
            Stage::Numbering | Stage::Keeping { .. } | Stage::Announcing | Stage::Starting | Stage::Writing
        )
    }

    /// Is its file handed over just now, beside everything else?
    pub(super) fn is_handed_over(&self) -> bool {
        self.asked.is_some_and(|asked| asked.what == Asking::HandOver)
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
