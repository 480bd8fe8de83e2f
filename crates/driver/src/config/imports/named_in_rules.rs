//! What mappings and rules write into documents, and where their look-ups look: names of Sage's
//! own data, with their places.

use expression::Step;
use import::planning::CodeList;
use import::rules::{Assigned, Assignments, DocumentKind};
use toml::{Table, Value};

use super::named::{CUSTOMERS, Names, Noun, ORDERS, column};
use crate::config::place::Place;

const LINES: &str = "SO_SalesOrderDetail";

impl Names<'_> {
    /// Those of `imports.map` and `imports.rule`. What an expression works out is not known
    /// before there is a document.
    pub(super) fn rules(&mut self, written: &Table, place: &Place) {
        let web_types = written
            .get("payments")
            .and_then(|payments| payments.get("payment_types"))
            .and_then(Value::as_table);
        let is_web_type = |name: &str| web_types.is_some_and(|types| types.contains_key(name));
        for (entry, place, document) in entries(written, place, "map") {
            let Some(field) = entry.get("field").and_then(Value::as_str) else {
                continue;
            };
            if let Some(own) = own_column(document, field) {
                self.add(own.0, own.1, &place.name("field"));
            }
            self.steps(entry, &place.name("steps"), noun(document, field), &is_web_type);
        }
        for (entry, place, document) in entries(written, place, "rule") {
            let Some(set) = entry.get("set") else { continue };
            let Ok(assignments) = set.clone().try_into::<Assignments>() else {
                continue;
            };
            for (field, value) in assignments.iter() {
                let place = place.name("set").key(field);
                if *value != Assigned::Text(String::new())
                    && let Some(own) = own_column(document, field)
                {
                    self.add(own.0, own.1, &place);
                }
                if let Assigned::Text(code) = value {
                    self.code(noun(document, field), code, &place, &is_web_type);
                }
            }
        }
    }

    fn code(&mut self, noun: Option<Noun>, code: &str, place: &Place, is_web_type: &dyn Fn(&str) -> bool) {
        let Some(noun) = noun.filter(|_| !code.is_empty()) else {
            return;
        };
        // Comments and special items are in no list.
        let is_free = noun == Noun::Item && (code.starts_with('*') || code.starts_with("/C"));
        let is_mapped = noun == Noun::PaymentType && is_web_type(code);
        if !is_free && !is_mapped {
            self.add(noun, code, place);
        }
    }

    /// What the last steps may give, and what look-ups name.
    fn steps(
        &mut self,
        entry: &Table,
        place: &Place,
        noun: Option<Noun>,
        is_web_type: &dyn Fn(&str) -> bool,
    ) {
        let written = entry.get("steps").and_then(Value::as_array);
        let steps: Vec<(Place, Step)> = written
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(index, step)| Some((place.index(index), step.clone().try_into().ok()?)))
            .collect();
        for (place, step) in &steps {
            if let Step::LookUp(look_up) = step {
                let place = place.name("look_up");
                for theirs in look_up.on.values().chain([&look_up.column]) {
                    self.add(Noun::Column(look_up.table.clone()), theirs, &place);
                }
            }
        }
        for (place, step) in steps.iter().rev() {
            match step {
                Step::Default(code) => self.code(noun.clone(), code, &place.name("default"), is_web_type),
                Step::Map { values, default } => {
                    for (from, code) in values {
                        let place = place.name("map").name(from);
                        self.code(noun.clone(), code, &place, is_web_type);
                    }
                    if let Some(code) = default {
                        self.code(noun.clone(), code, &place.name("default"), is_web_type);
                    }
                    return;
                }
                Step::Trim
                | Step::Upper
                | Step::Lower
                | Step::Title
                | Step::Scale(_)
                | Step::Multiply(_)
                | Step::Concat(_)
                | Step::Replace { .. }
                | Step::Cut(_)
                | Step::LookUp(_)
                | Step::Expression(_) => return,
            }
        }
    }
}

/// The elements of a list of tables, each with its place and its kind of document.
fn entries<'a>(
    written: &'a Table,
    place: &Place,
    key: &str,
) -> impl Iterator<Item = (&'a Table, Place, DocumentKind)> {
    let list = place.name(key);
    let entries = written.get(key).and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(move |(index, entry)| {
            let entry = entry.as_table()?;
            let document = DocumentKind::from_name(entry.get("document")?.as_str()?)?;
            Some((entry, list.index(index), document))
        })
}

/// What a text in this field is to Sage; none where it is a text like any other.
fn noun(document: DocumentKind, field: &str) -> Option<Noun> {
    let field = field.to_ascii_lowercase();
    let code = |list| Some(Noun::Code(list));
    match (document, field.as_str()) {
        (DocumentKind::SalesOrder, "ship_via") => code(CodeList::ShipVia),
        (DocumentKind::SalesOrder, "warehouse_code" | "lines.warehouse_code") => code(CodeList::Warehouse),
        (DocumentKind::SalesOrder, "terms_code") => code(CodeList::Terms),
        (DocumentKind::SalesOrder, "hold.reason_code") => code(CodeList::Reason),
        (DocumentKind::SalesOrder, "lines.item_code") => Some(Noun::Item),
        (DocumentKind::SalesOrder, "payment.payment_type") | (DocumentKind::Payment, "payment_type") => {
            Some(Noun::PaymentType)
        }
        (
            DocumentKind::SalesOrder,
            "customer.ar_division_no" | "customer.new.ar_division_no" | "customer.guest.ar_division_no",
        )
        | (DocumentKind::Payment, "customer.ar_division_no")
        | (DocumentKind::Customer, "customer.ar_division_no" | "new.ar_division_no") => {
            code(CodeList::Division)
        }
        _ => None,
    }
}

/// The column of Sage that a user-defined field becomes.
fn own_column(document: DocumentKind, field: &str) -> Option<(Noun, String)> {
    let lower = field.to_ascii_lowercase();
    let at = lower.rfind("udf.")?;
    let (before, name) = (lower.get(..at)?, lower.get(at..)?.strip_prefix("udf.")?);
    let table = match (document, before) {
        (DocumentKind::SalesOrder, "") => ORDERS,
        (DocumentKind::SalesOrder, "lines.") => LINES,
        (DocumentKind::SalesOrder, "customer.new." | "customer.guest.")
        | (DocumentKind::Customer, "new." | "changes.") => CUSTOMERS,
        _ => return None,
    };
    Some((Noun::Column(table.to_owned()), column(name)))
}
