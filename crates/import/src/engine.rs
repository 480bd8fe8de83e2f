//! One import as a state machine: `(state, event, now) -> (state, commands)`.
//!
//! Every command is answered by one event. A state that is made from the journal's
//! [`Record`] after a crash goes on where the proof allows it: what was begun and not
//! ended is fenced and read back before anything else.

mod decide;
mod identities;
mod past;
mod words;

use jiff::Timestamp;
use model::{ImportState, Numbers, Problem};
use sage::{Condition, ServerProcess};

use crate::identity::numbers_of;
use crate::plan::{Plan, Planned, Write};
use crate::record::{Done, Outcome, Reserved, Source, Verdict, WriteStart};
use crate::writing::Entry;
use crate::{Obstacle, problems};

pub use words::{Command, Event, Heard, Inquiry, Moment, Proof, Stage, Waiting};

/// Identities reserved for one write before it is held: next numbers that are taken again
/// and again mean that somebody enters records beside Sage's own counter.
const MAX_RESERVATIONS: usize = 5;
/// Times that one write is begun before it is held.
const MAX_WRITES: u32 = 5;
/// Waits for a locked key before another one is taken: nobody edits a record that does
/// not exist yet, so it is a process left behind that has the lock.
const MAX_LOCKED: u32 = 5;
/// Read-backs that contradict themselves before a person is asked.
const MAX_UNCLEAR: u32 = 4;

/// An import on its way.
#[derive(Clone, Debug)]
pub struct Import {
    stage: Stage,
    waiting: Option<Waiting>,
    /// What it waited for last and how often in a row: the next wait is longer.
    waited: Option<(Obstacle, u32)>,
    plan: Option<Plan>,
    /// Place of the write under work in the plan.
    at: usize,
    done: Vec<Done>,
    reservations: Vec<Reserved>,
    /// A write that was begun before this process, and whose end is not known.
    begun: Option<WriteStart>,
    /// Reservations that are still to be read back, when more than one may hold the record.
    unread: Vec<Reserved>,
    server: Option<ServerProcess>,
    /// It is journaled that the write begins under the current reservation, and the hub has
    /// not said yet that it may.
    is_started: bool,
    writes: u32,
    unclear: u32,
    /// A header's write was begun at least once and might, for all we know, have stored
    /// something that we did not find.
    was_begun: bool,
    /// A person looked in Sage and found nothing of it: good for what was begun before.
    is_vouched_absent: bool,
    /// It was planned anew in this process, perhaps from an edited document: identities that
    /// were reserved before may be another document's, so to speak.
    is_replanned: bool,
    /// Identities of the write under work that turned out to be somebody else's, since it began.
    taken: usize,
    /// Of these, those that the hub has for another document of this company.
    taken_at_hub: usize,
    warnings: Vec<String>,
}

