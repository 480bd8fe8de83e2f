//! Does a table in PostgreSQL hold what the source holds, to the last character?

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::{Column, Kind, Table, totals};
use system_tests::Postgres;

/// The database of all.
pub(crate) const DATABASE: &str = "bench";

/// Rows, then one sum over each column: equal sums are equal values, whatever their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sums(Vec<String>);

/// Creates the table that `\copy` loads, with the source's types.
pub(crate) fn create_floor(postgres: &Postgres, table: &Table) -> String {
    let name = format!("copy_{}", table.dataset);
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|Column { name, kind }| match kind {
            Kind::Text { .. } => format!("\"{name}\" text NOT NULL"),
            Kind::Decimal { digits, scale } => format!("\"{name}\" numeric({digits},{scale}) NOT NULL"),
            Kind::Date => format!("\"{name}\" date"),
        })
        .collect();
    postgres.execute(DATABASE, &format!("CREATE TABLE {name} ({})", columns.join(", ")));
    name
}

/// The sums of the table that `\copy` loaded, after they were checked against what the
/// source itself adds up to.
pub(crate) fn reference(postgres: &Postgres, file: &Path, table: &Table, floor: &str) -> Sums {
    let sums: Vec<String> = table
        .columns
        .iter()
        .map(|Column { name, kind }| match kind {
            Kind::Text { .. } => format!("sum(length(\"{name}\"))"),
            Kind::Decimal { scale, .. } => format!("sum(\"{name}\" * {})::bigint", 10_i64.pow(*scale)),
            Kind::Date => format!("sum(\"{name}\" - date '2000-01-01')"),
        })
        .collect();
    let answer = postgres.ask(
        DATABASE,
        &format!("SELECT count(*), {} FROM {floor}", sums.join(", ")),
    );
    let found: Vec<i64> = answer.split('|').map(|n| n.parse().unwrap()).collect();
    assert_eq!(found, totals(file, table), "the floor's table is not the source");
    sum(postgres, table, "public", floor).unwrap()
}

/// The sums of a table, or what it lacks.
pub(crate) fn sum(postgres: &Postgres, table: &Table, schema: &str, name: &str) -> Result<Sums, String> {
    let answer = postgres.ask(
        DATABASE,
        &format!(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_schema = '{schema}' AND table_name = '{name}'"
        ),
    );
    // Some write item_code, some itemcode, some ItemCode.
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let there: BTreeMap<String, (&str, &str)> = answer
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(column, kind)| (plain(column), (column, kind)))
        .collect();
    let mut sums = Vec::new();
    for Column { name: column, kind } in &table.columns {
        let (name, stored) = there
            .get(&plain(column))
            .ok_or_else(|| format!("{schema}.{name} has no column {column}"))?;
        let text = format!("\"{name}\"::text");
        let value = match kind {
            Kind::Text { .. } => format!("rtrim(coalesce({text}, ''))"),
            Kind::Decimal { scale, .. } => {
                let units = if *stored == "bigint" && *scale > 0 {
                    format!("/ {}", 10_i64.pow(*scale))
                } else {
                    String::new()
                };
                format!("trim_scale(coalesce(nullif({text}, ''), '0')::numeric {units})::text")
            }
            Kind::Date => format!("left(coalesce({text}, ''), 10)"),
        };
        sums.push(format!("sum(hashtextextended({value}, 0)::numeric)"));
    }
    let answer = postgres.ask(
        DATABASE,
        &format!(
            "SELECT count(*), {} FROM \"{schema}\".\"{name}\"",
            sums.join(", ")
        ),
    );
    Ok(Sums(answer.split('|').map(str::to_owned).collect()))
}

impl Sums {
    /// Equal, or the first difference in words.
    pub(crate) fn compare(&self, reference: &Self, table: &Table) -> Result<(), String> {
        let names = std::iter::once("rows").chain(table.columns.iter().map(|c| c.name.as_str()));
        for ((name, mine), theirs) in names.zip(&self.0).zip(&reference.0) {
            if mine != theirs {
                return Err(format!("{name}: {mine}, in the source {theirs}"));
            }
        }
        Ok(())
    }
}
