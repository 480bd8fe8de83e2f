//! Payments: one document for each transaction of the gateway, what they make pending, and
//! the tie-out of a day.

use model::{ImportKind, ImportState};
use serde_json::{Value, json};
use values::{CompanyId, Date, Decimal};
use wire::agent::DecideAction;

use super::decisions::Desk;
use super::derived::{Row, batch, opened};
use super::{Page, listed, now, refused};
use crate::{Store, Sum, TieOut};

pub(super) fn check(store: &dyn Store) {
    transactions(&Desk::new(store, "transactions"));
    pending(&Desk::new(store, "pending"));
    tie_out(&Desk::new(store, "tie-out"));
}

fn payment(amount: &str, transaction: Option<&str>) -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "amount": amount, "gateway_transaction_id": transaction,
    })
}

fn paid_order(amount: &str, transaction: &str) -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment": { "amount": amount, "gateway_transaction_id": transaction },
        "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
    })
}

fn transactions(desk: &Desk<'_>) {
    let first = desk
        .post(ImportKind::SalesOrder, "o1", &paid_order("10.00", "ch_1"))
        .unwrap();
    let used = |key: &str, kind, body: &Value| match desk.post(kind, key, body) {
        Err(crate::StoreError::TransactionUsed { by, .. }) => by,
        other => panic!("not refused: {other:?}"),
    };
    let again = payment("10.00", Some("ch_1"));
    assert_eq!(
        used("p1", ImportKind::Payment, &again),
        first.id,
        "across kinds of documents, naming the one that has it"
    );
    let repeated = desk.post(ImportKind::SalesOrder, "o1", &paid_order("10.00", "ch_1"));
    assert_eq!(repeated.unwrap().id, first.id, "a repetition is no second one");
    desk.post(ImportKind::Payment, "p-none-1", &payment("1.00", None))
        .unwrap();
    desk.post(ImportKind::Payment, "p-none-2", &payment("1.00", None))
        .unwrap();
    let mut refund = payment("10.00", Some("ch_1"));
    refund["kind"] = json!("refund");
    let refunded = desk.post(ImportKind::Payment, "r1", &refund).unwrap();
    assert_eq!(used("r2", ImportKind::Payment, &refund), refunded.id);

    let second = desk
        .post(ImportKind::Payment, "p2", &payment("10.00", Some("ch_2")))
        .unwrap();
    let edit = |transaction: &str, revision| {
        let body = payment("10.00", Some(transaction));
        desk.store
            .edit_import(&desk.site.all, &second.id, revision, &body, now())
    };
    refused(edit("ch_1", 1), "gateway_transaction_used");
    edit("ch_3", 1).unwrap();
    let freed = desk
        .post(ImportKind::Payment, "p3", &payment("10.00", Some("ch_2")))
        .unwrap();

    // Refused frees it; what has it since keeps it.
    desk.report(&freed.id, 1, ImportState::Refused, &[]);
    desk.post(ImportKind::Payment, "p4", &payment("10.00", Some("ch_2")))
        .unwrap();
    let decision = model::Decision {
        accept: Vec::new(),
        why: "sent twice".into(),
    };
    let decide = |id, action| {
        desk.store
            .decide_import(&desk.site.all, id, None, action, &decision, now())
    };
    refused(decide(&freed.id, DecideAction::Retry), "gateway_transaction_used");
    assert_eq!(
        desk.shown(&freed.id).state,
        ImportState::Refused,
        "nothing changed"
    );
    decide(&first.id, DecideAction::Discard).unwrap();
    desk.post(ImportKind::Payment, "p5", &payment("10.00", Some("ch_1")))
        .unwrap();
    let elsewhere = Desk::new(desk.store, "transactions-other");
    elsewhere
        .post(ImportKind::Payment, "p1", &payment("10.00", Some("ch_1")))
        .unwrap();
}