impl Import {
    /// The next state and what is to be done in it. An event that does not belong to the
    /// state changes nothing.
    #[must_use]
    pub fn step(mut self, event: Event, moment: &Moment) -> (Self, Vec<Command>) {
        if let Event::Blocked { obstacle, detail } = event {
            if matches!(self.stage, Stage::Announcing) && std::mem::take(&mut self.is_started) {
                // Nothing was entered: the beginning is taken back before the wait.
                self.stage = Stage::Ending {
                    foreign: false,
                    then_wait: Some((obstacle, detail)),
                };
                let commands = self.commands();
                return (self, commands);
            }
            return self.block(obstacle, detail, moment);
        }
        if matches!(event, Event::Due) {
            if self.waiting.take_if(|w| w.until <= moment.at).is_none() {
                return (self, Vec::new());
            }
            let commands = self.commands();
            return (self, commands);
        }
        let mut extra = Vec::new();
        match (self.stage.clone(), event) {
            (Stage::Journaled, Event::Planned(planned)) => self.planned(planned),
            (Stage::Filing { plan }, Event::PlanJournaled) => {
                self.warnings.extend(plan.warnings.iter().cloned());
                self.warnings.extend(self.orphans(&plan));
                self.plan = Some(plan);
                self.is_replanned = true;
                // How often it waited for the same before does not start anew with the plan.
                let waited = self.waited;
                self.begin_write();
                self.waited = waited;
            }
            (Stage::Opening, Event::SessionOpened(server)) => {
                self.server = server;
                self.stage = match self.current() {
                    // Known to the hub or not: it says whether this driver is still the
                    // writer, and whether the document was given up meanwhile.
                    Some(_) => Stage::Announcing,
                    None => match self.given_identity() {
                        Some(problem) if self.is_given_taken() => self.refused(vec![problem]),
                        Some(_) | None if self.taken >= MAX_RESERVATIONS => self.held(self.numbers_taken()),
                        Some(_) | None => Stage::Numbering,
                    },
                };
            }
            (Stage::Opening, Event::Frozen(reason)) => {
                self.stage = self.held(problems::restored_from_backup(&reason));
            }
            (Stage::Opening | Stage::Numbering, Event::WorkerLost { detail }) => {
                let (import, mut commands) = self.block(Obstacle::SageUnreachable, detail, moment);
                commands.insert(0, Command::KillWorker);
                return (import, commands);
            }
            (Stage::Numbering, Event::NoIdentity(problem)) => self.stage = self.refused(vec![problem]),
            (Stage::Numbering, Event::IdentityHeld(problem)) => self.stage = self.held(problem),
            (Stage::Numbering, Event::IdentityGiven { identity, highest }) => {
                match highest.filter(|highest| went_backwards(&identity, highest)) {
                    Some(highest) => {
                        let noun = self.noun();
                        let reason = format!(
                            "Sage gave out {identity} as the next {noun} number, though {noun} {highest} of ours was written before"
                        );
                        extra.push(Command::Freeze {
                            reason: reason.clone(),
                        });
                        self.stage = self.held(problems::restored_from_backup(&reason));
                    }
                    None => self.stage = Stage::Keeping { identity },
                }
            }
            (Stage::Keeping { identity }, Event::ReservationJournaled { at }) => {
                self.reservations.push(Reserved {
                    name: self.name().to_owned(),
                    identity,
                    at,
                    source: Source::Journal,
                    at_hub: false,
                    verdict: Verdict::Open,
                });
                self.is_started = true;
                self.stage = Stage::Announcing;
            }
            (Stage::Announcing, Event::ReservedAtHub) => {
                if let Some(reserved) = self.current_mut() {
                    reserved.at_hub = true;
                }
                if std::mem::take(&mut self.is_started) {
                    self.start_writing();
                } else {
                    self.stage = Stage::Starting;
                }
            }
            (Stage::Announcing, Event::IdentityTaken) => {
                self.taken_at_hub += 1;
                self.is_started = false;
                self.stage = Stage::Ending {
                    foreign: true,
                    then_wait: None,
                };
            }
            (Stage::Starting, Event::WriteStarted) => self.start_writing(),
            (Stage::Writing, Event::Entered(entry)) => self.entered(entry),
            (Stage::Fencing { mut inquiry }, Event::Fenced(is_gone)) => {
                if !is_gone && inquiry.proof == Proof::Fenced {
                    inquiry.proof = Proof::Open;
                }
                self.stage = Stage::Reading { inquiry };
            }
            (
                Stage::Reading { inquiry },
                Event::ReadBack {
                    finding,
                    keeps_history,
                },
            ) => {
                return self.found(inquiry, finding, keeps_history, moment);
            }
            (Stage::Ending { foreign, then_wait }, Event::WriteEnded) => {
                self.taken += usize::from(foreign);
                if foreign && let Some(reserved) = self.current_mut() {
                    reserved.verdict = Verdict::Foreign;
                }
                self.stage = Stage::Opening;
                if let Some((obstacle, detail)) = then_wait {
                    let detail = if detail.is_empty() {
                        format!("the {} was not written", self.noun())
                    } else {
                        detail
                    };
                    return self.block(obstacle, detail, moment);
                }
            }
            (Stage::Passing { done }, Event::DoneJournaled) => {
                self.done.push(done);
                self.at += 1;
                self.begin_write();
            }
            (Stage::Concluding { outcome }, Event::OutcomeJournaled) => {
                self.stage = Stage::Reporting { outcome };
            }
            (Stage::Reporting { outcome }, Event::Reported) => {
                self.stage = Stage::Settled { state: outcome.state };
            }
            _ => return (self, Vec::new()),
        }
        extra.extend(self.commands());
        (self, extra)
    }

    fn start_writing(&mut self) {
        // What begins now, nobody has looked for.
        self.is_vouched_absent = false;
        self.writes += 1;
        self.stage = Stage::Writing;
    }

