//! Prices over HTTP, from records that came through real batches.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may stop where they stand"
)]

mod world;

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal64Array, RecordBatch, StringArray, UInt32Array};
use catalog::{Class, DocumentBatch, Field, RemovalReason};
use hub_store::contract::documents;
use hub_store::{Store as _, TokenScope};
use serde_json::{Value, json};
use values::{Decimal, Kind, TenantId};

use world::{Agent, World};

const PAGE: &str = include_str!("../../../docs/api.md");

/// Fields of a record that are not blank.
type Row<'a> = &'a [(&'a str, &'a str)];

const ITEMS: [Row<'_>; 9] = [
    &[
        ("item_code", "1001-HON-H252"),
        ("standard_unit_price", "84"),
        ("standard_unit_cost", "40"),
    ],
    &[
        ("item_code", "SALE"),
        ("standard_unit_price", "50"),
        ("sale_method", "D"),
        ("sales_promotion_discount_percent", "10"),
        ("sale_starting_date", "2026-05-01"),
        ("sale_ending_date", "2026-05-31"),
    ],
    &[("item_code", "DESK"), ("standard_unit_price", "200")],
    &[("item_code", "LAMP"), ("standard_unit_price", "30")],
    &[
        ("item_code", "BOLT"),
        ("standard_unit_price", "15"),
        ("standard_unit_cost", "8"),
        ("price_code", "BULK"),
    ],
    &[
        ("item_code", "GEAR"),
        ("standard_unit_price", "9"),
        ("price_code", "PART"),
    ],
    &[
        ("item_code", "PLAIN"),
        ("standard_unit_price", "12.5"),
        ("sales_unit_of_measure", "CASE"),
        ("sales_um_conv_fctr", "12"),
    ],
    &[
        ("item_code", "OLD"),
        ("standard_unit_price", "1"),
        ("inactive_item", "Y"),
    ],
    &[("item_code", "/FREIGHT"), ("item_type", "3")],
];

const CUSTOMERS: [Row<'_>; 1] = [&[
    ("ar_division_no", "01"),
    ("customer_no", "ABF"),
    ("price_level", "2"),
    ("customer_discount_rate", "5"),
]];

const PRICES: [Row<'_>; 5] = [
    &[
        ("price_code_record", "2"),
        ("item_code", "1001-HON-H252"),
        ("ar_division_no", "01"),
        ("customer_no", "ABF"),
        ("pricing_method", "O"),
        ("break_quantity1", "9999999"),
        ("discount_markup1", "79.5"),
    ],
    &[
        ("price_code_record", "1"),
        ("item_code", "DESK"),
        ("customer_price_level", "2"),
        ("pricing_method", "D"),
        ("break_quantity1", "9"),
        ("discount_markup1", "10"),
        ("break_quantity2", "9999999"),
        ("discount_markup2", "20"),
    ],
    &[
        ("price_code_record", "1"),
        ("item_code", "LAMP"),
        ("pricing_method", "P"),
        ("break_quantity1", "9999999"),
        ("discount_markup1", "5"),
    ],
    &[
        ("price_code_record", "0"),
        ("price_code", "BULK"),
        ("customer_price_level", "2"),
        ("pricing_method", "M"),
        ("break_quantity1", "9999999"),
        ("discount_markup1", "25"),
    ],
    &[
        ("price_code_record", "0"),
        ("price_code", "PART"),
        ("pricing_method", "O"),
        ("break_quantity1", "9999999"),
        ("discount_markup1", "7"),
    ],
];

fn value<'r>(row: Row<'r>, field: &Field) -> &'r str {
    let found = row.iter().find(|(name, _)| *name == field.name);
    let usual = match field.name.as_str() {
        "item_type" => "1",
        "standard_unit_of_measure" => "EACH",
        _ => "",
    };
    found.map_or(usual, |(_, value)| value)
}

