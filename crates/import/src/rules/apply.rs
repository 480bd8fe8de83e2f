//! Mappings and rules at work on one document.

use std::cell::RefCell;
use std::collections::BTreeSet;

use expression::{EvaluateError, Value};
use model::Problem;
use serde_json::Value as Json;
use values::Decimal;

use super::Facts;
use super::applied::{Applied, Change};
use super::compile::{Given, Mapping, Rule, Target};
use super::read::{Trouble, View, same, subtotal, written};
use super::vocabulary::Holds;
use super::{DocumentKind, Each};

/// How many lines of one rule are told one by one.
const TOLD: usize = 20;

/// A document on its way through.
pub(super) struct Run<'a> {
    list: Option<&'static str>,
    facts: &'a dyn Facts,
    applied: Applied,
}

/// What is new in a field: a target, the line and the value.
struct Planned<'a> {
    target: &'a Target,
    line: Option<usize>,
    value: Option<Json>,
}

impl<'a> Run<'a> {
    pub(super) fn new(document: DocumentKind, body: &Json, facts: &'a dyn Facts) -> Self {
        Self {
            list: document.list().map(Each::as_str),
            facts,
            applied: Applied {
                body: body.clone(),
                changes: Vec::new(),
                holds: Vec::new(),
                refusals: Vec::new(),
                warnings: Vec::new(),
            },
        }
    }

    pub(super) fn finish(self) -> Applied {
        self.applied
    }

    fn lines(&self) -> &[Json] {
        let list = self.list.and_then(|list| self.applied.body.get(list));
        list.and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    /// The places at which something is done: every line that is an object, or the document once.
    fn places(&self, each_line: bool) -> Vec<Option<usize>> {
        if !each_line {
            return vec![None];
        }
        let lines = self.lines().iter().enumerate();
        lines
            .filter(|(_, line)| line.is_object())
            .map(|(index, _)| Some(index))
            .collect()
    }

    fn view<'v>(
        &'v self,
        line: Option<usize>,
        subtotal: Option<Decimal>,
        unknown: &'v RefCell<BTreeSet<(String, &'static str)>>,
    ) -> View<'v> {
        let lines = self.lines();
        View {
            body: &self.applied.body,
            line: line.and_then(|index| Some((index, lines.get(index)?))),
            facts: self.facts,
            subtotal,
            line_count: lines.len(),
            unknown,
            trouble: RefCell::new(None),
        }
    }

    fn place(&self, line: Option<usize>, field: &str) -> String {
        match (line, self.list) {
            (Some(index), Some(list)) if field.is_empty() => format!("{list}[{index}]"),
            (Some(index), Some(list)) => format!("{list}[{index}].{field}"),
            (Some(_) | None, _) => field.to_owned(),
        }
    }

    /// The field as it is told to people.
    fn field(&self, target: &Target, line: Option<usize>) -> String {
        let line = line.filter(|_| target.is_line);
        let within = self.within(line).unwrap_or(&Json::Null);
        self.place(line, &target.path.spelled(within))
    }

    pub(super) fn map(&mut self, mapping: &Mapping) {
        let mut troubles = Told::default();
        for line in self.places(mapping.target.is_line) {
            let done = self.mapped(mapping, line).and_then(|value| match value {
                Some(value) => self.set(
                    vec![Planned {
                        target: &mapping.target,
                        line,
                        value,
                    }],
                    &mapping.by,
                ),
                None => Ok(()),
            });
            if let Err(trouble) = done {
                let field = self.field(&mapping.target, line);
                troubles.add(failed(&mapping.by, field, &trouble));
            }
        }
        troubles.into(&mut self.applied.holds);
    }

    /// `Ok(None)`: the field stays as it is.
    fn mapped(&self, mapping: &Mapping, line: Option<usize>) -> Result<Option<Option<Json>>, Trouble> {
        let unknown = RefCell::new(BTreeSet::new());
        let view = self.view(line, None, &unknown);
        let source = mapping.from.as_ref().unwrap_or(&mapping.target);
        let is_missing = view.json(source).is_none_or(Json::is_null);
        let input = view.field(source, mapping.input)?;
        let row = |column: &str| view.value(&mapping.reads, column);
        let look_up =
            |table: &str, keys: &[(String, String)], column: &str| self.facts.look_up(table, keys, column);
        let value = mapping.steps.apply(input, &row, &look_up);
        let value = value.map_err(|error| view.stopped_by(&error))?;
        let is_zero = matches!(&value, Value::Decimal(number) if number.is_zero());
        let new = if is_missing && is_zero {
            None
        } else {
            json(value, &mapping.target)?
        };
        Ok((new.is_some() || mapping.from.is_none()).then_some(new))
    }

    pub(super) fn decide(&mut self, rule: &Rule) {
        let mut holds = Told::default();
        let mut refusals = Told::default();
        let mut warnings = 0_usize;
        let subtotal = subtotal(self.lines());
        let unknown = RefCell::new(BTreeSet::new());
        for line in self.places(rule.each_line) {
            let view = self.view(line, subtotal, &unknown);
            let planned = match fired(rule, &view, line) {
                Ok(Some(planned)) => planned,
                Ok(None) => continue,
                Err(trouble) => {
                    holds.add(failed(&rule.by, self.about(rule, line), &trouble));
                    continue;
                }
            };
            let about = self.about(rule, line);
            if let Err(trouble) = self.set(planned, &rule.by) {
                holds.add(failed(&rule.by, about, &trouble));
                continue;
            }
            let problem = |code: &str, text: &str| {
                Problem::new(
                    code,
                    about.clone(),
                    format!("{text} ({})", rule.by),
                    rule.remedy.clone(),
                )
            };
            if let Some(text) = &rule.hold {
                holds.add(problem("rule_hold", text));
            }
            if let Some(text) = &rule.refuse {
                refusals.add(problem("rule_refused", text));
            }
            if let Some(text) = &rule.warn {
                warnings += 1;
                if warnings <= TOLD {
                    let place = line.map_or_else(String::new, |_| format!("{}: ", self.place(line, "")));
                    self.applied
                        .warnings
                        .push(format!("rule_warning: {place}{text} ({})", rule.by));
                }
            }
        }
        if let Some(more) = warnings.checked_sub(TOLD).filter(|more| *more > 0) {
            self.applied
                .warnings
                .push(format!("rule_warning: {} says so of {more} more", rule.by));
        }
        for (name, taken) in unknown.into_inner() {
            let warning = format!(
                "fact_unknown: {name} is not known here and was taken as {taken} ({})",
                rule.by
            );
            self.applied.warnings.push(warning);
        }
        holds.into(&mut self.applied.holds);
        refusals.into(&mut self.applied.refusals);
    }

    fn about(&self, rule: &Rule, line: Option<usize>) -> String {
        match &rule.about {
            Some(target) if target.is_line || line.is_none() => self.field(target, line),
            Some(_) | None => self.place(line, ""),
        }
    }

    /// All of it or nothing.
    fn set(&mut self, mut planned: Vec<Planned<'_>>, by: &str) -> Result<(), Trouble> {
        for plan in &mut planned {
            plan.line = plan.line.filter(|_| plan.target.is_line);
        }
        planned.retain(|Planned { target, line, value }| {
            self.within(*line)
                .is_some_and(|within| !same(target.path.get(within), value.as_ref(), target.holds))
        });
        for Planned { target, line, .. } in &planned {
            let within = self.within(*line);
            if let Some(blocked) = within.and_then(|within| target.path.blocked(within)) {
                return Err(Trouble {
                    message: format!("{} cannot be set, {} is no object", target.name, blocked.path),
                    remedy: format!("correct {} in the document and retry", blocked.path),
                });
            }
        }
        for Planned { target, line, value } in planned {
            let path = self.field(target, line);
            // Nothing stands in the way, as was seen above.
            let Some(Ok(before)) = self
                .within_mut(line)
                .map(|within| target.path.set(within, value.clone()))
            else {
                continue;
            };
            self.applied.changes.push(Change {
                path,
                before,
                after: value,
                by: by.to_owned(),
            });
        }
        Ok(())
    }

    fn within(&self, line: Option<usize>) -> Option<&Json> {
        match line {
            Some(index) => self.lines().get(index),
            None => Some(&self.applied.body),
        }
    }

    fn within_mut(&mut self, line: Option<usize>) -> Option<&mut Json> {
        match (line, self.list) {
            (Some(index), Some(list)) => self.applied.body.get_mut(list)?.get_mut(index),
            (Some(_), None) => None,
            (None, _) => Some(&mut self.applied.body),
        }
    }
}

