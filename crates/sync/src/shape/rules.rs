//! The site's rules for one table, compiled: conditions, steps and own values.

use catalog::{Class, Field};
use expression::{Expression, Steps};
use sage::Column;
use values::Kind;

use super::ShapeProblem;
use super::table::TableShape;
use crate::{Extra, FieldSteps};

/// In look-ups, what the steps before made.
const VALUE: &str = "value";

/// Steps and own values of one table's rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct SiteRules {
    pub(crate) fields: Vec<FieldRule>,
    /// By class, then name: the order in which they are written.
    pub(crate) extras: Vec<ExtraRule>,
}

/// The steps of one field.
#[derive(Clone, Debug)]
pub(crate) struct FieldRule {
    /// Place among the fields.
    pub(crate) field: usize,
    pub(crate) kind: Kind,
    pub(crate) column: String,
    pub(crate) steps: StepRule,
}

/// Steps, and where the columns that they name stand.
#[derive(Clone, Debug)]
pub(crate) struct StepRule {
    pub(crate) steps: Steps,
    pub(crate) origins: Vec<(String, Origin)>,
    pub(crate) look_ups: Vec<LookUpRule>,
}

/// One look-up of a step.
#[derive(Clone, Debug)]
pub(crate) struct LookUpRule {
    pub(crate) table: String,
    pub(crate) key: Vec<Column>,
    pub(crate) column: Column,
    /// For each key column; none is the value itself.
    pub(crate) own: Vec<Option<Origin>>,
}

/// One value under `udf`.
#[derive(Clone, Debug)]
pub(crate) struct ExtraRule {
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) source: ExtraSource,
    pub(crate) steps: Option<StepRule>,
}

#[derive(Clone, Debug)]
pub(crate) enum ExtraSource {
    Column(Origin),
    Computed(Computed),
}

/// An expression and where its columns stand.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    pub(crate) expression: Expression,
    pub(crate) origins: Vec<(String, Origin)>,
}

/// Where a value stands while a page is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Among the selected columns.
    Selected(usize),
    /// Among a join's columns.
    Joined(usize, usize),
}

/// A condition on documents.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Values {
        origin: Origin,
        values: Vec<String>,
        wanted: bool,
    },
    Expression(Computed),
}

/// The columns that rules of one table may name.
pub(super) struct Names<'a> {
    pub(super) table: &'a str,
    /// Own columns with what they hold.
    pub(super) own: Vec<(String, Kind)>,
    /// Columns of joins.
    pub(super) joined: Vec<(String, Kind, Origin)>,
    pub(super) withheld: &'a [String],
}

/// What look-ups find: the columns of another table with their kinds.
pub(super) type Tables<'a> = dyn FnMut(&str) -> Result<Vec<(String, Kind)>, sage::ReadError> + 'a;

/// A rule that does not fit, or an ERP that did not answer.
pub(super) enum RuleError {
    Problem(Box<ShapeProblem>),
    Read(sage::ReadError),
}

