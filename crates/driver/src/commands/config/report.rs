//! What `config check` found.

use std::fmt::Write as _;

use serde::Serialize;

/// Keys and columns named in one line.
const NAMED: usize = 12;

#[derive(Debug, Serialize)]
pub(super) struct CompanyReport {
    pub(super) company: String,
    pub(super) driver: String,
    pub(super) driver_version: String,
    /// User-defined tables that no dataset reads.
    pub(super) tables_offered: Vec<String>,
    pub(super) datasets: Vec<DatasetReport>,
    pub(super) imports: ImportsReport,
    /// Who logs on to Sage to enter documents; none without a writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) login: Option<Login>,
}

/// A session with Sage's business objects, tried and given back.
#[derive(Debug, Serialize)]
pub(super) struct Login {
    pub(super) user: String,
    /// Why it could not be tried, when that may pass by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_checked: Option<String>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Problem>,
}

/// What `[company.imports]` names, against the company.
#[derive(Debug, Default, Serialize)]
pub(super) struct ImportsReport {
    /// Names that are there.
    pub(super) found: u32,
    pub(super) missing: Vec<Problem>,
    /// What will stop some documents, unless somebody acts.
    pub(super) remarks: Vec<Problem>,
    /// Names whose list the site does not keep, with the reason.
    pub(super) not_checked: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DatasetReport {
    pub(super) dataset: String,
    pub(super) state: State,
    pub(super) problems: Vec<Problem>,
    /// Columns of the site that nothing reads, as `Table.Column`.
    pub(super) offered: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<Effect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// All that the catalog and the configuration name is there.
    Complete,
    /// It is read, with the problems named.
    WithProblems,
    /// A table that not every site has.
    Absent,
    /// It cannot be read until somebody acts.
    Unreadable,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) remedy: String,
}

/// What filters, steps and own columns do to a dataset.
#[derive(Debug, Default, Serialize)]
pub(super) struct Effect {
    /// Rows that were read.
    pub(super) rows: u64,
    /// Rows that the filters let through.
    pub(super) pass: u64,
    /// Compared with what the hub has; none when it was never synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<Change>,
    /// Values that a step or expression cannot be calculated for.
    pub(super) failed_values: u64,
    pub(super) examples: Vec<Example>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Change {
    pub(super) enter: u64,
    pub(super) leave: u64,
    pub(super) entering: Vec<String>,
    pub(super) leaving: Vec<String>,
    /// More leave than the brake lets through, and nobody approved it yet.
    pub(super) needs_approval: bool,
    pub(super) approved: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Example {
    pub(super) key: String,
    pub(super) fields: Vec<FieldChange>,
}

#[derive(Debug, Serialize)]
pub(super) struct FieldChange {
    pub(super) field: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl CompanyReport {
    pub(super) fn text(&self) -> String {
        let mut out = format!(
            "{}: reached through {} {}\n",
            self.company, self.driver, self.driver_version
        );
        for dataset in &self.datasets {
            dataset.write(&mut out);
        }
        self.imports.write(&mut out);
        if let Some(login) = &self.login {
            login.write(&mut out);
        }
        if !self.tables_offered.is_empty() {
            line(
                &mut out,
                format!("  offered tables (not read): {}", named(&self.tables_offered)),
            );
        }
        out
    }
}

impl ImportsReport {
    fn write(&self, out: &mut String) {
        let is_empty = self.missing.is_empty() && self.not_checked.is_empty() && self.remarks.is_empty();
        if self.found == 0 && is_empty {
            return;
        }
        line(
            out,
            format!(
                "  entering documents: {} names of Sage found, {} missing, {} not checked",
                self.found,
                self.missing.len(),
                self.not_checked.len()
            ),
        );
        for problem in self.missing.iter().chain(&self.remarks) {
            line(out, format!("    {} ({})", problem.message, problem.code));
            line(out, format!("    hint: {}", problem.remedy));
        }
        for name in &self.not_checked {
            line(out, format!("    not checked: {name}"));
        }
    }
}

impl Login {
    fn write(&self, out: &mut String) {
        let user = &self.user;
        match (&self.problem, &self.not_checked) {
            (Some(problem), _) => {
                line(
                    out,
                    format!("  login of {user}: {} ({})", problem.message, problem.code),
                );
                line(out, format!("    hint: {}", problem.remedy));
            }
            (None, Some(why)) => line(out, format!("  login of {user}: not checked: {why}")),
            (None, None) => line(out, format!("  login of {user}: may enter sales orders")),
        }
    }
}

impl DatasetReport {
    fn write(&self, out: &mut String) {
        let state = match self.state {
            State::Complete => "complete".to_owned(),
            State::WithProblems => format!("read, with {}", import::counted(self.problems.len(), "remark")),
            State::Absent => "this site does not have it".to_owned(),
            State::Unreadable => "cannot be read".to_owned(),
        };
        line(out, format!("  {}: {state}", self.dataset));
        for problem in &self.problems {
            line(out, format!("    {} ({})", problem.message, problem.code));
            if self.state == State::Unreadable {
                line(out, format!("    hint: {}", problem.remedy));
            }
        }
        if !self.offered.is_empty() {
            line(
                out,
                format!("    offered columns (not read): {}", named(&self.offered)),
            );
        }
        if let Some(effect) = &self.effect {
            effect.write(out);
        }
    }
}

impl Effect {
    fn write(&self, out: &mut String) {
        line(
            out,
            format!("    effect: {} rows in the ERP, {} pass", self.rows, self.pass),
        );
        match &self.change {
            None => line(out, "    never synced: nothing enters or leaves".to_owned()),
            Some(change) => {
                line(
                    out,
                    format!(
                        "    {} enter{}, {} leave{}",
                        change.enter,
                        sample(&change.entering),
                        change.leave,
                        sample(&change.leaving)
                    ),
                );
                if change.approved {
                    line(out, format!("    approved: {} may leave", change.leave));
                } else if change.needs_approval {
                    line(
                        out,
                        "    more than the brake lets through: look at it, then config check --approve-filters"
                            .to_owned(),
                    );
                }
            }
        }
        if self.failed_values > 0 {
            line(
                out,
                format!("    {} values cannot be calculated", self.failed_values),
            );
        }
        for example in &self.examples {
            line(out, format!("    {}:", example.key));
            for field in &example.fields {
                line(
                    out,
                    format!("      {}: {:?} → {:?}", field.field, field.before, field.after),
                );
            }
        }
    }
}

fn line(out: &mut String, text: String) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{text}");
}

fn sample(keys: &[String]) -> String {
    if keys.is_empty() {
        String::new()
    } else {
        format!(" ({})", keys.join(", "))
    }
}

fn named(names: &[String]) -> String {
    let some: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 {
        some.join(", ")
    } else {
        format!("{} and {more} more (--json has all)", some.join(", "))
    }
}
