//! How full one column is, over the whole table.

use std::time::Duration;

use sage::{Column, Comparison, Literal, ReadError, ReadErrorCode, Reader, Select, Where};

use super::columns::value_at;
use super::parents::literal;
use crate::ladder::rungs;
use crate::{ColumnFill, Shape};

/// Rows of a page: two or three narrow columns.
const PAGE_ROWS: usize = 10_000;

/// Counts a column's values over the whole table, reading nothing but the key and it.
///
/// # Errors
/// As the reader; also when the column is not read for this dataset, or the pages do not
/// move on.
pub fn read_column_fill(
    reader: &mut dyn Reader,
    shape: &Shape,
    column: &str,
    time_limit: Duration,
) -> Result<ColumnFill, ReadError> {
    let wanted = shape.own.select.iter().find(|c| c.name == column);
    let Some(wanted) = wanted else {
        let message = format!("column {column} of {} is not read", shape.own.table);
        return Err(ReadError::new(ReadErrorCode::ColumnMissing, message));
    };
    let names: Vec<String> = shape.key.iter().map(|k| k.name.clone()).collect();
    let mut columns: Vec<Column> = shape.key.iter().map(|k| Column::new(&k.name, k.kind)).collect();
    let place = columns
        .iter()
        .position(|c| c.name == wanted.name)
        .unwrap_or(columns.len());
    if place == columns.len() {
        columns.push(wanted.clone());
    }
    let company = shape
        .dataset
        .own_company
        .as_ref()
        .zip(shape.company_code.as_ref());
    let company = company.map(|(column, code)| Where {
        column: column.clone(),
        comparison: Comparison::Equal,
        literal: Literal::Text(code.clone()),
    });
    let mut fill = ColumnFill::default();
    let mut after: Option<Vec<Literal>> = None;
    loop {
        let mut last = None;
        let mut end = true;
        let mut room = PAGE_ROWS;
        for rung in rungs(&names, after.as_deref()) {
            if room == 0 {
                end = false;
                break;
            }
            let select = Select {
                table: shape.own.table.clone(),
                columns: columns.clone(),
                conditions: rung.into_iter().chain(company.clone()).collect(),
                order_by: names.clone(),
            };
            let page = reader.read(&select, room, time_limit)?;
            let rows = page.rows.num_rows();
            room -= rows.min(room);
            end = page.end;
            let counted = ColumnFill::of(page.rows.column(place));
            fill.rows += counted.rows;
            fill.filled += counted.filled;
            if let Some(row) = rows.checked_sub(1) {
                let parts = shape.key.iter().zip(page.rows.columns());
                let literals =
                    parts.map(|(key, c)| literal(&value_at(c, row).to_string(), key.kind, &shape.own.table));
                last = Some(literals.collect::<Result<Vec<_>, _>>()?);
            }
        }
        if end {
            return Ok(fill);
        }
        if last.is_none() || last == after {
            let message = format!("reading {} did not move on", shape.own.table);
            return Err(ReadError::new(ReadErrorCode::DriverError, message));
        }
        after = last;
    }
}
