//! A day in Sage, played on the demonstration company: every script does what it says,
//! leaves the stamps that Sage leaves, and no half documents.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

use std::collections::BTreeMap;
use std::path::Path;

use sandbox::play::{Options, PlayError, Report, SCRIPTS, play};
use sandbox::row::{TableShape, find_rows, table_counts};
use sandbox::{Company, Plan, Profile, create, system_clock};

fn demo(folder: &Path) -> Company {
    let path = folder.join("abc.db");
    create(&path, &Plan::new(Profile::Demo)).unwrap();
    Company::open(&path, system_clock()).unwrap()
}

/// What each script is told beyond its own choices.
fn options(script: &str) -> Options {
    let mut options = Options::new(7);
    match script {
        "truncate" | "restore" => options.table = Some("CI_Item".to_owned()),
        "blank-column" | "drop-column" | "widen-column" => {
            options.table = Some("AR_Customer".to_owned());
            options.column = Some("AddressLine3".to_owned());
        }
        "add-column" => {
            options.table = Some("AR_Customer".to_owned());
            options.column = Some("UDF_PLAYED".to_owned());
        }
        "clock" => options.zone = Some("Europe/Paris".to_owned()),
        _ => {}
    }
    options
}

/// A script with what it needs to find something to do.
fn played(company: &mut Company, script: &str) -> Report {
    match script {
        "restore" => {
            played(company, "truncate");
        }
        "blank-column" => {
            run(company, "UPDATE AR_Customer SET AddressLine3 = 'Dock 4'");
        }
        "period-end" => {
            run(
                company,
                "UPDATE AR_OpenInvoice SET Balance = '0.00' WHERE rowid = (SELECT min(rowid) FROM AR_OpenInvoice)",
            );
        }
        _ => {}
    }
    play(company, script, &options(script)).unwrap_or_else(|e| panic!("{script}: {e}"))
}

