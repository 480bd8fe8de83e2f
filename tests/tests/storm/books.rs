//! What is in Sage at the end, read from the company's file without anything of the driver,
//! beside what the shop has sent and what the hub says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use system_tests::Site;

use super::shop::Document;

type Row = BTreeMap<String, String>;

/// Every record that a document can make, by its key.
pub(super) struct Books {
    orders: BTreeMap<String, Row>,
    lines: BTreeMap<String, Vec<Row>>,
    customers: BTreeMap<String, Row>,
    ship_tos: BTreeMap<String, Row>,
    receipts: BTreeMap<String, Row>,
    paid: BTreeMap<String, Vec<Row>>,
}

impl Books {
    pub(super) fn of(site: &Site) -> Self {
        let table = |table: &str, key: &[&str]| -> BTreeMap<String, Row> {
            let rows = site.erp_rows(&format!("SELECT * FROM {table}")).into_iter();
            rows.map(|row| (key_of(&row, key), row)).collect()
        };
        let lines = |table: &str, key: &[&str]| {
            let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
            for row in site.erp_rows(&format!("SELECT * FROM {table}")) {
                found.entry(key_of(&row, key)).or_default().push(row);
            }
            found
        };
        let receipt = ["BatchNo", "DepositNo", "ARDivisionNo", "CustomerNo", "CheckNo"];
        let customer = ["ARDivisionNo", "CustomerNo"];
        Self {
            orders: table("SO_SalesOrderHeader", &["SalesOrderNo"]),
            lines: lines("SO_SalesOrderDetail", &["SalesOrderNo"]),
            customers: table("AR_Customer", &customer),
            ship_tos: table("SO_ShipToAddress", &["ARDivisionNo", "CustomerNo", "ShipToCode"]),
            receipts: table("AR_CashReceiptsHeader", &receipt),
            paid: lines("AR_CashReceiptsDetail", &receipt),
        }
    }

    /// Without what was there before.
    fn new_since(mut self, before: &Self) -> Self {
        self.orders.retain(|key, _| !before.orders.contains_key(key));
        self.ship_tos.retain(|key, _| !before.ship_tos.contains_key(key));
        self.receipts.retain(|key, _| !before.receipts.contains_key(key));
        self
    }
}

fn key_of(row: &Row, columns: &[&str]) -> String {
    let parts: Vec<&str> = columns.iter().map(|name| row[*name].as_str()).collect();
    parts.join("-")
}

/// Rows by one column.
fn by<'t>(rows: &'t BTreeMap<String, Row>, column: &str) -> BTreeMap<&'t str, Vec<&'t Row>> {
    let mut found: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows.values() {
        found.entry(&row[column]).or_default().push(row);
    }
    found
}

/// An amount with at most two decimals that are not zero, in cents.
#[track_caller]
fn cents(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = part.trim_end_matches('0');
    assert!(part.len() <= 2, "{text} is not in cents");
    let part: i64 = format!("{part:0<2}").parse().unwrap();
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().unwrap()
    };
    sign * (whole * 100 + part)
}

fn sum(rows: &[Row], column: &str) -> i64 {
    rows.iter().map(|row| cents(&row[column])).sum()
}

/// How the documents ended, and what they come to.
#[derive(Default)]
pub(super) struct Ends {
    states: BTreeMap<String, u32>,
    orders: usize,
    customers: usize,
    ship_tos: usize,
    receipts: usize,
    money: i64,
    goods: i64,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: {} orders of {}.{:02} without tax and freight, {} new customers, {} ship-to records, \
             {} receipts of {}.{:02}",
            self.states,
            self.orders,
            self.goods / 100,
            self.goods % 100,
            self.customers,
            self.ship_tos,
            self.receipts,
            self.money / 100,
            self.money % 100
        )
    }
}

