//! Fitting a dataset to the tables that a site has.

use std::collections::BTreeMap;

use catalog::{Class, Dataset, Field};
use sage::{Column, ColumnInfo, ReadError};
use values::{Hash, Kind};

use super::rules::{Names, RuleError};
use super::{
    Condition, FieldSource, Fitted, JoinShape, KeyColumn, Offered, Origin, Remembered, Shape, ShapeProblem,
    TableShape, drift,
};
use crate::{Adaptation, Extra, FieldSteps, Keep};

/// See [`Shape::fit`].
pub(super) fn fit<'a>(
    dataset: &'a Dataset,
    adaptation: &'a Adaptation,
    company_code: &str,
    remembered: &'a Remembered,
    columns_of: impl FnMut(&str) -> Result<Vec<ColumnInfo>, ReadError> + 'a,
) -> Result<Fitted, ReadError> {
    let mut fitting = Fitting {
        dataset,
        adaptation,
        remembered,
        asked: Asked {
            columns_of: Box::new(columns_of),
            known: BTreeMap::new(),
        },
        problems: Vec::new(),
        offered: Vec::new(),
        seen: Remembered::new(),
    };
    match fitting.run(company_code) {
        Ok(shape) => Ok(Ok((shape, fitting.problems))),
        Err(RuleError::Problem(problem)) => Ok(Err(*problem)),
        Err(RuleError::Read(error)) => Err(error),
    }
}

struct Fitting<'a> {
    dataset: &'a Dataset,
    adaptation: &'a Adaptation,
    remembered: &'a Remembered,
    asked: Asked<'a>,
    problems: Vec<ShapeProblem>,
    offered: Vec<Offered>,
    seen: Remembered,
}

type ColumnsOf<'a> = dyn FnMut(&str) -> Result<Vec<ColumnInfo>, ReadError> + 'a;

/// Tables' columns, each asked for once.
struct Asked<'a> {
    columns_of: Box<ColumnsOf<'a>>,
    known: BTreeMap<String, Vec<ColumnInfo>>,
}

impl Asked<'_> {
    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        if let Some(columns) = self.known.get(table) {
            return Ok(columns.clone());
        }
        let mut columns = (self.columns_of)(table)?;
        // What looks like a secret is not even known to exist.
        columns.retain(|column| !catalog::looks_secret(&column.name));
        self.known.insert(table.to_owned(), columns.clone());
        Ok(columns)
    }

    fn kinds(&mut self, table: &str) -> Result<Vec<(String, Kind)>, ReadError> {
        let columns = self.columns(table)?;
        Ok(columns.iter().map(|c| (c.name.clone(), c.kind())).collect())
    }
}

/// The parts of a dataset or a child that fitting looks at.
struct Part<'a> {
    table: &'a str,
    fields: &'a [Field],
    withheld: &'a [String],
    needed: Vec<&'a str>,
    chosen: Vec<Extra>,
    steps: Vec<&'a FieldSteps>,
    /// Read, but no field.
    used: Vec<&'a str>,
}

