//! From the document as sent to its plan: the site's rules, then everything that the ERP's
//! master data say.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use expression::Value;
use import::plan::{CustomerWrite, Plan, Planned, Write};
use import::planning::{Context, Past, plan};
use import::rules::{Applied, DocumentKind, Facts, Rules, Wanted};
use import::settings::Settings;
use import::{Command, Document, Done, Event, Obstacle, Reserved, counted};
use jiff::Timestamp;
use model::Problem;
use sage::ReadError;
use serde_json::Value as Json;
use values::{Date, Decimal, ImportId};

use super::super::current::{Asking, Current};
use super::super::erp::Erp;
use super::super::lanes::Lane;
use super::super::queued::Queued;
use super::super::runner::{Reply, Runner};
use super::super::tables::TablesError;
use super::{blocked, unreadable};

/// Decimals of weights.
const WEIGHT_SCALE: u8 = 6;
/// What the write of a new customer is called.
const CUSTOMER_NO: &str = "customer_no";
/// Columns of a new customer by which it would be matched with another one.
const MATCHED: [&str; 3] = ["EmailAddress$", "CustomerName$", "TaxExemptNo$"];

/// What a plan is made of, beside the tables.
pub(in crate::imports) struct Making {
    pub(in crate::imports) now: Timestamp,
    pub(in crate::imports) today: Date,
    pub(in crate::imports) settings: Arc<Settings>,
    pub(in crate::imports) rules: Arc<Rules>,
    pub(in crate::imports) document: Document,
    pub(in crate::imports) done: Vec<Done>,
    pub(in crate::imports) suspects: Vec<Reserved>,
    /// What other documents want that is not in Sage yet.
    pub(in crate::imports) queued: Queued,
}

/// A plan, and whether it hangs on how much there is of an item.
pub(in crate::imports) struct Made {
    pub(in crate::imports) planned: Planned,
    pub(in crate::imports) counts_stock: bool,
}

impl Runner {
    /// Has the document planned, beside whatever else is done.
    pub(super) fn plan(&mut self, current: &mut Current) {
        current.was_aside = false;
        let making = self.making(current);
        let ticket = self.ticket(current, Asking::Plan);
        let answers = self.answers.clone();
        let answer = move |made| {
            // Nobody waits any more when the writer has ended.
            let _ = answers.send((ticket, Reply::Planned(made)));
        };
        self.tables.put(move |erp| making.make(erp), answer);
    }

    fn making(&mut self, current: &Current) -> Making {
        Making {
            now: self.clock.now(),
            today: self.today(),
            settings: Arc::clone(&self.site.settings),
            rules: Arc::clone(&self.site.rules),
            document: current.document.clone(),
            done: current.import.done().to_vec(),
            suspects: current.suspects(),
            queued: self.queued(),
        }
    }

    /// What follows from the plan that was made; none when it has to be made once more.
    pub(in crate::imports) fn take_plan(
        &mut self,
        current: &mut Current,
        made: Result<Made, TablesError>,
    ) -> Option<Event> {
        let mut made = match made {
            Ok(made) => made,
            Err(error) => return Some(unreadable(&error)),
        };
        if current.lane != Lane::All {
            let writes = match &made.planned {
                Planned::Ready(plan) => plan.writes.as_slice(),
                Planned::Nothing { .. } | Planned::Refused(_) | Planned::Held(_) => &[],
            };
            if made.counts_stock || !current.lane.covers(writes) {
                // Others were on their way meanwhile that it should have waited for.
                current.lane = Lane::All;
                current.commands.push_front(Command::Plan);
                current.is_under_way = false;
                return None;
            }
        }
        if let Planned::Ready(plan) = &mut made.planned {
            // A driver that starts again lets it go alone, too.
            plan.is_alone = made.counts_stock;
        }
        if let Planned::Ready(plan) = &made.planned
            && let Some(other) = self.makes_its_customer(plan)
        {
            let detail = format!("import {other} creates a customer like the new one of this document");
            return Some(blocked(Obstacle::CustomerOnItsWay, &detail));
        }
        let (step, detail) = match &made.planned {
            Planned::Ready(plan) => ("validated", counted(plan.writes.len(), "write")),
            Planned::Nothing { .. } => ("validated", String::from("nothing is to be written")),
            Planned::Refused(problems) | Planned::Held(problems) => {
                ("validated", counted(problems.len(), "problem"))
            }
        };
        self.note(current, step, &detail);
        self.point("import.after_validate");
        Some(Event::Planned(made.planned))
    }

    /// What documents that are planned and not in Sage want, those in doubt among them.
    pub(in crate::imports) fn queued(&self) -> Queued {
        let mut queued = self.resting.clone();
        for current in self.imports.iter().filter(|current| !current.has_ended()) {
            queued.add(current.writes(), current.import.done());
        }
        for doubtful in self.in_doubt.values() {
            queued.join(doubtful);
        }
        queued
    }

