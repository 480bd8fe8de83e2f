//! What `docs/api.md` shows goes into the sandbox's company as it is printed, with the settings
//! that the README shows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use serde_json::{Value, json};
use system_tests::{Reader, Site};

const API: &str = include_str!("../../docs/api.md");
const RULES: &str = include_str!("../../docs/import-rules.md");
const README: &str = include_str!("../../README.md");

/// The examples of `docs/api.md` in fences of this kind.
fn examples(kind: &str) -> Vec<Value> {
    let fence = format!("```json {kind}\n");
    let texts = API.split(&fence).skip(1);
    let texts = texts.map(|rest| rest.split("```").next().unwrap());
    let found: Vec<Value> = texts.map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(!found.is_empty(), "no example of a {kind}");
    found
}

/// How documents are entered, as the README shows it, where receipts were shown to go in.
fn settings() -> String {
    let toml = README.split("```toml\n# config.toml").nth(1).unwrap();
    let toml = toml.split("```").next().unwrap();
    let (_, imports) = toml.split_once("[company.imports.customers]").unwrap();
    format!("[company.imports.customers]{imports}[company.imports.capabilities]\nreceipts = true\n")
}

#[test]
fn each_example_goes_in_as_printed() {
    let site = Site::demo(Reader::Sandbox);
    site.write_config("driver", &settings());
    site.driver(&["sync"]).ok();
    let _driver = site.start_driver("driver", &[]);
    for (collection, kind) in [
        ("customers", "customer"),
        ("sales_orders", "sales_order"),
        ("payments", "payment"),
    ] {
        for (number, body) in examples(kind).iter().enumerate() {
            let id = site.send(collection, &format!("{kind}-{number}"), body);
            if body.get("changes").is_none() {
                let _ = site.written(&id);
                continue;
            }
            let held = site.settled(&id);
            assert_eq!(held["state"], "held", "{held}");
            let codes: Vec<_> = held["problems"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| &p["code"])
                .collect();
            assert!(codes.iter().all(|code| **code == "change_proposed"), "{held}");
            let words = json!({ "accept": ["change_proposed"], "why": "the example" });
            let path = format!("/v1/imports/{id}/retry?revision={}", held["revision"]);
            let told = site.api.post(&path, "accepted", &words);
            assert_eq!(told.status, 200, "{}", told.body);
            let _ = site.written_after_decision(&id);
        }
    }
}

/// The sections and the order of each example of `docs/import-rules.md`.
fn rule_examples() -> Vec<(String, Value)> {
    let sections = RULES.split("\n## ").filter(|s| s.starts_with("Example: "));
    let block = |section: &str, fence: &str| -> String {
        let rest = section.split(fence).nth(1).unwrap();
        rest.split("```").next().unwrap().to_owned()
    };
    let examples = sections.map(|section| {
        let order = block(section, "`order.json`\n\n```json\n");
        (block(section, "```toml\n"), serde_json::from_str(&order).unwrap())
    });
    examples.collect()
}

#[test]
fn the_rules_of_the_handbook_do_to_real_orders_what_it_shows() {
    let site = Site::demo(Reader::Sandbox);
    let examples = rule_examples();
    let sections: String = examples.iter().map(|(section, _)| section.as_str()).collect();
    site.write_config("driver", &format!("{}{sections}", settings()));
    let checked = site.driver(&["config", "check"]).ok();
    assert!(checked.contains("0 missing, 0 not checked"), "{checked}");
    assert!(
        checked.contains("login of erpdriver: may enter sales orders"),
        "{checked}"
    );
    site.driver(&["sync"]).ok();
    let _driver = site.start_driver("driver", &[]);
    let ids: Vec<String> = (0..examples.len())
        .map(|number| site.send("sales_orders", &format!("rule-{number}"), &examples[number].1))
        .collect();
    let [heavy, toner, gift] = ids.as_slice() else {
        panic!("three examples");
    };
    let held = site.settled(heavy);
    assert_eq!(
        (&held["state"], &held["problems"][0]["code"]),
        (&json!("held"), &json!("rule_hold")),
        "{held}"
    );
    let refused = site.settled(toner);
    assert_eq!(
        (&refused["state"], &refused["problems"][0]["code"]),
        (&json!("refused"), &json!("rule_refused")),
        "{refused}"
    );
    let import = site.written(gift);
    let number = import["sales_order_no"].as_str().unwrap();
    let stands = |table: &str, column: &str| {
        site.ask_erp(&format!(
            "SELECT {column} FROM {table} WHERE SalesOrderNo = '{number}'"
        ))
    };
    assert_eq!(
        stands("SO_SalesOrderDetail", "UDF_ENGRAVING"),
        "Happy birthday, Zoë! All the b"
    );
    assert_eq!(stands("SO_SalesOrderHeader", "UDF_GIFT"), "Y");
    // At a person's word the heavy one goes in, with what the rule set.
    let words = json!({ "accept": ["rule_hold"], "why": "a truck is booked" });
    let told = site
        .api
        .post(&format!("/v1/imports/{heavy}/retry"), "truck", &words);
    assert_eq!(told.status, 200, "{}", told.body);
    let import = site.written_after_decision(heavy);
    let number = import["sales_order_no"].as_str().unwrap();
    let sql = format!("SELECT ShipVia FROM SO_SalesOrderHeader WHERE SalesOrderNo = '{number}'");
    assert_eq!(site.ask_erp(&sql), "COMMON CARRIER");
}
