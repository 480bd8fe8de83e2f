//! The company that everybody reads: `IM_ItemWarehouse` as the sandbox makes it, and a
//! `CI_Item` of all 102 columns with believable values. No date is blank: dlt fails on one.

use std::path::Path;

use rusqlite::Connection;
use system_tests::run;

/// A column's type, as far as values are compared by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text { width: usize },
    Decimal { digits: u32, scale: u32 },
    Date,
}

/// A column of the source.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A table of the source.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// In the ERP.
    pub(crate) name: &'static str,
    /// In the driver and in the hub.
    pub(crate) dataset: &'static str,
    pub(crate) key: &'static [&'static str],
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: u64,
    /// The largest `DateUpdated`.
    pub(crate) last_day: String,
    /// Is the driver led by stamps? Stock moves without them, and is compared whole each time.
    pub(crate) stamped: bool,
}

/// Makes the company's file.
pub(crate) fn make(file: &Path, items: u64, stock: u64) -> Vec<Table> {
    let path = file.display().to_string();
    run(
        "sage-sandbox",
        &[
            "create",
            &path,
            "--profile",
            "stock",
            "--rows",
            &stock.to_string(),
        ],
    )
    .ok();
    let mut connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    for column in columns(&connection, "CI_Item") {
        if column.name.starts_with("UDF_") {
            let sql = format!("ALTER TABLE CI_Item DROP COLUMN {}", column.name);
            connection.execute_batch(&sql).unwrap();
        }
    }
    fill_items(&mut connection, items);
    for column in columns(&connection, "IM_ItemWarehouse") {
        if column.kind == Kind::Date {
            let name = &column.name;
            let sql = format!("UPDATE IM_ItemWarehouse SET {name} = '2026-01-05' WHERE {name} = ''");
            connection.execute_batch(&sql).unwrap();
        }
    }
    let tables = vec![
        table(&connection, "CI_Item", "items", &["ItemCode"]),
        table(
            &connection,
            "IM_ItemWarehouse",
            "inventory",
            &["ItemCode", "WarehouseCode"],
        ),
    ];
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); ANALYZE")
        .unwrap();
    tables
}

/// All rows as CSV, columns in their order.
pub(crate) fn write_csv(file: &Path, table: &Table, out: &mut dyn std::io::Write) {
    let connection = Connection::open(file).unwrap();
    let mut select = connection
        .prepare(&format!("SELECT * FROM {}", table.name))
        .unwrap();
    let mut rows = select.query([]).unwrap();
    let mut csv = csv::Writer::from_writer(out);
    while let Some(row) = rows.next().unwrap() {
        for place in 0..table.columns.len() {
            csv.write_field(row.get_ref(place).unwrap().as_bytes().unwrap())
                .unwrap();
        }
        csv.write_record(None::<&[u8]>).unwrap();
    }
    csv.flush().unwrap();
}

/// For each column what its values add up to, counted in the source: characters, units at
/// the scale, or days since 2000.
pub(crate) fn totals(file: &Path, table: &Table) -> Vec<i64> {
    let sums: Vec<String> = table
        .columns
        .iter()
        .map(|Column { name, kind }| match kind {
            Kind::Text { .. } => format!("sum(length({name}))"),
            Kind::Decimal { scale, .. } => {
                format!("sum(CAST(round({name} * {}) AS INTEGER))", 10_i64.pow(*scale))
            }
            Kind::Date => format!("sum(CAST(julianday({name}) - 2451544.5 AS INTEGER))"),
        })
        .collect();
    let connection = Connection::open(file).unwrap();
    let sql = format!("SELECT count(*), {} FROM {}", sums.join(", "), table.name);
    connection
        .query_row(&sql, [], |row| {
            (0..=table.columns.len()).map(|place| row.get(place)).collect()
        })
        .unwrap()
}

fn table(
    connection: &Connection,
    name: &'static str,
    dataset: &'static str,
    key: &'static [&'static str],
) -> Table {
    let (rows, last_day) = connection
        .query_row(
            &format!("SELECT count(*), max(DateUpdated) FROM {name}"),
            [],
            |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)),
        )
        .unwrap();
    Table {
        name,
        dataset,
        key,
        columns: columns(connection, name),
        rows,
        last_day,
        stamped: dataset != "inventory",
    }
}