fn run(company: &Company, sql: &str) -> usize {
    company
        .connection()
        .execute(sql, [])
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

fn count(company: &Company, sql: &str) -> i64 {
    company
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

fn text(company: &Company, sql: &str) -> String {
    company
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The rows that carry a stamp, by table and key.
type Stamps = BTreeMap<(String, String), String>;

fn stamps(company: &Company) -> Stamps {
    let mut stamps = Stamps::new();
    for (table, _) in table_counts(company.connection()).unwrap() {
        let shape = TableShape::of(company.connection(), &table).unwrap();
        if !shape.has("DateUpdated") || shape.key.is_empty() {
            continue;
        }
        let sql = format!(
            "SELECT {}, DateUpdated || ' ' || TimeUpdated FROM {table}",
            shape.key.join(" || ':' || ")
        );
        let mut select = company.connection().prepare(&sql).unwrap();
        let rows = select
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .unwrap();
        for row in rows {
            let (key, stamp) = row.unwrap();
            stamps.insert((table.clone(), key), stamp);
        }
    }
    stamps
}

/// Rows that are there before and after, and whose stamp is another.
fn moved(before: &Stamps, after: &Stamps) -> Vec<String> {
    before
        .iter()
        .filter(|(key, stamp)| after.get(*key).is_some_and(|now| now != *stamp))
        .map(|((table, key), _)| format!("{table} {key}"))
        .collect()
}

/// Every table whose name ends with `Detail` and has a header beside it: no line stands alone.
fn assert_lines_have_headers(company: &Company, script: &str) {
    for (table, _) in table_counts(company.connection()).unwrap() {
        let Some(stem) = table.strip_suffix("Detail") else {
            continue;
        };
        let Ok(header) = TableShape::of(company.connection(), &format!("{stem}Header")) else {
            continue;
        };
        let shape = TableShape::of(company.connection(), &table).unwrap();
        if !header.key.iter().all(|column| shape.has(column)) {
            continue;
        }
        let same: Vec<_> = header.key.iter().map(|k| format!("h.{k} = d.{k}")).collect();
        let alone = count(
            company,
            &format!(
                "SELECT count(*) FROM {table} d WHERE NOT EXISTS (SELECT 1 FROM {} h WHERE {})",
                header.name,
                same.join(" AND ")
            ),
        );
        assert_eq!(alone, 0, "{script}: lines of {table} without a header");
    }
}

#[test]
fn every_script_runs_and_tells_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc.db");
    create(&path, &Plan::new(Profile::Demo)).unwrap();
    for script in SCRIPTS {
        let copy = folder.path().join(format!("{}.db", script.name));
        std::fs::copy(&path, &copy).unwrap();
        let mut company = Company::open(&copy, system_clock()).unwrap();
        let report = played(&mut company, script.name);
        assert!(!report.tables.is_empty(), "{} says nothing", script.name);
        assert_lines_have_headers(&company, script.name);
    }
}

#[test]
fn only_clerks_and_postings_move_stamps() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    for script in [
        "price-load",
        "promotion",
        "stock-batch",
        "credit-matching",
        "period-end",
        "delete-items",
        "renumber-customer",
        "merge-customer",
    ] {
        let before = stamps(&company);
        played(&mut company, script);
        assert_eq!(
            moved(&before, &stamps(&company)),
            [""; 0],
            "{script} moved stamps"
        );
    }
    let before = stamps(&company);
    let report = played(&mut company, "maintain");
    assert!(
        !moved(&before, &stamps(&company)).is_empty(),
        "clerks leave stamps: {report:?}"
    );
}

/// An order is shipped and not yet invoiced; a customer has paid half of an invoice.
fn shipped_and_paid(company: &Company) -> (String, String) {
    for table in [
        "SO_InvoiceTracking",
        "SO_InvoiceDetail",
        "SO_InvoiceHeader",
        "AR_CashReceiptsDetail",
        "AR_CashReceiptsHeader",
    ] {
        run(company, &format!("DELETE FROM {table}"));
    }
    run(
        company,
        "INSERT INTO SO_InvoiceHeader (InvoiceNo, SalesOrderNo, OrderType, ARDivisionNo, CustomerNo, TermsCode, TaxableAmt, NonTaxableAmt) \
         SELECT 'X000001', SalesOrderNo, OrderType, ARDivisionNo, CustomerNo, TermsCode, TaxableAmt, NonTaxableAmt FROM SO_SalesOrderHeader \
         WHERE OrderType = 'S' AND OrderStatus <> 'H' ORDER BY SalesOrderNo LIMIT 1",
    );
    run(
        company,
        "INSERT INTO SO_InvoiceDetail (InvoiceNo, LineKey, LineSeqNo, ItemCode, ItemType, QuantityOrdered, QuantityShipped, UnitPrice) \
         SELECT 'X000001', LineKey, LineSeqNo, ItemCode, ItemType, QuantityOrdered, QuantityOrdered, UnitPrice FROM SO_SalesOrderDetail d \
         WHERE d.SalesOrderNo = (SELECT SalesOrderNo FROM SO_InvoiceHeader WHERE InvoiceNo = 'X000001')",
    );
    run(
        company,
        "INSERT INTO SO_InvoiceTracking (InvoiceNo, PackageNo, TrackingID) VALUES ('X000001', '0001', '1ZTRACK')",
    );
    let paid = "FROM AR_OpenInvoice WHERE CAST(Balance AS REAL) > 10 ORDER BY InvoiceNo LIMIT 1";
    run(
        company,
        &format!(
            "INSERT INTO AR_CashReceiptsHeader (BatchNo, DepositNo, ARDivisionNo, CustomerNo, CheckNo, BankCode, AmountReceived) \
             SELECT '00001', '00001', ARDivisionNo, CustomerNo, 'CHK1', 'A', '4.00' {paid}"
        ),
    );
    run(
        company,
        &format!(
            "INSERT INTO AR_CashReceiptsDetail (BatchNo, DepositNo, ARDivisionNo, CustomerNo, CheckNo, InvoiceNo, InvoiceType, AmountPosted) \
             SELECT '00001', '00001', ARDivisionNo, CustomerNo, 'CHK1', InvoiceNo, InvoiceType, '4.00' {paid}"
        ),
    );
    let shipped = text(company, "SELECT SalesOrderNo FROM SO_InvoiceHeader");
    let invoice = text(company, "SELECT InvoiceNo FROM AR_CashReceiptsDetail");
    (shipped, invoice)
}

#[test]
fn the_day_end_leaves_whole_documents() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    let (shipped, paid) = shipped_and_paid(&company);
    let balance = format!(
        "SELECT CAST(round(CAST(Balance AS REAL) * 100) AS INTEGER) FROM AR_OpenInvoice WHERE InvoiceNo = '{paid}'"
    );
    let owed = count(&company, &balance);
    let standard = "FROM SO_SalesOrderHeader WHERE OrderType IN ('S', 'B') AND OrderStatus <> 'H'";
    let others = count(&company, "SELECT count(*) FROM SO_SalesOrderHeader")
        - count(&company, &format!("SELECT count(*) {standard}"));
    run(
        &company,
        &format!("CREATE TABLE sandbox_expected AS SELECT SalesOrderNo {standard}"),
    );
    let before = stamps(&company);
    played(&mut company, "day-end");

    for (what, sql) in [
        (
            "a line without an order",
            "SELECT count(*) FROM SO_SalesOrderDetail d WHERE NOT EXISTS (SELECT 1 FROM SO_SalesOrderHeader h WHERE h.SalesOrderNo = d.SalesOrderNo)",
        ),
        (
            "an order that is posted and open",
            "SELECT count(*) FROM sandbox_expected e JOIN SO_SalesOrderHeader h ON h.SalesOrderNo = e.SalesOrderNo",
        ),
        (
            "a posted order whose history is not complete",
            "SELECT count(*) FROM sandbox_expected e WHERE NOT EXISTS (SELECT 1 FROM SO_SalesOrderHistoryHeader h WHERE h.SalesOrderNo = e.SalesOrderNo AND h.OrderStatus = 'C')",
        ),
        (
            "a posted order without an invoice",
            "SELECT count(*) FROM sandbox_expected e WHERE NOT EXISTS (SELECT 1 FROM AR_InvoiceHistoryHeader h WHERE h.SalesOrderNo = e.SalesOrderNo AND h.HeaderSeqNo = '000000')",
        ),
        (
            "a posted order without an open invoice",
            "SELECT count(*) FROM sandbox_expected e JOIN AR_InvoiceHistoryHeader h ON h.SalesOrderNo = e.SalesOrderNo \
             WHERE NOT EXISTS (SELECT 1 FROM AR_OpenInvoice o WHERE o.InvoiceNo = h.InvoiceNo)",
        ),
        (
            "a shipment that is not posted",
            "SELECT (SELECT count(*) FROM SO_InvoiceHeader) + (SELECT count(*) FROM SO_InvoiceDetail) + (SELECT count(*) FROM SO_InvoiceTracking)",
        ),
        (
            "a receipt that is not posted",
            "SELECT (SELECT count(*) FROM AR_CashReceiptsHeader) + (SELECT count(*) FROM AR_CashReceiptsDetail)",
        ),
        (
            "a link without its invoice line",
            "SELECT count(*) FROM SO_ARInvoiceHistoryLink l JOIN sandbox_expected e ON e.SalesOrderNo = l.SalesOrderNo \
             WHERE NOT EXISTS (SELECT 1 FROM AR_InvoiceHistoryDetail d WHERE d.InvoiceNo = l.InvoiceNo AND d.DetailSeqNo = l.InvoiceHistoryDetailSeqNo)",
        ),
    ] {
        assert_eq!(count(&company, sql), 0, "{what}");
    }
    assert!(count(&company, "SELECT count(*) FROM sandbox_expected") > 10);
    assert_eq!(
        count(&company, "SELECT count(*) FROM SO_SalesOrderHeader"),
        others,
        "holds, quotes, master and repeating orders stay"
    );
    let db = company.connection();
    let invoice = &find_rows(db, "AR_InvoiceHistoryHeader", &[("InvoiceNo", "X000001")], 2).unwrap()[..];
    assert_eq!(invoice.len(), 1, "a shipment keeps its number");
    assert_eq!(invoice[0].get("SalesOrderNo"), Some(shipped.as_str()));
    let parcels = find_rows(db, "AR_InvoiceHistoryTracking", &[("InvoiceNo", "X000001")], 2).unwrap();
    assert_eq!(parcels[0].get("TrackingID"), Some("1ZTRACK"));
    assert_eq!(
        count(&company, &balance),
        owed - 400,
        "the receipt lowers the balance"
    );
    let receipts = find_rows(db, "AR_CashReceiptsHistory", &[("CheckNo", "CHK1")], 2).unwrap();
    assert_eq!(receipts.len(), 1);
    assert!(
        receipts[0]
            .get("CashAmountApplied")
            .is_some_and(|amount| amount.starts_with("4.00"))
    );
    let payments = find_rows(db, "AR_TransactionPaymentHistory", &[("InvoiceNo", &paid)], 9).unwrap();
    assert!(payments.iter().any(|p| p.get("CheckNo") == Some("CHK1")));

    // What is made is stamped, so are the orders' history, the invoice that the receipt
    // names and the batch that is closed; stock, items and customers are not.
    let stamped = moved(&before, &stamps(&company));
    let others: Vec<_> = stamped
        .iter()
        .filter(|row| !row.starts_with("SO_SalesOrderHistoryHeader "))
        .filter(|row| !row.starts_with("AR_CashReceiptsBatch "))
        .collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(
        others[0].starts_with("AR_OpenInvoice ") && others[0].contains(&paid),
        "{others:?}"
    );
    assert_ne!(stamped.len(), 0, "the posting stamps the history");
}

