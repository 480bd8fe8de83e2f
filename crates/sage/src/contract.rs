//! The contract that every adapter of the port keeps, as one suite that each adapter's
//! tests call. An adapter that passes may be put under the engine; nothing else may.
//!
//! The suite panics at the first promise that is broken, saying which.
#![expect(
    clippy::panic,
    reason = "a contract suite is called by tests only and reports by panicking"
)]

pub mod objects;

use std::path::Path;
use std::time::Duration;

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Date32Type, Decimal64Type},
};
use values::{Date, Kind, days_from_date};

use crate::{
    Column, ColumnDecoder, Comparison, FindingCode, Literal, Page, ReadError, ReadErrorCode, Reader, Select,
    Where,
};

/// The company that [`check_reader`] reads, as an `SQLite` script: run it on a new file.
///
/// It has `CI_Item` (odd values), `IM_ItemWarehouse` (a key of two parts) and an empty
/// `AR_Customer`; the application id marks it as a sandbox company.
pub const READER_FIXTURE_SQL: &str = r#"
PRAGMA application_id = 1396787010;
CREATE TABLE CI_Item (
    ItemCode VARCHAR(30) PRIMARY KEY,
    ItemCodeDesc VARCHAR(30),
    CommentText TEXT,
    StandardUnitPrice DECIMALTEXT(15,6),
    LastSoldDate DATE,
    DateUpdated DATE,
    TimeUpdated VARCHAR(8)
);
INSERT INTO CI_Item VALUES
    ('A100', 'Trailing blanks   ', '', '79.500000', '2026-05-01', '2026-05-01', '8.50000'),
    ('A;B {x}?', 'Marks of the statement', '', '26', '', '2026-05-02', '10.10000'),
    ('B200', NULL, NULL, NULL, NULL, '2026-05-02', '9.50000'),
    ('C300', 'Rössle Sauerkraut', '', '-0.5', '1753-01-01', '2026-05-03', '15.5'),
    ('D400', CAST(x'636166e92080' AS TEXT), '', '', '2026-02-28', '2026-05-04', ''),
    ('E500', 'Long comment', substr(replace(hex(zeroblob(1500)), '0', 'x'), 1, 2999) || 'Z', '99999999', '2026-12-31', '2026-05-05', '0.00000'),
    ('F600', 'Bad values', '', 'abc', '2026-02-31', '2026-05-06', 'noon'),
    ('O''NEIL', 'It''s a quote ""', '', '1.255555', '2026-05-01', '2026-05-06', '1.00000');
CREATE TABLE IM_ItemWarehouse (
    ItemCode VARCHAR(30),
    WarehouseCode VARCHAR(3),
    QuantityOnHand DECIMALTEXT(15,6),
    PRIMARY KEY (ItemCode, WarehouseCode)
);
WITH RECURSIVE item(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM item WHERE n < 7)
INSERT INTO IM_ItemWarehouse SELECT 'ITEM-' || n, warehouse.code, n || '.000000'
FROM item CROSS JOIN (SELECT '' AS code UNION SELECT '000' UNION SELECT '001' UNION SELECT '002') AS warehouse
WHERE NOT (n = 3 AND warehouse.code > '000');
CREATE TABLE AR_Customer (
    ARDivisionNo VARCHAR(2),
    CustomerNo VARCHAR(20),
    CreditLimit DECIMALTEXT(13,2),
    DateEstablished DATE,
    PRIMARY KEY (ARDivisionNo, CustomerNo)
);
"#;

/// Makes a reader for a file.
pub type OpenReader<'a> = &'a mut dyn FnMut(&Path) -> Result<Box<dyn Reader>, ReadError>;

/// Rows of `IM_ItemWarehouse` in the fixture: 7 items × 4 warehouses, less two.
const STOCK_ROWS: usize = 26;

/// Long enough for every adapter, short enough that a hanging one is seen.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Runs the whole suite. `open` makes a reader for a file, `fixture` is a file made from
/// [`READER_FIXTURE_SQL`], `missing` a path in a writable folder where nothing is (files
/// beside it, with its name and another extension, are made and removed).
///
/// # Panics
/// At the first broken promise.
pub fn check_reader(open: OpenReader<'_>, fixture: &Path, missing: &Path) {
    let before = file_bytes(fixture);
    let mut reader = open(fixture).unwrap_or_else(|e| panic!("the fixture opens: {e:?}"));
    let reader = reader.as_mut();
    check_probe(reader);
    check_columns(reader);
    check_values(reader);
    check_comparisons(reader);
    check_paging(reader);
    check_empty_table(reader);
    check_missing_names(reader);
    // An error leaves the reader usable.
    check_comparisons(reader);
    assert!(before == file_bytes(fixture), "reading changed the file");
    check_wrong_places(open, missing);
}