    fn planned(&mut self, planned: Planned) {
        self.stage = match planned {
            Planned::Ready(plan) => Stage::Filing { plan },
            Planned::Nothing { numbers, warnings } => {
                self.warnings = warnings;
                self.conclude(ImportState::Written, numbers, Vec::new())
            }
            Planned::Refused(problems) | Planned::Held(problems) if self.may_be_in_sage().is_some() => {
                self.plan_lost(problems)
            }
            Planned::Refused(problems) => self.refused(problems),
            Planned::Held(problems) => self.conclude(ImportState::Held, Numbers::new(), problems),
        };
    }

    fn entered(&mut self, entry: Entry) {
        let Some(current) = self.current().cloned() else {
            return;
        };
        let inquiry = |proof, heard| Inquiry {
            name: current.name.clone(),
            identity: current.identity.clone(),
            since: current.at,
            proof,
            heard,
        };
        self.stage = match entry {
            Entry::Entered {
                totals,
                numbers,
                extension,
                warnings,
                lines: _,
            } => {
                self.was_begun = true;
                self.warnings.extend(warnings);
                let heard = Heard::Done {
                    totals,
                    numbers,
                    extension,
                };
                Stage::Reading {
                    inquiry: inquiry(Proof::NothingPending, heard),
                }
            }
            // Found before the header's write: nothing is stored.
            Entry::Held { problems, warnings } => {
                self.warnings.extend(warnings);
                self.conclude(ImportState::Held, Numbers::new(), problems)
            }
            Entry::Refused {
                problems,
                at_header_write: false,
                warnings,
            } => {
                self.warnings.extend(warnings);
                self.refused(problems)
            }
            Entry::Refused {
                problems,
                at_header_write: true,
                warnings,
            } => {
                self.was_begun = true;
                self.warnings.extend(warnings);
                Stage::Reading {
                    inquiry: inquiry(Proof::NothingPending, Heard::Refused(problems)),
                }
            }
            // Nothing was stored under it: it can be given up as if somebody else had it.
            Entry::Condition {
                condition: Condition::RecordLocked,
                at_header_write: false,
                ..
            } if self.waited.is_some_and(|(last, tries)| {
                last == Obstacle::Sage(Condition::RecordLocked) && tries >= MAX_LOCKED
            }) && self.is_renumbered() =>
            {
                self.waited = None;
                Stage::Ending {
                    foreign: true,
                    then_wait: None,
                }
            }
            Entry::Condition {
                condition,
                detail,
                at_header_write: false,
            } => Stage::Ending {
                foreign: false,
                then_wait: Some((Obstacle::Sage(condition), detail)),
            },
            Entry::Condition {
                condition,
                detail,
                at_header_write: true,
            } => {
                self.was_begun = true;
                Stage::Reading {
                    inquiry: inquiry(Proof::NothingPending, Heard::Condition(condition, detail)),
                }
            }
            Entry::HandedOver { problem } => Stage::Reading {
                inquiry: inquiry(Proof::NothingPending, Heard::HandedOver(problem)),
            },
            Entry::KeyTaken => Stage::Reading {
                inquiry: inquiry(Proof::NothingPending, Heard::KeyTaken),
            },
            // Without a header's write nothing can be committed, whatever still runs.
            Entry::Faulted { began: false, .. } => Stage::Fencing {
                inquiry: inquiry(Proof::NothingPending, Heard::Nothing),
            },
            Entry::Faulted { began: true, .. } => {
                self.was_begun = true;
                Stage::Fencing {
                    inquiry: inquiry(Proof::Fenced, Heard::Nothing),
                }
            }
        };
    }

