//! What follows from what was found in the ERP: the heart of "never in two".

use model::{ImportState, Numbers, Totals};
use values::Decimal;

use super::{Command, Heard, Import, Inquiry, MAX_UNCLEAR, MAX_WRITES, Moment, Proof, Stage};
use crate::identity::{customer_identity, numbers_of};
use crate::plan::CustomerSource;
use crate::plan::Write;
use crate::read_back::Finding;
use crate::record::{Done, Reserved, Source};
use crate::{Obstacle, problems};

impl Import {
    pub(super) fn found(
        mut self,
        inquiry: Inquiry,
        finding: Finding,
        keeps_history: bool,
        moment: &Moment,
    ) -> (Self, Vec<Command>) {
        let identity = inquiry.identity.clone();
        let noun = self.noun();
        let finding = match finding {
            // A person deleted what was torn, and says that nothing of it is there.
            Finding::Removed { .. } if self.is_vouched_absent => Finding::Foreign {
                whose: String::from("deleted"),
            },
            Finding::Removed { was } => *was,
            // Another document's, or a person's.
            Finding::Partial { what: whose } | Finding::Unclear { why: whose }
                if self.was_never_used(&inquiry) =>
            {
                Finding::Foreign { whose }
            }
            found @ (Finding::Ours { .. }
            | Finding::Foreign { .. }
            | Finding::Absent
            | Finding::Partial { .. }
            | Finding::Unclear { .. }) => found,
        };
        self.stage = match finding {
            Finding::Removed { .. } => Stage::Reading { inquiry },
            Finding::Ours {
                totals,
                numbers,
                notes,
            } => self.written(&inquiry, totals, numbers, notes),
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
                            identity: next.identity,
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
                    &identity,
                    &format!("Sage said that it was written, but what stands there is {whose}"),
                ),
                (_, Proof::Open) if !self.is_vouched_absent => {
                    self.conclude_doubt(&identity, problems::fence_unknown(noun, &identity))
                }
                // A refusal may have been about the number: under another one it comes again, or not.
                (
                    Heard::Nothing
                    | Heard::Refused(_)
                    | Heard::Condition(..)
                    | Heard::HandedOver(_)
                    | Heard::KeyTaken,
                    Proof::NothingPending | Proof::Fenced | Proof::Open,
                ) => Stage::Ending {
                    foreign: true,
                    then_wait: None,
                },
            },
            Finding::Absent => match inquiry.heard.clone() {
                Heard::Done { .. } => return self.missing(inquiry, keeps_history, moment),
                // A receipt's batch or deposit takes nothing more, which says nothing of the receipt.
                Heard::KeyTaken if self.was_begun && !matches!(self.write(), Some(Write::Receipt(_))) => {
                    let why = "Sage loads another record under the key, but none is found";
                    return self.again_or_doubt(inquiry, "unclear", why, moment);
                }
                Heard::KeyTaken => Stage::Ending {
                    foreign: true,
                    then_wait: None,
                },
                // Somebody imports the file, sooner or later.
                Heard::HandedOver(problem) => {
                    // The wait is called by the first of its codes itself.
                    let detail = if problem.code == Obstacle::ImportFile.as_str() {
                        problem.message
                    } else {
                        format!("{}: {}", problem.code, problem.message)
                    };
                    self.stage = Stage::Reading { inquiry };
                    return self.block(Obstacle::ImportFile, detail, moment);
                }
                Heard::Refused(problems) => self.refused(problems),
                Heard::Condition(condition, detail) => self.retry(Some((Obstacle::Sage(condition), detail))),
                Heard::Nothing => self.absent_without_answer(&inquiry, keeps_history),
            },
        };
        let commands = self.commands();
        (self, commands)
    }

    /// No call was made under the identity: none is before it is reserved at the hub.
    fn was_never_used(&self, inquiry: &Inquiry) -> bool {
        let is_reserved_here = |r: &Reserved| {
            r.name == inquiry.name
                && r.identity == inquiry.identity
                && r.source == Source::Journal
                && !r.at_hub
        };
        matches!(
            (&inquiry.heard, inquiry.proof),
            (Heard::Nothing, Proof::NothingPending)
        ) && !self.was_begun
            && !self.is_filed()
            && self.reservations.iter().any(is_reserved_here)
    }

    fn absent_without_answer(&self, inquiry: &Inquiry, keeps_history: bool) -> Stage {
        let (noun, identity) = (self.noun(), &inquiry.identity);
        match inquiry.proof {
            // Written anew, and under another identity: the old one stays under suspicion.
            Proof::Open | Proof::Fenced if self.is_vouched_absent => Stage::Ending {
                foreign: true,
                then_wait: None,
            },
            Proof::Open => self.conclude_doubt(identity, problems::fence_unknown(noun, identity)),
            Proof::Fenced if !keeps_history => {
                let is_receipt = matches!(self.write(), Some(Write::Receipt(_)));
                self.conclude_doubt(identity, problems::history_not_kept(noun, identity, is_receipt))
            }
            // Proven absent, and no identity for what the document has become.
            Proof::Fenced | Proof::NothingPending if !self.suits(identity) => Stage::Ending {
                foreign: true,
                then_wait: None,
            },
            // Proven: it may be written again, under the same identity.
            Proof::Fenced | Proof::NothingPending => {
                self.retry((self.writes > 0).then_some((Obstacle::WriteFailed, String::new())))
            }
        }
    }

    fn retry(&self, then_wait: Option<(Obstacle, String)>) -> Stage {
        let has_failed = then_wait
            .as_ref()
            .is_some_and(|(obstacle, _)| *obstacle == Obstacle::WriteFailed);
        if self.writes >= MAX_WRITES && has_failed {
            return self.held(problems::write_keeps_failing(self.noun(), self.writes));
        }
        Stage::Ending {
            foreign: false,
            then_wait,
        }
    }

    fn written(&mut self, inquiry: &Inquiry, found: Totals, at: Numbers, notes: Vec<String>) -> Stage {
        let (totals, heard) = match &inquiry.heard {
            Heard::Done { totals, numbers, .. } => (totals.clone(), numbers.clone()),
            Heard::Nothing
            | Heard::Refused(_)
            | Heard::Condition(..)
            | Heard::HandedOver(_)
            | Heard::KeyTaken => (Totals::new(), Numbers::new()),
        };
        self.warnings.extend(notes);
        let mut numbers = self.customer_numbers();
        numbers.extend(numbers_of(&inquiry.name, &inquiry.identity));
        numbers.extend(heard);
        numbers.extend(at);
        let done = Done {
            name: inquiry.name.clone(),
            identity: inquiry.identity.clone(),
            numbers,
            totals: if totals.is_empty() { found } else { totals },
            made_from: match self.write() {
                Some(Write::SalesOrder(order)) => order.made_from.clone(),
                _ => String::new(),
            },
        };
        let is_last = self
            .plan
            .as_ref()
            .is_none_or(|plan| self.at + 1 >= plan.writes.len());
        if !is_last {
            return Stage::Passing { done };
        }
        self.done.push(done);
        self.conclude(ImportState::Written, Numbers::new(), Vec::new())
    }

    /// Whose order it is: a later write of the document goes to the same customer, whatever
    /// is found for the buyer by then.
    fn customer_numbers(&self) -> Numbers {
        let Some(Write::SalesOrder(order)) = self.write() else {
            return Numbers::new();
        };
        match &order.customer {
            CustomerSource::Known(customer) => numbers_of("customer_no", &customer_identity(customer)),
            CustomerSource::Write(_) => self
                .done
                .iter()
                .find(|done| done.name == "customer_no")
                .map(|done| numbers_of("customer_no", &done.identity))
                .unwrap_or_default(),
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
        self.stage = self.in_doubt(code, &inquiry.identity, why);
        let commands = self.commands();
        (self, commands)
    }

    /// Sage said that it was written, and it is nowhere. Where history is kept, a record does
    /// not go without a trace: the company's files may be older than that answer.
    fn missing(self, inquiry: Inquiry, keeps_history: bool, moment: &Moment) -> (Self, Vec<Command>) {
        let reason = format!(
            "Sage said that {} {} was written, and it is found nowhere: was Sage restored from a backup?",
            self.noun(),
            inquiry.identity
        );
        let why = "Sage said that it was written, but it is found nowhere";
        let (import, mut commands) = self.again_or_doubt(inquiry, "missing_after_write", why, moment);
        if keeps_history && matches!(import.stage, Stage::Concluding { .. }) {
            commands.insert(0, Command::Freeze { reason });
        }
        (import, commands)
    }

    fn in_doubt(&self, code: &str, identity: &str, why: &str) -> Stage {
        self.conclude_doubt(identity, problems::in_doubt(code, self.noun(), identity, why))
    }

    fn conclude_doubt(&self, identity: &str, problem: model::Problem) -> Stage {
        let numbers = numbers_of(self.name(), identity);
        self.conclude(ImportState::InDoubt, numbers, vec![problem])
    }
}

impl Inquiry {
    /// Sum of the lines as they were entered, when Sage told.
    #[must_use]
    pub const fn extension(&self) -> Option<Decimal> {
        match &self.heard {
            Heard::Done { extension, .. } => *extension,
            Heard::Nothing
            | Heard::Refused(_)
            | Heard::Condition(..)
            | Heard::HandedOver(_)
            | Heard::KeyTaken => None,
        }
    }

    /// Did Sage say that it is written?
    #[must_use]
    pub const fn is_said_written(&self) -> bool {
        matches!(self.heard, Heard::Done { .. })
    }
}
