//! What the company's tables hold, read as the driver reads them.

use std::collections::BTreeMap;

use import::read_back::{Columns, Place, TABLES};
use import::{Field, Row};
use values::Kind;

use crate::site::{Site, number};

pub(crate) fn columns(site: &Site) -> Columns {
    let database = site.database();
    TABLES
        .iter()
        .map(|table| {
            let mut found = database
                .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
                .unwrap();
            let names = found
                .query_map([], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            ((*table).to_owned(), names)
        })
        .collect()
}

/// Runs what is to be read against the company's tables.
pub(crate) fn read(site: &Site, selects: Vec<(Place, sage::Select)>) -> BTreeMap<Place, Vec<Row>> {
    let database = site.database();
    assert!(!selects.is_empty());
    selects
        .into_iter()
        .map(|(place, select)| {
            let sql = sage::render(&select, &sage::Dialect::default()).unwrap();
            let mut found = database.prepare(&sql).unwrap();
            let rows = found
                .query_map([], |found| {
                    let mut row = Row::default();
                    for (at, column) in select.columns.iter().enumerate() {
                        let text: Option<String> = found.get(at)?;
                        let text = text.unwrap_or_default();
                        let field = match column.kind {
                            Kind::Date => Field::Date(text.parse().ok()),
                            Kind::Decimal { .. } => Field::Number(number(&text)),
                            _ => Field::Text(text),
                        };
                        row.put(column.name.clone(), field);
                    }
                    Ok(row)
                })
                .unwrap()
                .map(Result::unwrap)
                .collect();
            (place, rows)
        })
        .collect()
}