impl<'a> Fitting<'a> {
    fn run(&mut self, company_code: &str) -> Result<Shape, RuleError> {
        let dataset = self.dataset;
        let user = self.adaptation.table.as_ref().filter(|_| dataset.user_defined);
        let (table, key): (&str, &[String]) = match user {
            Some(user) => (&user.table, &user.key),
            None => (&dataset.table, &dataset.key),
        };
        let columns = self.asked.columns(table)?;
        if columns.is_empty() {
            let table = table.to_owned();
            return Err(RuleError::from(if dataset.guess.is_some() {
                ShapeProblem::TableAbsent { table }
            } else {
                ShapeProblem::TableMissing { table }
            }));
        }
        let mut needed: Vec<&str> = key.iter().map(String::as_str).collect();
        if dataset.stamped {
            needed.push(catalog::STAMP_DATE);
        }
        needed.extend(dataset.own_company.as_deref());
        let mut own = TableShape {
            table: table.to_owned(),
            ..TableShape::default()
        };
        let joins = self.joins(&columns, &mut own)?;
        let chosen = user.map_or_else(|| self.adaptation.udf.clone(), |user| user.columns.clone());
        let mut used: Vec<&str> = dataset
            .joins
            .iter()
            .flat_map(|j| &j.on)
            .map(|on| on.own.as_str())
            .collect();
        used.extend(dataset.own_company.as_deref());
        let part = Part {
            table,
            fields: &dataset.fields,
            withheld: &dataset.withheld,
            needed,
            chosen,
            steps: self.steps_of(None),
            used,
        };
        let names = self.table(&part, &columns, &joins, &mut own)?;
        let key = self.key(key, &columns, &mut own);
        let keep = self.keep(&names, &mut own)?;
        let leaves_when = match &dataset.leaves_when {
            Some(state) => match names.origin(&state.column, "leaves_when", &mut own) {
                Ok((Origin::Selected(place), _)) => Some((place, state.values.clone())),
                Ok((Origin::Joined(..), _)) | Err(_) => None,
            },
            None => None,
        };
        let not_before = dataset.dated.as_ref().zip(self.adaptation.not_before);
        let not_before = not_before
            .filter(|(column, _)| drift::find(&columns, column).is_some())
            .map(|(column, date)| (column.clone(), date));
        let children = self.children()?;
        let mut successors = Vec::new();
        for successor in &dataset.successors {
            let columns = self.asked.columns(&successor.table)?;
            let has = |name: &str| drift::find(&columns, name).is_some();
            successors.push(successor.on.iter().all(|on| has(&on.theirs)));
        }
        let gone = self.gone(table, &columns);
        let site = self.site(&own, &children, &joins);
        Ok(Shape {
            site,
            dataset: dataset.clone(),
            own,
            key,
            children,
            joins,
            successors,
            company_code: dataset.own_company.as_ref().map(|_| company_code.to_owned()),
            not_before,
            keep,
            leaves_when,
            offered: std::mem::take(&mut self.offered),
            gone,
            seen: std::mem::take(&mut self.seen),
        })
    }