fn columns(connection: &Connection, table: &str) -> Vec<Column> {
    let mut select = connection
        .prepare("SELECT name, type FROM pragma_table_info(?)")
        .unwrap();
    let found = select.query_map([table], |row| {
        Ok(Column {
            name: row.get(0)?,
            kind: kind(&row.get::<_, String>(1)?),
        })
    });
    found.unwrap().map(Result::unwrap).collect()
}

/// `VARCHAR(30)`, `TEXT`, `DECIMALTEXT(15,6)`, `DATE`.
fn kind(declared: &str) -> Kind {
    let (name, sizes) = declared
        .trim_end_matches(')')
        .split_once('(')
        .unwrap_or((declared, ""));
    let mut sizes = sizes
        .split(',')
        .filter_map(|size| size.trim().parse::<u32>().ok());
    match name {
        "DATE" => Kind::Date,
        "DECIMALTEXT" => Kind::Decimal {
            digits: sizes.next().unwrap(),
            scale: sizes.next().unwrap(),
        },
        "VARCHAR" => Kind::Text {
            width: sizes.next().unwrap() as usize,
        },
        "TEXT" => Kind::Text { width: 0 },
        other => panic!("a column of type {other}"),
    }
}

fn fill_items(connection: &mut Connection, rows: u64) {
    let columns = columns(connection, "CI_Item");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let places: Vec<_> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let transaction = connection.transaction().unwrap();
    {
        let sql = format!("INSERT INTO CI_Item VALUES ({})", places.join(", "));
        let mut insert = transaction.prepare(&sql).unwrap();
        for row in 0..rows {
            let values = columns.iter().map(|column| value(&mut random, column, row));
            insert.execute(rusqlite::params_from_iter(values)).unwrap();
        }
    }
    transaction.commit().unwrap();
}

fn value(random: &mut Random, column: &Column, row: u64) -> String {
    const WORDS: [&str; 16] = [
        "STEEL", "DRAWER", "LETTER", "FILE", "W/O LOCK", "OAK", "DESK", "24IN", "LAMP", "BLUE", "CHAIR",
        "ARM", "PADDED", "MESH", "CART", "SHELF",
    ];
    let name = column.name.as_str();
    let words = |random: &mut Random, count: u64| {
        let words: Vec<&str> = (0..count).map(|_| random.pick(&WORDS)).collect();
        words.join(" ")
    };
    match (name, column.kind) {
        ("ItemCode", _) => format!("ITEM-{row:08}"),
        ("ItemType", _) => "1".to_owned(),
        ("ProductType", _) => "F".to_owned(),
        ("Valuation", _) => random.pick(&["1", "2", "3"]).to_owned(),
        ("ProcurementType", _) => "B".to_owned(),
        ("ItemCodeDesc", _) => cut(words(random, 4), 30),
        ("CommentText", _) if random.below(5) == 0 => words(random, 12),
        ("CommentText" | "ExtendedDescriptionKey", _) => String::new(),
        ("ShipWeight", _) => format!("{}.{:02}", random.below(90), random.below(100)),
        (_, Kind::Text { .. }) if name.starts_with("Time") => {
            format!("{}.{:05}", 6 + random.below(14), random.below(100_000))
        }
        (_, Kind::Text { .. }) if name.ends_with("UnitOfMeasure") => {
            random.pick(&["EACH", "CASE", "BOX"]).to_owned()
        }
        (_, Kind::Text { width }) if name.ends_with("AcctKey") || name.starts_with("User") => {
            format!("{:0width$}", 1 + random.below(40))
        }
        (_, Kind::Text { width: 1 }) => random.pick(&["Y", "N"]).to_owned(),
        // Half of what a site could fill in stays blank.
        (_, Kind::Text { .. }) if random.below(2) == 0 => String::new(),
        (_, Kind::Text { width }) if width >= 15 => cut(words(random, 2), width),
        (_, Kind::Text { width }) => cut(format!("{}{:03}", random.pick(&WORDS), random.below(400)), width),
        (_, Kind::Decimal { digits, scale }) => {
            let units = random.below(10_u64.pow(digits.min(8)));
            let power = 10_u64.pow(scale);
            match scale {
                0 => units.to_string(),
                _ => format!("{}.{:02$}", units / power, units % power, scale as usize),
            }
        }
        (_, Kind::Date) => format!("2025-{:02}-{:02}", 1 + random.below(12), 1 + random.below(28)),
    }
}

fn cut(mut text: String, width: usize) -> String {
    text.truncate(width.max(1));
    text.truncate(text.trim_end().len());
    text
}

/// xorshift: the same company every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}
