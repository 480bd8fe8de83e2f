//! Header rows: pages of them, their keys, and how they are found again.

use std::collections::HashSet;

use arrow_array::{ArrayRef, RecordBatch, cast::AsArray};
use catalog::STAMP_DATE;
use sage::{Comparison, Literal, Page, ReadError, ReadErrorCode, Select, Where};
use values::{Hash, Key, Kind, parse_date};

use super::columns::value_at;
use super::{PageRequest, Parents, RowCode, RowFinding, Source, wrong_types};
use crate::ladder::{Rung, rungs};

/// Pages whose leading key column has more values than this are read as one range over it:
/// what lies outside the page at both ends is little then.
const FEW_GROUPS: usize = 8;

impl Source<'_> {
    pub(super) fn read_parents(&mut self, request: &PageRequest) -> Result<Parents, ReadError> {
        let after = request
            .after
            .as_ref()
            .map(|parts| self.key_literals(parts))
            .transpose()?;
        let names: Vec<String> = self.shape.key.iter().map(|k| k.name.clone()).collect();
        let mut pages = Vec::new();
        let mut findings = Vec::new();
        let mut have = 0;
        let mut end = true;
        for rung in rungs(&names, after.as_deref()) {
            if have >= request.limit {
                end = false;
                break;
            }
            let since = request.since.map(|day| Where {
                column: STAMP_DATE.to_owned(),
                comparison: Comparison::AtLeast,
                literal: Literal::Date(day),
            });
            let window = self.shape.not_before.as_ref().map(|(column, day)| Where {
                column: column.clone(),
                comparison: Comparison::AtLeast,
                literal: Literal::Date(*day),
            });
            let select = self.parent_select(rung.into_iter().chain(since).chain(window).collect());
            let page = self.reader.read(&select, request.limit - have, self.time_limit)?;
            findings.extend(self.name_findings(&page));
            have += page.rows.num_rows();
            end = page.end;
            pages.push(page.rows);
        }
        let rows = self.one_batch(&pages)?;
        self.moves_on(&rows, request.after.as_deref())?;
        let last = rows
            .num_rows()
            .checked_sub(1)
            .map(|row| self.key_parts(&rows, row));
        Ok(Parents {
            rows,
            last,
            end,
            findings,
        })
    }

    /// A key that comes twice, or that was the last page's end, is no scan by key.
    fn moves_on(&self, rows: &RecordBatch, after: Option<&[String]>) -> Result<(), ReadError> {
        let mut seen = HashSet::with_capacity(rows.num_rows() + 1);
        if let Some(after) = after {
            seen.insert(Hash::of_bytes(after.join("\u{1f}").as_bytes()));
        }
        let columns: Vec<&ArrayRef> = self.shape.key.iter().map(|k| rows.column(k.place)).collect();
        let mut text = String::new();
        for row in 0..rows.num_rows() {
            text.clear();
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    text.push('\u{1f}');
                }
                match column.as_string_opt::<i32>() {
                    Some(texts) => text.push_str(texts.value(row)),
                    None => text.push_str(&value_at(column, row).to_string()),
                }
            }
            if !seen.insert(Hash::of_bytes(text.as_bytes())) {
                let message = format!(
                    "reading {} did not move on: a key came twice, or again after the page that ended with it",
                    self.shape.own.table
                );
                return Err(ReadError::new(ReadErrorCode::DriverError, message));
            }
        }
        Ok(())
    }

    pub(super) fn one_batch(&self, pages: &[RecordBatch]) -> Result<RecordBatch, ReadError> {
        let fail = |e| wrong_types(&self.shape.own.table, &e);
        match pages {
            [] => super::children::empty(&self.shape.own.select).map_err(fail),
            [one] => Ok(one.clone()),
            [first, ..] => arrow_select::concat::concat_batches(&first.schema(), pages).map_err(fail),
        }
    }

    pub(super) fn parent_select(&self, mut conditions: Rung) -> Select {
        if let Some((column, code)) = self
            .shape
            .dataset
            .own_company
            .as_ref()
            .zip(self.shape.company_code.as_ref())
        {
            conditions.push(Where {
                column: column.clone(),
                comparison: Comparison::Equal,
                literal: Literal::Text(code.clone()),
            });
        }
        Select {
            table: self.shape.own.table.clone(),
            columns: self.shape.own.select.clone(),
            conditions,
            order_by: self.shape.key.iter().map(|k| k.name.clone()).collect(),
        }
    }

    /// The statements that find rows of these parents by `columns`, which hold the parents'
    /// key: ranges over a dense page, one statement for each parent of a sparse one.
    pub(super) fn conditions(
        &self,
        parents: &RecordBatch,
        columns: &[String],
        sparse: bool,
    ) -> Result<Vec<Rung>, ReadError> {
        if parents.num_rows() == 0 || columns.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Vec<Literal>> = (0..parents.num_rows())
            .map(|row| self.key_literals(&self.key_parts(parents, row)))
            .collect::<Result<_, _>>()?;
        if sparse {
            let equal = |key: &Vec<Literal>| -> Rung {
                let pairs = columns.iter().zip(key);
                pairs.map(|(c, l)| where_(c, Comparison::Equal, l)).collect()
            };
            return Ok(keys.iter().map(equal).collect());
        }
        let mut found = Vec::new();
        ranges(&keys, columns, 0, &Rung::new(), &mut found);
        Ok(found)
    }

    pub(super) fn keys(&self, parents: &RecordBatch) -> Vec<Key> {
        (0..parents.num_rows())
            .map(|row| Key::from_parts(self.parts(parents, row)))
            .collect()
    }

    /// Key parts of a row as text, in their canonical form.
    pub(super) fn key_parts(&self, parents: &RecordBatch, row: usize) -> Vec<String> {
        self.parts(parents, row)
            .map(|part| part.trim_end_matches(' ').to_owned())
            .collect()
    }

    fn parts<'p>(&'p self, parents: &'p RecordBatch, row: usize) -> impl Iterator<Item = String> + 'p {
        self.shape
            .key
            .iter()
            .map(move |k| value_at(parents.column(k.place), row).to_string())
    }

    pub(super) fn key_literals(&self, parts: &[String]) -> Result<Vec<Literal>, ReadError> {
        let pairs = self.shape.key.iter().zip(parts);
        pairs
            .map(|(key, part)| literal(part, key.kind, &self.shape.own.table))
            .collect()
    }

    /// Parent key parts of a child row, read as text, in the parent's canonical form.
    pub(super) fn normal_parts<'t>(&self, parts: impl Iterator<Item = &'t str>) -> Vec<String> {
        let pairs = self.shape.key.iter().zip(parts);
        pairs
            .map(|(key, part)| match key.kind {
                Kind::Date => parse_date(part)
                    .ok()
                    .flatten()
                    .map(|d| d.to_string())
                    .unwrap_or_default(),
                Kind::Decimal { scale } => {
                    values::Decimal::parse(part, scale).map_or_else(|_| part.to_owned(), |d| d.to_string())
                }
                Kind::Text | Kind::Json => part.to_owned(),
            })
            .collect()
    }

    pub(super) fn name_findings(&self, page: &Page) -> Vec<RowFinding> {
        if page.findings.is_empty() {
            return Vec::new();
        }
        let rows = page.rows.num_rows();
        let named = page.findings.iter().filter(|f| f.row < rows).map(|f| RowFinding {
            key: Key::from_parts(self.parts(&page.rows, f.row)),
            column: f.column.clone(),
            code: RowCode::Value(f.code),
        });
        named.collect()
    }
}

