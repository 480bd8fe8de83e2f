//! The names that mappings and rules may use: the fields of each document's body, and facts.

use std::collections::BTreeMap;

use catalog::{Catalog, Dataset};
use values::Kind;

use super::text::DocumentKind;

/// Decimals of every number in a document: Sage's finest.
pub(super) const SCALE: u8 = 6;

/// What a field of a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Decimal,
    Date,
    /// `true` or `false` in the body; `'Y'` or `'N'` in expressions and steps.
    Flag,
}

impl Holds {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Text | Self::Flag => Kind::Text,
            Self::Decimal => Kind::Decimal { scale: SCALE },
            Self::Date => Kind::Date,
        }
    }
}

/// Where the value of a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The body itself.
    Document,
    /// The line at hand.
    Line,
    /// The sum of price and quantity over the lines that carry both.
    Subtotal,
    LineCount,
    /// What the caller knows about the document.
    Fact,
    /// What the caller knows about the line at hand.
    LineFact,
}

/// A name that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    pub(super) source: Source,
    /// What the body holds there; `None` for facts.
    pub(super) holds: Option<Holds>,
    /// Why it cannot be changed.
    pub(super) fixed: Option<&'static str>,
}

/// The names that mappings and rules may use. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    customer: BTreeMap<String, Kind>,
    item: BTreeMap<String, Kind>,
}

impl Vocabulary {
    /// The fields of documents, and as facts the fields that `items` and `customers` have in this
    /// catalog.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        let kinds = |dataset: &Dataset| {
            let fields = dataset.fields.iter().filter(|field| !field.is_udf());
            fields.map(|field| (field.name.clone(), field.kind)).collect()
        };
        Self {
            customer: catalog.get("customers").map(kinds).unwrap_or_default(),
            item: catalog.get("items").map(kinds).unwrap_or_default(),
        }
    }

    /// What a fact holds; `None` for a name that is no fact of this kind of document.
    #[must_use]
    pub fn fact_kind(&self, document: DocumentKind, name: &str) -> Option<Kind> {
        let word = self.find(document, name)?;
        matches!(word.source, Source::Fact | Source::LineFact).then_some(word.kind)
    }

    /// Is this a field that a document of the kind may bring?
    #[must_use]
    pub fn is_field(&self, document: DocumentKind, path: &str) -> bool {
        self.find(document, path).is_some_and(|word| word.holds.is_some())
    }

    pub(super) fn find(&self, document: DocumentKind, path: &str) -> Option<Word> {
        let list = document.list();
        let is_line = list.is_some_and(|list| {
            path.strip_prefix(list.as_str())
                .is_some_and(|below| below.starts_with('.'))
        });
        if let Some(holds) = body(document, path) {
            return Some(Word {
                kind: holds.kind(),
                source: if is_line { Source::Line } else { Source::Document },
                holds: Some(holds),
                fixed: fixed(document, path),
            });
        }
        let (kind, source) = self.fact(document, path)?;
        Some(Word {
            kind,
            source,
            holds: None,
            fixed: Some("it is known about the document, not part of it"),
        })
    }

    fn fact(&self, document: DocumentKind, path: &str) -> Option<(Kind, Source)> {
        let number = Kind::Decimal { scale: SCALE };
        if document == DocumentKind::SalesOrder {
            match path {
                "subtotal" => return Some((number, Source::Subtotal)),
                "line_count" => return Some((Kind::Decimal { scale: 0 }, Source::LineCount)),
                "weight" => return Some((number, Source::Fact)),
                _ => {}
            }
        }
        let (of, name) = path.split_once('.')?;
        let (fields, source) = match of {
            "customer" => (&self.customer, Source::Fact),
            "item" if document == DocumentKind::SalesOrder => (&self.item, Source::LineFact),
            _ => return None,
        };
        let kind = fields.get(name).copied();
        let own = || is_udf(name).then_some(Kind::Text);
        Some((kind.or_else(own)?, source))
    }
}

type Fields = &'static [(&'static str, Holds)];

use Holds::{Date, Decimal, Flag, Text};

