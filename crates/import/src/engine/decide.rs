//! What follows from what was found in the ERP: the heart of "never in two".

use model::{ImportState, Totals};
use values::Decimal;

use super::{Command, Heard, Import, Inquiry, MAX_UNCLEAR, MAX_WRITES, Moment, Proof, Stage};
use crate::read_back::Finding;
use crate::{Obstacle, Outcome, problems};

impl Import {
    pub(super) fn found(
        mut self,
        inquiry: Inquiry,
        finding: Finding,
        keeps_history: bool,
        moment: &Moment,
    ) -> (Self, Vec<Command>) {
        let number = inquiry.number.clone();
        self.stage = match finding {
            Finding::Ours { totals, notes } => self.written(&inquiry, totals, notes),
            Finding::Partial { what } => {
                return self.again_or_doubt(inquiry, "partial", &what, moment);
            }
            Finding::Unclear { why } => {
                return self.again_or_doubt(inquiry, "unclear", &why, moment);
            }
            Finding::Foreign { .. } | Finding::Absent if !self.unread.is_empty() => {
                let next = self.unread.pop();
                match next {
                    Some(next) => Stage::Reading {
                        inquiry: Inquiry {
                            number: next.number,
                            since: next.at,
                            ..inquiry
                        },
                    },
                    None => Stage::Reading { inquiry },
                }
            }
            Finding::Foreign { whose } => match (&inquiry.heard, inquiry.proof) {
                (Heard::Done { .. }, _) => self.in_doubt(
                    "foreign_after_write",
                    &number,
                    &format!("Sage said that it was written, but the order there is {whose}"),
                ),
                (_, Proof::Open) => self.conclude_doubt(&number, problems::fence_unknown(&number)),
                // A refusal may have been about the number: under another one it comes again, or not.
                (
                    Heard::Nothing | Heard::Refused(_) | Heard::Condition(_) | Heard::KeyTaken,
                    Proof::NothingPending | Proof::Fenced,
                ) => Stage::Ending {
                    foreign: true,
                    then_wait: None,
                },
            },
            Finding::Absent => match inquiry.heard.clone() {
                Heard::Done { .. } => return self.missing(inquiry, keeps_history, moment),
                Heard::KeyTaken if self.was_begun => {
                    let why = "Sage loads another record under the number, but none is found";
                    return self.again_or_doubt(inquiry, "unclear", why, moment);
                }
                Heard::KeyTaken => Stage::Ending {
                    foreign: true,
                    then_wait: None,
                },
                Heard::Refused(problem) => self.refused(vec![problem]),
                Heard::Condition(condition) => self.retry(Some(Obstacle::Sage(condition))),
                Heard::Nothing => self.absent_without_answer(&inquiry, keeps_history),
            },
        };
        let commands = self.commands();
        (self, commands)
    }

    fn absent_without_answer(&self, inquiry: &Inquiry, keeps_history: bool) -> Stage {
        let number = &inquiry.number;
        match inquiry.proof {
            Proof::Open => self.conclude_doubt(number, problems::fence_unknown(number)),
            Proof::Fenced if !keeps_history => {
                self.conclude_doubt(number, problems::history_not_kept(number))
            }
            // Proven: it may be written again, under the same number.
            Proof::Fenced | Proof::NothingPending => {
                self.retry((self.writes > 0).then_some(Obstacle::WriteFailed))
            }
        }
    }

    fn retry(&self, then_wait: Option<Obstacle>) -> Stage {
        if self.writes >= MAX_WRITES && then_wait == Some(Obstacle::WriteFailed) {
            return self.held(problems::write_keeps_failing(self.writes));
        }
        Stage::Ending {
            foreign: false,
            then_wait,
        }
    }

    fn written(&mut self, inquiry: &Inquiry, found: Totals, notes: Vec<String>) -> Stage {
        let totals = match &inquiry.heard {
            Heard::Done { totals, .. } if !totals.is_empty() => totals.clone(),
            Heard::Done { .. }
            | Heard::Nothing
            | Heard::Refused(_)
            | Heard::Condition(_)
            | Heard::KeyTaken => found,
        };
        self.warnings.extend(notes);
        let outcome = self.outcome(ImportState::Written, Some(inquiry.number.clone()), Vec::new());
        Stage::Concluding {
            outcome: Outcome { totals, ..outcome }.bounded(),
        }
    }

    /// The ERP is read again a few times: one read may fall between two of Sage's own
    /// steps (a header without its lines yet, an order on its way into history).
    fn again_or_doubt(
        mut self,
        inquiry: Inquiry,
        code: &str,
        why: &str,
        moment: &Moment,
    ) -> (Self, Vec<Command>) {
        self.unclear += 1;
        if self.unclear < MAX_UNCLEAR {
            self.stage = Stage::Reading { inquiry };
            return self.block(Obstacle::ReadBackUnclear, why.to_owned(), moment);
        }
        self.stage = self.in_doubt(code, &inquiry.number, why);
        let commands = self.commands();
        (self, commands)
    }

    /// Sage said that it was written, and it is nowhere. Where history is kept, an order does
    /// not go without a trace: the company's files may be older than that answer.
    fn missing(self, inquiry: Inquiry, keeps_history: bool, moment: &Moment) -> (Self, Vec<Command>) {
        let reason = format!(
            "Sage said that sales order {} was written, and it is found nowhere: was Sage restored from a backup?",
            inquiry.number
        );
        let why = "Sage said that it was written, but it is found nowhere";
        let (import, mut commands) = self.again_or_doubt(inquiry, "missing_after_write", why, moment);
        if keeps_history && matches!(import.stage, Stage::Concluding { .. }) {
            commands.insert(0, Command::Freeze { reason });
        }
        (import, commands)
    }

    fn in_doubt(&self, code: &str, number: &str, why: &str) -> Stage {
        self.conclude_doubt(number, problems::in_doubt(code, number, why))
    }

    fn conclude_doubt(&self, number: &str, problem: model::Problem) -> Stage {
        self.conclude(ImportState::InDoubt, Some(number.to_owned()), vec![problem])
    }
}

impl Inquiry {
    /// Sum of the lines as they were entered, when Sage told.
    #[must_use]
    pub const fn extension(&self) -> Option<Decimal> {
        match &self.heard {
            Heard::Done { extension, .. } => *extension,
            Heard::Nothing | Heard::Refused(_) | Heard::Condition(_) | Heard::KeyTaken => None,
        }
    }

    /// Did Sage say that the order is written?
    #[must_use]
    pub const fn is_said_written(&self) -> bool {
        matches!(self.heard, Heard::Done { .. })
    }
}