#[test]
fn more_than_there_is_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    let before = table_counts(company.connection()).unwrap();
    let amounts = text(&company, "SELECT group_concat(Balance) FROM AR_OpenInvoice");
    for script in ["day-end", "credit-matching"] {
        let options = Options {
            count: Some(1_000_000),
            ..Options::new(7)
        };
        let error = play(&mut company, script, &options).unwrap_err();
        assert!(matches!(error, PlayError::NothingToDo(_)), "{script}: {error}");
    }
    assert_eq!(table_counts(company.connection()).unwrap(), before);
    assert_eq!(
        text(&company, "SELECT group_concat(Balance) FROM AR_OpenInvoice"),
        amounts
    );
}

#[test]
fn a_count_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    let options = Options {
        count: Some(3),
        ..Options::new(7)
    };
    let report = play(&mut company, "credit-matching", &options).unwrap();
    assert_eq!(report.tables["AR_OpenInvoice"].updated, 3);
    let report = play(&mut company, "day-end", &options).unwrap();
    assert_eq!(report.tables["SO_SalesOrderHeader"].deleted, 3);
    let report = play(&mut company, "maintain", &options).unwrap();
    let done: u64 = report
        .tables
        .values()
        .map(|t| t.inserted + t.updated + t.deleted)
        .sum();
    assert!(done >= 3, "{report:?}");
}

