//! `erp-driver config`: the file against the live ERP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use serde_json::Value;
use system_tests::{Reader, Site};

/// The line on which the added section begins.
const SECTION: usize = 17;

fn statement(site: &Site, sql: &str) {
    let connection = rusqlite::Connection::open(site.company()).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn configure(site: &Site, section: &str) {
    site.write_config("driver", &format!("[[company.dataset]]\n{section}\n"));
    let text = std::fs::read_to_string(site.config("driver")).unwrap();
    let line = text.lines().position(|l| l == "[[company.dataset]]").unwrap() + 1;
    assert_eq!(line, SECTION, "{text}");
}

/// What `config check` refuses, on stderr.
fn refusal(site: &Site, section: &str) -> String {
    configure(site, section);
    let output = site.driver(&["config", "check"]);
    assert_eq!(output.code, Some(1), "{section}\n{}", output.stdout);
    assert!(output.stderr.contains("hint: "), "{}", output.stderr);
    output.stderr
}

fn dataset<'a>(report: &'a Value, name: &str) -> &'a Value {
    let datasets = report[0]["datasets"].as_array().unwrap();
    datasets.iter().find(|d| d["dataset"] == name).unwrap()
}

#[test]
fn what_only_the_erp_can_refuse_is_refused_with_its_line() {
    let site = Site::demo(Reader::Sandbox);
    let error = refusal(&site, "name = \"items\"\nudf = [\n  \"UDF_NONE\",\n]");
    assert!(
        error.contains(&format!("driver.toml:{}: company[0].dataset[0]", SECTION + 3)),
        "{error}"
    );
    assert!(
        error.contains("UDF_NONE") && error.contains("(column_unknown)"),
        "{error}"
    );
    let error = refusal(&site, "name = \"items\"\n\nonly = { ProdLine = [\"WF&A\"] }");
    assert!(
        error.contains(&format!("driver.toml:{}:", SECTION + 3)),
        "{error}"
    );
    assert!(error.contains("(column_unknown)"), "{error}");
    let error = refusal(&site, "name = \"items\"\nwhen = \"UDF_NONE = 'Y'\"");
    assert!(
        error.contains(&format!("driver.toml:{}:", SECTION + 2)),
        "{error}"
    );
    let error = refusal(&site, "name = \"items\"\nonly = { ProductLine = [\"?\"] }");
    assert!(
        error.contains(&format!("driver.toml:{}:", SECTION + 2)),
        "{error}"
    );
    assert!(error.contains("(filter_keeps_nothing)"), "{error}");
    let error = refusal(
        &site,
        "name = \"udt_none\"\ntable = \"CI_UDT_NONE\"\nkey = [\"UDF_CODE\"]",
    );
    assert!(
        error.contains("CI_UDT_NONE") && error.contains("(table_missing)"),
        "{error}"
    );
    // Nothing was sent.
    assert_eq!(
        site.api.get("/v1/items?limit=1").body["data"],
        serde_json::json!([])
    );
}

