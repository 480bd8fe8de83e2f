//! Fields that the hub computes.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal64Array, RecordBatch, StringArray, UInt32Array};
use catalog::{Class, Dataset, DocumentBatch, Field, RemovalReason};
use model::{ImportKind, ImportReport, ImportState};
use serde_json::{Value, json};
use values::{CompanyId, Decimal, Kind, LeaseEpoch, StoreId, days_from_date, parse_date};
use wire::agent::{DecideAction, LeaseRequest, Report};

use super::{Site, Stream, later, listed, now, scope};
use crate::{Import, NewImport, Page, RecordQuery, Store, TokenScope, hash_body};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "derived");
    available(store, &site);
    queued(store, &site);
    queue_follows(store, &site);
    received(store, &site);
    ageing(store, &site);
}

/// Values by Sage column.
pub(super) type Row<'a> = Vec<(&'a str, &'a str)>;

/// Documents with these values, and nothing where none is given; children by their place
/// among the parents.
pub(super) fn batch(
    dataset: &Dataset,
    parents: &[Row<'_>],
    children: &[(&str, u32, Row<'_>)],
) -> DocumentBatch {
    let parents = RecordBatch::try_new(dataset.schema(), columns(&dataset.fields, parents)).unwrap();
    let children = dataset.children.iter().map(|child| {
        let rows = children.iter().filter(|(name, ..)| *name == child.name);
        let (of, rows): (Vec<u32>, Vec<Row<'_>>) = rows.map(|(_, of, row)| (*of, row.clone())).unzip();
        let mut all: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(of))];
        all.extend(columns(&child.fields, &rows));
        RecordBatch::try_new(child.schema(), all).unwrap()
    });
    DocumentBatch {
        parents,
        children: children.collect(),
    }
}

fn columns(fields: &[Field], rows: &[Row<'_>]) -> Vec<ArrayRef> {
    let column = |field: &Field| -> ArrayRef {
        let texts = rows.iter().map(|row| {
            let value = row.iter().find(|(column, _)| *column == field.column);
            value.map_or("", |(_, value)| value)
        });
        match field.kind {
            Kind::Text | Kind::Json => Arc::new(StringArray::from_iter_values(texts)),
            Kind::Decimal { scale } => {
                let units = texts.map(|text| Decimal::parse(text, scale).unwrap().units());
                let units = Decimal64Array::from_iter_values(units);
                let scale = i8::try_from(scale).unwrap();
                Arc::new(units.with_precision_and_scale(18, scale).unwrap())
            }
            Kind::Date => Arc::new(Date32Array::from_iter(
                texts.map(|text| parse_date(text).unwrap().map(days_from_date)),
            )),
        }
    };
    fields.iter().map(column).collect()
}

pub(super) fn opened<'a>(store: &'a dyn Store, site: &'a Site, company: &str, dataset: &str) -> Stream<'a> {
    let stream = Stream::new(store, &site.agent, company, dataset);
    stream.reset(1).unwrap();
    stream
}

fn available(store: &dyn Store, site: &Site) {
    let inventory = opened(store, site, "STOCK", "inventory");
    let quantities = [
        ("ItemCode", "A"),
        ("WarehouseCode", "000"),
        ("QuantityOnHand", "10"),
        ("QuantityOnSalesOrder", "3"),
        ("QuantityOnBackOrder", "2.5"),
        ("QuantityOnPurchaseOrder", "100"),
        ("QuantityOnWorkOrder", "1000"),
        ("QuantityRequiredForWO", "40"),
    ];
    let negative = [
        ("ItemCode", "B"),
        ("WarehouseCode", "000"),
        ("QuantityOnSalesOrder", "0.000001"),
    ];
    inventory.push(&batch(
        &inventory.dataset,
        &[quantities.to_vec(), negative.to_vec()],
        &[],
    ));
    let quantity = || inventory.get(&site.all, "A:000")["available_qty"].clone();
    assert_eq!(quantity(), "4.500000", "orders count, what comes in does not");
    assert_eq!(inventory.get(&site.all, "B:000")["available_qty"], "-0.000001");
    let options = opened(store, site, "STOCK", "company_options");
    let company = vec![("CompanyCode", "STOCK")];
    let set = |option: Row<'_>| {
        let child = ("inventory_options", 0, option);
        options.push(&batch(&options.dataset, std::slice::from_ref(&company), &[child]));
    };
    for (option, wanted) in [
        (vec![], "4.500000"),
        (vec![("IncludeOnPurchaseOrder", "Y")], "104.500000"),
        (vec![("IncludeOnWorkOrder", "Y")], "1004.500000"),
        (vec![("IncludeRequiredForWO", "Y")], "-35.500000"),
        (
            vec![("IncludeOnSalesOrder", "N"), ("IncludeOnBackOrder", "Y")],
            "7.500000",
        ),
        (
            vec![("IncludeOnBackOrder", "N"), ("IncludeRequiredForWO", "N")],
            "7.000000",
        ),
    ] {
        set(option.clone());
        assert_eq!(quantity(), wanted, "{option:?}");
    }
    set(vec![]);
}

/// Posts an order and tells how far it has come.
fn post(store: &dyn Store, site: &Site, key: &str, body: Value) -> Import {
    let new = NewImport {
        kind: ImportKind::SalesOrder,
        idempotency_key: key.to_owned(),
        company: CompanyId::new("STOCK"),
        body_hash: hash_body(body.to_string().as_bytes()),
        body,
    };
    store.add_import(&site.all, &new, now()).unwrap()
}

fn queued(store: &dyn Store, site: &Site) {
    let inventory = opened(store, site, "QUEUE", "inventory");
    let stock = |item, warehouse| vec![("ItemCode", item), ("WarehouseCode", warehouse)];
    inventory.push(&batch(&inventory.dataset, &[stock("A", "000")], &[]));
    let inventory = Stream::new(store, &site.agent, "STOCK", "inventory");
    inventory.push(&batch(
        &inventory.dataset,
        &[
            stock("A", "000"),
            stock("A", "001"),
            stock("B", "000"),
            stock("C", "000"),
        ],
        &[],
    ));
    let items = opened(store, site, "STOCK", "items");
    let item = vec![("ItemCode", "B"), ("DefaultWarehouseCode", "000")];
    items.push(&batch(&items.dataset, &[item], &[]));
    let line = |item: &str, quantity: Value| json!({ "item_code": item, "quantity_ordered": quantity });
    let there = json!({ "item_code": "A", "quantity_ordered": "1.5", "warehouse_code": "000" });
    post(
        store,
        site,
        "web-1",
        json!({ "warehouse_code": "001", "lines": [
            line("A", "2".into()), there, line("A", "0.25".into()),
            json!({ "item_code": "/C", "comment_text": "call before delivery" }),
        ] }),
    );
    let held = post(store, site, "web-2", json!({ "lines": [line("B", 4.into())] }));
    let written = post(store, site, "web-3", json!({ "lines": [line("B", "9".into())] }));
    let lease = lease(store, site, "STOCK");
    for (import, state) in [(held, ImportState::Held), (written, ImportState::Written)] {
        let report = ImportReport {
            state,
            numbers: model::Numbers::new(),
            totals: model::Totals::new(),
            lines: Vec::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
            attempts: Vec::new(),
        };
        store
            .report(
                &site.agent,
                &import.id,
                &Report {
                    lease,
                    revision: 0,
                    report,
                },
                now(),
            )
            .unwrap();
    }
    let page = inventory.list(&site.all, Page::Key(None));
    let quantities: Vec<_> = page
        .data
        .iter()
        .map(|r| r.json()["queued_web_qty"].clone())
        .collect();
    assert_eq!(
        quantities,
        ["1.500000", "2.250000", "4.000000", "0.000000"],
        "what is written is in Sage"
    );
    let elsewhere = Stream::new(store, &site.agent, "QUEUE", "inventory");
    assert_eq!(
        elsewhere.get(&site.all, "A:000")["queued_web_qty"],
        "0.000000",
        "companies are apart"
    );
}

/// What is queued follows its document through edits, decisions and reports.
fn queue_follows(store: &dyn Store, site: &Site) {
    let inventory = Stream::new(store, &site.agent, "STOCK", "inventory");
    let quantity = || inventory.get(&site.all, "C:000")["queued_web_qty"].clone();
    let body = |quantity: &str| {
        json!({
            "company": "STOCK", "warehouse_code": "000",
            "lines": [{ "item_code": "C", "quantity_ordered": quantity }],
        })
    };
    let lease = lease(store, site, "STOCK");
    let import = post(store, site, "web-9", body("3"));
    let report = |revision: u32, state: ImportState| {
        let report = ImportReport {
            state,
            numbers: model::Numbers::new(),
            totals: model::Totals::new(),
            lines: Vec::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
            attempts: Vec::new(),
        };
        let report = Report {
            lease,
            revision,
            report,
        };
        store.report(&site.agent, &import.id, &report, now()).unwrap();
    };
    let decide = |action, why: &str, accept: &[&str]| {
        let decision = model::Decision {
            accept: accept.iter().map(|code| (*code).to_owned()).collect(),
            why: why.to_owned(),
        };
        store
            .decide_import(&site.all, &import.id, None, action, &decision, now())
            .unwrap();
    };
    assert_eq!(quantity(), "3.000000");
    report(1, ImportState::Held);
    assert_eq!(quantity(), "3.000000", "held");
    store
        .edit_import(&site.all, &import.id, 1, &body("5"), now())
        .unwrap();
    assert_eq!(quantity(), "5.000000", "edited");
    report(2, ImportState::Refused);
    assert_eq!(quantity(), "0.000000", "refused");
    decide(DecideAction::Retry, "", &[]);
    assert_eq!(quantity(), "5.000000", "tried again");
    report(3, ImportState::InDoubt);
    assert_eq!(quantity(), "0.000000", "in doubt");
    decide(DecideAction::Retry, "looked", &["in_doubt"]);
    assert_eq!(quantity(), "5.000000", "tried again");
    report(4, ImportState::Held);
    decide(DecideAction::Discard, "no", &[]);
    assert_eq!(quantity(), "0.000000", "given up");
}

fn lease(store: &dyn Store, site: &Site, company: &str) -> LeaseEpoch {
    let request = LeaseRequest {
        company: CompanyId::new(company),
        time_zone: "America/New_York".to_owned(),
        journal: StoreId::new("j"),
    };
    store.grant_lease(&site.agent, &request, now()).unwrap().lease
}

fn invoice<'a>(customer: &'a str, number: &'a str, balance: &'a str, due: &'a str) -> Row<'a> {
    vec![
        ("ARDivisionNo", "01"),
        ("CustomerNo", customer),
        ("InvoiceNo", number),
        ("InvoiceType", "IN"),
        ("Balance", balance),
        ("InvoiceDueDate", due),
    ]
}

/// What is received and not posted is netted, and the invoices concerned come again.
fn received(store: &dyn Store, site: &Site) {
    let invoices = opened(store, site, "DUE", "open_invoices");
    invoices.push(&batch(
        &invoices.dataset,
        &[
            invoice("ABF", "0000001", "100.00", ""),
            invoice("ABF", "0000002", "50.00", ""),
            invoice("ABF", "0000003", "-20.00", ""),
            invoice("XYZ", "0000001", "70.00", ""),
        ],
        &[],
    ));
    let amounts = |key: &str| {
        let record = invoices.get(&site.all, &format!("01:{key}:IN"));
        let amount = |name: &str| record[name].as_str().unwrap().to_owned();
        (amount("pending_amt"), amount("payable_amt"))
    };
    let pair = |pending: &str, payable: &str| (pending.to_owned(), payable.to_owned());
    assert_eq!(amounts("ABF:0000001"), pair("0.00", "100.00"));

    let receipts = opened(store, site, "DUE", "unposted_receipts");
    let child = receipts.dataset.children[0].name.clone();
    let receipt = |check| {
        vec![
            ("DepositNo", "00001"),
            ("ARDivisionNo", "01"),
            ("CustomerNo", "ABF"),
            ("CheckNo", check),
        ]
    };
    let paid = |of: u32, number, amount| {
        let line = vec![
            ("InvoiceNo", number),
            ("InvoiceType", "IN"),
            ("AmountPosted", amount),
        ];
        (child.as_str(), of, line)
    };
    let reached = || invoices.list(&site.all, Page::Position(0)).last.unwrap().1;
    let since = |position: u64| {
        let mut keys = listed(&invoices.list(&site.all, Page::Position(position)));
        keys.sort();
        keys
    };
    let before = reached();
    let first = batch(
        &receipts.dataset,
        &[receipt("1"), receipt("2")],
        &[
            paid(0, "0000001", "30.00"),
            paid(0, "0000003", "-5.00"),
            paid(1, "0000001", "30.01"),
        ],
    );
    receipts.exchange(&first, &[], 0, later(7)).unwrap();
    assert_eq!(amounts("ABF:0000001"), pair("60.01", "39.99"));
    assert_eq!(amounts("ABF:0000002"), pair("0.00", "50.00"));
    assert_eq!(amounts("ABF:0000003"), pair("-5.00", "-15.00"));
    assert_eq!(
        amounts("XYZ:0000001"),
        pair("0.00", "70.00"),
        "another customer's of that number"
    );
    assert_eq!(since(before), ["01:ABF:0000001:IN", "01:ABF:0000003:IN"]);
    let shown = invoices.get(&site.all, "01:ABF:0000001:IN");
    assert_eq!(shown["updated_at"], later(7).to_string());

    let before = reached();
    receipts.push(&batch(
        &receipts.dataset,
        &[receipt("2")],
        &[paid(0, "0000002", "80.00")],
    ));
    assert_eq!(amounts("ABF:0000001"), pair("30.00", "70.00"));
    assert_eq!(
        amounts("ABF:0000002"),
        pair("80.00", "0.00"),
        "nobody is asked for less than nothing"
    );
    assert_eq!(
        since(before),
        ["01:ABF:0000001:IN", "01:ABF:0000002:IN"],
        "where it was and where it is"
    );

    let before = reached();
    let second = receipts.list(&site.all, Page::Key(None)).last.unwrap().0;
    receipts
        .remove(&[(second.as_str(), RemovalReason::Settled)])
        .unwrap();
    assert_eq!(amounts("ABF:0000002"), pair("0.00", "50.00"), "posted");
    assert_eq!(since(before), ["01:ABF:0000002:IN"]);
    let public = scope(
        store,
        &site.tenant,
        "erp_derived",
        TokenScope::Read,
        None,
        &[Class::Public],
    );
    let hidden = invoices.get(&public, "01:ABF:0000001:IN");
    for derived in &invoices.dataset.derived {
        let seen = hidden.get(&derived.name).is_some();
        assert_eq!(seen, derived.class == Class::Public, "{}", derived.name);
    }
}

fn ageing(store: &dyn Store, site: &Site) {
    let customers = opened(store, site, "AGE", "customers");
    let customer = |number| vec![("ARDivisionNo", "01"), ("CustomerNo", number)];
    customers.push(&batch(
        &customers.dataset,
        &[customer("ABF"), customer("ABF-1"), customer("NONE")],
        &[],
    ));
    let invoices = opened(store, site, "AGE", "open_invoices");
    // In New York it is still the second of May.
    let due = [
        ("1", "1.00", "2026-05-03"),
        ("2", "2.00", "2026-05-02"),
        ("3", "4.00", ""),
        ("4", "10.00", "2026-05-01"),
        ("5", "20.00", "2026-04-02"),
        ("6", "100.00", "2026-04-01"),
        ("7", "200.00", "2026-03-03"),
        ("8", "1000.00", "2026-03-02"),
        ("9", "2000.00", "2026-02-01"),
        ("A", "10000.00", "2026-01-31"),
        ("B", "-500.50", "2025-01-01"),
        ("C", "77.00", "2026-01-01"),
    ];
    let mut rows: Vec<_> = due
        .iter()
        .map(|(n, balance, due)| invoice("ABF", n, balance, due))
        .collect();
    rows.push(invoice("ABF-1", "1", "5.00", "2026-05-01"));
    rows.push(invoice("ABF0", "1", "6.00", "2026-05-01"));
    invoices.push(&batch(&invoices.dataset, &rows, &[]));
    invoices
        .remove(&[("01:ABF:C:IN", RemovalReason::Purged)])
        .unwrap();
    let age = |key: &str| customers.get(&site.all, key)["ageing"].clone();
    assert_eq!(age("01:ABF")["as_of"], "2026-05-03", "the zone is not known");
    lease(store, site, "AGE");
    assert_eq!(
        age("01:ABF"),
        json!({
            "as_of": "2026-05-02", "current": "7.00", "days_1_30": "30.00", "days_31_60": "300.00",
            "days_61_90": "3000.00", "over_90": "9499.50", "total": "12836.50",
        })
    );
    assert_eq!(age("01:NONE")["total"], "0.00");
    let query = RecordQuery {
        fields: None,
        dataset: &customers.dataset,
        company: customers.company.clone(),
        page: Page::Key(None),
        limit: 10,
        filters: Vec::new(),
    };
    // A month later.
    let page = store.records(&site.all, &query, later(31 * 86_400)).unwrap();
    let ages: Vec<_> = page.data.iter().map(|r| r.json()["ageing"].clone()).collect();
    assert_eq!(
        (&ages[0]["current"], &ages[0]["days_31_60"]),
        (&json!("4.00"), &json!("12.00"))
    );
    assert_eq!(ages[1]["total"], "5.00");
}
