//! A real company's data through a real ODBC driver: what the API returns equals the files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use system_tests::{Reader, Site, run};

fn by_key(records: Vec<Value>) -> BTreeMap<String, Value> {
    records
        .into_iter()
        .map(|r| (r["key"].as_str().unwrap().to_owned(), r))
        .collect()
}

/// A site whose company was loaded from the files, read through ODBC, and synced.
fn synced(data: &Path) -> Site {
    let site = Site::new(Reader::Odbc, |file| {
        let file = file.display().to_string();
        let folder = data.join("northwind").display().to_string();
        run("sage-sandbox", &["create", &file, "--profile", "empty"]).ok();
        run("sage-sandbox", &["load", &file, &folder]).ok();
    });
    site.driver(&["sync"]).ok();
    site
}

#[test]
fn what_the_api_returns_equals_the_files() {
    let Some(data) = test_tier::sample_data().filter(|_| test_tier::require("odbc")) else {
        return;
    };
    let site = synced(&data);

    let counts = [
        ("items", 77),
        ("customers", 93),
        ("ship_to_addresses", 90),
        ("warehouses", 2),
        ("inventory", 154),
        ("price_codes", 613),
        ("sales_orders", 21),
        ("sales_order_history", 830),
        ("invoices", 809),
        ("open_invoices", 112),
        ("contacts", 93),
        ("salespersons", 9),
        ("terms_codes", 2),
        ("product_lines", 8),
    ];
    for (dataset, count) in counts {
        assert_eq!(site.api.all(dataset).len(), count, "{dataset}");
    }
    let orders = by_key(site.api.all("sales_orders"));
    let lines: usize = orders
        .values()
        .map(|o| o["lines"].as_array().unwrap().len())
        .sum();
    assert_eq!(lines, 73);

    let items = by_key(site.api.all("items"));
    let chai = &items["NW-0001"];
    assert_eq!(chai["item_code_desc"], "Chai");
    assert_eq!(chai["standard_unit_price"], "18.000000");
    assert_eq!(chai["sales_um_conv_fctr"], "1.0000");
    assert_eq!(chai["extended_description_key"], "");
    assert_eq!(chai["last_sold_date"], Value::Null);
    assert_eq!(chai["date_updated"], "2026-02-02");
    // 08:30 in New York, before daylight saving.
    assert_eq!(chai["source_updated_at"], "2026-02-02T13:30:00Z");
    let customer = site.api.get("/v1/customers/01:ANATR").body;
    assert_eq!(customer["city"], "México D.F.");
    assert_eq!(customer["credit_limit"], "25000.00");
    let price = site.api.get("/v1/price_codes/2::NW-0001::01:CHOPS").body;
    assert_eq!(
        (&price["discount_markup1"], &price["break_quantity1"]),
        (&Value::from("14.400000"), &Value::from("99999999"))
    );
    let order = &orders["0011008"];
    assert_eq!(order["freight_amt"], "79.46");
    assert_eq!(order["lines"][0]["item_code_desc"], "Rössle Sauerkraut");
    assert_eq!(order["lines"][0]["quantity_ordered"], "70.000000");

    site.driver(&["verify"]).ok();
    assert!(
        site.driver(&["sync"])
            .ok()
            .lines()
            .skip(1)
            .all(|l| l.split_whitespace().nth(3) == Some("0")),
        "sent again"
    );
}

#[test]
fn every_row_and_field_equals_the_files() {
    let Some(data) = test_tier::sample_data().filter(|_| test_tier::require("odbc")) else {
        return;
    };
    let site = synced(&data);
    for (dataset, table, key) in [
        ("items", "CI_Item", vec!["ItemCode"]),
        ("customers", "AR_Customer", vec!["ARDivisionNo", "CustomerNo"]),
        ("inventory", "IM_ItemWarehouse", vec!["ItemCode", "WarehouseCode"]),
        (
            "ship_to_addresses",
            "SO_ShipToAddress",
            vec!["ARDivisionNo", "CustomerNo", "ShipToCode"],
        ),
    ] {
        let records = by_key(site.api.all(dataset));
        let mut file = csv::Reader::from_path(data.join(format!("northwind/{table}.csv"))).unwrap();
        let names: Vec<String> = file.headers().unwrap().iter().map(str::to_owned).collect();
        let mut compared = 0;
        for row in file.records() {
            let row: BTreeMap<&str, String> = names
                .iter()
                .map(String::as_str)
                .zip(row.unwrap().iter().map(str::to_owned))
                .collect();
            let parts: Vec<&str> = key.iter().map(|k| row[k].as_str()).collect();
            let record = &records[&parts.join(":")];
            for (column, text) in &row {
                // The test's own spelling of the API's names.
                let Some(value) = record.get(snake(column)) else {
                    continue;
                };
                assert!(
                    same(value, text),
                    "{dataset} {} {column}: {value} is not {text:?}",
                    record["key"]
                );
                compared += 1;
            }
        }
        assert!(
            compared > records.len() * key.len() * 3,
            "{dataset}: only {compared} fields compared"
        );
    }
}