fn check_probe(reader: &mut dyn Reader) {
    let probe = reader
        .probe()
        .unwrap_or_else(|e| panic!("the fixture is a company: {e:?}"));
    assert!(!probe.driver.is_empty(), "the probe names its driver");
    assert!(!probe.database.is_empty(), "the probe names the database system");
}

fn check_columns(reader: &mut dyn Reader) {
    let columns = reader
        .columns("CI_Item")
        .unwrap_or_else(|e| panic!("columns of CI_Item: {e:?}"));
    let names: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ItemCode",
            "ItemCodeDesc",
            "CommentText",
            "StandardUnitPrice",
            "LastSoldDate",
            "DateUpdated",
            "TimeUpdated"
        ],
        "columns come in the table's order"
    );
    assert!(
        columns.iter().all(|c| !c.type_name.is_empty()),
        "every column has a type name: {columns:?}"
    );
    assert!(
        matches!(columns[0].width, 0 | 30),
        "a declared width is passed on: {:?}",
        columns[0]
    );
    assert!(
        matches!((columns[3].width, columns[3].scale), (0, _) | (15, 6)),
        "declared digits and decimals are passed on: {:?}",
        columns[3]
    );
    let tables = reader
        .tables()
        .unwrap_or_else(|e| panic!("tables of the fixture: {e:?}"));
    for table in ["AR_Customer", "CI_Item", "IM_ItemWarehouse"] {
        assert!(tables.iter().any(|t| t == table), "{table} is listed: {tables:?}");
    }
    assert!(tables.is_sorted(), "tables come sorted: {tables:?}");
    let none = reader
        .columns("CI_ItemX")
        .unwrap_or_else(|e| panic!("columns of a missing table: {e:?}"));
    assert!(none.is_empty(), "a missing table has no columns: {none:?}");
    // `_` is a wildcard in ODBC's catalogue calls.
    let none = reader
        .columns("CI_Ite_")
        .unwrap_or_else(|e| panic!("columns of a missing table: {e:?}"));
    assert!(none.is_empty(), "a table name is no pattern: {none:?}");
}

fn check_values(reader: &mut dyn Reader) {
    let select = select(
        "CI_Item",
        &[
            ("ItemCode", Kind::Text),
            ("ItemCodeDesc", Kind::Text),
            ("StandardUnitPrice", Kind::Decimal { scale: 6 }),
            ("LastSoldDate", Kind::Date),
        ],
        &["ItemCode"],
    );
    let page = read(reader, &select, 100);
    assert!(page.end, "all rows were asked for and came");
    check_shape(&select, &page.rows);
    assert_eq!(
        texts(&page.rows, 0),
        [
            "A100", "A;B {x}?", "B200", "C300", "D400", "E500", "F600", "O'NEIL"
        ],
        "rows come in the wanted order"
    );
    assert_eq!(
        texts(&page.rows, 1),
        [
            "Trailing blanks",
            "Marks of the statement",
            "",
            "Rössle Sauerkraut",
            "café €",
            "Long comment",
            "Bad values",
            "It's a quote \"\""
        ],
        "text is whole, cut at the right, NULL is blank, odd bytes are Windows-1252"
    );
    let prices = page.rows.column(2).as_primitive::<Decimal64Type>();
    assert_eq!(
        prices.values().to_vec(),
        [
            79_500_000,
            26_000_000,
            0,
            -500_000,
            0,
            99_999_999_000_000,
            0,
            1_255_555
        ],
        "decimals are exact, blank and NULL are zero"
    );
    let dates: Vec<_> = page.rows.column(3).as_primitive::<Date32Type>().iter().collect();
    let day = |year, month, day| Some(days_from_date(Date::constant(year, month, day)));
    assert_eq!(
        dates,
        [
            day(2026, 5, 1),
            None,
            None,
            None,
            day(2026, 2, 28),
            day(2026, 12, 31),
            None,
            day(2026, 5, 1)
        ],
        "blank, NULL and 1753-01-01 are no date"
    );
    let mut found: Vec<_> = page
        .findings
        .iter()
        .map(|f| (f.row, f.column.as_str(), f.code))
        .collect();
    found.sort_unstable_by_key(|f| (f.0, f.1.to_owned()));
    assert_eq!(
        found,
        [
            (4, "ItemCodeDesc", FindingCode::CodePage),
            (6, "LastSoldDate", FindingCode::BadDate),
            (6, "StandardUnitPrice", FindingCode::BadNumber),
        ],
        "a bad value is a finding, not an error"
    );
    check_raw_decimals(reader);
    check_long_text(reader);
}