#[test]
fn clerks_play_the_same_day_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    for day in 1..=3 {
        let report = played(&mut company, "maintain");
        for table in [
            "CI_Item",
            "AR_Customer",
            "SO_SalesOrderHeader",
            "SO_SalesOrderDetail",
        ] {
            assert!(report.tables[table].updated > 0, "day {day}: {table}");
        }
        let contacts = &report.tables["AR_CustomerContact"];
        assert!(contacts.inserted > 0 && contacts.deleted > 0, "day {day}");
        assert_eq!(
            count(
                &company,
                "SELECT count(*) FROM AR_Customer WHERE CustomerNo GLOB 'CLK[0-9]*'"
            ),
            i64::try_from(report.tables["AR_Customer"].inserted).unwrap() * day
        );
        assert_lines_have_headers(&company, "maintain");
    }
}

#[test]
fn the_clock_takes_zones_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    let error = play(&mut company, "clock", &Options::new(1)).unwrap_err();
    assert!(matches!(error, PlayError::OptionMissing("zone")), "{error}");
    let nowhere = Options {
        zone: Some("Nowhere/Land".to_owned()),
        ..Options::new(1)
    };
    let error = play(&mut company, "clock", &nowhere).unwrap_err();
    assert!(matches!(error, PlayError::OptionInvalid(_)), "{error}");
    played(&mut company, "clock");
    assert_eq!(company.zone().unwrap().iana_name(), Some("Europe/Paris"));
}

