//! What was begun and not ended before this process: it is looked for before anything else.

use model::{Decision, ImportState, Numbers, Problem};

use super::{Command, Heard, Import, Inquiry, Proof, Stage};
use crate::identity::numbers_of;
use crate::plan::Plan;
use crate::problems;
use crate::record::{Record, Reserved, Source, Verdict, WriteStart};

impl Import {
    /// The import as the journal knows it, after a start or when it has just arrived.
    #[must_use]
    pub fn resume(record: &Record) -> (Self, Vec<Command>) {
        let accept = &record.document.decision.accept;
        let mut import = Self {
            stage: Stage::Journaled,
            waiting: None,
            waited: None,
            plan: record.plan.clone(),
            at: 0,
            done: record.done.clone(),
            reservations: record.reservations.clone(),
            begun: record.write.clone(),
            unread: Vec::new(),
            server: None,
            is_started: false,
            writes: 0,
            unclear: 0,
            was_begun: false,
            is_vouched_absent: accept.iter().any(|code| code == Decision::IN_DOUBT),
            is_replanned: false,
            taken: 0,
            taken_at_hub: 0,
            warnings: record
                .plan
                .iter()
                .flat_map(|plan| plan.warnings.clone())
                .collect(),
        };
        if let Some(outcome) = &record.outcome {
            import.stage = if record.reported {
                Stage::Settled { state: outcome.state }
            } else {
                Stage::Reporting {
                    outcome: outcome.clone(),
                }
            };
        } else if import.plan.is_some() {
            import.begin_write();
        }
        let commands = import.commands();
        (import, commands)
    }

    /// Goes to the plan's first write that is not in Sage. What may be there of it is looked
    /// for before it is written.
    pub(super) fn begin_write(&mut self) {
        while self
            .write()
            .is_some_and(|write| self.done.iter().any(|done| done.name == write.identity_name()))
        {
            self.at += 1;
        }
        (self.writes, self.unclear, self.was_begun) = (0, 0, false);
        (self.taken, self.taken_at_hub) = (0, 0);
        (self.waited, self.server, self.is_started) = (None, None, false);
        if self.write().is_none() {
            // The last write was journaled, and the end was not.
            self.stage = self.conclude(ImportState::Written, Numbers::new(), Vec::new());
            return;
        }
        self.stage = Stage::Opening;
        self.ask_after_the_past();
    }

    fn ask_after_the_past(&mut self) {
        let name = self.name();
        let mut open: Vec<Reserved> = self
            .reservations
            .iter()
            .filter(|r| r.name == name && r.verdict == Verdict::Open)
            .cloned()
            .collect();
        let begun = self.begun.take_if(|begun| begun.name == name);
        let is_known = open.iter().all(|r| r.source == Source::Journal);
        // Oldest first; the last of a list is taken first.
        open.reverse();
        let Some(first) = open.pop() else { return };
        let inquiry = |proof| Inquiry {
            name: first.name.clone(),
            identity: first.identity.clone(),
            since: first.at,
            proof,
            heard: Heard::Nothing,
        };
        self.was_begun = begun.is_some() || !is_known;
        self.unread = open;
        if self.is_filed() {
            // A receipt has one file ever: handing it over again does no harm.
            self.stage = Stage::Reading {
                inquiry: inquiry(Proof::NothingPending),
            };
            return;
        }
        self.stage = match &begun {
            Some(write) if is_known && write.identity == first.identity => {
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
    }

    /// Reservations under which a write may be in Sage: one was begun and its end is not
    /// known, or this journal did not see what was done under it.
    #[must_use]
    pub fn suspects(&self) -> Vec<Reserved> {
        let is_suspect = |r: &&Reserved| {
            let is_begun = |begun: &WriteStart| begun.name == r.name && begun.identity == r.identity;
            r.verdict == Verdict::Open
                && (r.source == Source::Hub || self.begun.as_ref().is_some_and(is_begun))
                && !self.done.iter().any(|done| done.name == r.name)
        };
        self.reservations.iter().filter(is_suspect).cloned().collect()
    }

    /// The first of them.
    pub(super) fn may_be_in_sage(&self) -> Option<Reserved> {
        self.suspects().into_iter().next()
    }

    /// Without a plan it cannot be looked for, and so it must not count as refused.
    pub(super) fn plan_lost(&self, mut problems: Vec<Problem>) -> Stage {
        let Some(reserved) = self.may_be_in_sage() else {
            return self.conclude(ImportState::Refused, Numbers::new(), problems);
        };
        problems.insert(0, problems::plan_lost(&reserved.identity));
        let numbers = numbers_of(&reserved.name, &reserved.identity);
        self.conclude(ImportState::InDoubt, numbers, problems)
    }

    /// What an earlier plan reserved and this one has no write for: nothing of ours will look
    /// for it any more.
    pub(super) fn orphans(&self, plan: &Plan) -> Vec<String> {
        let has_write = |name: &str| plan.writes.iter().any(|write| write.identity_name() == name);
        let is_done = |name: &str| self.done.iter().any(|done| done.name == name);
        self.reservations
            .iter()
            .filter(|r| r.verdict == Verdict::Open && !has_write(&r.name) && !is_done(&r.name))
            .map(|r| {
                let numbers: Vec<String> = numbers_of(&r.name, &r.identity)
                    .into_iter()
                    .map(|(name, number)| format!("{name} {number}"))
                    .collect();
                format!(
                    "left_in_sage: an earlier attempt may have left {} in Sage, which this one does not need",
                    numbers.join(", ")
                )
            })
            .collect()
    }
}