    fn steps_of(&self, child: Option<&str>) -> Vec<&'a FieldSteps> {
        let steps = self.adaptation.steps.iter();
        steps.filter(|s| s.child.as_deref() == child).collect()
    }

    fn key(&self, key: &[String], columns: &[ColumnInfo], own: &mut TableShape) -> Vec<KeyColumn> {
        key.iter()
            .map(|name| {
                let field = self.dataset.field_of_column(name);
                let info = drift::find(columns, name);
                let kind = field
                    .map(|(_, f)| f.kind)
                    .or_else(|| info.map(ColumnInfo::kind))
                    .unwrap_or(Kind::Text);
                let name = if field.is_some() {
                    name.clone()
                } else {
                    info.map_or_else(|| name.clone(), |info| info.name.clone())
                };
                KeyColumn {
                    place: own.place(&name, kind),
                    kind,
                    name,
                }
            })
            .collect()
    }

    /// Tables that fields come from. Their own key columns are selected first.
    fn joins(
        &mut self,
        own_columns: &[ColumnInfo],
        own: &mut TableShape,
    ) -> Result<Vec<Option<JoinShape>>, RuleError> {
        let mut shapes = Vec::new();
        for (place, join) in self.dataset.joins.iter().enumerate() {
            let columns = self.asked.columns(&join.table)?;
            let has = |name: &str| drift::find(&columns, name).is_some();
            if columns.is_empty() || !join.on.iter().all(|on| has(&on.theirs)) {
                let table = join.table.clone();
                if join.optional || self.dataset.guess.is_some() {
                    self.problems.push(ShapeProblem::TableAbsent { table });
                    shapes.push(None);
                    continue;
                }
                return Err(RuleError::from(ShapeProblem::TableMissing { table }));
            }
            let mut shape = JoinShape {
                table: join.table.clone(),
                own: Vec::new(),
                key: Vec::new(),
                columns: Vec::new(),
            };
            let mut complete = true;
            for on in &join.on {
                let field = self.dataset.field_of_column(&on.own);
                let kind = field.map_or(Kind::Text, |(_, f)| f.kind);
                complete &= drift::find(own_columns, &on.own).is_some();
                shape.own.push(own.place(&on.own, kind));
                shape.key.push(Column::new(&on.theirs, kind));
            }
            if !complete {
                return Err(RuleError::from(ShapeProblem::KeyMissing {
                    table: own.table.clone(),
                    column: join.on.first().map(|on| on.own.clone()).unwrap_or_default(),
                }));
            }
            for field in self.dataset.fields.iter().filter(|f| f.join == Some(place)) {
                if has(&field.column) {
                    shape.columns.push(Column::new(&field.column, field.kind));
                } else {
                    self.problems.push(ShapeProblem::ColumnMissing {
                        table: join.table.clone(),
                        column: field.column.clone(),
                    });
                }
            }
            shapes.push(Some(shape));
        }
        Ok(shapes)
    }

    fn keep(&self, names: &Names<'_>, own: &mut TableShape) -> Result<Vec<Condition>, RuleError> {
        let mut conditions = Vec::new();
        for keep in &self.adaptation.keep {
            conditions.push(match keep {
                Keep::OneOf { column, values } => Condition::Values {
                    origin: names.origin(column, "a filter", own)?.0,
                    values: values.clone(),
                    wanted: true,
                },
                Keep::NotOneOf { column, values } => Condition::Values {
                    origin: names.origin(column, "a filter", own)?.0,
                    values: values.clone(),
                    wanted: false,
                },
                Keep::Expression(text) => {
                    let computed = names.expression(text, "a filter", own)?;
                    if computed.expression.kind() != expression::Type::Bool {
                        return Err(RuleError::from(ShapeProblem::RuleInvalid {
                            used_by: "a filter".to_owned(),
                            message: format!("it gives {}, not true or false", computed.expression.kind()),
                            remedy: "compare with something, as in ItemType = '1'".to_owned(),
                        }));
                    }
                    Condition::Expression(computed)
                }
            });
        }
        Ok(conditions)
    }

    fn children(&mut self) -> Result<Vec<Option<TableShape>>, RuleError> {
        let dataset = self.dataset;
        let mut shapes = Vec::new();
        for child in &dataset.children {
            let columns = self.asked.columns(&child.table)?;
            if columns.is_empty() {
                let table = child.table.clone();
                if child.optional || dataset.guess.is_some() {
                    self.problems.push(ShapeProblem::TableAbsent { table });
                    shapes.push(None);
                    continue;
                }
                return Err(RuleError::from(ShapeProblem::TableMissing { table }));
            }
            let mut table = TableShape {
                table: child.table.clone(),
                ..TableShape::default()
            };
            // The parent's key is read as text, and brought into the parent's form.
            table.parent_key = child
                .parent_key
                .iter()
                .map(|c| table.place(c, Kind::Text))
                .collect();
            let chosen = self
                .adaptation
                .child_udf
                .iter()
                .filter(|(name, _)| *name == child.name);
            let part = Part {
                table: &child.table,
                fields: &child.fields,
                withheld: &child.withheld,
                needed: child
                    .parent_key
                    .iter()
                    .chain(&child.key)
                    .map(String::as_str)
                    .collect(),
                chosen: chosen.flat_map(|(_, extras)| extras.clone()).collect(),
                steps: self.steps_of(Some(&child.name)),
                used: Vec::new(),
            };
            self.table(&part, &columns, &[], &mut table)?;
            shapes.push(Some(table));
        }
        Ok(shapes)
    }

    /// Fits one table's fields, and compiles the site's rules for its rows.
    fn table<'n>(
        &mut self,
        part: &Part<'n>,
        columns: &[ColumnInfo],
        joins: &[Option<JoinShape>],
        table: &mut TableShape,
    ) -> Result<Names<'n>, RuleError> {
        if let Some(column) = part.needed.iter().find(|c| drift::find(columns, c).is_none()) {
            return Err(RuleError::from(ShapeProblem::KeyMissing {
                table: part.table.to_owned(),
                column: (*column).to_owned(),
            }));
        }
        for info in columns {
            self.seen
                .insert(drift::place_name(part.table, &info.name), drift::seen(info));
            let field = part
                .fields
                .iter()
                .find(|f| f.join.is_none() && f.column.eq_ignore_ascii_case(&info.name));
            let declared = field.map(|f| (f.kind, f.width));
            self.problems
                .extend(drift::compare(part.table, info, declared, self.remembered));
        }
        let mut taken = vec![0_usize; joins.len()];
        for field in part.fields {
            let source = match field.join {
                _ if field.is_udf() => FieldSource::Site,
                None if self.dataset.user_defined => FieldSource::Blank,
                None if drift::find(columns, &field.column).is_some() => {
                    FieldSource::Column(table.place(&field.column, field.kind))
                }
                None => {
                    self.problems.push(ShapeProblem::ColumnMissing {
                        table: part.table.to_owned(),
                        column: field.column.clone(),
                    });
                    FieldSource::Blank
                }
                Some(join) => {
                    let shape = joins.get(join).and_then(Option::as_ref);
                    let next = taken.get(join).copied().unwrap_or(0);
                    let there = shape
                        .and_then(|s| s.columns.get(next))
                        .is_some_and(|c| c.name == field.column);
                    if let Some(next) = taken.get_mut(join).filter(|_| there) {
                        *next += 1;
                        FieldSource::Joined(join, *next - 1)
                    } else {
                        FieldSource::Blank
                    }
                }
            };
            table.fields.push(source);
        }
        let names = names(part, columns, joins);
        let mut extras = part.chosen.clone();
        let unused = self.unused(part, columns, &extras);
        if self.dataset.discover {
            // Nobody has written down what this table holds: all of it is taken, and kept
            // from those who may not see personal data until somebody has looked.
            extras.extend(unused.iter().map(|info| Extra {
                name: info.name.clone(),
                column: info.name.clone(),
                class: Class::Personal,
                expression: None,
            }));
        } else {
            self.offered.extend(unused.iter().map(|info| Offered {
                table: part.table.to_owned(),
                column: info.name.clone(),
                kind: info.kind(),
            }));
        }
        let asked = &mut self.asked;
        table.rules = {
            let mut scratch = std::mem::take(table);
            let rules = names.rules(part.fields, &extras, &part.steps, &mut scratch, &mut |t| {
                asked.kinds(t)
            });
            *table = scratch;
            rules?
        };
        for column in &mut table.select {
            column.width = drift::find(columns, &column.name).and_then(drift::declared_width);
        }
        Ok(names)
    }

    /// Columns that no field reads and that nothing forbids.
    fn unused<'c>(
        &self,
        part: &Part<'_>,
        columns: &'c [ColumnInfo],
        chosen: &[Extra],
    ) -> Vec<&'c ColumnInfo> {
        let same = |name: &str, info: &ColumnInfo| info.name.eq_ignore_ascii_case(name);
        columns
            .iter()
            .filter(|info| {
                let field = part
                    .fields
                    .iter()
                    .any(|f| f.join.is_none() && same(&f.column, info));
                let extra = chosen
                    .iter()
                    .any(|e| e.expression.is_none() && same(&e.column, info));
                let other = part.withheld.iter().any(|w| same(w, info))
                    || part.needed.iter().chain(&part.used).any(|n| same(n, info));
                !field && !extra && !other
            })
            .collect()
    }

    fn site(&self, own: &TableShape, children: &[Option<TableShape>], joins: &[Option<JoinShape>]) -> Hash {
        let mut text = self.adaptation.fingerprint().to_string();
        for table in std::iter::once(Some(own)).chain(children.iter().map(Option::as_ref)) {
            text.push('|');
            let Some(table) = table else { continue };
            for source in &table.fields {
                text.push(if *source == FieldSource::Blank { '0' } else { '1' });
            }
            for extra in &table.rules.extras {
                text.push_str(&format!(" {}.{}", extra.class.as_str(), extra.name));
            }
        }
        for join in joins {
            text.push(if join.is_some() { '1' } else { '0' });
        }
        Hash::of_bytes(text.as_bytes())
    }

    fn gone(&self, table: &str, columns: &[ColumnInfo]) -> Vec<String> {
        let prefix = drift::place_name(table, "");
        let names = self
            .remembered
            .keys()
            .filter_map(|name| name.strip_prefix(&prefix));
        names
            .filter(|name| drift::find(columns, name).is_none() && !catalog::looks_secret(name))
            .map(str::to_owned)
            .collect()
    }
}

/// What rules may name: the catalog's columns as the catalog reads them, others as the
/// driver declares them, and joined columns.
fn names<'n>(part: &Part<'n>, columns: &[ColumnInfo], joins: &[Option<JoinShape>]) -> Names<'n> {
    let own = columns.iter().map(|info| {
        let field = part
            .fields
            .iter()
            .find(|f| f.join.is_none() && f.column.eq_ignore_ascii_case(&info.name));
        field.map_or_else(
            || (info.name.clone(), info.kind()),
            |f| (f.column.clone(), f.kind),
        )
    });
    let joined = joins.iter().enumerate().flat_map(|(place, join)| {
        let columns = join.iter().flat_map(|join| join.columns.iter().enumerate());
        columns.map(move |(column, c)| (c.name.clone(), c.kind, Origin::Joined(place, column)))
    });
    Names {
        table: part.table,
        own: own.collect(),
        joined: joined.collect(),
        withheld: part.withheld,
    }
}