fn check_raw_decimals(reader: &mut dyn Reader) {
    let select = select("CI_Item", &[("StandardUnitPrice", Kind::Text)], &["ItemCode"]);
    let page = read(reader, &select, 100);
    assert_eq!(
        texts(&page.rows, 0),
        ["79.500000", "26", "", "-0.5", "", "99999999", "abc", "1.255555"],
        "decimals are fetched as the text that is stored"
    );
}

fn check_long_text(reader: &mut dyn Reader) {
    let mut select = select("CI_Item", &[("CommentText", Kind::Text)], &[]);
    select.conditions.push(equal("ItemCode", "E500"));
    match reader.read(&select, 10, TIME_LIMIT) {
        Ok(page) => {
            let text = texts(&page.rows, 0).concat();
            assert!(
                text.len() == 3000 && text.ends_with('Z'),
                "a value came cut: {} characters",
                text.len()
            );
        }
        Err(error) => assert_eq!(
            error.code,
            ReadErrorCode::Truncated,
            "a cut value is named: {error:?}"
        ),
    }
}

fn check_comparisons(reader: &mut dyn Reader) {
    let text = |comparison, value: &str| condition("ItemCode", comparison, Literal::Text(value.to_owned()));
    let date = |comparison, day| {
        condition(
            "DateUpdated",
            comparison,
            Literal::Date(Date::constant(2026, 5, day)),
        )
    };
    let cases: [(Vec<Where>, &[&str]); 11] = [
        (vec![text(Comparison::Equal, "C300")], &["C300"]),
        (vec![text(Comparison::Equal, "O'NEIL")], &["O'NEIL"]),
        (vec![text(Comparison::Equal, "A;B {x}?")], &["A;B {x}?"]),
        (vec![text(Comparison::Equal, "' OR ''='")], &[]),
        (vec![text(Comparison::Greater, "E500")], &["F600", "O'NEIL"]),
        (
            vec![text(Comparison::AtLeast, "E500")],
            &["E500", "F600", "O'NEIL"],
        ),
        (
            vec![text(Comparison::AtMost, "B200")],
            &["A100", "A;B {x}?", "B200"],
        ),
        (
            vec![
                text(Comparison::AtLeast, "B200"),
                text(Comparison::AtMost, "C300"),
            ],
            &["B200", "C300"],
        ),
        (vec![date(Comparison::Equal, 2)], &["A;B {x}?", "B200"]),
        (vec![date(Comparison::AtLeast, 5)], &["E500", "F600", "O'NEIL"]),
        (
            vec![date(Comparison::Greater, 1), date(Comparison::AtMost, 3)],
            &["A;B {x}?", "B200", "C300"],
        ),
    ];
    for (conditions, expected) in cases {
        let mut select = select("CI_Item", &[("ItemCode", Kind::Text)], &["ItemCode"]);
        select.conditions = conditions;
        let page = read(reader, &select, 100);
        assert_eq!(texts(&page.rows, 0), expected, "{:?}", select.conditions);
        assert!(page.end, "nothing is left: {:?}", select.conditions);
    }
}

/// Every page size visits each row once, in order, over the ladder of AND-only statements.
fn check_paging(reader: &mut dyn Reader) {
    for rows in [STOCK_ROWS - 1, STOCK_ROWS, STOCK_ROWS + 1] {
        let page = read(reader, &stock(), rows);
        assert_eq!(
            page.rows.num_rows(),
            rows.min(STOCK_ROWS),
            "a page holds what was asked for"
        );
        assert_eq!(page.end, rows >= STOCK_ROWS, "end is told exactly at {rows} rows");
    }
    let whole = keys(&read(reader, &stock(), 100).rows);
    for page_rows in [1, 2, 3, 5, STOCK_ROWS] {
        let mut seen: Vec<(String, String)> = Vec::new();
        // K1 = a AND K2 > b, then K1 > a, until both are at their end.
        let mut rung = Vec::new();
        loop {
            let mut select = stock();
            select.conditions.clone_from(&rung);
            let page = read(reader, &select, page_rows);
            assert!(
                page.rows.num_rows() <= page_rows,
                "a page is no longer than asked for"
            );
            assert!(
                page.end || page.rows.num_rows() == page_rows,
                "a page is full or the last"
            );
            seen.extend(keys(&page.rows));
            let Some((item, warehouse)) = seen.last().cloned() else {
                panic!("the first page is empty")
            };
            let inner = rung.len() == 2;
            rung = if page.end && inner {
                vec![condition("ItemCode", Comparison::Greater, Literal::Text(item))]
            } else if page.end {
                break;
            } else {
                vec![
                    equal("ItemCode", &item),
                    condition("WarehouseCode", Comparison::Greater, Literal::Text(warehouse)),
                ]
            };
        }
        assert_eq!(seen, whole, "pages of {page_rows} visit every row once");
    }
}

