//! `erp-driver imports show`.

use std::path::Path;
use std::process::ExitCode;

use agent_store::journal::Listed;
use clap::Args;
use import::plan::Write;
use import::{Record, Source, Verdict};
use jiff::tz::TimeZone;
use model::{Attempt, Decision, ImportState, Numbers, Problem, Totals};
use serde::Serialize;
use wire::status::NamedCondition;

use super::{Failed, Waits, import_id, look, read_config, unknown, wait_words};
use crate::times::read_for_people;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The document, as POST returned it and `imports list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// Print JSON, with the document itself.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    company: String,
    kind: String,
    revision: u32,
    state: ImportState,
    received_at: String,
    /// The hub knows the outcome.
    reported: bool,
    numbers: Numbers,
    totals: Totals,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<NamedCondition>,
    #[serde(skip_serializing_if = "is_nothing")]
    decision: Decision,
    /// What it becomes in Sage, in order; empty before it is planned.
    writes: Vec<WriteRow>,
    reservations: Vec<ReservationRow>,
    /// A write was begun and its end is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_under_way: Option<UnderWay>,
    attempts: Vec<Attempt>,
    request: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct WriteRow {
    noun: &'static str,
    /// Under which identity it is in Sage, proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_sage_as: Option<String>,
    content: Write,
}

#[derive(Debug, Serialize)]
struct ReservationRow {
    name: String,
    identity: String,
    at: String,
    source: Source,
    at_hub: bool,
    verdict: Verdict,
}

#[derive(Debug, Serialize)]
struct UnderWay {
    name: String,
    identity: String,
    since: String,
}

fn is_nothing(decision: &Decision) -> bool {
    *decision == Decision::default()
}

impl Arguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let id = import_id(&self.id)?;
        let journal = look(&config)?.ok_or_else(|| unknown(&self.id))?;
        let (Some(record), Some(listed)) = (journal.record(&id)?, journal.listed(&id)?) else {
            return Err(unknown(&self.id));
        };
        let attempts = journal.attempts(&id)?;
        let shown = shown(record, listed, attempts, &Waits::read(&config));
        if self.json {
            host::cli::print_json(&shown);
        } else {
            host::cli::print(&text(&shown, &config.time_zone));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn shown(record: Record, listed: Listed, attempts: Vec<Attempt>, waits: &Waits) -> Shown {
    let (totals, outcome_warnings) = record
        .outcome
        .map(|outcome| (outcome.totals, outcome.warnings))
        .unwrap_or_default();
    let mut warnings = record
        .plan
        .as_ref()
        .map(|p| p.warnings.clone())
        .unwrap_or_default();
    warnings.extend(outcome_warnings);
    warnings.dedup();
    let writes = record.plan.map(|plan| plan.writes).unwrap_or_default();
    let is_written = listed.state == ImportState::Written;
    let (done, reserved) = (record.done, record.reservations.clone());
    let in_sage_as = |write: &Write| {
        let name = write.identity_name();
        let passed = done
            .iter()
            .find(|done| done.name == name)
            .map(|done| &done.identity);
        // The last write ends the document itself.
        let ours = reserved.iter().rev();
        let mut ours = ours.filter(|r| is_written && r.name == name && r.verdict == Verdict::Open);
        passed.or_else(|| ours.next().map(|r| &r.identity)).cloned()
    };
    let reservations = record.reservations.into_iter().map(|reserved| ReservationRow {
        name: reserved.name,
        identity: reserved.identity,
        at: reserved.at.to_string(),
        source: reserved.source,
        at_hub: reserved.at_hub,
        verdict: reserved.verdict,
    });
    Shown {
        id: listed.id.to_string(),
        company: listed.company.to_string(),
        revision: record.document.revision,
        state: waits.state(&listed),
        received_at: listed.at.to_string(),
        reported: record.reported,
        totals,
        warnings,
        waits_for: waits.of(&listed).cloned(),
        decision: record.document.decision,
        writes: writes
            .into_iter()
            .map(|write| WriteRow {
                noun: write.noun(),
                in_sage_as: in_sage_as(&write),
                content: write,
            })
            .collect(),
        reservations: reservations.collect(),
        write_under_way: record.write.map(|write| UnderWay {
            name: write.name,
            identity: write.identity,
            since: write.at.to_string(),
        }),
        attempts,
        request: record.document.body,
        kind: listed.kind,
        numbers: listed.numbers,
        problems: listed.problems,
    }
}

fn text(shown: &Shown, zone: &TimeZone) -> String {
    let seconds = |at: &str| read_for_people(zone, at);
    let mut text = format!(
        "{} {} of {}, revision {}: {}\nreceived {}{}\n",
        shown.kind,
        shown.id,
        shown.company,
        shown.revision,
        shown.state.as_str(),
        seconds(&shown.received_at),
        if shown.reported {
            ""
        } else {
            "; the hub does not know yet how it ended"
        },
    );
    for (name, number) in &shown.numbers {
        text.push_str(&format!("{name}: {number}\n"));
    }
    for (name, amount) in &shown.totals {
        text.push_str(&format!("{name}: {amount}\n"));
    }
    if let Some(condition) = &shown.waits_for {
        text.push_str(&format!(
            "waits: {}\n  hint: {}\n",
            wait_words(condition, zone),
            condition.remedy
        ));
    }
    for problem in &shown.problems {
        let place = match (problem.field.as_str(), problem.value.as_str()) {
            ("", "") => String::new(),
            (field, "") => format!(" ({field})"),
            (field, value) => format!(" ({field} = {value})"),
        };
        text.push_str(&format!(
            "problem {}{place}: {}\n  hint: {}\n",
            problem.code, problem.message, problem.remedy
        ));
    }
    for warning in &shown.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    if !is_nothing(&shown.decision) {
        text.push_str(&format!(
            "decided: accept {}; {}\n",
            shown.decision.accept.join(", "),
            shown.decision.why
        ));
    }
    for (place, write) in shown.writes.iter().enumerate() {
        let stands = write.in_sage_as.as_ref().map(|key| format!(", in Sage as {key}"));
        let stands = stands.unwrap_or_default();
        text.push_str(&format!("write {}: {}{stands}\n", place + 1, write.noun));
    }
    for reserved in &shown.reservations {
        let foreign = match reserved.verdict {
            Verdict::Open => "",
            Verdict::Foreign => ", somebody else's record",
        };
        text.push_str(&format!(
            "reserved {} {} at {}{foreign}\n",
            reserved.name,
            reserved.identity,
            seconds(&reserved.at)
        ));
    }
    if let Some(write) = &shown.write_under_way {
        text.push_str(&format!(
            "being written as {} {} since {}\n",
            write.name,
            write.identity,
            seconds(&write.since)
        ));
    }
    for attempt in &shown.attempts {
        text.push_str(&format!(
            "{}  {:<14} {}\n",
            seconds(&attempt.at),
            attempt.step,
            attempt.detail
        ));
    }
    text
}