    fn block(mut self, obstacle: Obstacle, detail: String, moment: &Moment) -> (Self, Vec<Command>) {
        let tries = match self.waited {
            Some((last, tries)) if last == obstacle => tries.saturating_add(1),
            Some(_) | None => 1,
        };
        self.waited = Some((obstacle, tries));
        let wait = obstacle.wait(tries, moment.random);
        let until = moment.at.checked_add(wait).unwrap_or(Timestamp::MAX);
        self.waiting = Some(Waiting {
            obstacle,
            detail,
            tries,
            until,
        });
        self.stage = match self.stage {
            // One receipt has one file: handing it over again does no harm.
            Stage::Writing if self.is_filed() => Stage::Opening,
            // A write is never just repeated.
            Stage::Writing => match self.current() {
                Some(current) => Stage::Fencing {
                    inquiry: Inquiry {
                        name: current.name.clone(),
                        identity: current.identity.clone(),
                        since: current.at,
                        proof: Proof::Fenced,
                        heard: Heard::Nothing,
                    },
                },
                None => Stage::Opening,
            },
            // A session is not kept over a wait, and a number that is not journaled is lost.
            Stage::Numbering | Stage::Keeping { .. } | Stage::Announcing | Stage::Starting => Stage::Opening,
            stage @ (Stage::Journaled
            | Stage::Filing { .. }
            | Stage::Opening
            | Stage::Fencing { .. }
            | Stage::Reading { .. }
            | Stage::Ending { .. }
            | Stage::Passing { .. }
            | Stage::Concluding { .. }
            | Stage::Reporting { .. }
            | Stage::Settled { .. }) => stage,
        };
        let commands = if matches!(self.stage, Stage::Reporting { .. } | Stage::Settled { .. }) {
            Vec::new()
        } else {
            vec![Command::Announce {
                standing: self.standing(),
            }]
        };
        (self, commands)
    }

    /// Gives up a plan under which nothing is begun just now, since what it was made of may have
    /// moved; the command makes it anew. None where it has to stay: there is none, something is
    /// being entered or looked for, or a file is handed over.
    #[must_use]
    pub fn plan_again(&mut self) -> Option<Command> {
        if self.stage != Stage::Opening || self.is_filed() {
            return None;
        }
        let plan = self.plan.take()?;
        self.warnings.retain(|warning| !plan.warnings.contains(warning));
        self.at = 0;
        self.stage = Stage::Journaled;
        Some(Command::Plan)
    }

