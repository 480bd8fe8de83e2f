//! Several companies in one driver.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use serde_json::Value;
use system_tests::{Reader, Site, run};

const LOADED: Duration = Duration::from_secs(60);

/// A site with ABC and, in the same driver, XYZ.
fn two_companies() -> Site {
    let site = Site::demo(Reader::Sandbox);
    let other = site.path().join("other.db").display().to_string();
    run(
        "sage-sandbox",
        &["create", &other, "--company", "XYZ", "--seed", "7"],
    )
    .ok();
    site.write_config(
        "driver",
        &format!("[[company]]\ncode = \"XYZ\"\nedition = \"standard\"\nreader.sandbox = \"{other}\"\n"),
    );
    site
}

#[test]
fn each_company_has_its_own_records() {
    let site = two_companies();
    site.driver(&["sync"]).ok();
    site.driver(&["verify"]).ok();
    let refused = site.api.get("/v1/items?limit=1");
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (400, Some("company_required"))
    );
    for company in ["ABC", "XYZ"] {
        let page = site.api.get(&format!("/v1/items?limit=1&company={company}"));
        assert_eq!(page.body["data"][0]["company"], company);
    }
}

#[test]
fn an_error_in_one_company_never_stops_another() {
    let site = two_companies();
    site.driver(&["sync"]).ok();
    std::fs::remove_file(site.path().join("other.db")).unwrap();
    let output = site.driver(&["sync", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");

    let mut driver = site.start_driver("driver", &[]);
    let company = site.company().display().to_string();
    run(
        "sage-sandbox",
        &[
            "set",
            &company,
            "--table",
            "CI_Item",
            "--key",
            "ItemCode=1001-HON-H252",
            "--value",
            "StandardUnitPrice=91.25",
        ],
    )
    .ok();
    let _ = site
        .api
        .wait_for("/v1/items/1001-HON-H252?company=ABC", LOADED, |a| {
            a.body["standard_unit_price"] == "91.250000"
        });
    // The other one's trouble is told, with the remedy, and its records stay.
    let _ = site.api.wait_for("/v1/sites", LOADED, |a| {
        a.body.to_string().contains("wrong_database")
    });
    let page = site.api.get("/v1/items?limit=1&company=XYZ").body;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    let status: Value = serde_json::from_str(&site.driver(&["status", "--json"]).ok()).unwrap();
    assert!(status.to_string().contains("wrong_database"), "{status}");
    assert_eq!(driver.stop().code, Some(0));
}