    /// The import that is about to make a customer like the new one in this plan: two documents
    /// of one buyer who is not known yet would make two of them.
    fn makes_its_customer(&self, plan: &Plan) -> Option<ImportId> {
        let new = new_customer(&plan.writes)?;
        let is_like = |other: &&Current| {
            let is_made = other.import.done().iter().any(|done| done.name == CUSTOMER_NO);
            !is_made && new_customer(other.writes()).is_some_and(|made| is_alike(made, new))
        };
        self.imports.iter().find(is_like).map(|other| other.id().clone())
    }
}

impl Making {
    /// Rules first, on the body as it was sent; then the plan of what they made of it.
    pub(in crate::imports) fn make(mut self, erp: &mut Erp) -> Result<Made, ReadError> {
        erp.begin(self.now, std::mem::take(&mut self.queued));
        if self.document.revision > 1 {
            // Somebody looked at it meanwhile, and may have entered the customer by hand.
            erp.forget_customers();
        }
        let mut told = Told::default();
        if let Some(kind) = DocumentKind::from_name(self.document.kind.as_str())
            && !self.rules.is_empty_for(kind)
        {
            let applied = self.apply_rules(kind, erp)?;
            self.document.body = applied.body;
            let is_accepted = |p: &Problem| self.document.decision.accept.contains(&p.code);
            let (passed, holds): (Vec<_>, Vec<_>) = applied.holds.into_iter().partition(is_accepted);
            told.refusals = applied.refusals;
            told.holds = holds;
            told.warnings = applied.warnings;
            let accepted = passed
                .into_iter()
                .map(|p| format!("{}: {} (accepted)", p.code, p.message));
            told.warnings.extend(accepted);
        }
        let context = Context {
            settings: &self.settings,
            today: self.today,
            past: Past {
                done: &self.done,
                reservations: &self.suspects,
            },
        };
        let planned = plan(&self.document, &context, erp)?;
        Ok(Made {
            planned: told.join(planned),
            counts_stock: erp.has_counted_stock(),
        })
    }

    fn apply_rules(&self, kind: DocumentKind, erp: &mut Erp) -> Result<Applied, ReadError> {
        let wanted = self.rules.wanted_facts(kind);
        let mut facts = Gathered::new(erp);
        let mapped = self.rules.map(kind, &self.document.body, &facts);
        facts.gather(&wanted, &mapped.body)?;
        let applied = self.rules.apply(kind, &self.document.body, &facts);
        match facts.failed.into_inner() {
            Some(error) => Err(error),
            None => Ok(applied),
        }
    }
}

fn new_customer(writes: &[Write]) -> Option<&CustomerWrite> {
    writes.iter().find_map(|write| match write {
        Write::Customer(customer) => Some(customer),
        Write::CustomerChange(_) | Write::ShipTo(_) | Write::SalesOrder(_) | Write::Receipt(_) => None,
    })
}

/// Would one be matched with the other, once it is there?
fn is_alike(one: &CustomerWrite, other: &CustomerWrite) -> bool {
    let text = |of: &CustomerWrite, column: &str| {
        let found = of.settings.iter().find(|setting| setting.column == column)?;
        let text = found.value.as_text()?.trim().to_lowercase();
        (!text.is_empty()).then_some(text)
    };
    MATCHED.iter().any(|column| {
        let text = |of| text(of, column);
        text(one).is_some_and(|one| Some(one) == text(other))
    })
}

/// What the rules found.
#[derive(Default)]
struct Told {
    refusals: Vec<Problem>,
    holds: Vec<Problem>,
    warnings: Vec<String>,
}

impl Told {
    /// Together with what planning found.
    fn join(mut self, planned: Planned) -> Planned {
        match planned {
            Planned::Refused(problems) => {
                self.refusals.extend(problems);
                self.refusals.append(&mut self.holds);
                Planned::Refused(self.refusals)
            }
            Planned::Held(problems) => {
                self.holds.extend(problems);
                self.problems()
            }
            Planned::Ready(_) | Planned::Nothing { .. }
                if !self.refusals.is_empty() || !self.holds.is_empty() =>
            {
                self.problems()
            }
            Planned::Ready(mut plan) => {
                plan.warnings.splice(0..0, self.warnings);
                Planned::Ready(plan)
            }
            Planned::Nothing { numbers, warnings } => {
                self.warnings.extend(warnings);
                Planned::Nothing {
                    numbers,
                    warnings: self.warnings,
                }
            }
        }
    }

    fn problems(mut self) -> Planned {
        if self.refusals.is_empty() {
            return Planned::Held(self.holds);
        }
        self.refusals.append(&mut self.holds);
        Planned::Refused(self.refusals)
    }
}

