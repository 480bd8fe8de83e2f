//! Header rows: pages of them, their keys, and how they are found again.

use std::collections::HashSet;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, cast::AsArray};
use catalog::STAMP_DATE;
use sage::{Column, Comparison, Literal, Page, ReadError, ReadErrorCode, Select, Where};
use values::{Date, Hash, Key, Kind, parse_date};

use super::children::MAX_CHILD_ROWS;
use super::columns::value_at;
use super::written::{Bound, cut, literals};
use super::{PageRequest, Parents, RowCode, RowFinding, Source, wrong_types};
use crate::ladder::{Rung, rungs};

/// Pages whose leading key column has more values than this are read as one range over it:
/// what lies outside the page at both ends is little then.
const FEW_GROUPS: usize = 8;
/// A page is dense while its range holds at most so many rows for each of its documents.
const DENSE: usize = 4;
/// Rows that are always few enough to be read in one range.
const FEW_ROWS: usize = 100;

impl Source<'_> {
    /// A page of headers. It ends where the next one can begin; what would stand behind that
    /// comes with the next page. Where no such place is among the rows, more are read.
    pub(super) fn read_parents(&mut self, request: &PageRequest) -> Result<Parents, ReadError> {
        let kinds = self.key_kinds();
        // What cannot be written was never a page's end: the pass begins anew.
        let after = request
            .after
            .as_deref()
            .filter(|parts| !parts.is_empty() && literals(parts, &kinds).len() == parts.len());
        let mut limit = request.limit;
        loop {
            let Parents {
                rows,
                last,
                end,
                mut findings,
            } = self.header_page(request.since, after, limit)?;
            let repeated = self.moves_on(&rows, after)?;
            if end || last.is_none() {
                return Ok(Parents {
                    rows: self.without(rows, &repeated, &mut findings)?,
                    last,
                    end,
                    findings,
                });
            }
            if let Some(cut) = cut(rows.num_rows(), &kinds, |row| self.key_parts(&rows, row)) {
                let again = self.keys(&rows.slice(cut.rows, rows.num_rows() - cut.rows));
                if !again.is_empty() {
                    findings.retain(|finding| !again.contains(&finding.key));
                }
                return Ok(Parents {
                    rows: self.without(rows.slice(0, cut.rows), &repeated, &mut findings)?,
                    last: Some(cut.last),
                    end,
                    findings,
                });
            }
            if limit >= MAX_CHILD_ROWS {
                let message = format!(
                    "reading {} cannot go on behind the key {:?}: neither it nor the {limit} keys around it can be written into a statement",
                    self.shape.own.table,
                    last.unwrap_or_default()
                );
                return Err(ReadError::new(ReadErrorCode::DriverError, message));
            }
            limit = limit.saturating_mul(2).min(MAX_CHILD_ROWS);
        }
    }

    fn header_page(
        &mut self,
        since: Option<Date>,
        after: Option<&[String]>,
        limit: usize,
    ) -> Result<Parents, ReadError> {
        let after = after.map(|parts| literals(parts, &self.key_kinds()));
        let mut names = self.key_names();
        names.truncate(after.as_ref().map_or(names.len(), Vec::len));
        let mut pages = Vec::new();
        let mut findings = Vec::new();
        let mut have = 0;
        let mut end = true;
        for rung in rungs(&names, after.as_deref()) {
            if have >= limit {
                end = false;
                break;
            }
            let since = since.map(|day| where_(STAMP_DATE, Comparison::AtLeast, &Literal::Date(day)));
            let window = self.shape.not_before.as_ref();
            let window =
                window.map(|(column, day)| where_(column, Comparison::AtLeast, &Literal::Date(*day)));
            let select = self.parent_select(rung.into_iter().chain(since).chain(window).collect());
            let page = self.reader.read(&select, limit - have, self.time_limit)?;
            findings.extend(self.name_findings(&page));
            have += page.rows.num_rows();
            end = page.end;
            pages.push(page.rows);
        }
        let rows = self.one_batch(&pages)?;
        let last = rows.num_rows().checked_sub(1);
        Ok(Parents {
            last: last.map(|row| self.key_parts(&rows, row)),
            rows,
            end,
            findings,
        })
    }

    /// A key that comes twice, or that was the last page's end, is no scan by key. But where
    /// odd dates became none, keys may have become the same: the rows that repeat one.
    fn moves_on(&self, rows: &RecordBatch, after: Option<&[String]>) -> Result<Vec<usize>, ReadError> {
        let mut repeated = Vec::new();
        let has_dates = self.shape.key.iter().any(|k| k.kind == Kind::Date);
        let mut seen = HashSet::with_capacity(rows.num_rows() + 1);
        if let Some(after) = after {
            seen.insert(Hash::of_bytes(after.join("\u{1f}").as_bytes()));
        }
        // The page before ended with all rows that begin so.
        let start = after.filter(|start| start.len() < self.shape.key.len());
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
            let again = start.is_some_and(|start| self.key_parts(rows, row).starts_with(start));
            let is_new = seen.insert(Hash::of_bytes(text.as_bytes()));
            if !again && !is_new && has_dates && self.lacks_date(rows, row) {
                repeated.push(row);
                continue;
            }
            if again || !is_new {
                let message = format!(
                    "reading {} did not move on: a key came twice, or again after the page that ended with it",
                    self.shape.own.table
                );
                return Err(ReadError::new(ReadErrorCode::DriverError, message));
            }
        }
        Ok(repeated)
    }

    /// Has a date of this row's key none?
    fn lacks_date(&self, rows: &RecordBatch, row: usize) -> bool {
        let mut dates = self.shape.key.iter().filter(|k| k.kind == Kind::Date);
        dates.any(|k| rows.column(k.place).is_null(row))
    }

    /// The rows but those that repeat a key; each of them is a finding.
    fn without(
        &self,
        rows: RecordBatch,
        repeated: &[usize],
        findings: &mut Vec<RowFinding>,
    ) -> Result<RecordBatch, ReadError> {
        if repeated.is_empty() {
            return Ok(rows);
        }
        let count = rows.num_rows();
        findings.extend(repeated.iter().filter(|row| **row < count).map(|row| RowFinding {
            key: Key::from_parts(self.parts(&rows, *row)),
            column: String::new(),
            code: RowCode::KeyUnwritable,
        }));
        let stays = BooleanArray::from_iter((0..count).map(|row| Some(!repeated.contains(&row))));
        arrow_select::filter::filter_record_batch(&rows, &stays)
            .map_err(|e| wrong_types(&self.shape.own.table, &e))
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
    /// key: ranges over a dense page, one statement for each parent of a sparse one. They may
    /// find others' rows too; of a sparse page they do not find those out of reach.
    pub(super) fn conditions(&self, parents: &RecordBatch, columns: &[String], sparse: bool) -> Vec<Rung> {
        if parents.num_rows() == 0 || columns.is_empty() {
            return Vec::new();
        }
        let keys = (0..parents.num_rows()).map(|row| self.key_parts(parents, row));
        if sparse {
            return apart(&keys.collect::<Vec<_>>(), &self.key_kinds(), columns);
        }
        let bounds = |parts: Vec<String>| -> Vec<Bound> {
            let pairs = self.shape.key.iter().zip(parts);
            pairs.map(|(key, part)| Bound::new(&part, key.kind)).collect()
        };
        let keys: Vec<Vec<Bound>> = keys.map(bounds).collect();
        let mut found = Vec::new();
        ranges(&keys, columns, 0, &Rung::new(), &mut found);
        found
    }

    /// Are these headers, which a condition beside the key found, most of those in their range?
    pub(super) fn is_dense(&mut self, parents: &RecordBatch) -> Result<bool, ReadError> {
        let mut room = parents.num_rows().saturating_mul(DENSE).saturating_add(FEW_ROWS);
        for rung in self.conditions(parents, &self.key_names(), false) {
            let mut select = self.parent_select(rung);
            select.columns = self
                .shape
                .key
                .iter()
                .map(|k| Column::new(&k.name, k.kind))
                .collect();
            let page = self.reader.read(&select, room, self.time_limit)?;
            room = room.saturating_sub(page.rows.num_rows());
            if !page.end || room == 0 {
                return Ok(false);
            }
        }
        Ok(true)
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

    pub(super) fn key_kinds(&self) -> Vec<Kind> {
        self.shape.key.iter().map(|k| k.kind).collect()
    }

    pub(super) fn key_names(&self) -> Vec<String> {
        self.shape.key.iter().map(|k| k.name.clone()).collect()
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

/// The statements that find these keys one by one. Where a key cannot be written whole, its
/// first parts find it, among others.
fn apart(keys: &[Vec<String>], kinds: &[Kind], columns: &[String]) -> Vec<Rung> {
    let written: Vec<Vec<Literal>> = keys.iter().map(|key| literals(key, kinds)).collect();
    let pairs = || {
        keys.iter()
            .zip(&written)
            .filter(|(_, written)| !written.is_empty())
    };
    let starts: HashSet<&[String]> = pairs()
        .filter(|(key, written)| written.len() < key.len())
        .filter_map(|(key, written)| key.get(..written.len()))
        .collect();
    let mut done = HashSet::new();
    let mut found = Vec::new();
    for (key, written) in pairs() {
        let mut shorter = (1..written.len()).filter_map(|length| key.get(..length));
        let is_found = shorter.any(|start| starts.contains(start));
        if !is_found && key.get(..written.len()).is_some_and(|start| done.insert(start)) {
            found.push(equal(columns, written));
        }
    }
    found
}

/// The rows whose columns have these values.
pub(super) fn equal(columns: &[String], literals: &[Literal]) -> Rung {
    let pairs = columns.iter().zip(literals);
    pairs.map(|(c, l)| where_(c, Comparison::Equal, l)).collect()
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
pub(super) fn ranges(
    keys: &[Vec<Bound>],
    columns: &[String],
    depth: usize,
    prefix: &Rung,
    found: &mut Vec<Rung>,
) {
    let (Some(column), Some(first), Some(last)) = (columns.get(depth), keys.first(), keys.last()) else {
        if !keys.is_empty() {
            found.push(prefix.clone());
        }
        return;
    };
    let groups: Vec<&[Vec<Bound>]> = keys.chunk_by(|a, b| a.get(depth) == b.get(depth)).collect();
    let values = groups.iter().map(|group| match group.first()?.get(depth)? {
        Bound::Whole(literal) => Some(literal),
        Bound::Start(_) | Bound::Unknown => None,
    });
    let is_last = depth + 1 == columns.len();
    let values: Option<Vec<&Literal>> = if groups.len() <= FEW_GROUPS && !is_last {
        values.collect()
    } else {
        None
    };
    if let Some(values) = values {
        for (group, literal) in groups.into_iter().zip(values) {
            let mut inside = prefix.clone();
            inside.push(where_(column, Comparison::Equal, literal));
            ranges(group, columns, depth + 1, &inside, found);
        }
        return;
    }
    let mut range = prefix.clone();
    if let Some(Bound::Whole(from) | Bound::Start(from)) = first.get(depth) {
        range.push(where_(column, Comparison::AtLeast, from));
    }
    if let Some(Bound::Whole(to)) = last.get(depth) {
        range.push(where_(column, Comparison::AtMost, to));
    }
    found.push(range);
}