    /// What the stage asks for.
    fn commands(&self) -> Vec<Command> {
        let name = || self.name().to_owned();
        let identity = || self.current().map(|r| r.identity.clone()).unwrap_or_default();
        match &self.stage {
            Stage::Journaled => vec![Command::Plan],
            Stage::Filing { plan } => vec![Command::JournalPlan { plan: plan.clone() }],
            Stage::Opening => vec![Command::OpenSession { write: self.at }],
            Stage::Numbering => vec![Command::NextIdentity { write: self.at }],
            Stage::Keeping { identity } => vec![Command::JournalReservation {
                name: name(),
                identity: identity.clone(),
                server: self.server,
            }],
            Stage::Announcing => self
                .current()
                .map(|r| Command::ReserveAtHub { reserved: r.clone() })
                .into_iter()
                .collect(),
            Stage::Starting => vec![Command::JournalWriteStarted {
                name: name(),
                identity: identity(),
                server: self.server,
            }],
            Stage::Writing => vec![Command::Enter {
                write: self.at,
                identity: identity(),
            }],
            Stage::Fencing { .. } => vec![Command::KillWorker, Command::Fence { server: self.server }],
            Stage::Reading { inquiry } => vec![Command::ReadBack {
                write: self.at,
                inquiry: inquiry.clone(),
            }],
            Stage::Ending { foreign, .. } => {
                vec![Command::JournalWriteEnded {
                    name: name(),
                    identity: identity(),
                    foreign: *foreign,
                }]
            }
            Stage::Passing { done } => vec![Command::JournalDone { done: done.clone() }],
            Stage::Concluding { outcome } => vec![Command::JournalOutcome {
                outcome: outcome.clone(),
            }],
            Stage::Reporting { outcome } => vec![Command::Report {
                outcome: outcome.clone(),
            }],
            Stage::Settled { .. } => Vec::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        &self.stage
    }

    /// When there is something to do without an event from outside; none when it is settled.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Settled { .. } => None,
            Stage::Journaled
            | Stage::Filing { .. }
            | Stage::Opening
            | Stage::Numbering
            | Stage::Keeping { .. }
            | Stage::Announcing
            | Stage::Starting
            | Stage::Writing
            | Stage::Fencing { .. }
            | Stage::Reading { .. }
            | Stage::Ending { .. }
            | Stage::Passing { .. }
            | Stage::Concluding { .. }
            | Stage::Reporting { .. } => Some(self.waiting.as_ref().map_or(Timestamp::MIN, |w| w.until)),
        }
    }

    /// What it waits for, if it waits.
    #[must_use]
    pub const fn waiting(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    /// Where it stands, as the hub is told.
    #[must_use]
    pub fn standing(&self) -> Outcome {
        let state = match &self.stage {
            Stage::Journaled
            | Stage::Filing { .. }
            | Stage::Opening
            | Stage::Numbering
            | Stage::Keeping { .. }
            | Stage::Announcing
            | Stage::Starting
                if self.waiting().is_some() =>
            {
                ImportState::Waiting
            }
            Stage::Journaled | Stage::Filing { .. } => ImportState::Received,
            Stage::Opening
            | Stage::Numbering
            | Stage::Keeping { .. }
            | Stage::Announcing
            | Stage::Starting => ImportState::Validated,
            Stage::Writing
            | Stage::Fencing { .. }
            | Stage::Reading { .. }
            | Stage::Ending { .. }
            | Stage::Passing { .. } => ImportState::Writing,
            // Its end is told when it is journaled, and not before.
            Stage::Concluding { .. } if self.current().is_some() || !self.done.is_empty() => {
                ImportState::Writing
            }
            Stage::Concluding { .. } => ImportState::Waiting,
            Stage::Reporting { outcome } => outcome.state,
            Stage::Settled { state } => *state,
        };
        let mut standing = Outcome::of_state(state);
        standing.numbers = self.numbers();
        standing.warnings.clone_from(&self.warnings);
        standing
            .problems
            .extend(self.waiting().map(|w| w.obstacle.problem(&w.detail)));
        standing
    }

    /// The identity under which a write is journaled as begun that nobody has entered yet: the
    /// hub has not said that it may.
    #[must_use]
    pub fn begun_only(&self) -> Option<&Reserved> {
        self.current().filter(|_| self.is_started)
    }

    /// The process in which its write begins, as it is journaled.
    #[must_use]
    pub const fn server(&self) -> Option<ServerProcess> {
        self.server
    }

    /// What it becomes, once it is planned.
    #[must_use]
    pub const fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Writes that are in Sage.
    #[must_use]
    pub fn done(&self) -> &[Done] {
        &self.done
    }

    /// Identities that the document may have been written under.
    #[must_use]
    pub fn reservations(&self) -> &[Reserved] {
        &self.reservations
    }

    /// Is its write under work handed over as a file?
    #[must_use]
    pub fn is_filed(&self) -> bool {
        self.write().is_some_and(Write::is_filed)
    }

    /// The plan's write under work.
    fn write(&self) -> Option<&Write> {
        self.plan.as_ref()?.writes.get(self.at)
    }

    fn name(&self) -> &'static str {
        self.write().map_or("", Write::identity_name)
    }

    fn noun(&self) -> &'static str {
        self.write().map_or("document", Write::noun)
    }

    fn current(&self) -> Option<&Reserved> {
        let name = self.name();
        self.reservations
            .iter()
            .rfind(|r| r.name == name)
            .filter(|r| r.verdict == Verdict::Open)
    }

    fn current_mut(&mut self) -> Option<&mut Reserved> {
        let name = self.name();
        self.reservations
            .iter_mut()
            .rfind(|r| r.name == name)
            .filter(|r| r.verdict == Verdict::Open)
    }

    /// What is known by number: everything that is in Sage, and what is being written.
    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::new();
        for done in &self.done {
            numbers.extend(done.numbers.clone());
        }
        if let Some(current) = self.current() {
            numbers.extend(numbers_of(&current.name, &current.identity));
        }
        numbers
    }

    fn refused(&self, problems: Vec<Problem>) -> Stage {
        self.conclude(ImportState::Refused, Numbers::new(), problems)
    }

    fn held(&self, problem: Problem) -> Stage {
        self.conclude(ImportState::Held, Numbers::new(), vec![problem])
    }

    /// With the numbers and totals of the writes that are in Sage, whatever became of the rest.
    fn conclude(&self, state: ImportState, numbers: Numbers, problems: Vec<Problem>) -> Stage {
        let mut outcome = Outcome::of_state(state);
        for done in &self.done {
            outcome.numbers.extend(done.numbers.clone());
            outcome.totals.extend(done.totals.clone());
        }
        outcome.numbers.extend(numbers);
        outcome.warnings.clone_from(&self.warnings);
        outcome.problems = problems;
        Stage::Concluding {
            outcome: outcome.bounded(),
        }
    }
}

/// Only numbers of digits can be compared; a site that uses others has no such alarm.
fn went_backwards(given: &str, highest: &str) -> bool {
    match (given.parse::<u64>(), highest.parse::<u64>()) {
        (Ok(given), Ok(highest)) => given <= highest,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

#[cfg(test)]
mod tests;