fn pending(desk: &Desk<'_>) {
    let invoices = opened(desk.store, &desk.site, "ABC", "open_invoices");
    let invoice = |number, kind| -> Row<'_> {
        vec![
            ("ARDivisionNo", "01"),
            ("CustomerNo", "ABF"),
            ("InvoiceNo", number),
            ("InvoiceType", kind),
            ("Balance", "100.00"),
        ]
    };
    invoices.push(&batch(
        &invoices.dataset,
        &[invoice("0000001", "IN"), invoice("0000002", "IN")],
        &[],
    ));
    let receipts = opened(desk.store, &desk.site, "ABC", "unposted_receipts");
    receipts.push(&batch(&receipts.dataset, &[], &[]));
    let amounts = |number: &str| {
        let record = invoices.get(&desk.site.all, &format!("01:ABF:{number}:IN"));
        (record["pending_amt"].clone(), record["payable_amt"].clone())
    };
    let reached = || invoices.list(&desk.site.all, Page::Position(0)).last.unwrap().1;
    let since = |position| listed(&invoices.list(&desk.site.all, Page::Position(position)));
    let mut body = payment("75.50", None);
    body["invoices"] = json!([
        { "invoice_no": "1", "amount": "30.25", "invoice_type": "IN" },
        { "invoice_no": "2", "amount": "45.25" },
    ]);
    let before = reached();
    let posted = desk.post(ImportKind::Payment, "p1", &body).unwrap();
    assert_eq!(amounts("0000001"), (json!("30.25"), json!("69.75")));
    assert_eq!(amounts("0000002"), (json!("45.25"), json!("54.75")));
    assert_eq!(since(before), ["01:ABF:0000001:IN", "01:ABF:0000002:IN"]);
    let before = reached();
    desk.report(&posted.id, 1, ImportState::Held, &[]);
    assert_eq!(
        (amounts("0000001").0, since(before).len()),
        (json!("30.25"), 0),
        "a held payment is still on its way"
    );
    body["invoices"] = json!([{ "invoice_no": "2", "amount": "45.25" }]);
    desk.store
        .edit_import(&desk.site.all, &posted.id, 1, &body, now())
        .unwrap();
    assert_eq!((amounts("0000001").0, since(before).len()), (json!("0.00"), 2));
    let before = reached();
    desk.report(&posted.id, 2, ImportState::Written, &[("check_no", "W1")]);
    assert_eq!(
        amounts("0000002").0,
        json!("0.00"),
        "from here on the receipt tells"
    );
    assert_eq!(since(before), ["01:ABF:0000002:IN"]);
    let mut refund = body.clone();
    refund["kind"] = json!("refund");
    desk.post(ImportKind::Payment, "r1", &refund).unwrap();
    assert_eq!(amounts("0000002").0, json!("0.00"), "a refund pays nothing");
}

