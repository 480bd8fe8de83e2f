//! Companies that leave the hub.

use catalog::RemovalReason::Deleted;
use model::{ImportKind, ImportState};
use serde_json::{Value, json};
use values::CompanyId;

use super::decisions::Desk;
use super::{Stream, documents, later, now, refused};
use crate::{Actor, AuditQuery, ChangeQuery, Lookup, RemovedCompany, Store};

fn order() -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment": { "amount": "10.00", "gateway_transaction_id": "ch_1" },
        "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
    })
}

pub(super) fn check(store: &dyn Store) {
    let desk = Desk::new(store, "companies");
    let site = &desk.site;
    let abc = CompanyId::new("ABC");
    let orders = Stream::new(store, &site.agent, "ABC", "sales_orders");
    let own = Stream::new(store, &site.agent, "ABC", "udt_wishes");
    let other = Stream::new(store, &site.agent, "XYZ", "sales_orders");
    for stream in [&orders, &own, &other] {
        stream.reset(1).unwrap();
        stream.push(&documents(&stream.dataset, &["1", "2"], 2, 1));
    }
    orders.remove(&[("2", Deleted)]).unwrap();
    let waiting = desk.post(ImportKind::SalesOrder, "w", &order()).unwrap().id;
    let doubtful = {
        let mut body = order();
        body["payment"] = Value::Null;
        desk.post(ImportKind::SalesOrder, "d", &body).unwrap().id
    };
    desk.report(&doubtful, 1, ImportState::InDoubt, &[]);
    let feed = ChangeQuery {
        limit: 100,
        ..ChangeQuery::default()
    };
    let place = store.changes(&site.all, &feed, now()).unwrap().position;

    let by = Actor::command_line();
    let remove =
        |discard_open: bool, at: i64| store.remove_company(&site.tenant, &abc, discard_open, &by, later(at));
    refused(remove(true, 60), "company_in_use");
    refused(remove(false, 3600), "company_has_documents");
    refused(remove(true, 3600), "company_has_documents");
    assert!(matches!(
        orders.lookup(&site.all, "1"),
        Lookup::Found(found) if found.json() == orders.get(&site.all, "1")
    ));
    desk.report(
        &doubtful,
        1,
        ImportState::Written,
        &[("sales_order_no", "0000186")],
    );
    refused(remove(false, 3600), "company_has_documents");
    let removed = remove(true, 3600).unwrap();
    assert_eq!(
        removed,
        RemovedCompany {
            records: 3,
            documents: 1
        }
    );
    refused(remove(true, 3600), "company_unknown");

    let left = store.companies(&site.tenant).unwrap();
    assert_eq!(
        left.iter().map(|c| c.company.as_str()).collect::<Vec<_>>(),
        ["XYZ"]
    );
    for stream in [&orders, &own] {
        assert_eq!(stream.lookup(&site.all, "1"), Lookup::Unknown);
    }
    assert_eq!(
        orders.lookup(&site.all, "2"),
        Lookup::Unknown,
        "its tombstone is gone, too"
    );
    assert_eq!(other.state().records, Some(2), "another company's stay");
    let after = ChangeQuery {
        after: place,
        ..feed.clone()
    };
    refused(store.changes(&site.all, &after, now()), "cursor_expired");
    let fresh = store.changes(&site.all, &feed, now()).unwrap();
    assert!(fresh.data.iter().all(|change| change.company.as_str() == "XYZ") && fresh.data.len() == 2);
    // Documents are what was done: they stay, and what they spent stays spent.
    assert_eq!(desk.shown(&waiting).state, ImportState::Discarded);
    assert_eq!(desk.shown(&doubtful).state, ImportState::Written);
    let query = AuditQuery {
        subject: Some("ABC".to_owned()),
        limit: 1,
        ..AuditQuery::default()
    };
    let entry = store.audit(&site.tenant, &query).unwrap().data.remove(0);
    assert_eq!(
        entry.details,
        json!({ "agent": "a_companies", "records": 3, "documents_discarded": 1 })
    );
    let query = AuditQuery {
        subject: Some(waiting.to_string()),
        limit: 1,
        ..AuditQuery::default()
    };
    let entry = store.audit(&site.tenant, &query).unwrap().data.remove(0);
    assert_eq!(entry.action, crate::AuditAction::ImportDiscarded);

    // It may come again, as a new one.
    assert_eq!(orders.state().sequence.0, 0);
    orders.reset(1).unwrap();
    orders.push(&documents(&orders.dataset, &["1"], 2, 2));
    assert_eq!(orders.state().records, Some(1));
    let whole = orders.get(&site.all, "1");
    assert_eq!(
        whole["lines"].as_array().map(Vec::len),
        Some(2),
        "and none of the old lines"
    );
}