impl From<sage::ReadError> for RuleError {
    fn from(error: sage::ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<ShapeProblem> for RuleError {
    fn from(problem: ShapeProblem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl Names<'_> {
    /// The name that the configuration gives, as the site spells it.
    pub(super) fn find(
        &self,
        name: &str,
        used_by: &str,
    ) -> Result<(String, Kind, Option<Origin>), ShapeProblem> {
        if catalog::looks_secret(name) || self.withheld.iter().any(|w| w.eq_ignore_ascii_case(name)) {
            return Err(ShapeProblem::ColumnWithheld {
                table: self.table.to_owned(),
                column: name.to_owned(),
                used_by: used_by.to_owned(),
            });
        }
        let own = self.own.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        if let Some((name, kind)) = own {
            return Ok((name.clone(), *kind, None));
        }
        let joined = self.joined.iter().find(|(n, _, _)| n.eq_ignore_ascii_case(name));
        joined
            .map(|(name, kind, origin)| (name.clone(), *kind, Some(*origin)))
            .ok_or_else(|| ShapeProblem::ColumnUnknown {
                table: self.table.to_owned(),
                column: name.to_owned(),
                used_by: used_by.to_owned(),
            })
    }

    /// All names, for the compiler of expressions.
    fn all(&self) -> Vec<(String, Kind)> {
        let own = self.own.iter().cloned();
        let joined = self.joined.iter().map(|(name, kind, _)| (name.clone(), *kind));
        own.chain(joined)
            .filter(|(name, _)| !self.withheld.iter().any(|w| w.eq_ignore_ascii_case(name)))
            .collect()
    }

    pub(super) fn origin(
        &self,
        name: &str,
        used_by: &str,
        table: &mut TableShape,
    ) -> Result<(Origin, Kind), ShapeProblem> {
        let (name, kind, joined) = self.find(name, used_by)?;
        let origin = joined.unwrap_or_else(|| Origin::Selected(table.place(&name, kind)));
        Ok((origin, kind))
    }

    fn origins(
        &self,
        names: &[String],
        used_by: &str,
        table: &mut TableShape,
    ) -> Result<Vec<(String, Origin)>, ShapeProblem> {
        names
            .iter()
            .map(|name| Ok((name.clone(), self.origin(name, used_by, table)?.0)))
            .collect()
    }

    pub(super) fn expression(
        &self,
        text: &str,
        used_by: &str,
        table: &mut TableShape,
    ) -> Result<Computed, ShapeProblem> {
        let expression =
            Expression::compile_among(text, &self.all()).map_err(|error| ShapeProblem::RuleInvalid {
                used_by: used_by.to_owned(),
                message: error.to_string(),
                remedy: error.remedy().to_owned(),
            })?;
        let origins = self.origins(expression.columns(), used_by, table)?;
        Ok(Computed { expression, origins })
    }

    fn steps(
        &self,
        of: &FieldSteps,
        input: Kind,
        table: &mut TableShape,
        tables: &mut Tables<'_>,
    ) -> Result<StepRule, RuleError> {
        let used_by = format!("steps of {}", of.column);
        let steps = Steps::compile_among(&of.steps, input, &self.all()).map_err(|error| {
            ShapeProblem::RuleInvalid {
                used_by: used_by.clone(),
                message: error.to_string(),
                remedy: error.remedy().to_owned(),
            }
        })?;
        let origins = self.origins(steps.columns(), &used_by, table)?;
        let mut look_ups = Vec::new();
        for look_up in steps.look_ups() {
            let theirs = tables(&look_up.table)?;
            let find = |name: &str, kind: Option<Kind>| {
                if catalog::looks_secret(name) {
                    return Err(ShapeProblem::ColumnWithheld {
                        table: look_up.table.clone(),
                        column: name.to_owned(),
                        used_by: used_by.clone(),
                    });
                }
                let found = theirs.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
                found
                    .map(|(name, own)| Column::new(name, kind.unwrap_or(*own)))
                    .ok_or_else(|| ShapeProblem::ColumnUnknown {
                        table: look_up.table.clone(),
                        column: name.to_owned(),
                        used_by: used_by.clone(),
                    })
            };
            let mut key = Vec::new();
            let mut own = Vec::new();
            for (mine, other) in &look_up.on {
                let (origin, kind) = if mine.eq_ignore_ascii_case(VALUE) {
                    (None, Kind::Text)
                } else {
                    let (origin, kind) = self.origin(mine, &used_by, table)?;
                    (Some(origin), kind)
                };
                key.push(find(other, Some(kind))?);
                own.push(origin);
            }
            look_ups.push(LookUpRule {
                table: look_up.table.clone(),
                key,
                column: find(&look_up.column, None)?,
                own,
            });
        }
        Ok(StepRule {
            steps,
            origins,
            look_ups,
        })
    }

    /// Compiles the rules of one table.
    pub(super) fn rules(
        &self,
        fields: &[Field],
        extras: &[Extra],
        steps: &[&FieldSteps],
        table: &mut TableShape,
        tables: &mut Tables<'_>,
    ) -> Result<SiteRules, RuleError> {
        let mut rules = SiteRules::default();
        let mut used = vec![false; steps.len()];
        for extra in extras {
            let used_by = format!("udf {}", extra.name);
            let (source, kind) = match &extra.expression {
                Some(text) => {
                    let computed = self.expression(text, &used_by, table)?;
                    let kind = computed.expression.field_kind().unwrap_or(Kind::Text);
                    (ExtraSource::Computed(computed), kind)
                }
                None => {
                    let (origin, kind) = self.origin(&extra.column, &used_by, table)?;
                    (ExtraSource::Column(origin), kind)
                }
            };
            let own = steps
                .iter()
                .position(|s| s.column == extra.name || s.column.eq_ignore_ascii_case(&extra.column));
            let own = own.filter(|_| !fields.iter().any(|f| f.name == extra.name));
            let mut compiled = None;
            if let Some((place, of)) = own.and_then(|place| Some((place, steps.get(place)?))) {
                compiled = Some(self.steps(of, kind, table, tables)?);
                if let Some(mark) = used.get_mut(place) {
                    *mark = true;
                }
            }
            rules.extras.push(ExtraRule {
                name: extra.name.clone(),
                class: extra.class,
                source,
                steps: compiled,
            });
        }
        rules
            .extras
            .sort_by(|a, b| (a.class, &a.name).cmp(&(b.class, &b.name)));
        for (of, used) in steps.iter().zip(used).filter(|(_, used)| !used) {
            debug_assert!(!used);
            let used_by = format!("steps of {}", of.column);
            let is_it =
                |f: &Field| !f.is_udf() && (f.name == of.column || f.column.eq_ignore_ascii_case(&of.column));
            let Some((place, field)) = fields.iter().enumerate().find(|(_, f)| is_it(f)) else {
                return Err(RuleError::from(ShapeProblem::ColumnUnknown {
                    table: self.table.to_owned(),
                    column: of.column.clone(),
                    used_by,
                }));
            };
            let compiled = self.steps(of, field.kind, table, tables)?;
            if !fits(compiled.steps.kind(), field.kind) {
                return Err(RuleError::from(ShapeProblem::RuleInvalid {
                    used_by,
                    message: format!("the steps end in another kind of value than {} holds", field.name),
                    remedy: "end with a step that makes the field's own kind, or write a value under udf"
                        .to_owned(),
                }));
            }
            rules.fields.push(FieldRule {
                field: place,
                kind: field.kind,
                column: field.column.clone(),
                steps: compiled,
            });
        }
        Ok(rules)
    }
}

/// Any value can be written as text; a decimal is rounded to the field's scale.
const fn fits(from: Kind, to: Kind) -> bool {
    match (from, to) {
        (_, Kind::Text) | (Kind::Decimal { .. }, Kind::Decimal { .. }) | (Kind::Date, Kind::Date) => true,
        (Kind::Text | Kind::Json | Kind::Decimal { .. } | Kind::Date, Kind::Json)
        | (Kind::Text | Kind::Json | Kind::Date, Kind::Decimal { .. })
        | (Kind::Text | Kind::Json | Kind::Decimal { .. }, Kind::Date) => false,
    }
}