/// The rows of a table that hold other values than in the company before.
fn changed(company: &Company, before: &Path, table: &str) -> u64 {
    let db = company.connection();
    db.execute("ATTACH ?1 AS earlier", [before.to_str().unwrap()])
        .unwrap();
    let rows = count(
        company,
        &format!("SELECT count(*) FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM earlier.{table})"),
    );
    db.execute("DETACH earlier", []).unwrap();
    u64::try_from(rows).unwrap()
}

#[test]
fn as_many_rows_change_as_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("before.db");
    create(&before, &Plan::new(Profile::Demo)).unwrap();
    for (script, wanted, tables) in [
        ("price-load", 700, &["IM_PriceCode", "CI_Item"][..]),
        ("promotion", 20, &["CI_Item"]),
        ("stock-batch", 90, &["IM_ItemWarehouse"]),
        ("credit-matching", 12, &["AR_OpenInvoice"]),
    ] {
        let path = folder.path().join(format!("{script}.db"));
        std::fs::copy(&before, &path).unwrap();
        let mut company = Company::open(&path, system_clock()).unwrap();
        let options = Options {
            count: Some(wanted),
            ..Options::new(3)
        };
        let report = play(&mut company, script, &options).unwrap();
        let all: u64 = tables.iter().map(|t| changed(&company, &before, t)).sum();
        assert_eq!(all, wanted, "{script}");
        for (table, changes) in &report.tables {
            assert_eq!(
                changes.updated,
                changed(&company, &before, table),
                "{script}: {table}"
            );
        }
    }
    // A posting tells what it moved beside its documents.
    let path = folder.path().join("day-end.db");
    std::fs::copy(&before, &path).unwrap();
    let mut company = Company::open(&path, system_clock()).unwrap();
    let report = played(&mut company, "day-end");
    for table in [
        "AR_Customer",
        "CI_Item",
        "IM_ItemWarehouse",
        "SO_SalesOrderHistoryDetail",
        "SO_SalesOrderHistoryHeader",
    ] {
        assert_eq!(
            report.tables[table].updated,
            changed(&company, &before, table),
            "{table}"
        );
    }
}

#[test]
fn a_table_cut_short_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("before.db");
    create(&before, &Plan::new(Profile::Demo)).unwrap();
    let path = folder.path().join("abc.db");
    std::fs::copy(&before, &path).unwrap();
    let mut company = Company::open(&path, system_clock()).unwrap();
    let items = count(&company, "SELECT count(*) FROM CI_Item");
    played(&mut company, "truncate");
    assert_eq!(count(&company, "SELECT count(*) FROM CI_Item"), (items + 1) / 2);
    let again = play(&mut company, "truncate", &options("truncate")).unwrap_err();
    assert!(again.to_string().contains("restore"), "{again}");
    play(&mut company, "restore", &options("restore")).unwrap();
    assert_eq!(count(&company, "SELECT count(*) FROM CI_Item"), items);
    assert_eq!(changed(&company, &before, "CI_Item"), 0);
}

#[test]
fn damage_names_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let mut company = demo(folder.path());
    run(&company, "DELETE FROM IM_AliasItem");
    for (script, table, column, words) in [
        ("truncate", "CI_Items", "", "no table"),
        ("truncate", "IM_AliasItem", "", "not two rows"),
        ("widen-column", "IM_AliasItem", "AliasItemDesc", "no rows"),
        ("blank-column", "AR_Customer", "Nothing", "no column Nothing"),
        ("blank-column", "AR_Customer", "CustomerNo", "in the key"),
        ("drop-column", "AR_Customer", "CustomerNo", "in the key"),
        ("add-column", "AR_Customer", "CustomerName", "already"),
        ("restore", "AR_Customer", "", "nothing was taken"),
    ] {
        let options = Options {
            table: Some(table.to_owned()),
            column: Some(column.to_owned()),
            ..Options::new(1)
        };
        let error = play(&mut company, script, &options).unwrap_err();
        assert!(
            error.to_string().contains(words),
            "{script} {table} {column}: {error}"
        );
        assert_ne!(error.code(), "database_failed", "{script} {table} {column}");
    }
    let error = play(&mut company, "price-lod", &Options::new(1)).unwrap_err();
    for script in SCRIPTS {
        assert!(error.to_string().contains(script.name), "{error}");
    }
}
