//! Each rule of planning, and what holds whatever the document.

mod always;
mod books;
mod customers;
mod lines;
mod matching;
mod orders;

use model::{Decision, ImportKind, Problem};
use serde_json::{Value, json};
use values::{CompanyId, Date, ImportId};

use super::{Context, Past, plan};
use crate::plan::{OrderWrite, Plan, Planned, Setting, Write};
use crate::record::{Document, Done, Reserved, Source, Verdict};
use crate::settings::Settings;
use books::Books;

const TODAY: Date = Date::constant(2026, 5, 6);

/// A document with what was done for it before.
struct Case {
    document: Document,
    settings: Settings,
    books: Books,
    done: Vec<Done>,
    reservations: Vec<Reserved>,
}

impl Case {
    fn of(kind: ImportKind, body: Value) -> Self {
        Self {
            document: Document {
                id: ImportId::new("0190aa11-2233-7455-8677-8899aabbccdd"),
                company: CompanyId::new("ABC"),
                kind,
                revision: 1,
                body,
                decision: Decision::default(),
            },
            settings: Settings::default(),
            books: Books::default(),
            done: Vec::new(),
            reservations: Vec::new(),
        }
    }

    fn order(body: Value) -> Self {
        Self::of(ImportKind::SalesOrder, body)
    }

    fn customer(body: Value) -> Self {
        Self::of(ImportKind::Customer, body)
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Books)) -> Self {
        change(&mut self.books);
        self
    }

    fn accept(mut self, code: &str) -> Self {
        self.document.decision.accept.push(code.to_owned());
        self
    }

    fn done(mut self, name: &str, identity: &str) -> Self {
        self.done.push(Done {
            name: name.to_owned(),
            identity: identity.to_owned(),
            numbers: crate::identity::numbers_of(name, identity),
            totals: model::Totals::new(),
            made_from: String::new(),
        });
        self
    }

    /// The order is in Sage, made from this document as it was planned then.
    fn entered(mut self, identity: &str) -> Self {
        let Planned::Ready(plan) = self.planned() else {
            panic!("not ready")
        };
        let made_from = order_of(&plan).made_from.clone();
        self = self.done("sales_order_no", identity);
        if let Some(done) = self.done.last_mut() {
            done.made_from = made_from;
        }
        self
    }

    fn reserved(mut self, name: &str, identity: &str) -> Self {
        self.reservations.push(Reserved {
            name: name.to_owned(),
            identity: identity.to_owned(),
            at: "2026-05-06T10:00:00Z".parse().unwrap(),
            source: Source::Journal,
            at_hub: true,
            verdict: Verdict::Open,
        });
        self
    }

    fn planned(&mut self) -> Planned {
        let context = Context {
            settings: &self.settings,
            today: TODAY,
            past: Past {
                done: &self.done,
                reservations: &self.reservations,
            },
        };
        let planned = plan(&self.document, &context, &mut self.books).unwrap();
        if let Planned::Refused(problems) | Planned::Held(problems) = &planned {
            for problem in problems {
                assert!(!problem.field.is_empty(), "{problem:?} has no field");
                assert!(!problem.remedy.is_empty(), "{problem:?} has no remedy");
                assert!(problem.remedy.len() <= 240, "{problem:?} would be cut");
                assert!(!problem.message.is_empty(), "{problem:?} has no message");
            }
        }
        planned
    }

    fn ready(mut self) -> Plan {
        match self.planned() {
            Planned::Ready(plan) => plan,
            other @ (Planned::Nothing { .. } | Planned::Refused(_) | Planned::Held(_)) => {
                panic!("not ready: {other:#?}")
            }
        }
    }

    fn refused(mut self) -> Vec<(String, String)> {
        match self.planned() {
            Planned::Refused(problems) => pairs(problems),
            other @ (Planned::Ready(_) | Planned::Nothing { .. } | Planned::Held(_)) => {
                panic!("not refused: {other:#?}")
            }
        }
    }

    fn held(mut self) -> Vec<Problem> {
        match self.planned() {
            Planned::Held(problems) => problems,
            other @ (Planned::Ready(_) | Planned::Nothing { .. } | Planned::Refused(_)) => {
                panic!("not held: {other:#?}")
            }
        }
    }

    /// It is refused for this and nothing else.
    #[track_caller]
    fn refuses(self, code: &str, field: &str) {
        assert_eq!(self.refused(), [(code.to_owned(), field.to_owned())]);
    }

    /// It is held for this and nothing else.
    #[track_caller]
    fn holds(self, code: &str, field: &str) {
        assert_eq!(pairs(self.held()), [(code.to_owned(), field.to_owned())]);
    }
}

fn pairs(problems: Vec<Problem>) -> Vec<(String, String)> {
    problems.into_iter().map(|p| (p.code, p.field)).collect()
}

fn order_of(plan: &Plan) -> &OrderWrite {
    plan.writes
        .iter()
        .find_map(|write| match write {
            Write::SalesOrder(order) => Some(order),
            Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) | Write::Receipt(_) => None,
        })
        .unwrap()
}

/// `Column$=value` of each setting.
fn words(settings: &[Setting]) -> Vec<String> {
    settings
        .iter()
        .map(|setting| match &setting.value {
            sage::Scalar::Text(text) => format!("{}={text}", setting.column),
            sage::Scalar::Number(number) => format!("{}={number}", setting.column),
        })
        .collect()
}

#[track_caller]
fn has(settings: &[Setting], wanted: &[&str]) {
    let words = words(settings);
    for wanted in wanted {
        assert!(
            words.iter().any(|word| word == wanted),
            "{wanted} not in {words:?}"
        );
    }
}

fn good_order() -> Value {
    json!({
        "company": "ABC",
        "customer": {"ar_division_no": "01", "customer_no": "HARBOR"},
        "customer_po_no": "WEB00001", "order_date": "2026-05-06", "ship_via": "UPS BLUE",
        "lines": [{"item_code": "DESK", "quantity_ordered": "2", "warehouse_code": "000", "unit_price": "79.50"}],
    })
}

/// The good order with other values under these names.
fn order_with(changes: Value) -> Value {
    let mut body = good_order();
    for (name, value) in changes.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    body
}

fn line_with(changes: Value) -> Value {
    let mut body = good_order();
    for (name, value) in changes.as_object().unwrap() {
        body["lines"][0][name.as_str()] = value.clone();
    }
    body
}

fn new_profile() -> Value {
    json!({
        "customer_name": "Lakeside Hardware, Inc.", "address_line1": "12 North Main Street",
        "city": "Racine", "state": "WI", "zip_code": "53402", "country_code": "USA",
        "email_address": "office@lakeside.example", "tax_exempt_no": "39-1234567",
    })
}

fn new_customer_order() -> Value {
    order_with(json!({"customer": {"new": new_profile()}}))
}
