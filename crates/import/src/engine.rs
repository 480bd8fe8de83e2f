//! One import as a state machine: `(state, event, now) -> (state, commands)`.
//!
//! Every command is answered by one event. A state that is made from the journal's
//! [`Record`] after a crash goes on where the proof allows it: what was begun and not
//! ended is fenced and read back before anything else.

mod decide;
mod words;

use jiff::Timestamp;
use model::{ImportState, Problem};
use sage::{Condition, ServerProcess};

use crate::record::{Outcome, Record, Reserved, Source, Verdict};
use crate::sales_order::Entry;
use crate::{Obstacle, problems};

pub use words::{Command, Event, Heard, Inquiry, Moment, Proof, Stage, Waiting};

/// Numbers reserved for one import before it is held: next numbers that are taken again
/// and again mean that somebody enters orders beside Sage's own counter.
const MAX_RESERVATIONS: usize = 5;
/// Writes begun for one import before it is held.
const MAX_WRITES: u32 = 5;
/// Waits for a locked number before another one is taken: nobody edits an order that does
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
    reservations: Vec<Reserved>,
    /// Reservations that are still to be read back, when more than one may hold the order.
    unread: Vec<Reserved>,
    server: Option<ServerProcess>,
    writes: u32,
    unclear: u32,
    /// A header's write was begun at least once and might, for all we know, have stored
    /// something that we did not find.
    was_begun: bool,
    warnings: Vec<String>,
}

impl Import {
    /// The import as the journal knows it, after a start or when it has just arrived.
    #[must_use]
    pub fn resume(record: &Record) -> (Self, Vec<Command>) {
        let mut import = Self {
            stage: Stage::Journaled,
            waiting: None,
            waited: None,
            reservations: record.reservations.clone(),
            unread: Vec::new(),
            server: None,
            writes: 0,
            unclear: 0,
            was_begun: false,
            warnings: Vec::new(),
        };
        if let Some(outcome) = &record.outcome {
            import.stage = if record.reported {
                Stage::Settled { state: outcome.state }
            } else {
                Stage::Reporting {
                    outcome: outcome.clone(),
                }
            };
        } else {
            import.ask_after_the_past(record);
        }
        let commands = import.commands();
        (import, commands)
    }

    fn ask_after_the_past(&mut self, record: &Record) {
        let mut open: Vec<Reserved> = self
            .reservations
            .iter()
            .filter(|r| r.verdict == Verdict::Open)
            .cloned()
            .collect();
        let is_known = open.iter().all(|r| r.source == Source::Journal);
        // Oldest first; the last of a list is taken first.
        open.reverse();
        let Some(first) = open.pop() else { return };
        let inquiry = |proof| Inquiry {
            number: first.number.clone(),
            since: first.at,
            proof,
            heard: Heard::Nothing,
        };
        self.was_begun = record.write.is_some() || !is_known;
        self.stage = match &record.write {
            Some(write) if is_known && write.number == first.number => {
                self.server = write.server;
                Stage::Fencing {
                    inquiry: inquiry(Proof::Fenced),
                }
            }
            Some(_) => Stage::Reading {
                inquiry: inquiry(Proof::Open),
            },
            None if is_known => Stage::Reading {
                inquiry: inquiry(Proof::NothingPending),
            },
            None => Stage::Reading {
                inquiry: inquiry(Proof::Open),
            },
        };
        self.unread = open;
    }

