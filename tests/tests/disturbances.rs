//! What goes wrong on a site: each ends with a message that says what to do, and with
//! nothing lost or doubled.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use system_tests::{Api, Output, Reader, Site, run};

#[track_caller]
fn fails_with(output: &Output, code: &str, hint: &str) {
    let said = format!("{}{}", output.stdout, output.stderr);
    assert_eq!(output.code, Some(1), "{said}");
    assert!(said.contains(code), "no {code} in: {said}");
    assert!(said.contains(hint), "no {hint:?} in: {said}");
}

#[test]
fn the_hub_is_down_during_a_sync() {
    let mut site = Site::demo(Reader::Sandbox);
    site.hub.kill();
    fails_with(&site.driver(&["sync"]), "hub_connection_refused", "hint:");
    site.hub.start_again(&[]);
    site.driver(&["sync"]).ok();
    site.driver(&["verify"]).ok();
}

#[test]
fn the_hub_is_killed_in_the_middle_of_a_load() {
    let mut site = Site::new(Reader::Sandbox, |file| {
        let file = file.display().to_string();
        run(
            "sage-sandbox",
            &["create", &file, "--profile", "stock", "--rows", "60000"],
        )
        .ok();
    });
    let driver = site.start_driver("driver", &[]);
    let _ = site
        .api
        .wait_for("/v1/inventory?limit=1", Duration::from_secs(60), |a| {
            a.body["data"].as_array().is_some_and(|d| !d.is_empty())
        });
    site.hub.kill();
    std::thread::sleep(Duration::from_millis(500));
    site.hub.start_again(&[]);
    let sites = |a: &system_tests::Answer| a.body.to_string().contains("60000");
    let _ = site.api.wait_for("/v1/sites", Duration::from_secs(120), sites);
    drop(driver);
    site.driver(&["verify", "--dataset", "inventory"]).ok();
}

#[test]
fn the_hub_dies_before_and_after_it_commits_a_batch() {
    for point in ["hub.before_ingest@2", "hub.after_ingest@2", "hub.after_ingest@5"] {
        let mut site = Site::demo(Reader::Sandbox);
        site.hub.kill();
        site.hub.start_again(&[("ERP_DRIVER_FAULT_POINT", point)]);
        // Its reply is lost with it; what it committed is not.
        let output = site.driver(&["sync"]);
        assert_eq!(output.code, Some(1), "{point}: {output:?}");
        assert!(site.hub.has_ended(), "{point} was not passed");
        site.hub.start_again(&[]);
        site.driver(&["sync"]).ok();
        site.driver(&["verify"]).ok();
        let again: serde_json::Value = serde_json::from_str(&site.driver(&["sync", "--json"]).ok()).unwrap();
        let sent: u64 = again
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["sent"].as_u64().unwrap())
            .sum();
        assert_eq!(sent, 0, "{point}: sent twice");
    }
}

#[test]
fn the_driver_is_killed_at_every_step_of_a_pass() {
    let site = Site::demo(Reader::Sandbox);
    let mut killed = 0;
    for point in [
        "sync.ask_stream",
        "sync.reset_stream",
        "sync.rebuild_index",
        "sync.read_page",
        "sync.compare",
        "sync.send",
        "sync.commit",
        "sync.commit@3",
        "sync.send@4",
        "sync.read_page@5",
    ] {
        let output = site.driver_named("driver", &["sync"], &[("ERP_DRIVER_FAULT_POINT", point)]);
        if output.code.is_none() {
            killed += 1;
        }
    }
    assert!(killed >= 7, "only {killed} of the points ended the driver");
    site.driver(&["sync"]).ok();
    site.driver(&["verify"]).ok();
}

#[test]
fn the_disk_under_the_state_folder_is_full() {
    let site = Site::demo(Reader::Sandbox);
    // 300 KiB: enough to open the files, too little to fill the index.
    let config = site.config("driver").display().to_string();
    let program = test_tier::program("erp-driver").display().to_string();
    let script = format!("ulimit -f 300; trap '' XFSZ; exec {program} --config {config} sync");
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .env("SAGE_PASSWORD", "sandbox")
        .output()
        .unwrap();
    let output = Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    fails_with(&output, "disk_full", "make room");
    site.driver(&["sync"]).ok();
    site.driver(&["verify"]).ok();
}

#[test]
fn the_connection_string_names_no_driver() {
    if !test_tier::require("odbc") {
        return;
    }
    let site = Site::demo(Reader::Odbc);
    let config = std::fs::read_to_string(site.config("driver")).unwrap();
    std::fs::write(
        site.config("driver"),
        config.replace("Driver=SQLite3", "Driver=NoSuchDriver"),
    )
    .unwrap();
    fails_with(&site.driver(&["sync"]), "NoSuchDriver", "install the ODBC driver");
}

#[test]
fn the_path_is_wrong_and_no_empty_company_is_made() {
    if !test_tier::require("odbc") {
        return;
    }
    let site = Site::demo(Reader::Odbc);
    site.driver(&["sync"]).ok();
    let config = std::fs::read_to_string(site.config("driver")).unwrap();
    std::fs::write(
        site.config("driver"),
        config.replace("company.db;", "compnay.db;"),
    )
    .unwrap();
    fails_with(&site.driver(&["sync"]), "compnay.db", "hint:");
    assert!(!site.path().join("compnay.db").exists(), "the driver made a file");
    std::fs::write(site.config("driver"), config).unwrap();
    site.driver(&["verify"]).ok();
}