fn check_empty_table(reader: &mut dyn Reader) {
    let select = select(
        "AR_Customer",
        &[
            ("ARDivisionNo", Kind::Text),
            ("CreditLimit", Kind::Decimal { scale: 2 }),
            ("DateEstablished", Kind::Date),
        ],
        &["ARDivisionNo", "CustomerNo"],
    );
    let page = read(reader, &select, 10);
    assert!(
        page.end && page.rows.num_rows() == 0 && page.findings.is_empty(),
        "an empty table has no rows"
    );
    check_shape(&select, &page.rows);
}

fn check_missing_names(reader: &mut dyn Reader) {
    let fails = |reader: &mut dyn Reader, select: &Select, code: ReadErrorCode| match reader
        .read(select, 10, TIME_LIMIT)
    {
        Ok(_) => panic!("{select:?} should fail as {}", code.as_str()),
        Err(error) => assert_eq!(error.code, code, "{error:?}"),
    };
    fails(
        reader,
        &select("CI_ItemX", &[("ItemCode", Kind::Text)], &[]),
        ReadErrorCode::TableMissing,
    );
    fails(
        reader,
        &select("CI_Item", &[("UDF_NONE", Kind::Text)], &[]),
        ReadErrorCode::ColumnMissing,
    );
    fails(
        reader,
        &select("CI_Item", &[("ItemCode", Kind::Text)], &["UDF_NONE"]),
        ReadErrorCode::ColumnMissing,
    );
}

/// What is no company is said to be none, and nothing is made in its place.
fn check_wrong_places(open: OpenReader<'_>, missing: &Path) {
    const WRONG: &[ReadErrorCode] = &[ReadErrorCode::WrongDatabase, ReadErrorCode::ConnectFailed];
    let mut refused = |path: &Path, codes: &[ReadErrorCode]| match open(path).and_then(|mut r| r.probe()) {
        Ok(probe) => panic!("{} is no company, but answers as {probe:?}", path.display()),
        Err(error) => assert!(codes.contains(&error.code), "{}: {error:?}", path.display()),
    };
    refused(missing, WRONG);
    assert!(!missing.exists(), "opening made {}", missing.display());
    // To SQLite an empty file is an empty database.
    for (extension, content, codes) in [
        ("empty", "", &WRONG[..1]),
        ("text", "This is a letter and no database. ", WRONG),
    ] {
        let path = missing.with_extension(extension);
        let content = content.repeat(100);
        std::fs::write(&path, &content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        refused(&path, codes);
        assert!(
            file_bytes(&path) == content.as_bytes(),
            "opening changed {}",
            path.display()
        );
        std::fs::remove_file(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

fn check_shape(select: &Select, rows: &RecordBatch) {
    let schema = rows.schema();
    let have: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| (f.name().clone(), f.data_type().clone()))
        .collect();
    let want: Vec<_> = select
        .columns
        .iter()
        .map(|c| (c.name.clone(), ColumnDecoder::data_type(c.kind)))
        .collect();
    assert_eq!(have, want, "a page has the select's columns, named and typed");
}

fn select(table: &str, columns: &[(&str, Kind)], order_by: &[&str]) -> Select {
    Select {
        table: table.to_owned(),
        columns: columns
            .iter()
            .map(|(name, kind)| Column::new(*name, *kind))
            .collect(),
        conditions: Vec::new(),
        order_by: order_by.iter().map(|c| (*c).to_owned()).collect(),
    }
}

fn stock() -> Select {
    select(
        "IM_ItemWarehouse",
        &[("ItemCode", Kind::Text), ("WarehouseCode", Kind::Text)],
        &["ItemCode", "WarehouseCode"],
    )
}

fn condition(column: &str, comparison: Comparison, literal: Literal) -> Where {
    Where {
        column: column.to_owned(),
        comparison,
        literal,
    }
}

fn equal(column: &str, value: &str) -> Where {
    condition(column, Comparison::Equal, Literal::Text(value.to_owned()))
}

fn read(reader: &mut dyn Reader, select: &Select, max_rows: usize) -> Page {
    reader
        .read(select, max_rows, TIME_LIMIT)
        .unwrap_or_else(|e| panic!("{select:?}: {e:?}"))
}

fn texts(rows: &RecordBatch, column: usize) -> Vec<String> {
    let column = rows.column(column).as_string::<i32>();
    assert_eq!(column.null_count(), 0, "text is never null");
    column.iter().flatten().map(str::to_owned).collect()
}

fn keys(rows: &RecordBatch) -> Vec<(String, String)> {
    texts(rows, 0).into_iter().zip(texts(rows, 1)).collect()
}

fn file_bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
