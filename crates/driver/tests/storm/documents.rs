//! What a web shop sends: orders, payments and customers of all kinds, some of them wrong.

use std::fmt::Write as _;
use std::path::Path;

use model::ImportKind;
use rusqlite::Connection;
use serde_json::{Value, json};
use values::{Decimal, ImportId};

use super::world::World;

/// What the shop knows of the company.
#[derive(Clone, Debug, Default)]
pub(super) struct Shop {
    customers: Vec<(String, String)>,
    items: Vec<String>,
    kits: Vec<String>,
    /// Division, customer, number, type.
    invoices: Vec<[String; 4]>,
}

impl Shop {
    pub(super) fn of(file: &Path) -> Self {
        let db = Connection::open(file).unwrap();
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = db.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let pair = |key: String| {
            let (division, number) = key.split_once(':').unwrap();
            (division.to_owned(), number.to_owned())
        };
        let customers = texts(
            "SELECT ARDivisionNo || ':' || CustomerNo FROM AR_Customer WHERE CustomerStatus = 'A' \
             AND CreditHold = 'N' AND CAST(CreditLimit AS REAL) > 60000 ORDER BY 1 LIMIT 40",
        );
        let invoices = texts(
            "SELECT ARDivisionNo || ':' || CustomerNo || ':' || InvoiceNo || ':' || InvoiceType FROM AR_OpenInvoice \
             WHERE CAST(Balance AS REAL) <> 0 ORDER BY 1 LIMIT 30",
        );
        let parts = |key: String| {
            let mut parts = key.split(':').map(str::to_owned);
            std::array::from_fn(|_| parts.next().unwrap())
        };
        Self {
            customers: customers.into_iter().map(pair).collect(),
            items: texts(
                "SELECT ItemCode FROM CI_Item WHERE ItemType = '1' AND ProductType = 'F' AND InactiveItem = 'N' ORDER BY 1 LIMIT 60",
            ),
            kits: texts("SELECT ItemCode FROM CI_Item WHERE ProductType = 'K' ORDER BY 1"),
            invoices: invoices.into_iter().map(parts).collect(),
        }
    }
}

/// A document, and by what its records are known in Sage.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) kind: ImportKind,
    pub(super) key: String,
    pub(super) body: Value,
    /// The same without what is wrong with it.
    pub(super) good: Option<Value>,
    /// Once the hub has taken it.
    pub(super) id: Option<ImportId>,
    /// Of an order.
    pub(super) po: Option<String>,
    /// Of somebody who is no customer yet.
    pub(super) email: Option<String>,
    pub(super) is_guest: bool,
    /// First line of the address that an order goes to.
    pub(super) ship_to: Option<String>,
    /// What was taken with an order, or paid.
    pub(super) money: Option<Decimal>,
    /// Customer and the new second line of its address.
    pub(super) change: Option<(String, String, String)>,
    /// Times that a person has decided about it.
    pub(super) decisions: u32,
}

impl Document {
    fn new(kind: ImportKind, key: String, body: Value) -> Self {
        Self {
            kind,
            key,
            body,
            good: None,
            id: None,
            po: None,
            email: None,
            is_guest: false,
            ship_to: None,
            money: None,
            change: None,
            decisions: 0,
        }
    }
}

/// Documents of one run; `earlier` are those that were made before.
pub(super) fn document(world: &mut World, shop: &Shop, earlier: &[Document]) -> Document {
    let number = earlier.len();
    match world.below(100) {
        0..55 => order(world, shop, earlier, number),
        55..85 => payment(world, shop, number),
        85..93 => {
            let (profile, email) = person(world, earlier, number);
            let body = json!({"company": "ABC", "new": profile});
            let mut document = Document::new(ImportKind::Customer, format!("account-{number}"), body);
            document.email = Some(email);
            document
        }
        _ => {
            // One customer is changed once: what it says in the end is what the document said.
            let (division, customer) = shop.customers[number % shop.customers.len()].clone();
            let line = format!("Dock {number}");
            let body = json!({
                "company": "ABC",
                "customer": {"ar_division_no": division, "customer_no": customer},
                "changes": {"address_line2": line},
            });
            let mut document = Document::new(ImportKind::Customer, format!("change-{number}"), body);
            document.change = Some((division, customer, line));
            document
        }
    }
}

fn person(world: &mut World, earlier: &[Document], number: usize) -> (Value, String) {
    let known: Vec<&Document> = earlier.iter().filter(|other| other.email.is_some()).collect();
    // Some come again before they are known.
    if !known.is_empty() && world.chance(20) {
        let again = *world.pick(&known);
        let body = &again.body;
        let places = [&body["new"], &body["customer"]["new"], &body["customer"]["guest"]];
        if let Some(profile) = places.into_iter().find(|profile| profile.is_object()) {
            return (profile.clone(), again.email.clone().unwrap());
        }
    }
    let email = format!("buyer{number}@shop{number}.example");
    let mut name = String::from("Shop");
    for digit in number.to_string().chars() {
        let word = [
            "Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine",
        ];
        write!(
            name,
            " {}",
            word[usize::try_from(digit.to_digit(10).unwrap()).unwrap()]
        )
        .unwrap();
    }
    let profile = json!({
        "customer_name": name,
        "address_line1": format!("{} Mill Road", 100 + number),
        "city": "Racine", "state": "WI", "zip_code": "53403", "country_code": "USA",
        "email_address": email,
        "customer_no": format!("PLAT{number:03}"),
    });
    (profile, email)
}

