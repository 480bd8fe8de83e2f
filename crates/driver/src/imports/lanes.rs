//! Which documents may be on their way together. What is read to plan a document (what the
//! customer owes and has on order, purchase order numbers, open invoices) must not move under
//! it by another document of ours, so those of one customer go one after the other, in the
//! order in which they came. One whose customer is not known before it is planned, or that looks
//! at stock, goes alone.

use std::collections::BTreeSet;

use import::Document;
use import::identity::customer_identity;
use import::plan::{CustomerSource, Write};
use model::CustomerRef;
use serde_json::Value;

/// What a document has to itself while it is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// A customer, by identity.
    Customer(String),
    /// Everything.
    All,
}

impl Lane {
    /// As the document says, before its rules and its plan. Rules may send it anywhere.
    pub(super) fn of(document: &Document, has_rules: bool) -> Self {
        let takes_alternates = || {
            let lines = document.body.get("lines").and_then(Value::as_array);
            let takes = |line: &Value| line.get("take_alternate").and_then(Value::as_bool) == Some(true);
            lines.is_some_and(|lines| lines.iter().any(takes))
        };
        let text = |name: &str| {
            let value = document.body.get("customer")?.get(name)?;
            value.as_str().map(|text| text.trim_end().to_owned())
        };
        match (text("ar_division_no"), text("customer_no")) {
            (Some(ar_division_no), Some(customer_no)) if !has_rules && !takes_alternates() => {
                Self::Customer(customer_identity(&CustomerRef {
                    ar_division_no,
                    customer_no,
                }))
            }
            _ => Self::All,
        }
    }

    /// Is every write of the plan within it?
    pub(super) fn covers(&self, writes: &[Write]) -> bool {
        let Self::Customer(own) = self else {
            return true;
        };
        writes.iter().all(|write| {
            let source = match write {
                Write::SalesOrder(order) => &order.customer,
                Write::ShipTo(ship_to) => &ship_to.customer,
                Write::Receipt(receipt) => &receipt.customer,
                Write::CustomerChange(change) => return customer_identity(&change.customer) == *own,
                Write::Customer(_) => return false,
            };
            match source {
                CustomerSource::Known(customer) => customer_identity(customer) == *own,
                CustomerSource::Write(_) => false,
            }
        })
    }
}

/// Lanes that are taken, by documents on their way and by those that came before and wait
/// for their turn.
#[derive(Debug, Default)]
pub(super) struct Taken<'a> {
    all: bool,
    customers: BTreeSet<&'a str>,
}

impl<'a> Taken<'a> {
    /// Is the lane free?
    pub(super) fn is_free(&self, lane: &Lane) -> bool {
        match lane {
            Lane::Customer(customer) => !self.all && !self.customers.contains(customer.as_str()),
            Lane::All => !self.all && self.customers.is_empty(),
        }
    }

    pub(super) fn take(&mut self, lane: &'a Lane) {
        match lane {
            Lane::Customer(customer) => {
                self.customers.insert(customer);
            }
            Lane::All => self.all = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use import::plan::{CustomerWrite, NumberSource};
    use model::{Decision, ImportKind};
    use serde_json::json;
    use values::{CompanyId, ImportId};

    use super::*;

    fn lane(body: Value, has_rules: bool) -> Lane {
        let document = Document {
            id: ImportId::new("a"),
            company: CompanyId::new("ABC"),
            kind: ImportKind::SalesOrder,
            revision: 1,
            body,
            decision: Decision::default(),
        };
        Lane::of(&document, has_rules)
    }

    #[test]
    fn documents_of_one_customer_go_one_after_the_other_and_the_unknown_alone() {
        let of = |number: &str| json!({"customer": {"ar_division_no": "01", "customer_no": number}});
        let (abf, keys) = (lane(of("ABF"), false), lane(of("KEYS001"), false));
        assert_eq!(abf, lane(of("ABF  "), false));
        let mut taken = Taken::default();
        assert!(taken.is_free(&Lane::All));
        taken.take(&abf);
        assert!(!taken.is_free(&abf) && taken.is_free(&keys) && !taken.is_free(&Lane::All));
        taken.take(&Lane::All);
        assert!(!taken.is_free(&keys));

        assert_eq!(lane(of("ABF"), true), Lane::All, "a rule may change the customer");
        assert_eq!(lane(json!({"customer": {"new": {}}}), false), Lane::All);
        let mut alternates = of("ABF");
        alternates["lines"] = json!([{"item_code": "A"}, {"item_code": "B", "take_alternate": true}]);
        assert_eq!(lane(alternates, false), Lane::All, "it looks at stock");
    }

    #[test]
    fn a_plan_for_another_customer_is_not_covered() {
        let lane = Lane::Customer("01:ABF".into());
        assert!(lane.covers(&[]));
        let made = Write::Customer(CustomerWrite {
            ar_division_no: "01".into(),
            number: NumberSource::SageNext,
            settings: Vec::new(),
        });
        assert!(!lane.covers(std::slice::from_ref(&made)) && Lane::All.covers(&[made]));
    }
}
