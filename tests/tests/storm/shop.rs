//! The web shop: what it sends, and how it sends it through a hub that comes and goes.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Api, Site};

use super::Chance;

/// Documents under way at once: what is behind them has to wait.
const WINDOW: usize = 40;
/// How long the shop waits for an answer, usually and when it is about to hang up.
const PATIENCE: Duration = Duration::from_secs(20);
const HURRY: Duration = Duration::from_millis(4);
/// Between two looks at what is under way, and after an answer that did not come.
const PAUSE: Duration = Duration::from_millis(250);
/// The answer to a token that asks too often.
const TOO_MANY: u16 = 429;

/// What the shop knows of the company.
pub(super) struct Shop {
    customers: Vec<[String; 2]>,
    items: Vec<String>,
    /// Division, customer, number.
    invoices: Vec<[String; 3]>,
}

impl Shop {
    pub(super) fn of(site: &Site) -> Self {
        let customers = site.erp_rows(
            "SELECT ARDivisionNo, CustomerNo FROM AR_Customer WHERE CustomerStatus = 'A' \
             AND CreditHold = 'N' AND CustomerNo <> 'ABF' ORDER BY 1, 2",
        );
        let items = site.erp_rows(
            "SELECT ItemCode FROM CI_Item WHERE ItemType = '1' AND ProductType = 'F' AND InactiveItem = 'N' \
             ORDER BY 1 LIMIT 60",
        );
        // Large enough for all the small sums that are paid on them.
        let invoices = site.erp_rows(
            "SELECT ARDivisionNo, CustomerNo, InvoiceNo FROM AR_OpenInvoice i \
             WHERE InvoiceType = 'IN' AND CAST(Balance AS REAL) > 3000 \
             AND NOT EXISTS (SELECT 1 FROM AR_CashReceiptsDetail d WHERE d.InvoiceNo = i.InvoiceNo) ORDER BY 1, 2, 3",
        );
        assert!(customers.len() > 100 && items.len() > 10 && invoices.len() > 10);
        let of = |row: &std::collections::BTreeMap<String, String>, name: &str| row[name].clone();
        Self {
            customers: customers
                .iter()
                .map(|row| ["ARDivisionNo", "CustomerNo"].map(|name| of(row, name)))
                .collect(),
            items: items.iter().map(|row| of(row, "ItemCode")).collect(),
            invoices: invoices
                .iter()
                .map(|row| ["ARDivisionNo", "CustomerNo", "InvoiceNo"].map(|name| of(row, name)))
                .collect(),
        }
    }
}

/// A document, and by what its records are known in Sage.
#[derive(Default)]
pub(super) struct Document {
    pub(super) collection: &'static str,
    pub(super) key: String,
    pub(super) body: Value,
    /// Of an order.
    pub(super) po: Option<String>,
    /// Of somebody who is no customer yet, with the name.
    pub(super) person: Option<(String, Value)>,
    /// First line of the address that an order goes to.
    pub(super) ship_to: Option<String>,
    /// Taken with an order, or paid, in cents.
    pub(super) money: Option<i64>,
    /// Customer and the new second line of its address.
    pub(super) change: Option<([String; 2], String)>,
    /// It has a mistake, and must be refused.
    pub(super) is_wrong: bool,
}

/// The documents of a run.
pub(super) fn documents(shop: &Shop, count: usize, chance: &mut Chance) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    let mut changes = 0;
    for number in 0..count {
        let document = match chance.below(100) {
            0..55 => order(shop, &documents, number, chance),
            55..85 => payment(shop, number, chance),
            // One customer is changed once: what it says in the end is what the document said.
            85..91 if changes < shop.customers.len() => {
                changes += 1;
                change(shop, changes - 1, number)
            }
            _ => {
                let person = person(number);
                Document {
                    collection: "customers",
                    body: json!({ "company": "ABC", "new": person.1 }),
                    person: Some(person),
                    ..Document::default()
                }
            }
        };
        documents.push(Document {
            key: format!("storm-{number}"),
            ..document
        });
    }
    documents
}

