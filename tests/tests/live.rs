//! With `erp-driver run` going: changes arrive by themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use system_tests::{Reader, Site, run};

const SOON: Duration = Duration::from_secs(5);
const LOADED: Duration = Duration::from_secs(60);
const ITEM: &str = "/v1/items/1001-HON-H252";

/// A clerk's maintenance with the stamp of now.
fn set_price(site: &Site, item: &str, price: &str) {
    let company = site.company().display().to_string();
    let (key, value) = (format!("ItemCode={item}"), format!("StandardUnitPrice={price}"));
    run(
        "sage-sandbox",
        &[
            "set", &company, "--table", "CI_Item", "--key", &key, "--value", &value,
        ],
    )
    .ok();
}

#[test]
fn a_price_change_is_in_the_api_within_five_seconds() {
    if !test_tier::require("odbc") {
        return;
    }
    let site = Site::demo(Reader::Odbc);
    let mut driver = site.start_driver("driver", &[]);
    let _ = site.api.wait_for(ITEM, LOADED, |a| a.status == 200);
    let _ = site.api.wait_for("/v1/sales_orders?limit=1", LOADED, |a| {
        a.body["data"].as_array().is_some_and(|d| !d.is_empty())
    });
    set_price(&site, "1001-HON-H252", "91.25");
    let _ = site
        .api
        .wait_for(ITEM, SOON, |a| a.body["standard_unit_price"] == "91.250000");
    let output = driver.stop();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    site.driver(&["verify"]).ok();
}

#[test]
fn two_rows_with_one_stamp_both_arrive_though_one_is_written_after_the_read() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    set_price(&site, "1001-HON-H252", "91.25");
    site.driver(&["sync", "--dataset", "items"]).ok();
    // The same stamp to the last digit, on another row, after the pass that read the first.
    site.erp(
        "UPDATE CI_Item SET StandardUnitPrice = '133.5', \
         DateUpdated = (SELECT DateUpdated FROM CI_Item WHERE ItemCode = '1001-HON-H252'), \
         TimeUpdated = (SELECT TimeUpdated FROM CI_Item WHERE ItemCode = '1001-HON-H252') \
         WHERE ItemCode = '1001-HON-H254'",
    );
    site.driver(&["sync", "--dataset", "items"]).ok();
    assert_eq!(site.api.get(ITEM).body["standard_unit_price"], "91.250000");
    assert_eq!(
        site.api.get("/v1/items/1001-HON-H254").body["standard_unit_price"],
        "133.500000"
    );
    site.driver(&["verify", "--dataset", "items"]).ok();
}

#[test]
fn stock_and_order_lines_arrive_without_any_stamp() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    site.erp("UPDATE IM_ItemWarehouse SET QuantityOnHand = '7777' WHERE ItemCode = '1001-HON-H252' AND WarehouseCode = '000'");
    site.erp("UPDATE SO_SalesOrderDetail SET QuantityShipped = '1' WHERE SalesOrderNo = '0000115' AND LineKey = '000001'");
    site.driver(&["sync"]).ok();
    let stock = site.api.get("/v1/inventory/1001-HON-H252:000").body;
    assert_eq!(stock["quantity_on_hand"], "7777.000000");
    let order = site.api.get("/v1/sales_orders/0000115").body;
    assert_eq!(order["lines"][0]["quantity_shipped"], "1.000000");
    site.driver(&["verify"]).ok();
}

#[test]
fn a_bulk_change_without_stamps_arrives_with_the_next_whole_comparison() {
    let site = Site::demo(Reader::Sandbox);
    let config = std::fs::read_to_string(site.config("driver")).unwrap();
    let hasty = config.replace("interval_s = 1\n", "interval_s = 1\nsweep_interval_s = 2\n");
    std::fs::write(site.config("driver"), hasty).unwrap();
    site.driver(&["sync"]).ok();
    site.erp("UPDATE CI_Item SET StandardUnitPrice = '55.5' WHERE ItemCode = '1001-HON-H252'");
    // By stamp alone nobody sees it.
    site.driver(&["sync", "--dataset", "items"]).ok();
    assert_ne!(site.api.get(ITEM).body["standard_unit_price"], "55.500000");
    let _driver = site.start_driver("driver", &[]);
    let _ = site
        .api
        .wait_for(ITEM, LOADED, |a| a.body["standard_unit_price"] == "55.500000");
}