fn tie_out(desk: &Desk<'_>) {
    let captured = |amount: &str, kind: &str, day: &str| {
        let mut body = payment(amount, None);
        body["payment_type"] = json!(kind);
        body["captured_on"] = json!(day);
        body
    };
    let post = |key: &str, body: &Value| desk.post(ImportKind::Payment, key, body).unwrap().id;
    let day = "2026-05-02";
    let ask = |day: &str| {
        let day: Date = day.parse().unwrap();
        desk.store
            .tie_out(&desk.site.all, &CompanyId::new("ABC"), day)
            .unwrap()
    };
    let entered = |key: &str, amount: &str, check: &str| {
        let id = post(key, &captured(amount, "VISA", day));
        let numbers = [
            ("ar_division_no", "01"),
            ("customer_no", "ABF"),
            ("batch_no", "00012"),
            ("deposit_no", "00003"),
            ("bank_code", "A"),
            ("check_no", check),
        ];
        desk.report(&id, 1, ImportState::Written, &numbers);
        id
    };
    entered("t1", "10.10", "W1");
    let changed = entered("t2", "20.20", "W2");
    let lost = entered("t3", "30.30", "W3");
    post("t4", &captured("0.01", "VISA", day));
    let held = post("t5", &captured("5.00", "ACH", day));
    desk.report(&held, 1, ImportState::Held, &[]);
    let mut refund = captured("2.00", "VISA", day);
    refund["kind"] = json!("refund");
    post("t6", &refund);
    post("t7", &captured("999.00", "VISA", "2026-05-03"));
    let with_order = desk
        .post(ImportKind::SalesOrder, "t8", &{
            let mut order = paid_order("7.00", "ch_8");
            order["payment"]["captured_on"] = json!(day);
            order
        })
        .unwrap();
    desk.report(
        &with_order.id,
        1,
        ImportState::Written,
        &[("sales_order_no", "0000001")],
    );
    assert!(
        ask(day).differences.iter().all(|d| d.code == "not_entered"),
        "nothing is missed in what was never synced"
    );

    let receipts = opened(desk.store, &desk.site, "ABC", "unposted_receipts");
    let receipt = |check, amount, customer| -> Row<'_> {
        vec![
            ("BatchNo", "00012"),
            ("DepositNo", "00003"),
            ("ARDivisionNo", "01"),
            ("CustomerNo", customer),
            ("CheckNo", check),
            ("AmountReceived", amount),
        ]
    };
    receipts.push(&batch(
        &receipts.dataset,
        &[receipt("W2", "20.02", "ABF"), receipt("W3", "30.30", "XYZ")],
        &[],
    ));
    let payments = opened(desk.store, &desk.site, "ABC", "payments");
    let paid = |invoice, amount| -> Row<'_> {
        vec![
            ("ARDivisionNo", "01"),
            ("CustomerNo", "ABF"),
            ("InvoiceNo", invoice),
            ("TransactionDate", "2026-05-02"),
            ("CheckNo", "W1"),
            ("TransactionAmt", amount),
        ]
    };
    payments.push(&batch(
        &payments.dataset,
        &[paid("0000001", "-4.00"), paid("0000002", "-6.10")],
        &[],
    ));
    let found = ask(day);
    let sum = |text: &str, count| Sum {
        sum: text.parse().unwrap(),
        count,
    };
    let total = found.total.clone();
    for (name, is, wanted) in [
        ("captured", total.captured, sum("72.61", 6)),
        ("queued", total.queued, sum("0.01", 1)),
        ("held", total.held, sum("5.00", 1)),
        ("entered", total.entered, sum("60.60", 3)),
        ("with_order", total.with_order, sum("7.00", 1)),
        ("posted", total.posted, sum("10.10", 1)),
        ("unposted", total.unposted, sum("20.02", 1)),
        ("given_back", total.given_back, sum("2.00", 1)),
    ] {
        assert_eq!(is, wanted, "{name}");
    }
    assert_eq!(adds_up(&found), total.captured.sum);
    assert_eq!(found.deposits.len(), 1);
    assert_eq!(
        (found.deposits[0].deposit_no.as_str(), found.deposits[0].entered),
        ("00003", sum("60.60", 3))
    );
    let differences: Vec<_> = found
        .differences
        .iter()
        .map(|d| (&d.import, d.code, d.erp_amount.map(|a| a.to_string())))
        .collect();
    assert_eq!(
        differences,
        [
            (&changed, "amount_differs", Some("20.02".to_owned())),
            (&lost, "not_found", None),
            (&held, "not_entered", None),
        ]
    );
    assert_eq!(ask("2026-05-03").total.captured, sum("999.00", 1));
    refused(
        desk.store.tie_out(
            &desk.site.all,
            &CompanyId::new("NONE"),
            "2026-05-03".parse().unwrap(),
        ),
        "company_unknown",
    );
}

/// What was captured is somewhere, in every payment type and in all.
fn adds_up(found: &TieOut) -> Decimal {
    let parts = |sums: &crate::TieOutSums| {
        [
            sums.queued,
            sums.held,
            sums.in_doubt,
            sums.refused,
            sums.entered,
            sums.with_order,
        ]
        .into_iter()
        .fold(Decimal::zero(2), |all, part| all.checked_add(part.sum).unwrap())
    };
    let mut all = Decimal::zero(2);
    for of_type in &found.payment_types {
        assert_eq!(parts(&of_type.sums), of_type.sums.captured.sum, "{of_type:?}");
        all = all.checked_add(of_type.sums.captured.sum).unwrap();
    }
    assert_eq!(parts(&found.total), all);
    all
}