fn where_(column: &str, comparison: Comparison, literal: &Literal) -> Where {
    Where {
        column: column.to_owned(),
        comparison,
        literal: literal.clone(),
    }
}

/// Ranges that hold these keys (in the ERP's order) and not much else: where they share few
/// values of the leading column, one range inside each of them.
fn ranges(keys: &[Vec<Literal>], columns: &[String], depth: usize, prefix: &Rung, found: &mut Vec<Rung>) {
    let (Some(column), Some(first), Some(last)) = (columns.get(depth), keys.first(), keys.last()) else {
        if !keys.is_empty() {
            found.push(prefix.clone());
        }
        return;
    };
    let groups: Vec<&[Vec<Literal>]> = keys.chunk_by(|a, b| a.get(depth) == b.get(depth)).collect();
    let is_last = depth + 1 == columns.len();
    if groups.len() <= FEW_GROUPS && !is_last {
        for group in groups {
            if let Some(literal) = group.first().and_then(|key| key.get(depth)) {
                let mut inside = prefix.clone();
                inside.push(where_(column, Comparison::Equal, literal));
                ranges(group, columns, depth + 1, &inside, found);
            }
        }
    } else if let (Some(from), Some(to)) = (first.get(depth), last.get(depth)) {
        let mut range = prefix.clone();
        range.push(where_(column, Comparison::AtLeast, from));
        range.push(where_(column, Comparison::AtMost, to));
        found.push(range);
    }
}

/// A key part as it stands in a statement.
pub(super) fn literal(part: &str, kind: Kind, table: &str) -> Result<Literal, ReadError> {
    match kind {
        Kind::Text | Kind::Json | Kind::Decimal { .. } => Ok(Literal::Text(part.to_owned())),
        Kind::Date => parse_date(part).ok().flatten().map(Literal::Date).ok_or_else(|| {
            ReadError::new(
                ReadErrorCode::DriverError,
                format!("a key of {table} has the odd date {part:?}"),
            )
        }),
    }
}