fn column(field: &Field, rows: &[Row<'_>]) -> ArrayRef {
    let texts = rows.iter().map(|row| value(row, field));
    match field.kind {
        Kind::Text | Kind::Json => Arc::new(StringArray::from_iter_values(texts)),
        Kind::Decimal { scale } => {
            let units = texts.map(|text| Decimal::parse(text, scale).unwrap().units());
            let units = Decimal64Array::from_iter_values(units);
            let scale = i8::try_from(scale).unwrap();
            Arc::new(units.with_precision_and_scale(18, scale).unwrap())
        }
        Kind::Date => {
            let days = texts.map(|text| values::parse_date(text).unwrap().map(values::days_from_date));
            Arc::new(Date32Array::from_iter(days))
        }
    }
}

impl Site {
    /// Sends these records; those that are there already and are not named stay.
    async fn send(&self, dataset: &str, rows: &[Row<'_>]) {
        self.send_with(dataset, rows, &[]).await;
    }

    /// The same with a row of the child `sales_order_options` under the first.
    async fn send_with(&self, dataset: &str, rows: &[Row<'_>], options: &[Row<'_>]) {
        let known = self.world.store.catalog().get(dataset).unwrap().clone();
        for row in rows {
            for (name, _) in *row {
                assert!(known.fields.iter().any(|f| f.name == *name), "{dataset}.{name}");
            }
        }
        let columns = known.fields.iter().map(|field| column(field, rows)).collect();
        let children = known.children.iter().map(|child| {
            let rows = if child.name == "sales_order_options" {
                options
            } else {
                &[]
            };
            let mut all: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(vec![0; rows.len()]))];
            all.extend(child.fields.iter().map(|field| column(field, rows)));
            RecordBatch::try_new(child.schema(), all).unwrap()
        });
        let batch = DocumentBatch {
            parents: RecordBatch::try_new(known.schema(), columns).unwrap(),
            children: children.collect(),
        };
        self.world.sync(&self.agent, "ABC", dataset, &batch).await;
    }

    async fn remove(&self, dataset: &str, key: &str) {
        let leaving = [(key, RemovalReason::Deleted)];
        self.world
            .remove(&self.agent, "ABC", dataset, &leaving)
            .await
            .ok();
    }

    /// The answer to these items and quantities, bought by 01-ABF.
    async fn ask(&self, token: &str, lines: &[(&str, &str)]) -> Value {
        self.world.post("/v1/prices", token, &question(lines)).await.ok()
    }

    /// The records that were considered are there under their keys.
    async fn see_considered(&self, line: &Value) {
        for record in line["considered"].as_array().unwrap() {
            let text = |name: &str| record[name].as_str().unwrap();
            let path = format!("/v1/{}/{}", text("dataset"), text("key"));
            self.world.get(&path, &self.read).await.ok();
        }
    }

    /// Unit price and rule of one item.
    async fn price(&self, item: &str) -> (String, String) {
        let answer = self.ask(&self.read, &[(item, "1")]).await;
        let text = |name: &str| answer["lines"][0][name].as_str().unwrap_or("none").to_owned();
        (text("unit_price"), text("rule"))
    }
}

struct Site {
    world: World,
    tenant: TenantId,
    agent: Agent,
    read: String,
}

async fn site() -> Site {
    let (world, tenant, agent) = World::with_driver().await;
    let read = world.token(&tenant, TokenScope::Read, None, &[Class::Public]);
    let site = Site {
        world,
        tenant,
        agent,
        read,
    };
    site.send("items", &ITEMS).await;
    site.send("customers", &CUSTOMERS).await;
    site.send("price_codes", &PRICES).await;
    site
}

fn question(lines: &[(&str, &str)]) -> Value {
    let lines: Vec<_> = lines
        .iter()
        .map(|(item, quantity)| json!({ "item_code": item, "quantity": quantity }))
        .collect();
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "date": "2026-05-06", "lines": lines,
    })
}

fn found(price: &str, rule: &str) -> (String, String) {
    (price.to_owned(), rule.to_owned())
}

