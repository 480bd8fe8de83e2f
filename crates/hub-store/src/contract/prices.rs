//! Options of a company's prices.

use serde_json::{Map, Value, json};
use values::{CompanyId, TenantId};

use super::{Site, Stream, now, refused};
use crate::{Actor, AuditAction, AuditQuery, ChangeQuery, Store};

fn choices(of: Value) -> Map<String, Value> {
    let Value::Object(choices) = of else {
        panic!("{of}");
    };
    choices
}

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "prices");
    let (tenant, abc) = (&site.tenant, CompanyId::new("ABC"));
    let by = Actor::command_line();
    let choose = |of: Value| store.choose_price_options(tenant, &abc, &choices(of), &by, now());
    refused(choose(json!({ "rounding": "once" })), "company_unknown");
    refused(store.price_options(tenant, &abc), "company_unknown");
    for company in ["ABC", "XYZ"] {
        Stream::new(store, &site.agent, company, "items")
            .reset(1)
            .unwrap();
    }
    let head = || {
        let query = ChangeQuery {
            limit: 10,
            ..ChangeQuery::default()
        };
        let page = store.changes(&site.all, &query, now()).unwrap();
        assert!(page.data.is_empty(), "no record stands there");
        page.position
    };
    assert_eq!(store.price_options(tenant, &abc).unwrap(), Map::new());

    let before = head();
    let first = choose(json!({ "rounding": "once", "price_decimals": 2 })).unwrap();
    assert_eq!(first, choices(json!({ "rounding": "once", "price_decimals": 2 })));
    let moved = head();
    assert!(moved > before, "who keeps prices learns of it");
    let second = choose(json!({ "price_decimals": null, "total_by": "product_line", "rounding": "once" }));
    let wanted = choices(json!({ "rounding": "once", "total_by": "product_line" }));
    assert_eq!(second.unwrap(), wanted);
    assert_eq!(store.price_options(tenant, &abc).unwrap(), wanted);
    let there = head();
    choose(json!({ "rounding": "once", "zero_bound": null })).unwrap();
    assert_eq!(head(), there, "nothing was changed");
    let xyz = CompanyId::new("XYZ");
    assert_eq!(store.price_options(tenant, &xyz).unwrap(), Map::new());
    refused(
        store.price_options(&TenantId::new("t_none"), &abc),
        "company_unknown",
    );

    let query = AuditQuery {
        action: Some(AuditAction::CompanyPricesEdited),
        limit: 10,
        ..AuditQuery::default()
    };
    let told: Vec<_> = store
        .audit(tenant, &query)
        .unwrap()
        .data
        .into_iter()
        .map(|entry| (entry.actor, entry.subject, entry.details))
        .collect();
    let entry = |options: Value| {
        (
            "command line".to_owned(),
            "ABC".to_owned(),
            json!({ "options": options }),
        )
    };
    assert_eq!(
        told,
        [
            entry(json!({
                "price_decimals": { "old": 2, "new": null }, "total_by": { "old": null, "new": "product_line" },
            })),
            entry(json!({
                "price_decimals": { "old": null, "new": 2 }, "rounding": { "old": null, "new": "once" },
            })),
        ]
    );
}