/// Compares, record by record and in sum; `torn` orders at most have lost their lines in Sage.
pub(super) fn compare(
    site: &Site,
    before: &Books,
    documents: &[Document],
    ids: &[String],
    torn: usize,
) -> Ends {
    let customers_before: BTreeSet<String> = before.customers.keys().cloned().collect();
    let books = Books::of(site).new_since(before);
    let imports: BTreeMap<String, Value> = site
        .api
        .all("imports")
        .into_iter()
        .map(|import| (import["id"].as_str().unwrap().to_owned(), import))
        .collect();
    assert_eq!(ids.len(), documents.len());
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), documents.len(), "two documents are one import");
    assert_eq!(imports.len(), documents.len(), "imports at the hub");

    let found = Found {
        orders: by(&books.orders, "CustomerPONo"),
        customers: by(&books.customers, "EmailAddress"),
        ship_tos: by(&books.ship_tos, "ShipToAddress1"),
        receipts: by(&books.receipts, "CheckNo"),
        books: &books,
    };
    let mut ends = Ends::default();
    let mut persons: BTreeSet<&str> = BTreeSet::new();
    for (document, id) in documents.iter().zip(ids) {
        let import = &imports[id];
        let state = import["state"].as_str().unwrap();
        *ends.states.entry(state.to_owned()).or_default() += 1;
        let what = format!("{} is {import}", document.key);
        match state {
            "written" => {
                assert!(!document.is_wrong, "it has a mistake: {what}");
                found.is_whole(document, import, &mut ends, &what);
                persons.extend(document.person.iter().map(|(email, _)| email.as_str()));
            }
            "refused" => {
                assert!(document.is_wrong, "it has no mistake: {what}");
                assert_ne!(import["problems"][0]["remedy"], "", "{what}");
                found.is_nothing(document, import, &what);
            }
            "in_doubt" => {
                assert_eq!(
                    import["problems"][0]["code"], "partial",
                    "doubt without reason: {what}"
                );
                found.is_torn(document, &mut ends, &what);
                persons.extend(document.person.iter().map(|(email, _)| email.as_str()));
            }
            _ => panic!("nothing holds it up: {what}"),
        }
    }
    let doubts = ends.states.get("in_doubt").copied().unwrap_or(0);
    assert!(
        usize::try_from(doubts).unwrap() <= torn,
        "{doubts} in doubt, {torn} torn"
    );

    // Nothing is there that no document tells of.
    ends.customers = books
        .customers
        .keys()
        .filter(|key| !customers_before.contains(*key))
        .count();
    assert_eq!(ends.customers, persons.len(), "customers");
    assert_eq!(books.orders.len(), ends.orders, "orders");
    assert_eq!(books.ship_tos.len(), ends.ship_tos, "ship-to records");
    assert_eq!(books.receipts.len(), ends.receipts, "receipts");
    let received: i64 = books
        .receipts
        .values()
        .map(|row| cents(&row["AmountReceived"]))
        .sum();
    assert_eq!(received, ends.money, "cents received and cents sent");
    ends
}

/// What is new in Sage, by what the shop knows.
struct Found<'t> {
    orders: BTreeMap<&'t str, Vec<&'t Row>>,
    customers: BTreeMap<&'t str, Vec<&'t Row>>,
    ship_tos: BTreeMap<&'t str, Vec<&'t Row>>,
    receipts: BTreeMap<&'t str, Vec<&'t Row>>,
    books: &'t Books,
}