/// What the rule sets here; `None` when its condition does not hold.
fn fired<'r>(
    rule: &'r Rule,
    view: &View<'_>,
    line: Option<usize>,
) -> Result<Option<Vec<Planned<'r>>>, Trouble> {
    let row = |column: &str| view.value(&rule.reads, column);
    let stopped = |error: EvaluateError| view.stopped_by(&error);
    if rule.when.evaluate(&row).map_err(stopped)? != Value::Bool(true) {
        return Ok(None);
    }
    let mut planned = Vec::new();
    for (target, given) in &rule.set {
        let value = match given {
            Given::Fixed(value) => value.clone(),
            Given::Expression(expression) => json(expression.evaluate(&row).map_err(stopped)?, target)?,
        };
        planned.push(Planned { target, line, value });
    }
    Ok(Some(planned))
}

fn json(value: Value, target: &Target) -> Result<Option<Json>, Trouble> {
    written(value, target.holds).map_err(|wanted| Trouble {
        message: format!("{} wants {wanted}", target.name),
        remedy: match target.holds {
            Holds::Flag => "let it end in Y or N, as with a map step".to_owned(),
            Holds::Text | Holds::Decimal | Holds::Date => format!("let it end in {wanted}"),
        },
    })
}

fn failed(by: &str, field: String, trouble: &Trouble) -> Problem {
    let message = format!("{by} could not be worked out: {}", trouble.message);
    Problem::new("rule_failed", field, message, trouble.remedy.clone())
}

/// Problems of one rule, the first ones in full.
#[derive(Default)]
struct Told {
    problems: Vec<Problem>,
    more: usize,
}

impl Told {
    fn add(&mut self, problem: Problem) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    fn into(self, all: &mut Vec<Problem>) {
        let more = self.problems.last().filter(|_| self.more > 0).map(|last| {
            let message = format!("{}, and so {} more", last.message, self.more);
            Problem::new(last.code.clone(), "", message, last.remedy.clone())
        });
        all.extend(self.problems);
        all.extend(more);
    }
}
