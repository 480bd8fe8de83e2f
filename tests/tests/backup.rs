//! A hub's store is copied while it works and put back after it was lost: drivers and
//! followers of the feed notice, and nothing is entered twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use serde_json::json;
use system_tests::{Output, Reader, Site, run};

#[track_caller]
fn fails_with(output: &Output, code: &str, hint: &str) {
    let said = format!("{}{}", output.stdout, output.stderr);
    assert_eq!(output.code, Some(1), "{said}");
    assert!(
        said.contains(code) && said.contains(hint),
        "no {code} with {hint:?} in: {said}"
    );
}

const COUNT: &str = "SELECT count(*) FROM SO_SalesOrderHeader";

#[test]
fn a_copy_is_put_back_and_everything_goes_on() {
    // Of a store in a file, whatever stores others of these tests have.
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut site = Site::with_store(Reader::Sandbox, &store, |file| {
        run("sage-sandbox", &["create", &file.display().to_string()]).ok();
    });
    site.driver(&["sync"]).ok();
    let copy = folder.path().join("copy.db").display().to_string();
    assert_eq!(site.hub.admin(&["backup", "--to", &copy]).ok().trim(), copy);
    fails_with(
        &site.hub.admin(&["backup", "--to", &copy]),
        "file_exists",
        "another file",
    );

    // What happens afterwards is not in the copy: a change in Sage, and an order.
    site.erp("UPDATE CI_Item SET ItemCodeDesc = 'after the copy' WHERE ItemCode = '1001-HON-H252'");
    site.driver(&["sync", "--full"]).ok();
    let order = json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "2" }],
    });
    let driver = site.start_driver("driver", &[]);
    let id = site.send("sales_orders", "web-1", &order);
    let written = site.written(&id);
    drop(driver);
    let entered = site.ask_erp(COUNT);
    let number = written["sales_order_no"].as_str().unwrap().to_owned();
    let feed = site.api.get("/v1/changes?limit=1000");
    let place = feed.body["next_cursor"].as_str().unwrap().to_owned();

    let restore = ["restore", "--from", &copy];
    fails_with(&site.hub.admin(&restore), "store_in_use", "stop the hub");
    site.hub.kill();
    let fresh = site.hub.admin(&restore).ok();
    assert_eq!(fresh.trim().len(), 32, "the store's new id: {fresh}");
    site.hub.start_again(&[]);

    let expired = site.api.get(&format!("/v1/changes?since={place}"));
    assert_eq!(
        (expired.status, &expired.body["code"]),
        (410, &json!("cursor_expired"))
    );
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();
    let item = site.api.get("/v1/items/1001-HON-H252");
    assert_eq!(item.body["item_code_desc"], "after the copy");
    // The web sends the order again under its key: it is the one that is in Sage.
    let driver = site.start_driver("driver", &[]);
    let again = site.send("sales_orders", "web-1", &order);
    assert_eq!(again, id, "the same request has the same id");
    assert_eq!(site.written(&again)["sales_order_no"], number.as_str());
    drop(driver);
    assert_eq!(site.ask_erp(COUNT), entered, "it is not entered twice");
    let log = site
        .hub
        .admin(&["audit", "list", "--tenant", "Acme", "--action", "store.restored"])
        .ok();
    assert_eq!(log.lines().count(), 1, "{log}");
}
