//! What the section names of Sage's own data: codes, columns and folders, each with its place,
//! so that they can be compared with the live company.

use import::planning::{CodeList, DefaultField, customer_defaults, order_defaults};
use toml::{Table, Value};

use crate::config::place::Place;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    /// A code of one of Sage's lists.
    Code(CodeList),
    PaymentType,
    /// `AccountKey` of the general ledger.
    Account,
    /// A miscellaneous charge.
    Charge,
    /// A customer, with the division.
    Customer {
        division: String,
    },
    /// A column of this table.
    Column(String),
    /// An item.
    Item,
    /// A folder for files of receipts, as it is opened.
    Folder,
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) noun: Noun,
    pub(crate) name: String,
    /// `company[0].imports.payments.bank_code`
    pub(crate) place: String,
    /// From 1; none when the file cannot be read any more.
    pub(crate) line: Option<usize>,
}

pub(super) const ORDERS: &str = "SO_SalesOrderHeader";
pub(super) const CUSTOMERS: &str = "AR_Customer";
const SALESPERSON: [&str; 2] = ["salesperson_division_no", "salesperson_no"];

/// All names of the section that stands at `place` of this text, in the order of its keys.
/// `folder` is that of the receipts.
pub(super) fn all(written: &Table, place: &Place, text: Option<&str>, folder: Option<&str>) -> Vec<Named> {
    let mut names = Names {
        text,
        found: Vec::new(),
    };
    names.orders(&below(written, place, "orders"));
    names.customers(&below(written, place, "customers"));
    names.payments(&below(written, place, "payments"), folder);
    names.rules(written, place);
    names.found
}

/// A table and its place.
type Below<'a> = Option<(&'a Table, Place)>;

fn below<'a>(table: &'a Table, place: &Place, key: &str) -> Below<'a> {
    let below = table.get(key).and_then(Value::as_table)?;
    Some((below, place.name(key)))
}

fn text_of(table: &Table, key: &str) -> Option<String> {
    table.get(key).and_then(Value::as_str).map(str::to_owned)
}

pub(super) struct Names<'a> {
    text: Option<&'a str>,
    found: Vec<Named>,
}

impl Names<'_> {
    pub(super) fn add(&mut self, noun: Noun, name: impl Into<String>, place: &Place) {
        self.found.push(Named {
            noun,
            name: name.into(),
            place: place.to_string(),
            line: self.text.and_then(|text| place.line(text)),
        });
    }

    /// A text under this key.
    fn key(&mut self, (table, place): (&Table, &Place), key: &str, noun: Noun) {
        if let Some(name) = text_of(table, key) {
            self.add(noun, name, &place.name(key));
        }
    }

    fn list(&mut self, (table, place): (&Table, &Place), key: &str, noun: &Noun) {
        let place = place.name(key);
        for (index, value) in table
            .get(key)
            .and_then(Value::as_array)
            .iter()
            .copied()
            .flatten()
            .enumerate()
        {
            if let Some(name) = value.as_str() {
                self.add(noun.clone(), name, &place.index(index));
            }
        }
    }

    fn orders(&mut self, orders: &Below<'_>) {
        let Some((orders, place)) = orders else { return };
        if let Some((coupon, place)) = below(orders, place, "coupon") {
            self.key((coupon, &place), "charge", Noun::Charge);
        }
        if let Some((defaults, place)) = below(orders, place, "defaults") {
            let known: Vec<DefaultField> = order_defaults().collect();
            self.defaults(defaults, &place, &known, ORDERS);
        }
        self.list(
            (orders, place),
            "tax_service_schedules",
            &Noun::Code(CodeList::TaxSchedule),
        );
    }

    fn customers(&mut self, customers: &Below<'_>) {
        let Some((customers, place)) = customers else {
            return;
        };
        let division = Noun::Code(CodeList::Division);
        self.key((customers, place), "ar_division_no", division);
        if let Some((guest, place)) = below(customers, place, "guest") {
            let division = text_of(guest, "ar_division_no").unwrap_or_default();
            self.key((guest, &place), "customer_no", Noun::Customer { division });
        }
        let known: Vec<DefaultField> = customer_defaults().collect();
        if let Some((defaults, place)) = below(customers, place, "defaults") {
            self.defaults(defaults, &place, &known, CUSTOMERS);
        }
        if let Some((classes, place)) = below(customers, place, "class") {
            for name in classes.keys() {
                if let Some((defaults, place)) = below(classes, &place, name) {
                    self.defaults(defaults, &place, &known, CUSTOMERS);
                }
            }
        }
        if let Some((updates, place)) = below(customers, place, "updates") {
            for (name, place) in own_columns(updates, &place) {
                self.add(Noun::Column(CUSTOMERS.to_owned()), column(&name), &place);
            }
        }
    }

    fn payments(&mut self, payments: &Below<'_>, folder: Option<&str>) {
        let Some((payments, place)) = payments else { return };
        if let (Some(folder), Some((writer, place))) = (folder, below(payments, place, "writer")) {
            let place = match below(writer, &place, "visual_integrator") {
                Some((_, place)) => place.name("folder"),
                None => place.name("file"),
            };
            self.add(Noun::Folder, folder, &place);
        }
        self.key((payments, place), "bank_code", Noun::Code(CodeList::Bank));
        if let Some((banks, place)) = below(payments, place, "bank_codes") {
            for payment_type in banks.keys() {
                self.add(Noun::PaymentType, payment_type, &place.name(payment_type));
                self.key((banks, &place), payment_type, Noun::Code(CodeList::Bank));
            }
        }
        if let Some((types, place)) = below(payments, place, "payment_types") {
            for sent in types.keys() {
                self.key((types, &place), sent, Noun::PaymentType);
            }
        }
        self.list((payments, place), "card_types", &Noun::PaymentType);
        self.key((payments, place), "deposit_account_key", Noun::Account);
    }

    fn defaults(&mut self, defaults: &Table, place: &Place, known: &[DefaultField], table: &'static str) {
        for field in known {
            let list = match (field.name, field.list) {
                ("default_payment_type", _) => Noun::PaymentType,
                (_, Some(list)) => Noun::Code(list),
                (_, None) => continue,
            };
            self.key((defaults, place), field.name, list);
        }
        let [division, number] = SALESPERSON.map(|key| text_of(defaults, key));
        if let Some((division, number)) = division.zip(number) {
            let place = place.name(SALESPERSON[1]);
            let name = format!("{division}:{number}");
            self.add(Noun::Code(CodeList::Salesperson), name, &place);
        }
        for (name, place) in own_columns(defaults, place) {
            self.add(Noun::Column(table.to_owned()), column(&name), &place);
        }
    }
}

/// User-defined names: below `udf`, or in front of the name.
fn own_columns(table: &Table, place: &Place) -> Vec<(String, Place)> {
    let mut found = Vec::new();
    if let Some((own, place)) = below(table, place, "udf") {
        found.extend(own.keys().map(|name| (name.clone(), place.name(name))));
    }
    for key in table.keys() {
        if let Some(name) = key.strip_prefix("udf.").or_else(|| key.strip_prefix("udf_")) {
            found.push((name.to_owned(), place.name(key)));
        }
    }
    found
}

pub(super) fn column(name: &str) -> String {
    format!("UDF_{}", name.to_ascii_uppercase())
}
