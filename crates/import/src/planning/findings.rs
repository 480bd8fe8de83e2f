//! What planning found: problems, what a person should know, and whether the order goes on
//! hold.

use std::collections::BTreeSet;
use std::fmt;

use model::{Decision, Numbers, Problem};

use crate::plan::{Plan, Planned, Write};
use crate::settings::OnDoubt;

/// Longest value that is repeated in a problem, in characters.
const MAX_VALUE: usize = 80;

/// Collects everything, so that a document gets all of it in one answer.
#[derive(Debug)]
pub(super) struct Findings {
    accepted: BTreeSet<String>,
    problems: Vec<Problem>,
    is_refused: bool,
    is_held: bool,
    enter_on_hold: bool,
    warnings: Vec<String>,
}

impl Findings {
    pub(super) fn new(decision: &Decision) -> Self {
        Self {
            accepted: decision.accept.iter().cloned().collect(),
            problems: Vec::new(),
            is_refused: false,
            is_held: false,
            enter_on_hold: false,
            warnings: Vec::new(),
        }
    }

    /// No person's word lets it pass. What an order and its receipt have in common is told once.
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.is_refused = true;
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Held until a person accepts the code.
    pub(super) fn hold(&mut self, problem: Problem) {
        if self.accepts(&problem.code) {
            self.warn(&problem.code, format!("{} (accepted)", problem.message));
        } else {
            self.is_held = true;
            self.problems.push(problem);
        }
    }

    /// As the site wants it.
    pub(super) fn doubt(&mut self, on_doubt: OnDoubt, problem: Problem) {
        if self.accepts(&problem.code) {
            return self.hold(problem);
        }
        match on_doubt {
            OnDoubt::Hold => self.hold(problem),
            OnDoubt::EnterOnHold => {
                self.enter_on_hold = true;
                self.warn(&problem.code, format!("{} (entered on hold)", problem.message));
            }
            OnDoubt::Warn => self.warn(&problem.code, problem.message),
        }
    }

    /// A warning begins with its code, by which the hub tells who may read it.
    pub(super) fn warn(&mut self, code: &str, text: impl fmt::Display) {
        self.warnings.push(format!("{code}: {text}"));
    }

    /// Has a person accepted this?
    pub(super) fn accepts(&self, code: &str) -> bool {
        self.accepted.contains(code)
    }

    /// Does a doubt put the order on hold in Sage?
    pub(super) const fn enters_on_hold(&self) -> bool {
        self.enter_on_hold
    }

    /// The answer. `numbers` are told when there is nothing to write.
    pub(super) fn into_planned(self, writes: Vec<Write>, numbers: Numbers) -> Planned {
        if self.is_refused {
            return Planned::Refused(self.problems);
        }
        if self.is_held {
            return Planned::Held(self.problems);
        }
        let warnings = self.warnings;
        if writes.is_empty() {
            return Planned::Nothing { numbers, warnings };
        }
        Planned::Ready(Plan {
            writes,
            warnings,
            is_alone: false,
        })
    }
}

/// A problem with the value that was found, cut to a line.
pub(super) fn problem(
    code: &str,
    field: &str,
    value: &str,
    message: impl Into<String>,
    remedy: impl Into<String>,
) -> Problem {
    Problem::new(code, field, message, remedy).with_value(shown(value))
}

fn shown(value: &str) -> String {
    let mut shown: String = value.chars().take(MAX_VALUE).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    shown
}