/// What the rules look at beside the document.
struct Gathered<'a> {
    erp: RefCell<&'a mut Erp>,
    header: BTreeMap<String, Value>,
    lines: Vec<BTreeMap<String, Value>>,
    /// A look-up that could not be made: then nothing is known.
    failed: RefCell<Option<ReadError>>,
}

impl<'a> Gathered<'a> {
    const fn new(erp: &'a mut Erp) -> Self {
        Self {
            erp: RefCell::new(erp),
            header: BTreeMap::new(),
            lines: Vec::new(),
            failed: RefCell::new(None),
        }
    }

    /// Reads what is wanted, once, for the document after its mappings.
    fn gather(&mut self, wanted: &Wanted, body: &Json) -> Result<(), ReadError> {
        let erp = self.erp.get_mut();
        let text = |value: Option<&Json>| {
            let text = value.and_then(Json::as_str).unwrap_or_default();
            text.trim_end().to_owned()
        };
        if wanted.header.iter().any(|name| name.starts_with("customer."))
            && let Some(customer) = body.get("customer")
        {
            let (division, number) = (
                text(customer.get("ar_division_no")),
                text(customer.get("customer_no")),
            );
            let key = [("ARDivisionNo", division.as_str()), ("CustomerNo", &number)];
            let facts = erp.facts("AR_Customer", &key)?;
            self.header.extend(
                facts
                    .into_iter()
                    .map(|(name, value)| (format!("customer.{name}"), value)),
            );
        }
        let wants_weight = wanted.header.contains("weight");
        if !wants_weight && wanted.line.is_empty() {
            return Ok(());
        }
        let lines = body.get("lines").and_then(Json::as_array);
        let mut items: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        let mut weight = Some(Decimal::zero(WEIGHT_SCALE));
        for line in lines.into_iter().flatten() {
            let code = text(line.get("item_code"));
            if !items.contains_key(&code) {
                let facts = erp.facts("CI_Item", &[("ItemCode", code.as_str())])?;
                items.insert(code.clone(), facts);
            }
            let facts = items.get(&code).cloned().unwrap_or_default();
            weight = weight
                .zip(weight_of(line, &facts))
                .and_then(|(sum, more)| sum.checked_add(more).ok());
            let facts = facts
                .into_iter()
                .map(|(name, value)| (format!("item.{name}"), value));
            self.lines.push(facts.collect());
        }
        if wants_weight && let Some(weight) = weight {
            self.header.insert("weight".into(), Value::Decimal(weight));
        }
        Ok(())
    }
}

/// Pounds of a line: the item's weight, which Sage keeps as a text, times the quantity. None
/// when the numbers are beyond all bounds.
fn weight_of(line: &Json, facts: &BTreeMap<String, Value>) -> Option<Decimal> {
    let zero = Decimal::zero(WEIGHT_SCALE);
    let each = facts.get("ship_weight").map(Value::to_string).unwrap_or_default();
    let each = Decimal::parse(each.trim(), WEIGHT_SCALE).unwrap_or(zero);
    let quantity = match line.get("quantity_ordered") {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let quantity = Decimal::parse(&quantity, WEIGHT_SCALE).unwrap_or(zero);
    each.multiply(quantity, WEIGHT_SCALE).ok()
}

impl Facts for Gathered<'_> {
    fn header(&self, name: &str) -> Option<Value> {
        self.header.get(name).cloned()
    }

    fn line(&self, index: usize, name: &str) -> Option<Value> {
        self.lines.get(index)?.get(name).cloned()
    }

    fn look_up(&self, table: &str, keys: &[(String, String)], column: &str) -> Option<Value> {
        let found = self.erp.borrow_mut().look_up(table, keys, column);
        match found {
            Ok(found) => found.map(Value::Text),
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use import::plan::{NumberSource, Setting};

    use super::*;

    fn customer(settings: &[(&str, &str)]) -> CustomerWrite {
        let settings = settings.iter();
        CustomerWrite {
            ar_division_no: "01".into(),
            number: NumberSource::SageNext,
            settings: settings
                .map(|(column, text)| Setting::text(column, *text, ""))
                .collect(),
        }
    }

    #[test]
    fn one_buyer_is_known_by_mail_address_name_or_tax_number() {
        let one = customer(&[
            ("CustomerName", "Harbor Supply"),
            ("EmailAddress", "ap@harbor.example"),
        ]);
        for (column, text, is_same) in [
            ("EmailAddress", "AP@harbor.example ", true),
            ("CustomerName", "harbor supply", true),
            ("EmailAddress", "hq@harbor.example", false),
            ("City", "Harbor Supply", false),
        ] {
            assert_eq!(is_alike(&one, &customer(&[(column, text)])), is_same, "{text}");
        }
        let blank = customer(&[("EmailAddress", " ")]);
        assert!(!is_alike(&blank, &blank));
    }
}