fn example(kind: &str) -> Value {
    let fence = format!("```json {kind}\n");
    let text = PAGE.split(fence.as_str()).nth(1).unwrap();
    serde_json::from_str(text.split("```").next().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_decides_where_it_is_the_highest() {
    let site = site().await;
    let cost = site.world.token(
        &site.tenant,
        TokenScope::Read,
        None,
        &[Class::Public, Class::Cost],
    );
    let wanted = [
        ("SALE", "45.000000", "promotion"),
        ("1001-HON-H252", "79.500000", "customer_item"),
        ("DESK", "180.000000", "item_level"),
        ("LAMP", "25.000000", "item_standard"),
        ("BOLT", "10.000000", "price_code_level"),
        ("GEAR", "7.000000", "price_code_standard"),
        ("PLAIN", "150.000000", "standard_price"),
    ];
    let lines = wanted.map(|(item, _, _)| (item, "1"));
    let answer = site.ask(&cost, &lines).await;
    for (place, (item, price, rule)) in wanted.into_iter().enumerate() {
        let line = &answer["lines"][place];
        assert_eq!(
            (&line["item_code"], &line["unit_price"], &line["rule"]),
            (&json!(item), &json!(price), &json!(rule)),
            "{line}"
        );
        site.see_considered(line).await;
        let considered = line["considered"].as_array().unwrap();
        let decided: Vec<_> = considered.iter().filter(|c| c["outcome"] == "decided").collect();
        assert_eq!(decided.len(), 1, "{line}");
        assert_eq!(
            (&decided[0]["rule"], &decided[0]["price"]),
            (&json!(rule), &json!(price))
        );
    }
    // The second break, and another unit.
    let mut more = question(&[("DESK", "10"), ("PLAIN", "2")]);
    more["lines"][1]["unit_of_measure"] = "EACH".into();
    let answer = site.world.post("/v1/prices", &cost, &more).await.ok();
    let shown = |place: usize| {
        let line = &answer["lines"][place];
        [
            &line["unit_price"],
            &line["extension_amt"],
            &line["unit_of_measure"],
        ]
        .map(Clone::clone)
    };
    assert_eq!(shown(0), ["160.000000", "1600.00", "EACH"].map(Value::from));
    assert_eq!(shown(1), ["12.500000", "25.00", "EACH"].map(Value::from));
    // Everybody's prices, and a day after the promotion.
    let mut nobody = question(&[("1001-HON-H252", "1"), ("SALE", "1")]);
    nobody["customer"] = Value::Null;
    nobody["date"] = "2026-06-01".into();
    let answer = site.world.post("/v1/prices", &cost, &nobody).await.ok();
    for (place, price) in ["84.000000", "50.000000"].into_iter().enumerate() {
        let line = &answer["lines"][place];
        assert_eq!(
            (&line["unit_price"], &line["rule"]),
            (&json!(price), &json!("standard_price"))
        );
        assert_eq!(line["trade_discount_percent"], "0.000000");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_shows_is_what_is_answered() {
    let site = site().await;
    let answer = site
        .world
        .post("/v1/prices", &site.read, &example("prices"))
        .await
        .ok();
    assert_eq!(answer, example("prices_answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_has_every_change_that_was_acknowledged() {
    let site = site().await;
    assert_eq!(site.price("LAMP").await, found("25.000000", "item_standard"));
    // A record changes, then the item below it.
    let mut lamp = PRICES[2].to_vec();
    lamp[4] = ("discount_markup1", "6.5");
    site.send("price_codes", &[&lamp]).await;
    assert_eq!(site.price("LAMP").await, found("23.500000", "item_standard"));
    site.send(
        "items",
        &[&[("item_code", "LAMP"), ("standard_unit_price", "31")]],
    )
    .await;
    assert_eq!(site.price("LAMP").await, found("24.500000", "item_standard"));
    // What has nothing to do with prices moves the feed and no price.
    let orders = site.world.store.catalog().get("sales_orders").unwrap();
    let batch = documents(orders, &["1", "2"], 1, 1);
    site.world.sync(&site.agent, "ABC", "sales_orders", &batch).await;
    assert_eq!(site.price("LAMP").await, found("24.500000", "item_standard"));
    // Records leave, and one comes back.
    site.remove("price_codes", "1::LAMP:::").await;
    assert_eq!(site.price("LAMP").await, found("31.000000", "standard_price"));
    site.send("price_codes", &[PRICES[2]]).await;
    assert_eq!(site.price("LAMP").await, found("26.000000", "item_standard"));
    site.remove("items", "LAMP").await;
    let answer = site.ask(&site.read, &[("LAMP", "1"), ("GEAR", "1")]).await;
    assert_eq!(answer["lines"][0]["problems"][0]["code"], "item_unknown");
    assert_eq!(answer["lines"][1]["unit_price"], "7.000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_counts_when_its_tombstone_is_forgotten_too() {
    let site = site().await;
    assert_eq!(site.price("LAMP").await, found("25.000000", "item_standard"));
    site.remove("price_codes", "1::LAMP:::").await;
    site.world.pass(91 * 24 * 3_600);
    site.world.hub.tidy().unwrap();
    assert_eq!(site.price("LAMP").await, found("30.000000", "standard_price"));
    assert_eq!(site.price("GEAR").await, found("7.000000", "price_code_standard"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_companys_options_count() {
    let site = site().await;
    let company: Row<'_> = &[("company_code", "ABC")];
    let options: Row<'_> = &[("module_code", "S/O"), ("price_by_total_quantity", "Y")];
    let lines = [("DESK", "5"), ("GEAR", "5")];
    let apart = site.ask(&site.read, &lines).await;
    assert_eq!(apart["lines"][0]["unit_price"], "180.000000");
    site.send_with("company_options", &[company], &[options]).await;
    let together = site.ask(&site.read, &lines).await;
    assert_eq!(together["lines"][0]["break_quantity"], "10.000000");
    assert_eq!(together["lines"][0]["unit_price"], "160.000000");
    site.send("company_options", &[company]).await;
    assert_eq!(site.ask(&site.read, &lines).await, apart);
    // A level of the customer for one day on, where the company uses such.
    let options: Row<'_> = &[("module_code", "S/O"), ("default_price_level_by_cust", "Y")];
    site.send_with("company_options", &[company], &[options]).await;
    let level: Row<'_> = &[
        ("ar_division_no", "01"),
        ("customer_no", "ABF"),
        ("effective_date", "2026-05-06"),
        ("price_level", "9"),
    ];
    site.send("price_levels_by_customer", &[level]).await;
    let answer = site.ask(&site.read, &[("DESK", "1")]).await;
    let line = &answer["lines"][0];
    assert_eq!(
        (
            &line["price_level"],
            &line["unit_price"],
            &line["considered"][0]["outcome"]
        ),
        (&json!("9"), &json!("200.000000"), &json!("gave_level"))
    );
    site.see_considered(line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_from_a_cost_is_for_those_who_read_costs() {
    let site = site().await;
    let answer = site.ask(&site.read, &[("BOLT", "1"), ("GEAR", "1")]).await;
    let line = &answer["lines"][0];
    assert_eq!(
        (&line["unit_price"], &line["extension_amt"], &line["rule"]),
        (&Value::Null, &Value::Null, &json!("price_code_level"))
    );
    let problem = &line["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["field"]),
        (&json!("price_from_cost"), &json!("lines[0]"))
    );
    assert_eq!(line["considered"][0]["price"], Value::Null);
    assert!(!answer.to_string().contains("10.00"), "{answer}");
    assert_eq!(answer["lines"][1]["unit_price"], "7.000000");
    let cost = site
        .world
        .token(&site.tenant, TokenScope::Read, None, &[Class::Cost]);
    let answer = site.ask(&cost, &[("BOLT", "1")]).await;
    assert_eq!(answer["lines"][0]["considered"][0]["price"], "10.000000");
    assert_eq!(answer["lines"][0]["problems"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_a_price_says_why_and_the_others_have_theirs() {
    let site = site().await;
    let mut asked = question(&[
        ("NONE", "1"),
        ("OLD", "1"),
        ("/FREIGHT", "1"),
        ("GEAR", "1"),
        ("GEAR", "1"),
    ]);
    asked["lines"][3]["unit_of_measure"] = "DOZEN".into();
    let answer = site.world.post("/v1/prices", &site.read, &asked).await.ok();
    for (place, (code, field)) in [
        ("item_unknown", "lines[0].item_code"),
        ("item_inactive", "lines[1].item_code"),
        ("item_not_priced", "lines[2].item_code"),
        ("unit_unknown", "lines[3].unit_of_measure"),
    ]
    .into_iter()
    .enumerate()
    {
        let line = &answer["lines"][place];
        let problem = &line["problems"][0];
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!(code), &json!(field))
        );
        assert!(
            problem["remedy"].as_str().is_some_and(|r| !r.is_empty()),
            "{problem}"
        );
        assert_eq!((&line["unit_price"], &line["rule"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(answer["lines"][4]["unit_price"], "7.000000");
    // An item that is sold again has its price.
    site.send("items", &[&[("item_code", "OLD"), ("standard_unit_price", "1")]])
        .await;
    assert_eq!(site.price("OLD").await, found("1.000000", "standard_price"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_refused_with_all_that_is_wrong() {
    let site = site().await;
    let mut asked = question(&[
        ("GEAR", "x"),
        ("GEAR", "1.0000001"),
        ("GEAR", "5-"),
        ("GEAR", "1"),
    ]);
    asked["date"] = "06.05.2026".into();
    let refusal = site
        .world
        .post("/v1/prices", &site.read, &asked)
        .await
        .refused(422, "document_refused");
    let fields: Vec<_> = refusal["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["field"])
        .collect();
    assert_eq!(
        fields,
        [
            "date",
            "lines[0].quantity",
            "lines[1].quantity",
            "lines[2].quantity"
        ]
    );
    for (change, status, code, detail) in [
        (json!({ "lines": [] }), 422, "document_refused", "lines"),
        (
            json!({ "customer": { "ar_division_no": "01", "customer_no": "NONE" } }),
            422,
            "document_refused",
            "customer",
        ),
        (json!({ "company": "XYZ" }), 404, "company_unknown", "XYZ"),
        (json!({ "colour": "red" }), 400, "body_invalid", "colour"),
        (
            json!({ "lines": [{ "item_code": "GEAR", "quantity": 1.5 }] }),
            400,
            "body_invalid",
            "lines[0]",
        ),
    ] {
        let mut asked = question(&[("GEAR", "1")]);
        let members = change.as_object().unwrap().clone();
        asked.as_object_mut().unwrap().extend(members);
        let refusal = site
            .world
            .post("/v1/prices", &site.read, &asked)
            .await
            .refused(status, code);
        assert!(refusal["detail"].as_str().unwrap().contains(detail), "{refusal}");
    }
    site.world
        .post("/v1/prices?company=ABC", &site.read, &question(&[("GEAR", "1")]))
        .await
        .refused(400, "parameter_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_prices_of_another_tenant_or_company() {
    let site = site().await;
    assert_eq!(site.price("GEAR").await, found("7.000000", "price_code_standard"));
    let second = site.world.tenant("second");
    let theirs = site.world.token(&second, TokenScope::Admin, None, &Class::ALL);
    let asked = question(&[("GEAR", "1")]);
    site.world
        .post("/v1/prices", &theirs, &asked)
        .await
        .refused(404, "company_unknown");
    let narrow = site
        .world
        .token(&site.tenant, TokenScope::Read, Some(&["XYZ"]), &Class::ALL);
    site.world
        .post("/v1/prices", &narrow, &asked)
        .await
        .refused(404, "company_unknown");
    // A company of the same name has its own prices, and neither moves the other's.
    let own = Site {
        agent: site.world.driver(&second).await,
        world: site.world,
        tenant: second,
        read: theirs,
    };
    own.send("items", &[&[("item_code", "GEAR"), ("standard_unit_price", "3")]])
        .await;
    own.send("customers", &CUSTOMERS).await;
    assert_eq!(own.price("GEAR").await, found("3.000000", "standard_price"));
    let first = own.ask(&site.read, &[("GEAR", "1")]).await;
    assert_eq!(first["lines"][0]["unit_price"], "7.000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_open_is_chosen_for_each_company() {
    let site = site().await;
    let world = &site.world;
    let admin = world.token(&site.tenant, TokenScope::Admin, None, &[Class::Public]);
    let cost = world.token(
        &site.tenant,
        TokenScope::Read,
        None,
        &[Class::Public, Class::Cost],
    );
    let bolt = async || {
        let answer = site.ask(&cost, &[("BOLT", "1")]).await;
        answer["lines"][0]["unit_price"].clone()
    };
    // Standard cost 8 and 25 per cent; then the standard price of 15 and 25 per cent.
    assert_eq!(bolt().await, "10.000000");
    let path = "/v1/prices/options?company=ABC";
    let change = async |token: &str, body: Value| {
        world
            .ask(reqwest::Method::PATCH, path, Some(token), Some(&body))
            .await
    };
    let read = world.get(path, &site.read).await.ok();
    assert_eq!(
        (&read["options"]["markup_base"], &read["chosen"]),
        (&json!("standard_cost"), &json!({}))
    );
    change(&site.read, json!({ "markup_base": "standard_price" }))
        .await
        .refused(403, "permission_missing");
    for odd in [
        json!({ "markup": "standard_price" }),
        json!({ "markup_base": "list_price" }),
        json!([]),
    ] {
        change(&admin, odd).await.refused(400, "body_invalid");
    }
    let other = world.token(&site.tenant, TokenScope::Admin, Some(&["XYZ"]), &[Class::Public]);
    change(&other, json!({ "rounding": "once" }))
        .await
        .refused(404, "company_unknown");
    assert_eq!(bolt().await, "10.000000");
    let made = change(
        &admin,
        json!({ "markup_base": "standard_price", "price_decimals": 2 }),
    )
    .await
    .ok();
    assert_eq!(made["options"]["markup_base"], "standard_price");
    assert_eq!(made["options"]["rounding"], "each_step");
    assert_eq!(
        made["chosen"],
        json!({ "markup_base": "standard_price", "price_decimals": 2 })
    );
    assert_eq!(bolt().await, "18.750000", "from the next question on");
    assert_eq!(world.get(path, &site.read).await.ok(), made);
    // Another process chooses.
    let by = hub_store::Actor::command_line();
    let choice = json!({ "markup_base": null });
    let abc = values::CompanyId::new("ABC");
    world
        .store
        .choose_price_options(&site.tenant, &abc, choice.as_object().unwrap(), &by, world.now())
        .unwrap();
    assert_eq!(bolt().await, "10.000000");
    let log = world
        .get("/v1/audit?action=company.prices_edited", &admin)
        .await
        .ok();
    assert_eq!(
        log["data"][0]["details"]["options"],
        json!({ "markup_base": { "old": "standard_price", "new": null } })
    );
    let prefix = log["data"][1]["actor"].as_str().unwrap();
    assert!(prefix.starts_with("token erp_"), "{prefix}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_that_is_not_known_is_told_until_it_is_chosen() {
    let site = site().await;
    let company: Row<'_> = &[("company_code", "ABC")];
    let options: Row<'_> = &[("module_code", "S/O"), ("price_by_total_quantity", "P")];
    site.send_with("company_options", &[company], &[options]).await;
    let lines = [("DESK", "5"), ("GEAR", "5")];
    let unknown = site.ask(&site.read, &lines).await;
    for line in [0, 1] {
        let line = &unknown["lines"][line];
        assert_eq!(
            (&line["unit_price"], &line["problems"][0]["code"]),
            (&Value::Null, &json!("total_quantity_unknown"))
        );
    }
    let alone = site.ask(&site.read, &lines[..1]).await;
    assert_eq!(alone["lines"][0]["unit_price"], "180.000000");
    let choice = json!({ "total_by": "all_lines" });
    let by = hub_store::Actor::command_line();
    let world = &site.world;
    world
        .store
        .choose_price_options(
            &site.tenant,
            &values::CompanyId::new("ABC"),
            choice.as_object().unwrap(),
            &by,
            world.now(),
        )
        .unwrap();
    let known = site.ask(&site.read, &lines).await;
    assert_eq!(known["lines"][0]["unit_price"], "160.000000");
}