#[test]
fn a_missing_table_stops_its_dataset_only() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    let connection = rusqlite::Connection::open(site.company()).unwrap();
    connection
        .execute_batch("ALTER TABLE SO_ShipToAddress RENAME TO Elsewhere")
        .unwrap();
    site.erp("UPDATE IM_ItemWarehouse SET QuantityOnHand = '4321' WHERE ItemCode = '1001-HON-H252' AND WarehouseCode = '000'");
    let output = site.driver(&["sync"]);
    fails_with(&output, "table_missing", "Role Maintenance");
    assert_eq!(
        site.api.get("/v1/inventory/1001-HON-H252:000").body["quantity_on_hand"],
        "4321.000000"
    );
    let kept = site.api.all("ship_to_addresses").len();
    assert!(kept > 0, "a table that cannot be read deletes nothing");
}

#[test]
fn a_missing_column_is_blank_and_named() {
    let site = Site::demo(Reader::Sandbox);
    let connection = rusqlite::Connection::open(site.company()).unwrap();
    connection
        .execute_batch("ALTER TABLE CI_Item DROP COLUMN CommodityCode")
        .unwrap();
    let output = site.driver(&["sync"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        output.stderr.contains("has no column CommodityCode"),
        "{}",
        output.stderr
    );
    assert_eq!(site.api.get("/v1/items/1001-HON-H252").body["commodity_code"], "");
    site.driver(&["verify", "--dataset", "items"]).ok();
}

#[test]
fn an_enrolment_code_works_once() {
    let site = Site::demo(Reader::Sandbox);
    let code = site.hub.admin(&["enroll-code", "--tenant", "Acme"]).ok();
    site.write_config("second", "");
    site.driver_named("second", &["enroll", "--code", code.trim()], &[])
        .ok();
    site.write_config("third", "");
    let output = site.driver_named("third", &["enroll", "--code", code.trim()], &[]);
    fails_with(&output, "code_used", "enroll-code");
    let output = site.driver_named("third", &["sync"], &[]);
    fails_with(&output, "not_enrolled", "erp-driver enroll");
}

#[test]
fn an_expired_enrolment_code_is_refused() {
    let site = Site::demo(Reader::Sandbox);
    let code = site
        .hub
        .admin(&["enroll-code", "--tenant", "Acme", "--valid-for", "1s"])
        .ok();
    std::thread::sleep(Duration::from_millis(1500));
    site.write_config("late", "");
    let output = site.driver_named("late", &["enroll", "--code", code.trim()], &[]);
    fails_with(&output, "code_expired", "enroll-code");
}

#[test]
fn a_revoked_agent_is_refused_with_its_next_request() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    let agents = site
        .hub
        .admin(&["agent", "list", "--tenant", "Acme", "--json"])
        .ok();
    let agents: serde_json::Value = serde_json::from_str(&agents).unwrap();
    let id = agents[0]["agent"].as_str().unwrap().to_owned();
    site.hub.admin(&["agent", "revoke", "--tenant", "Acme", &id]).ok();
    fails_with(&site.driver(&["sync"]), "agent_revoked", "enrol the driver again");
}

#[test]
fn a_revoked_api_token_is_refused_with_its_next_request() {
    let site = Site::demo(Reader::Sandbox);
    let token = site
        .hub
        .admin(&["token", "add", "--tenant", "Acme", "--scope", "read"])
        .ok();
    let api = Api::new(&site.hub.address, token.trim());
    assert_eq!(api.get("/v1/items?limit=1").status, 200);
    site.hub
        .admin(&["token", "revoke", "--tenant", "Acme", token.trim()])
        .ok();
    let answer = api.get("/v1/items?limit=1");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.content_type, "application/problem+json");
}

#[test]
fn two_drivers_for_one_company() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    site.write_config("second", "");
    site.enroll("second").ok();
    fails_with(
        &site.driver_named("second", &["sync"], &[]),
        "company_claimed",
        "company move",
    );
    site.driver(&["verify"]).ok();
}

#[test]
fn one_process_works_with_a_state_folder() {
    let site = Site::demo(Reader::Sandbox);
    let driver = site.start_driver("driver", &[]);
    let _ = site
        .api
        .wait_for("/v1/items?limit=1", Duration::from_secs(60), |a| {
            a.body["data"].as_array().is_some_and(|d| !d.is_empty())
        });
    fails_with(
        &site.driver(&["sync"]),
        "already_running",
        &driver.pid().to_string(),
    );
}

#[test]
fn files_with_customer_data_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    let mut paths = vec![site.path().join("driver")];
    paths.extend(site.hub.store_file());
    for path in paths {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others: {mode:o}", path.display());
    }
}

#[test]
fn a_company_file_is_no_hub_store() {
    let site = Site::demo(Reader::Sandbox);
    let company = format!("sqlite:{}", site.company().display());
    let before = std::fs::read(site.company()).unwrap();
    let output = run("erp-hub", &["tenant", "add", "Other", "--store", &company]);
    fails_with(&output, "store_foreign", "another program");
    assert_eq!(std::fs::read(site.company()).unwrap(), before);
    let output = run(
        "erp-hub",
        &[
            "token",
            "list",
            "--tenant",
            "Acme",
            "--store",
            "sqlite:/nowhere/hub.db",
        ],
    );
    fails_with(&output, "store_unknown", "correct the path");
}

#[test]
fn a_body_that_names_a_member_twice_is_refused() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    let body = r#"{"company":"ABC","customer":{"ar_division_no":"01","customer_no":"ABF"},
        "lines":[{"item_code":"1001-HON-H252","quantity_ordered":"1","quantity_ordered":"500"}]}"#;
    let answer = site.api.post_text("/v1/sales_orders", "twice", body);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(
        answer.body["detail"]
            .as_str()
            .unwrap()
            .contains("quantity_ordered stands twice"),
        "{}",
        answer.body
    );
}
