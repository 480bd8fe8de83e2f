//! What rules would make of a document, told to a person or a program.

use std::fmt::Write as _;

use import::rules::{Applied, DocumentKind, Rules};
use model::{ImportKind, Problem};
use serde::Serialize;
use serde_json::Value as Json;

/// Would it go in?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Unchanged,
    Changed,
    Held,
    Refused,
}

impl Outcome {
    pub(super) const fn exit_code(self) -> u8 {
        match self {
            Self::Unchanged | Self::Changed => 0,
            Self::Held => 3,
            Self::Refused => 4,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Unchanged => "It would go on unchanged.",
            Self::Changed => "It would go on as changed.",
            Self::Held => "It would be held.",
            Self::Refused => "It would be refused.",
        }
    }
}

/// What rules would make of a document.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    document: DocumentKind,
    pub(super) outcome: Outcome,
    /// Facts that the rules ask for, where no file gave any.
    facts_not_given: Vec<String>,
    /// What the hub would refuse the document for, before any rule sees it.
    not_taken: Vec<Problem>,
    /// What is wrong with what the rules made of it.
    problems: Vec<Problem>,
    #[serde(skip)]
    written: (usize, usize),
    #[serde(flatten)]
    applied: &'a Applied,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        document: DocumentKind,
        rules: &Rules,
        body: &Json,
        applied: &'a Applied,
        facts_given: bool,
    ) -> Self {
        let not_taken = read(document, body);
        let mut problems = read(document, &applied.body);
        problems.retain(|problem| !not_taken.contains(problem));
        let is_wrong = !not_taken.is_empty() || !problems.is_empty();
        let outcome = if is_wrong || !applied.refusals.is_empty() {
            Outcome::Refused
        } else if !applied.holds.is_empty() {
            Outcome::Held
        } else if !applied.changes.is_empty() {
            Outcome::Changed
        } else {
            Outcome::Unchanged
        };
        let mut facts_not_given = Vec::new();
        if !facts_given {
            let wanted = rules.wanted_facts(document);
            facts_not_given.extend(wanted.header.into_iter().chain(wanted.line));
            facts_not_given.extend(wanted.look_ups.iter().map(|l| format!("look_ups.{}", l.table)));
            facts_not_given.dedup();
        }
        Self {
            document,
            outcome,
            facts_not_given,
            not_taken,
            problems,
            written: rules.count(document),
            applied,
        }
    }

    pub(super) fn text(&self) -> String {
        let (mappings, rules) = self.written;
        let mut text = format!(
            "{}: {mappings} mapping{}, {rules} rule{}\n",
            self.document.as_str(),
            plural(mappings),
            plural(rules)
        );
        if !self.facts_not_given.is_empty() {
            let names = self.facts_not_given.join(", ");
            // A String takes whatever is written to it.
            let _ = writeln!(text, "facts not given, taken as blank: {names}");
        }
        if !self.applied.changes.is_empty() {
            text.push('\n');
        }
        for change in &self.applied.changes {
            let path = &change.path;
            match (&change.before, &change.after) {
                (Some(before), Some(after)) => {
                    let _ = writeln!(text, "- {path}: {before}\n+ {path}: {after}   {}", change.by);
                }
                (Some(before), None) => {
                    let _ = writeln!(text, "- {path}: {before}   {}", change.by);
                }
                (None, after) => {
                    let after = after.as_ref().unwrap_or(&Json::Null);
                    let _ = writeln!(text, "+ {path}: {after}   {}", change.by);
                }
            }
        }
        let told = [
            ("refused by the hub", &self.not_taken),
            ("refused", &self.problems),
            ("refused", &self.applied.refusals),
            ("held", &self.applied.holds),
        ];
        if told.iter().any(|(_, problems)| !problems.is_empty()) || !self.applied.warnings.is_empty() {
            text.push('\n');
        }
        for (word, problems) in told {
            for problem in problems {
                text.push_str(&line(word, problem));
            }
        }
        for warning in &self.applied.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        let _ = writeln!(text, "\n{}", self.outcome.words());
        text
    }
}

/// All problems that the intake finds without Sage.
fn read(document: DocumentKind, body: &Json) -> Vec<Problem> {
    let kind = match document {
        DocumentKind::SalesOrder => ImportKind::SalesOrder,
        DocumentKind::Payment => ImportKind::Payment,
        DocumentKind::Customer => ImportKind::Customer,
    };
    kind.problems_of(body)
}

fn line(word: &str, problem: &Problem) -> String {
    let at = if problem.field.is_empty() {
        String::new()
    } else {
        format!(" {}:", problem.field)
    };
    format!(
        "{word}:{at} {} ({})\n  hint: {}\n",
        problem.message, problem.code, problem.remedy
    )
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