const ORDER: Fields = &[
    ("company", Text),
    ("order_type", Text),
    ("customer_po_no", Text),
    ("order_date", Date),
    ("ship_expire_date", Date),
    ("ship_via", Text),
    ("fob", Text),
    ("warehouse_code", Text),
    ("terms_code", Text),
    ("comment", Text),
    ("confirm_to", Text),
    ("email_address", Text),
    ("freight_amt", Decimal),
    ("discount_amt", Decimal),
    ("discount_rate", Decimal),
    ("print_sales_orders", Flag),
    ("print_picking_sheets", Flag),
    ("hold.reason_code", Text),
    ("hold.reason", Text),
    ("expected.sales_tax_amt", Decimal),
    ("expected.order_total", Decimal),
];
const ORDER_LINE: Fields = &[
    ("item_code", Text),
    ("quantity_ordered", Decimal),
    ("warehouse_code", Text),
    ("unit_price", Decimal),
    ("line_discount_percent", Decimal),
    ("unit_of_measure", Text),
    ("item_code_desc", Text),
    ("comment_text", Text),
    ("promise_date", Date),
    ("drop_ship", Flag),
    ("take_alternate", Flag),
];
const PAYMENT: Fields = &[("company", Text), ("kind", Text), ("comment", Text)];
const INVOICE: Fields = &[
    ("invoice_no", Text),
    ("invoice_type", Text),
    ("amount", Decimal),
    ("discount_amount", Decimal),
];
const CUSTOMER: Fields = &[("company", Text)];
const TENDER: Fields = &[
    ("payment_type", Text),
    ("amount", Decimal),
    ("gateway_transaction_id", Text),
    ("reference", Text),
    ("last_4", Text),
    ("captured_on", Date),
    ("settlement_id", Text),
];
const REFERENCE: Fields = &[("ar_division_no", Text), ("customer_no", Text)];
const PROFILE: Fields = &[
    ("customer_name", Text),
    ("address_line1", Text),
    ("address_line2", Text),
    ("address_line3", Text),
    ("city", Text),
    ("state", Text),
    ("zip_code", Text),
    ("country_code", Text),
    ("telephone_no", Text),
    ("telephone_ext", Text),
    ("email_address", Text),
    ("contact_name", Text),
    ("tax_exempt_no", Text),
    ("customer_no", Text),
    ("ar_division_no", Text),
    ("customer_class", Text),
];
/// Of a profile, what a customer is created with, and what is not changed later.
const NOT_CHANGED: [&str; 4] = ["contact_name", "customer_no", "ar_division_no", "customer_class"];
/// After `ship_to_` or `bill_to_`.
const ADDRESS: [&str; 8] = [
    "name",
    "address1",
    "address2",
    "address3",
    "city",
    "state",
    "zip_code",
    "country_code",
];

fn body(document: DocumentKind, path: &str) -> Option<Holds> {
    let (above, name) = path.split_once('.').unwrap_or(("", path));
    let (own, here) = match document {
        DocumentKind::SalesOrder => (
            ORDER,
            match above {
                "lines" => fields_or_udf(ORDER_LINE, name),
                "payment" => among(TENDER, name),
                "customer" => party(name),
                "ship_to" if name == "ship_to_code" => Some(Text),
                "ship_to" => address("ship_to_", name),
                "bill_to" => address("bill_to_", name),
                _ => None,
            },
        ),
        DocumentKind::Payment => (
            PAYMENT,
            match above {
                "" => among(TENDER, name),
                "invoices" => among(INVOICE, name),
                "customer" => party(name),
                _ => None,
            },
        ),
        DocumentKind::Customer => {
            return match above {
                "" => among(CUSTOMER, name),
                "customer" => among(REFERENCE, name),
                "new" => fields_or_udf(PROFILE, name),
                "changes" => fields_or_udf(PROFILE, name).filter(|_| !NOT_CHANGED.contains(&name)),
                _ => None,
            };
        }
    };
    here.or_else(|| fields_or_udf(own, path))
}

fn among(fields: Fields, name: &str) -> Option<Holds> {
    let known = fields.iter().find(|(known, _)| *known == name);
    known.map(|(_, holds)| *holds)
}

fn fields_or_udf(fields: Fields, name: &str) -> Option<Holds> {
    among(fields, name).or_else(|| is_udf(name).then_some(Text))
}

fn party(name: &str) -> Option<Holds> {
    match name.split_once('.') {
        Some(("new" | "guest", name)) => fields_or_udf(PROFILE, name),
        Some(_) | None => among(REFERENCE, name),
    }
}

fn address(prefix: &str, name: &str) -> Option<Holds> {
    let part = name.strip_prefix(prefix)?;
    ADDRESS.contains(&part).then_some(Text)
}