fn snake(column: &str) -> String {
    let chars: Vec<char> = column.chars().collect();
    let mut name = String::new();
    for (place, c) in chars.iter().enumerate() {
        let before = place.checked_sub(1).map(|p| chars[p]);
        let after = chars.get(place + 1);
        let starts = c.is_ascii_uppercase()
            && before.is_some_and(|b| !b.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase));
        if starts {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Equal as text, as a blank date, or as numbers that differ in trailing zeros only.
fn same(value: &Value, text: &str) -> bool {
    let digits = |t: &str| {
        let (whole, fraction) = t.split_once('.').unwrap_or((t, ""));
        format!(
            "{}.{}",
            if whole.is_empty() { "0" } else { whole },
            fraction.trim_end_matches('0')
        )
    };
    match value.as_str() {
        None => value.is_null() && text.trim().is_empty(),
        Some(shown) => shown == text.trim_end() || digits(shown) == digits(text),
    }
}

/// An SQL script of its own beside both files: it knows nothing of catalog, reader or hub.
#[test]
fn every_table_is_at_full_parity_by_a_script_that_shares_no_code() {
    let Some(data) = test_tier::sample_data().filter(|_| test_tier::require("odbc")) else {
        return;
    };
    let site = synced(&data);
    let compared = parity(&site);
    let files = std::fs::read_dir(data.join("northwind")).unwrap().count();
    assert_eq!(compared.len(), files, "a table of the sample is not compared");
    for table in &compared {
        assert!(table.in_erp > 0, "{table:?}");
        assert_eq!(
            (table.in_erp, 0, 0),
            (table.in_hub, table.only_in_erp, table.only_in_hub),
            "{table:?}"
        );
    }
    // The script does see a difference.
    site.hub_store("UPDATE invoices__lines SET extension_amt = extension_amt + 1 WHERE _ordinal = 0");
    let lines = parity(&site);
    let lines = lines
        .iter()
        .find(|t| t.table == "AR_InvoiceHistoryDetail")
        .unwrap();
    assert_eq!((lines.only_in_erp, lines.only_in_hub), (809, 809), "{lines:?}");
}

#[derive(Debug)]
struct Parity {
    table: String,
    in_erp: u64,
    in_hub: u64,
    only_in_erp: u64,
    only_in_hub: u64,
}

fn parity(site: &Site) -> Vec<Parity> {
    let hub = rusqlite::Connection::open(site.hub_tables()).unwrap();
    let erp = site.company().display().to_string();
    hub.execute("ATTACH ?1 AS erp", [erp]).unwrap();
    let mut script = hub.prepare(include_str!("../parity/northwind.sql")).unwrap();
    let rows = script.query_map([], |row| {
        Ok(Parity {
            table: row.get(0)?,
            in_erp: row.get::<_, i64>(1)?.unsigned_abs(),
            in_hub: row.get::<_, i64>(2)?.unsigned_abs(),
            only_in_erp: row.get::<_, i64>(3)?.unsigned_abs(),
            only_in_hub: row.get::<_, i64>(4)?.unsigned_abs(),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn verify_names_the_key_that_was_changed_behind_its_back() {
    let Some(data) = test_tier::sample_data().filter(|_| test_tier::require("odbc")) else {
        return;
    };
    let site = synced(&data);
    site.driver(&["verify"]).ok();

    site.hub_store("UPDATE items SET standard_unit_price = standard_unit_price + 1 WHERE key = 'NW-0007'");
    let output = site.driver(&["verify"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stdout.contains("NW-0007  content differs"),
        "{}",
        output.stdout
    );
    site.hub_store("UPDATE items SET standard_unit_price = standard_unit_price - 1 WHERE key = 'NW-0007'");
    site.driver(&["verify"]).ok();

    site.erp("UPDATE AR_Customer SET City = 'Elsewhere' WHERE CustomerNo = 'BERGS'");
    let output = site.driver(&["verify", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let verdicts: Value = serde_json::from_str(&output.stdout).unwrap();
    let customers = verdicts
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["dataset"] == "customers")
        .unwrap();
    assert_eq!(customers["differences"][0][0], "01:BERGS");
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();

    site.erp("UPDATE SO_SalesOrderDetail SET QuantityOrdered = '71' WHERE SalesOrderNo = '0011008' AND LineKey = '000001'");
    site.erp("DELETE FROM IM_Warehouse WHERE WarehouseCode = '001'");
    let output = site.driver(&["verify"]);
    assert!(
        output.stdout.contains("0011008  content differs"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("001  not in the ERP"), "{}", output.stdout);
}