    /// The next state and what is to be done in it. An event that does not belong to the
    /// state changes nothing.
    #[must_use]
    pub fn step(mut self, event: Event, moment: &Moment) -> (Self, Vec<Command>) {
        if let Event::Blocked { obstacle, detail } = event {
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
            (Stage::Journaled, Event::Validated(problems)) => {
                self.stage = if problems.is_empty() {
                    Stage::Opening
                } else {
                    self.refused(problems)
                };
            }
            (Stage::Opening, Event::SessionOpened(server)) => {
                self.server = server;
                self.stage = match self.current() {
                    Some(reserved) if reserved.at_hub => Stage::Starting,
                    Some(_) => Stage::Announcing,
                    None if self.reservations.len() >= MAX_RESERVATIONS => {
                        self.held(problems::numbers_taken(self.reservations.len()))
                    }
                    None => Stage::Numbering,
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
            (Stage::Numbering, Event::NumberGiven { number, highest }) => {
                match highest.filter(|highest| went_backwards(&number, highest)) {
                    Some(highest) => {
                        let reason = format!(
                            "Sage gave out {number} as the next sales order number, though order {highest} of ours was written before"
                        );
                        extra.push(Command::Freeze {
                            reason: reason.clone(),
                        });
                        self.stage = self.held(problems::restored_from_backup(&reason));
                    }
                    None => self.stage = Stage::Keeping { number },
                }
            }
            (Stage::Keeping { number }, Event::ReservationJournaled { at }) => {
                self.reservations.push(Reserved {
                    number,
                    at,
                    source: Source::Journal,
                    at_hub: false,
                    verdict: Verdict::Open,
                });
                self.stage = Stage::Announcing;
            }
            (Stage::Announcing, Event::ReservedAtHub) => {
                if let Some(reserved) = self.current_mut() {
                    reserved.at_hub = true;
                }
                self.stage = Stage::Starting;
            }
            (Stage::Announcing, Event::IdentityTaken) => {
                self.stage = Stage::Ending {
                    foreign: true,
                    then_wait: None,
                };
            }
            (Stage::Starting, Event::WriteStarted) => {
                self.writes += 1;
                self.stage = Stage::Writing;
            }
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
                if foreign && let Some(reserved) = self.current_mut() {
                    reserved.verdict = Verdict::Foreign;
                }
                self.stage = Stage::Opening;
                if let Some(obstacle) = then_wait {
                    return self.block(obstacle, String::from("the order was not written"), moment);
                }
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

    fn entered(&mut self, entry: Entry) {
        let Some(current) = self.current().cloned() else {
            return;
        };
        let inquiry = |proof, heard| Inquiry {
            number: current.number.clone(),
            since: current.at,
            proof,
            heard,
        };
        self.stage = match entry {
            Entry::Entered {
                totals,
                extension,
                warnings,
            } => {
                self.was_begun = true;
                self.warnings = warnings;
                let heard = Heard::Done { totals, extension };
                Stage::Reading {
                    inquiry: inquiry(Proof::NothingPending, heard),
                }
            }
            Entry::Refused {
                problem,
                at_header_write: false,
                warnings,
            } => {
                self.warnings = warnings;
                self.refused(vec![problem])
            }
            Entry::Refused {
                problem,
                at_header_write: true,
                warnings,
            } => {
                self.was_begun = true;
                self.warnings = warnings;
                Stage::Reading {
                    inquiry: inquiry(Proof::NothingPending, Heard::Refused(problem)),
                }
            }
            // Nothing was stored under the number: it can be given up as if somebody else had it.
            Entry::Condition {
                condition: Condition::RecordLocked,
                at_header_write: false,
            } if self.waited.is_some_and(|(last, tries)| {
                last == Obstacle::Sage(Condition::RecordLocked) && tries >= MAX_LOCKED
            }) =>
            {
                self.waited = None;
                Stage::Ending {
                    foreign: true,
                    then_wait: None,
                }
            }
            Entry::Condition {
                condition,
                at_header_write: false,
            } => Stage::Ending {
                foreign: false,
                then_wait: Some(Obstacle::Sage(condition)),
            },
            Entry::Condition {
                condition,
                at_header_write: true,
            } => {
                self.was_begun = true;
                Stage::Reading {
                    inquiry: inquiry(Proof::NothingPending, Heard::Condition(condition)),
                }
            }
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
            // A write is never just repeated.
            Stage::Writing => match self.current() {
                Some(current) => Stage::Fencing {
                    inquiry: Inquiry {
                        number: current.number.clone(),
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
            | Stage::Opening
            | Stage::Fencing { .. }
            | Stage::Reading { .. }
            | Stage::Ending { .. }
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

    /// What the stage asks for.
    fn commands(&self) -> Vec<Command> {
        let number = || self.current().map(|r| r.number.clone()).unwrap_or_default();
        match &self.stage {
            Stage::Journaled => vec![Command::Validate],
            Stage::Opening => vec![Command::OpenSession],
            Stage::Numbering => vec![Command::NextNumber],
            Stage::Keeping { number } => vec![Command::JournalReservation {
                number: number.clone(),
            }],
            Stage::Announcing => self
                .current()
                .map(|r| Command::ReserveAtHub { reserved: r.clone() })
                .into_iter()
                .collect(),
            Stage::Starting => vec![Command::JournalWriteStarted {
                number: number(),
                server: self.server,
            }],
            Stage::Writing => vec![Command::EnterOrder { number: number() }],
            Stage::Fencing { .. } => vec![Command::KillWorker, Command::Fence { server: self.server }],
            Stage::Reading { inquiry } => vec![Command::ReadBack {
                inquiry: inquiry.clone(),
            }],
            Stage::Ending { foreign, .. } => {
                vec![Command::JournalWriteEnded {
                    number: number(),
                    foreign: *foreign,
                }]
            }
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
            | Stage::Opening
            | Stage::Numbering
            | Stage::Keeping { .. }
            | Stage::Announcing
            | Stage::Starting
            | Stage::Writing
            | Stage::Fencing { .. }
            | Stage::Reading { .. }
            | Stage::Ending { .. }
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
            | Stage::Opening
            | Stage::Numbering
            | Stage::Keeping { .. }
            | Stage::Announcing
            | Stage::Starting
                if self.waiting().is_some() =>
            {
                ImportState::Waiting
            }
            Stage::Journaled => ImportState::Received,
            Stage::Opening
            | Stage::Numbering
            | Stage::Keeping { .. }
            | Stage::Announcing
            | Stage::Starting => ImportState::Validated,
            Stage::Writing | Stage::Fencing { .. } | Stage::Reading { .. } | Stage::Ending { .. } => {
                ImportState::Writing
            }
            Stage::Concluding { outcome } | Stage::Reporting { outcome } => outcome.state,
            Stage::Settled { state } => *state,
        };
        let mut standing = Outcome::of_state(state);
        standing.sales_order_no = self.current().map(|r| r.number.clone());
        standing.warnings.clone_from(&self.warnings);
        standing
            .problems
            .extend(self.waiting().map(|w| w.obstacle.problem(&w.detail)));
        standing
    }

    fn current(&self) -> Option<&Reserved> {
        self.reservations.last().filter(|r| r.verdict == Verdict::Open)
    }

    fn current_mut(&mut self) -> Option<&mut Reserved> {
        self.reservations
            .last_mut()
            .filter(|r| r.verdict == Verdict::Open)
    }

    fn refused(&self, problems: Vec<Problem>) -> Stage {
        self.conclude(ImportState::Refused, None, problems)
    }

    fn held(&self, problem: Problem) -> Stage {
        self.conclude(ImportState::Held, None, vec![problem])
    }

    fn conclude(&self, state: ImportState, number: Option<String>, problems: Vec<Problem>) -> Stage {
        Stage::Concluding {
            outcome: self.outcome(state, number, problems).bounded(),
        }
    }

    fn outcome(&self, state: ImportState, number: Option<String>, problems: Vec<Problem>) -> Outcome {
        let warnings = self.warnings.clone();
        Outcome {
            sales_order_no: number,
            warnings,
            problems,
            ..Outcome::of_state(state)
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