impl Found<'_> {
    /// Everything that the document asks for is there once, as the hub says.
    fn is_whole(&self, document: &Document, import: &Value, ends: &mut Ends, what: &str) {
        let said = |name: &str| import[name].as_str().unwrap_or_default();
        if let Some((email, _)) = &document.person {
            let row = one(&self.customers, email, what);
            if document.collection == "customers" {
                assert_eq!(row["CustomerNo"], said("customer_no"), "{what}");
            }
        }
        if let Some(([division, customer], line)) = &document.change {
            let row = &self.books.customers[&format!("{division}-{customer}")];
            assert_eq!(row["AddressLine2"], *line, "{what}");
        }
        if let Some(line) = &document.ship_to {
            let row = one(&self.ship_tos, line, what);
            ends.ship_tos += 1;
            let order = one(&self.orders, document.po.as_ref().unwrap(), what);
            for column in ["ARDivisionNo", "CustomerNo", "ShipToCode"] {
                assert_eq!(order[column], row[column], "{column}: {what}");
            }
        }
        if let Some(po) = &document.po {
            let order = one(&self.orders, po, what);
            ends.orders += 1;
            assert_eq!(order["SalesOrderNo"], said("sales_order_no"), "{what}");
            self.is_order(document, order, import, ends, what);
        }
        if let Some(amount) = document.money {
            let receipt = one(&self.receipts, said("check_no"), what);
            ends.receipts += 1;
            ends.money += amount;
            for (name, column) in [("batch_no", "BatchNo"), ("deposit_no", "DepositNo")] {
                assert_eq!(receipt[column], said(name), "{what}");
            }
            assert_eq!(cents(&receipt["AmountReceived"]), amount, "{receipt:?} {what}");
            let key = ["BatchNo", "DepositNo", "ARDivisionNo", "CustomerNo", "CheckNo"];
            let paid = &self.books.paid[&key_of(receipt, &key)];
            assert_eq!(sum(paid, "AmountPosted"), amount, "{paid:?} {what}");
            let invoice = &document.body["invoices"][0]["invoice_no"];
            assert!(
                invoice.is_null() || paid[0]["InvoiceNo"] == *invoice,
                "{paid:?} {what}"
            );
        }
    }

    fn is_order(&self, document: &Document, order: &Row, import: &Value, ends: &mut Ends, what: &str) {
        let lines = &self.books.lines[&order["SalesOrderNo"]];
        let there: Vec<(String, i64)> = lines
            .iter()
            .map(|line| (line["ItemCode"].clone(), cents(&line["QuantityOrdered"])))
            .collect();
        let sent: Vec<(String, i64)> = document.body["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| {
                let text = |name: &str| line[name].as_str().unwrap();
                (text("item_code").to_owned(), cents(text("quantity_ordered")))
            })
            .collect();
        assert_eq!(there, sent, "{what}");
        let of = |column: &str| cents(&order[column]);
        let goods = of("TaxableAmt") + of("NonTaxableAmt");
        assert_eq!(sum(lines, "ExtensionAmt"), goods, "{what}");
        let total = goods + of("FreightAmt") + of("SalesTaxAmt") - of("DiscountAmt");
        let told = import["totals"]["order_total"].as_str().unwrap();
        assert_eq!(cents(told), total, "{what}");
        assert_eq!(of("DepositAmt"), document.money.unwrap_or(0), "{what}");
        ends.goods += goods;
    }

    /// Nothing of it is there.
    fn is_nothing(&self, document: &Document, import: &Value, what: &str) {
        let is_there = document
            .po
            .as_ref()
            .is_some_and(|po| self.orders.contains_key(po.as_str()))
            || document
                .ship_to
                .as_ref()
                .is_some_and(|line| self.ship_tos.contains_key(line.as_str()))
            || import["check_no"]
                .as_str()
                .is_some_and(|check| self.receipts.contains_key(check));
        assert!(!is_there, "{what}");
    }

    /// Sage has kept the header of the order alone; what comes before it is whole, and what
    /// would come behind it is not there.
    fn is_torn(&self, document: &Document, ends: &mut Ends, what: &str) {
        let order = one(&self.orders, document.po.as_ref().expect(what), what);
        ends.orders += 1;
        assert!(!self.books.lines.contains_key(&order["SalesOrderNo"]), "{what}");
        if let Some((email, _)) = &document.person {
            one(&self.customers, email, what);
        }
        if let Some(line) = &document.ship_to {
            one(&self.ship_tos, line, what);
            ends.ship_tos += 1;
        }
    }
}

#[track_caller]
fn one<'t>(rows: &BTreeMap<&str, Vec<&'t Row>>, key: &str, what: &str) -> &'t Row {
    match rows.get(key).map_or(&[][..], Vec::as_slice) {
        [row] => row,
        other => panic!("{} records of {key:?} in Sage: {what}", other.len()),
    }
}
