//! Commands on rows: `set`, `delete`, `show`.

use sandbox::maintenance::{Stamping, delete_row, set_values, write_row_with_stamp};
use sandbox::row::{StoredRow, TableShape, find_rows, table_counts};
use sandbox::{Company, system_clock};
use serde_json::json;

use crate::cli::{DeleteArgs, Pair, SetArgs, ShowArgs};
use crate::{CommandError, output};

pub(crate) fn set(args: &SetArgs) -> Result<(), CommandError> {
    let company = Company::open(&args.file, system_clock())?;
    let stamping = if args.no_stamp {
        Stamping::None
    } else {
        Stamping::At(company.now())
    };
    let (key, values) = (borrowed(&args.row.key), borrowed(&args.values));
    if args.add {
        write_row_with_stamp(&company, &args.row.table, &key, &values, stamping)?;
    } else {
        set_values(&company, &args.row.table, &key, &values, stamping)?;
    }
    Ok(())
}

pub(crate) fn delete(args: &DeleteArgs) -> Result<(), CommandError> {
    let company = Company::open(&args.file, system_clock())?;
    delete_row(&company, &args.row.table, &borrowed(&args.row.key))?;
    Ok(())
}

pub(crate) fn show(args: &ShowArgs) -> Result<(), CommandError> {
    let company = Company::open(&args.file, system_clock())?;
    let Some(table) = &args.table else {
        return show_tables(&company, args.json);
    };
    let shape = TableShape::of(company.connection(), table)?;
    args.columns.iter().try_for_each(|c| shape.check(c))?;
    for mut row in find_rows(company.connection(), table, &borrowed(&args.key), args.limit)? {
        if !args.columns.is_empty() {
            row = StoredRow(
                args.columns
                    .iter()
                    .map(|c| (c.clone(), row.get(c).unwrap_or_default().to_owned()))
                    .collect(),
            );
        }
        output::json(&row)?;
    }
    Ok(())
}

fn show_tables(company: &Company, json: bool) -> Result<(), CommandError> {
    for (table, rows) in table_counts(company.connection())? {
        if json {
            output::json(&json!({ "table": table, "rows": rows }))?;
        } else {
            output::line(&format!("{rows:>9}  {table}"))?;
        }
    }
    Ok(())
}

fn borrowed(pairs: &[Pair]) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|pair| (pair.column.as_str(), pair.value.as_str()))
        .collect()
}
