//! Which documents may be on their way together. What is read to plan a document (what the
//! customer owes and has on order, purchase order numbers, open invoices) must not move under
//! it by another document of ours, so those of one customer go one after the other, in the
//! order in which they came. One whose customer is not known before it is planned, or that looks
//! at stock, goes alone.

use std::collections::BTreeMap;

use import::Document;
use import::identity::customer_identity;
use import::plan::{CustomerSource, Plan, Write};
use model::{CustomerRef, ImportKind};
use serde_json::Value;
use values::ImportId;

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
        match known_customer(document) {
            Some(customer) if !has_rules && !takes_alternates() => {
                Self::Customer(customer_identity(&customer))
            }
            Some(_) | None => Self::All,
        }
    }

    /// As it is once there is a plan: what does not keep to its customer goes alone.
    pub(super) fn of_plan(self, plan: &Plan) -> Self {
        if plan.is_alone || !self.covers(&plan.writes) {
            return Self::All;
        }
        self
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

/// The existing customer that the document changes: such documents never pass each other,
/// however long one of them waits, or an older change would undo a newer one.
pub(super) fn changed_customer(document: &Document) -> Option<String> {
    if document.kind != ImportKind::Customer {
        return None;
    }
    known_customer(document).map(|customer| customer_identity(&customer))
}

fn known_customer(document: &Document) -> Option<CustomerRef> {
    let text = |name: &str| {
        let value = document.body.get("customer")?.get(name)?;
        value.as_str().map(|text| text.trim_end().to_owned())
    };
    Some(CustomerRef {
        ar_division_no: text("ar_division_no")?,
        customer_no: text("customer_no")?,
    })
}

/// Lanes that are taken, and by whom: by documents on their way, by those that wait with a plan,
/// and by those that came before and wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Taken<'a> {
    all: Vec<&'a ImportId>,
    customers: BTreeMap<&'a str, Vec<&'a ImportId>>,
}

impl<'a> Taken<'a> {
    /// Has nobody else the lane, or a part of it?
    pub(super) fn is_free(&self, lane: &Lane, document: &ImportId) -> bool {
        let is_own = |by: &Vec<&ImportId>| by.iter().all(|by| *by == document);
        is_own(&self.all)
            && match lane {
                Lane::Customer(customer) => self.customers.get(customer.as_str()).is_none_or(is_own),
                Lane::All => self.customers.values().all(is_own),
            }
    }

    pub(super) fn take(&mut self, lane: &'a Lane, document: &'a ImportId) {
        match lane {
            Lane::Customer(customer) => self.customers.entry(customer).or_default().push(document),
            Lane::All => self.all.push(document),
        }
    }
}

#[cfg(test)]
mod tests {
    use import::plan::{CustomerWrite, NumberSource};
    use model::Decision;
    use serde_json::json;
    use values::CompanyId;

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
        let (one, other) = (ImportId::new("one"), ImportId::new("other"));
        let mut taken = Taken::default();
        assert!(taken.is_free(&Lane::All, &one));
        taken.take(&abf, &one);
        let is_free = |lane| taken.is_free(lane, &other);
        assert!(!is_free(&abf) && is_free(&keys) && !is_free(&Lane::All));
        assert!(taken.is_free(&abf, &one), "it is its own");
        taken.take(&Lane::All, &other);
        assert!(!taken.is_free(&keys, &one) && taken.is_free(&keys, &other));

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
        assert!(!lane.covers(std::slice::from_ref(&made)) && Lane::All.covers(std::slice::from_ref(&made)));

        let of = |writes, is_alone| {
            let plan = Plan {
                writes,
                is_alone,
                ..Plan::default()
            };
            lane.clone().of_plan(&plan)
        };
        assert_eq!(of(Vec::new(), false), lane);
        assert_eq!(of(vec![made], false), Lane::All);
        assert_eq!(
            of(Vec::new(), true),
            Lane::All,
            "it hangs on what there is of an item"
        );
    }
}