fn is_udf(path: &str) -> bool {
    path.strip_prefix("udf.")
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

fn fixed(document: DocumentKind, path: &str) -> Option<&'static str> {
    if path == "company" {
        return Some("a document is for the company that it was sent to");
    }
    let captured: &[&str] = match document {
        DocumentKind::SalesOrder => &["payment.amount", "payment.gateway_transaction_id"],
        DocumentKind::Payment => &["amount", "gateway_transaction_id", "invoices.amount", "kind"],
        DocumentKind::Customer => &[],
    };
    let reason = "what was captured stays as it was, so that it can be tied out";
    captured.contains(&path).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_stand() {
        let words = Vocabulary::of(&Catalog::standard().unwrap());
        let source = |document, path| words.find(document, path).map(|word| word.source);
        let order = DocumentKind::SalesOrder;
        for (path, wanted) in [
            ("ship_via", Some(Source::Document)),
            ("udf.gift", Some(Source::Document)),
            ("hold.reason", Some(Source::Document)),
            ("ship_to.ship_to_state", Some(Source::Document)),
            ("ship_to.state", None),
            ("customer.customer_no", Some(Source::Document)),
            ("customer.new.udf.web", Some(Source::Document)),
            ("customer.credit_hold", Some(Source::Fact)),
            ("customer.udf.web", Some(Source::Fact)),
            ("lines.udf.gift", Some(Source::Line)),
            ("lines.item_code", Some(Source::Line)),
            ("item.product_line", Some(Source::LineFact)),
            ("item.udf", None),
            ("udf", None),
            ("udf.a.b", None),
            ("lines", None),
            ("subtotal", Some(Source::Subtotal)),
            ("weight", Some(Source::Fact)),
        ] {
            assert_eq!(source(order, path), wanted, "{path}");
        }
        assert_eq!(
            source(DocumentKind::Payment, "invoices.invoice_no"),
            Some(Source::Line)
        );
        assert_eq!(source(DocumentKind::Payment, "weight"), None);
        assert_eq!(
            source(DocumentKind::Customer, "changes.udf.web"),
            Some(Source::Document)
        );
        assert_eq!(
            source(DocumentKind::Customer, "customer.customer_name"),
            Some(Source::Fact)
        );
    }

    /// A body of nothing but this field.
    fn lone(path: &str, holds: Holds) -> serde_json::Value {
        let mut body = match holds {
            Text => "1".into(),
            Decimal => "1".into(),
            Date => "2026-05-01".into(),
            Flag => true.into(),
        };
        for name in path.rsplit('.') {
            body = match name {
                "lines" | "invoices" => serde_json::json!({ name: [body] }),
                _ => serde_json::json!({ name: body }),
            };
        }
        body
    }

    /// Every field that is known here is one of the document.
    #[test]
    fn documents_have_these_fields() {
        let under = |above: &str, fields: Fields| -> Vec<String> {
            let dot = if above.is_empty() { "" } else { "." };
            fields
                .iter()
                .map(|(name, _)| format!("{above}{dot}{name}"))
                .collect()
        };
        let addresses = ["ship_to.ship_to_", "bill_to.bill_to_"]
            .iter()
            .flat_map(|above| ADDRESS.iter().map(move |name| format!("{above}{name}")));
        let parties = || {
            [
                under("customer", REFERENCE),
                under("customer.new", PROFILE),
                under("customer.guest", PROFILE),
            ]
            .concat()
        };
        let own = |paths: &[&str]| -> Vec<String> { paths.iter().map(|p| (*p).to_owned()).collect() };
        let order = [
            under("", ORDER),
            under("lines", ORDER_LINE),
            under("payment", TENDER),
            parties(),
            addresses.collect(),
            own(&[
                "ship_to.ship_to_code",
                "udf.a",
                "lines.udf.a",
                "customer.new.udf.a",
            ]),
        ];
        let payment = [
            under("", PAYMENT),
            under("", TENDER),
            under("invoices", INVOICE),
            parties(),
            own(&["udf.a"]),
        ];
        let changes = PROFILE.iter().map(|(name, _)| *name);
        let changes = changes.filter(|name| !NOT_CHANGED.contains(name));
        let customer = [
            under("", CUSTOMER),
            under("customer", REFERENCE),
            under("new", PROFILE),
            changes.map(|name| format!("changes.{name}")).collect(),
            own(&["new.udf.a", "changes.udf.a"]),
        ];
        for (document, paths) in [
            (DocumentKind::SalesOrder, order.concat()),
            (DocumentKind::Payment, payment.concat()),
            (DocumentKind::Customer, customer.concat()),
        ] {
            for path in paths {
                let holds = body(document, &path).unwrap_or_else(|| panic!("{path} of {document:?}"));
                let mut sent = lone(&path, holds);
                if document == DocumentKind::Payment {
                    sent["amount"] = "1".into();
                } else if path.starts_with("payment.") {
                    sent["payment"]["amount"] = "1".into();
                }
                let problems = match document {
                    DocumentKind::SalesOrder => model::SalesOrder::parse(&sent).err(),
                    DocumentKind::Payment => model::Payment::parse(&sent).err(),
                    DocumentKind::Customer => model::CustomerRequest::parse(&sent).err(),
                };
                for problem in problems.unwrap_or_default() {
                    let is_wrong = ["unknown_field", "wrong_type"].contains(&problem.code.as_str());
                    assert!(!is_wrong, "{path} of {document:?}: {problem:?}");
                }
            }
        }
        assert_eq!(body(DocumentKind::Customer, "changes.customer_no"), None);
    }

    #[test]
    fn what_was_captured_stays() {
        let words = Vocabulary::of(&Catalog::standard().unwrap());
        let is_fixed = |document, path| words.find(document, path).is_some_and(|w| w.fixed.is_some());
        assert!(is_fixed(DocumentKind::SalesOrder, "payment.amount"));
        assert!(is_fixed(DocumentKind::SalesOrder, "company"));
        assert!(is_fixed(DocumentKind::Payment, "amount"));
        assert!(is_fixed(DocumentKind::Payment, "company"));
        assert!(is_fixed(DocumentKind::Payment, "invoices.amount"));
        assert!(is_fixed(DocumentKind::Customer, "company"));
        assert!(!is_fixed(DocumentKind::SalesOrder, "ship_via"));
    }
}