fn known([division, customer]: &[String; 2]) -> Value {
    json!({ "ar_division_no": division, "customer_no": customer })
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn cents(chance: &mut Chance, limit: u64) -> i64 {
    i64::try_from(1 + chance.below(limit)).unwrap()
}

fn person(number: usize) -> (String, Value) {
    let mut name = String::from("Shop");
    for digit in number.to_string().chars() {
        let words = [
            "Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine",
        ];
        let word = words[usize::try_from(digit.to_digit(10).unwrap()).unwrap()];
        write!(name, " {word}").unwrap();
    }
    let email = format!("buyer{number}@shop{number}.example.com");
    let profile = json!({
        "customer_name": name,
        "address_line1": format!("{} Mill Road", 100 + number),
        "city": "Racine", "state": "WI", "zip_code": "53403", "country_code": "USA",
        "email_address": email,
    });
    (email, profile)
}

fn order(shop: &Shop, earlier: &[Document], number: usize, chance: &mut Chance) -> Document {
    let po = format!("STORM-{number}");
    let lines: Vec<Value> = (0..=chance.below(3))
        .map(|_| {
            let quantity = (1 + chance.below(4)).to_string();
            json!({ "item_code": chance.pick(&shop.items), "quantity_ordered": quantity })
        })
        .collect();
    let mut document = Document {
        collection: "sales_orders",
        po: Some(po.clone()),
        ..Document::default()
    };
    let mut body = json!({ "company": "ABC", "customer_po_no": po, "lines": lines });
    match chance.below(10) {
        0..6 => body["customer"] = known(chance.pick(&shop.customers)),
        other => {
            // Some come again, perhaps before they are known.
            let persons: Vec<_> = earlier
                .iter()
                .filter_map(|document| document.person.as_ref())
                .collect();
            let person = if !persons.is_empty() && chance.chance(30) {
                (*chance.pick(&persons)).clone()
            } else {
                person(number)
            };
            body["customer"] = json!({ if other < 8 { "new" } else { "guest" }: person.1 });
            document.person = Some(person);
        }
    }
    if chance.chance(30) {
        let line = format!("{number} Harbor Drive");
        body["ship_to"] = json!({
            "ship_to_name": format!("Receiving {number}"), "ship_to_address1": line,
            "ship_to_city": "Kenosha", "ship_to_state": "WI", "ship_to_zip_code": "53140",
            "ship_to_country_code": "USA",
        });
        document.ship_to = Some(line);
    }
    if chance.chance(30) {
        let amount = cents(chance, 9_000);
        body["payment"] = json!({
            "payment_type": *chance.pick(&["VISA", "WEB"]), "amount": money(amount),
            "gateway_transaction_id": format!("tx-order-{number}"), "last_4": "4242",
        });
        document.money = Some(amount);
    }
    if chance.chance(5) {
        body["lines"][0]["item_code"] = json!("NO SUCH ITEM");
        document.is_wrong = true;
        // Nobody becomes a customer by it.
        document.person = None;
    }
    document.body = body;
    document
}

fn payment(shop: &Shop, number: usize, chance: &mut Chance) -> Document {
    let [division, customer, invoice] = chance.pick(&shop.invoices).clone();
    let amount = cents(chance, 1_000);
    let is_wrong = chance.chance(5);
    let invoice = if is_wrong {
        String::from("9999999")
    } else {
        invoice
    };
    let body = json!({
        "company": "ABC", "customer": known(&[division, customer]),
        "payment_type": *chance.pick(&["VISA", "CHECK", "WEB"]), "amount": money(amount),
        "gateway_transaction_id": format!("tx-{number}"),
        "settlement_id": format!("po_{}", chance.below(3)), "last_4": "1881",
        "invoices": [{ "invoice_no": invoice, "amount": money(amount) }],
    });
    Document {
        collection: "payments",
        body,
        money: Some(amount),
        is_wrong,
        ..Document::default()
    }
}

fn change(shop: &Shop, place: usize, number: usize) -> Document {
    let customer = shop.customers[place].clone();
    let line = format!("Dock {number}");
    Document {
        collection: "customers",
        body: json!({
            "company": "ABC", "customer": known(&customer), "changes": { "address_line2": line },
        }),
        change: Some((customer, line)),
        ..Document::default()
    }
}

/// How far it is.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) posted: AtomicUsize,
    pub(super) settled: AtomicUsize,
    /// Answers that did not come.
    pub(super) unheard: AtomicUsize,
    /// Sent again though the answer had come.
    pub(super) again: AtomicUsize,
    /// The time is over.
    pub(super) is_over: AtomicBool,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        write!(
            f,
            "{} posted, {} settled, {} answers unheard, {} sent again",
            of(&self.posted),
            of(&self.settled),
            of(&self.unheard),
            of(&self.again)
        )
    }
}

/// Sends everything and waits until nothing more happens to any of it. The hub's ids.
pub(super) fn send_all(
    api: &Api,
    documents: &[Document],
    chance: &mut Chance,
    progress: &Progress,
) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for document in documents {
        while open.len() >= WINDOW {
            look(api, &mut open, progress);
        }
        let id = send(api, document, chance, progress);
        open.push(id.clone());
        ids.push(id);
        progress.posted.fetch_add(1, Ordering::Relaxed);
        if chance.chance(5) {
            let place = usize::try_from(chance.below(u64::try_from(ids.len()).unwrap())).unwrap();
            let again = send(api, &documents[place], chance, progress);
            assert_eq!(again, ids[place], "{} has another id now", documents[place].key);
            progress.again.fetch_add(1, Ordering::Relaxed);
        }
    }
    while !open.is_empty() {
        look(api, &mut open, progress);
    }
    ids
}

/// Until there is an answer, with the same key.
fn send(api: &Api, document: &Document, chance: &mut Chance, progress: &Progress) -> String {
    let path = format!("/v1/{}", document.collection);
    loop {
        let patience = if chance.chance(10) { HURRY } else { PATIENCE };
        match api.try_post(&path, &document.key, &document.body, patience) {
            Some(answer) if answer.status == 202 => {
                return answer.body["id"].as_str().unwrap().to_owned();
            }
            Some(answer) if answer.status < 500 && answer.status != TOO_MANY => {
                panic!("{}: {}", document.key, answer.body)
            }
            Some(_) | None => {
                progress.unheard.fetch_add(1, Ordering::Relaxed);
                is_in_time(progress, &document.key);
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn look(api: &Api, open: &mut Vec<String>, progress: &Progress) {
    let before = open.len();
    open.retain(|id| {
        let answer = api.try_get(&format!("/v1/imports/{id}"), PATIENCE);
        !answer.as_ref().is_some_and(Answer::is_settled)
    });
    let settled = before - open.len();
    progress.settled.fetch_add(settled, Ordering::Relaxed);
    if settled == 0 {
        is_in_time(progress, &open.join(" "));
    }
    std::thread::sleep(PAUSE);
}

#[track_caller]
fn is_in_time(progress: &Progress, what: &str) {
    assert!(
        !progress.is_over.load(Ordering::Relaxed),
        "the time is over for {what}"
    );
}