fn order(world: &mut World, shop: &Shop, earlier: &[Document], number: usize) -> Document {
    let po = format!("STORM-{number}");
    let count = 1 + world.below(3);
    let mut lines: Vec<Value> = (0..count)
        .map(|_| {
            let item = if world.chance(8) {
                world.pick(&shop.kits)
            } else {
                world.pick(&shop.items)
            };
            let mut line = json!({"item_code": item, "quantity_ordered": (1 + world.below(3)).to_string()});
            if world.chance(15) {
                line["unit_price"] = json!(format!("{}.{:02}", 1 + world.below(80), world.below(100)));
            }
            line
        })
        .collect();
    if world.chance(15) {
        lines.push(json!({"item_code": "/C", "comment_text": "leave at the door"}));
    }
    let mut body = json!({"company": "ABC", "customer_po_no": po, "lines": lines});
    let mut document = Document::new(ImportKind::SalesOrder, format!("order-{number}"), Value::Null);
    match world.below(10) {
        0..6 => {
            let (division, customer) = world.pick(&shop.customers);
            body["customer"] = json!({"ar_division_no": division, "customer_no": customer});
        }
        other => {
            let (profile, email) = person(world, earlier, number);
            document.is_guest = other < 8;
            let how = if document.is_guest { "guest" } else { "new" };
            body["customer"] = json!({how: profile});
            document.email = Some(email);
        }
    }
    if world.chance(30) {
        let line = format!("{number} Harbor Drive");
        body["ship_to"] = json!({
            "ship_to_name": "Receiving", "ship_to_address1": line, "ship_to_city": "Kenosha",
            "ship_to_state": "WI", "ship_to_zip_code": "53140", "ship_to_country_code": "USA",
        });
        document.ship_to = Some(line);
    }
    if world.chance(30) {
        let amount = cents(world, 20_000);
        body["payment"] = json!({
            "payment_type": *world.pick(&["VISA", "WEB"]), "amount": amount.to_string(),
            "gateway_transaction_id": format!("tx-order-{number}"), "last_4": "4242",
        });
        document.money = Some(amount);
    }
    if world.chance(10) {
        body["freight_amt"] = json!("12.50");
    }
    if world.chance(12) {
        document.good = Some(body.clone());
        match world.below(6) {
            0 => body["lines"][0]["item_code"] = json!("NO SUCH ITEM"),
            1 => body["lines"][0]["warehouse_code"] = json!("999"),
            2 => body["lines"][0]["quantity_ordered"] = json!("12345678"),
            3 => body["ship_via"] = json!("MULE"),
            4 => body["comment"] = json!("Danke 🎁"),
            _ => body["terms_code"] = json!("99"),
        }
    }
    document.body = body;
    document.po = Some(po);
    document
}

fn payment(world: &mut World, shop: &Shop, number: usize) -> Document {
    let [division, customer, ..] = world.pick(&shop.invoices).clone();
    let open: Vec<_> = shop
        .invoices
        .iter()
        .filter(|invoice| invoice[0] == division && invoice[1] == customer)
        .collect();
    let mut amount = Decimal::zero(2);
    let mut invoices = Vec::new();
    for [_, _, invoice, kind] in open.iter().take(1 + usize::from(world.chance(40))) {
        let part = cents(world, 9_000);
        amount = amount.checked_add(part).unwrap();
        invoices.push(json!({"invoice_no": invoice, "invoice_type": kind, "amount": part.to_string()}));
    }
    let mut body = json!({
        "company": "ABC",
        "customer": {"ar_division_no": division, "customer_no": customer},
        "payment_type": *world.pick(&["VISA", "CHECK", "WEB"]),
        "gateway_transaction_id": format!("tx-{number}"),
        "settlement_id": format!("po_{}", world.below(3)),
        "last_4": "1881",
    });
    match world.below(20) {
        // Beyond the invoices.
        0..3 => amount = amount.checked_add(cents(world, 3_000)).unwrap(),
        3 => invoices.clear(),
        4 => body["kind"] = json!("refund"),
        _ => {}
    }
    body["amount"] = json!(amount.to_string());
    body["invoices"] = json!(invoices);
    let mut document = Document::new(ImportKind::Payment, format!("payment-{number}"), Value::Null);
    if world.chance(12) {
        document.good = Some(body.clone());
        match world.below(3) {
            0 => body["payment_type"] = json!("GOLD"),
            1 => body["invoices"] = json!([{"invoice_no": "9999999", "amount": amount.to_string()}]),
            _ => body["customer"]["customer_no"] = json!("NOBODY"),
        }
    }
    document.body = body;
    document.money = Some(amount);
    document
}

fn cents(world: &mut World, limit: u64) -> Decimal {
    Decimal::new(i64::try_from(1 + world.below(limit)).unwrap(), 2)
}