#[test]
fn a_company_that_sage_does_not_have_is_refused() {
    let site = Site::demo(Reader::Sandbox);
    let text = std::fs::read_to_string(site.config("driver")).unwrap();
    std::fs::write(
        site.config("driver"),
        text.replace("code = \"ABC\"", "code = \"XYZ\""),
    )
    .unwrap();
    let output = site.driver(&["config", "check"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("no company XYZ") && output.stderr.contains("(wrong_company)"));
    assert!(output.stderr.contains("ABC"), "{}", output.stderr);
}

#[test]
fn columns_and_tables_of_the_site_are_offered() {
    let site = Site::demo(Reader::Sandbox);
    statement(
        &site,
        "ALTER TABLE CI_Item ADD COLUMN UDF_SHADE TEXT; \
         CREATE TABLE CI_UDT_SHADES (UDF_CODE TEXT, UDF_NAME TEXT); \
         INSERT INTO CI_UDT_SHADES VALUES ('R', 'Red'), ('G', 'Green');",
    );
    let report: Value = serde_json::from_str(&site.driver(&["config", "check", "--json"]).ok()).unwrap();
    let offered = dataset(&report, "items")["offered"].as_array().unwrap().clone();
    assert!(offered.iter().any(|o| o == "CI_Item.UDF_SHADE"), "{offered:?}");
    let tables = report[0]["tables_offered"].as_array().unwrap();
    assert!(tables.iter().any(|t| t == "CI_UDT_SHADES"), "{tables:?}");
    configure(
        &site,
        "name = \"items\"\nudf = [\"UDF_SHADE\"]\n[[company.dataset]]\nname = \"udt_shades\"\n\
         table = \"CI_UDT_SHADES\"\nkey = [\"UDF_CODE\"]",
    );
    let report: Value = serde_json::from_str(&site.driver(&["config", "check", "--json"]).ok()).unwrap();
    let offered = dataset(&report, "items")["offered"].as_array().unwrap().clone();
    assert!(!offered.iter().any(|o| o == "CI_Item.UDF_SHADE"), "{offered:?}");
    assert_eq!(
        report[0]["tables_offered"],
        serde_json::json!(["CI_UDT_VARIETALS"])
    );
    let shades = dataset(&report, "udt_shades");
    assert_eq!(shades["effect"]["rows"], 2, "{shades}");
    assert_eq!(shades["offered"], serde_json::json!(["CI_UDT_SHADES.UDF_NAME"]));
}

#[test]
fn a_filter_shows_its_whole_effect_before_it_applies_and_needs_approval() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync", "--dataset", "items"]).ok();
    let all: u64 = site.ask_erp("SELECT count(*) FROM CI_Item").parse().unwrap();
    let few: u64 = site
        .ask_erp("SELECT count(*) FROM CI_Item WHERE ItemCode < '1001-HON-H254'")
        .parse()
        .unwrap();
    configure(
        &site,
        "name = \"items\"\nwhen = \"ItemCode < '1001-HON-H254'\"\nfields.item_code_desc = [\"lower\"]",
    );
    let report: Value = serde_json::from_str(&site.driver(&["config", "check", "--json"]).ok()).unwrap();
    let effect = &dataset(&report, "items")["effect"];
    assert_eq!(
        (&effect["rows"], &effect["pass"]),
        (&all.into(), &few.into()),
        "{effect}"
    );
    let change = &effect["change"];
    assert_eq!(
        (&change["enter"], &change["leave"]),
        (&0.into(), &(all - few).into()),
        "{change}"
    );
    assert_eq!(change["leaving"].as_array().unwrap().len(), 3);
    assert_eq!(change["needs_approval"], true);
    let example = &effect["examples"][0]["fields"][0];
    assert_eq!(example["field"], "item_code_desc");
    let before = example["before"].as_str().unwrap();
    assert_eq!(example["after"], before.to_lowercase());
    let approvals = site.path().join("driver/approvals.json");
    assert!(!approvals.exists());

    let text = site.driver(&["config", "check", "--approve-filters"]).ok();
    assert!(
        text.contains(&format!("approved: {} may leave", all - few)),
        "{text}"
    );
    assert!(std::fs::read_to_string(approvals).unwrap().contains("\"items\""));
    site.driver(&["sync", "--dataset", "items"]).ok();
    let left = site.api.get("/v1/items/1001-HON-H254");
    assert_ne!(left.status, 200, "{}", left.body);
    assert_eq!(site.api.get("/v1/items/1001-HON-H252").status, 200);
    site.driver(&["verify", "--dataset", "items"]).ok();
}

#[test]
fn the_schema_is_json() {
    let site = Site::demo(Reader::Sandbox);
    let schema: Value = serde_json::from_str(&site.driver(&["config", "schema"]).ok()).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["hub", "company"]));
}
