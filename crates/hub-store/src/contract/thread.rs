//! What became of written orders.

use catalog::RemovalReason;
use model::{ImportKind, ImportState};
use serde_json::json;

use super::decisions::Desk;
use super::derived::{Row, batch, opened};
use crate::{OrderStatus, OrderThread, Store};

pub(super) fn check(store: &dyn Store) {
    let desk = Desk::new(store, "thread");
    let body = json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
    });
    let import = desk.post(ImportKind::SalesOrder, "o1", &body).unwrap();
    assert!(
        desk.store
            .order_thread(&desk.site.all, &import)
            .unwrap()
            .is_none(),
        "not written yet"
    );
    desk.report(
        &import.id,
        1,
        ImportState::Written,
        &[("sales_order_no", "0000186")],
    );
    let thread = || -> OrderThread {
        let import = desk.shown(&import.id);
        desk.store.order_thread(&desk.site.all, &import).unwrap().unwrap()
    };
    let first = thread();
    assert_eq!((first.status, first.last_seen_at), (OrderStatus::Unknown, None));

    let orders = opened(store, &desk.site, "ABC", "sales_orders");
    let send = |number: &str, status: &str| {
        let order = vec![("SalesOrderNo", number), ("OrderStatus", status)];
        let line = vec![("ItemCode", "A"), ("QuantityOrdered", "10")];
        orders.push(&batch(&orders.dataset, &[order], &[("lines", 0, line)]));
    };
    send("0000187", "H");
    send("0000188", "N");
    for (letter, status) in [
        ("N", OrderStatus::Open),
        ("H", OrderStatus::OnHold),
        ("O", OrderStatus::Open),
    ] {
        send("0000186", letter);
        let now = thread();
        assert_eq!((now.status, now.order_status.as_deref()), (status, Some(letter)));
        assert!(now.last_seen_at.is_some());
    }
    let shipments = opened(store, &desk.site, "ABC", "shipments");
    let ship = |quantity: &str| {
        let shipment: Row<'_> = vec![("InvoiceNo", "0100001"), ("SalesOrderNo", "0000186")];
        let line = vec![("ItemCode", "A"), ("QuantityShipped", quantity)];
        let package = vec![("PackageNo", "0001"), ("TrackingID", "1Z999")];
        let children = [("lines", 0, line), ("tracking", 0, package)];
        shipments.push(&batch(&shipments.dataset, &[shipment], &children));
    };
    ship("4");
    let now = thread();
    assert_eq!(
        (now.status, now.tracking),
        (OrderStatus::PartlyShipped, vec!["1Z999".to_owned()])
    );
    ship("10");
    assert_eq!(thread().status, OrderStatus::Shipped);
    let invoices = opened(store, &desk.site, "ABC", "invoices");
    let invoice: Row<'_> = vec![
        ("InvoiceNo", "0100001"),
        ("HeaderSeqNo", "000001"),
        ("SalesOrderNo", "0000186"),
        ("InvoiceDate", "2026-05-04"),
    ];
    invoices.push(&batch(&invoices.dataset, &[invoice], &[]));
    shipments.remove(&[("0100001", RemovalReason::Moved)]).unwrap();
    assert_eq!(thread().status, OrderStatus::PartlyShipped, "it is still open");
    orders.remove(&[("0000186", RemovalReason::Moved)]).unwrap();
    let now = thread();
    assert_eq!(now.status, OrderStatus::Invoiced);
    assert_eq!(now.invoices.len(), 1);
    assert_eq!(now.invoices[0].invoice_no, "0100001");
    assert_eq!(now.invoices[0].invoice_date.as_deref(), Some("2026-05-04"));

    let history = opened(store, &desk.site, "ABC", "sales_order_history");
    for (letter, reason, status) in [
        ("C", "", OrderStatus::Completed),
        ("X", "", OrderStatus::Deleted),
        ("X", "PRICE", OrderStatus::Cancelled),
        ("Z", "", OrderStatus::Deleted),
    ] {
        let order = vec![
            ("SalesOrderNo", "0000186"),
            ("OrderStatus", letter),
            ("CancelReasonCode", reason),
        ];
        history.push(&batch(&history.dataset, &[order], &[]));
        assert_eq!(thread().status, status, "{letter} {reason}");
    }

    // Gone without a trace after it was seen.
    let second = desk.post(ImportKind::SalesOrder, "o2", &body).unwrap();
    desk.report(
        &second.id,
        1,
        ImportState::Written,
        &[("sales_order_no", "0000187")],
    );
    orders.remove(&[("0000187", RemovalReason::Deleted)]).unwrap();
    let second = desk.shown(&second.id);
    let gone = desk.store.order_thread(&desk.site.all, &second).unwrap().unwrap();
    assert_eq!(gone.status, OrderStatus::Deleted);
    assert!(gone.last_seen_at.is_some());
    assert_eq!(second.state, ImportState::Written, "never entered again");
}
