//! Which identities a write may have.

use model::Problem;

use super::Import;
use crate::identity::{change_identity, customer_identity, customer_of, identity};
use crate::plan::{CustomerSource, NumberSource, Write};
use crate::problems;
use crate::record::Verdict;

impl Import {
    /// Did the only identity that the write may have turn out to be somebody else's?
    pub(super) fn is_given_taken(&self) -> bool {
        let Some(Write::Customer(customer)) = self.write() else {
            return false;
        };
        let NumberSource::Given { customer_no, .. } = &customer.number else {
            return false;
        };
        let given = identity([customer.ar_division_no.as_str(), customer_no]);
        self.reservations
            .iter()
            .any(|r| r.name == self.name() && r.identity == given && r.verdict == Verdict::Foreign)
    }

    /// Next numbers that were not free, and whose they are as far as it is known.
    pub(super) fn numbers_taken(&self) -> Problem {
        if self.taken_at_hub < self.taken {
            return problems::numbers_taken(self.noun(), self.taken);
        }
        let last = self.reservations.iter().rfind(|r| r.name == self.name());
        let last = last.map(|r| r.identity.as_str()).unwrap_or_default();
        problems::numbers_of_ours(self.noun(), self.taken, last)
    }

    /// Does an identity that was reserved before suit the write as it is planned now?
    pub(super) fn suits(&self, reserved: &str) -> bool {
        if !self.is_replanned {
            return true;
        }
        let is_customers = |source: &CustomerSource| {
            let customer = match source {
                CustomerSource::Known(customer) => Some(customer_identity(customer)),
                CustomerSource::Write(_) => self
                    .done
                    .iter()
                    .find(|done| done.name == "customer_no")
                    .map(|done| done.identity.clone()),
            };
            customer.is_some_and(|customer| customer_of(reserved) == customer_of(&customer))
        };
        match self.write() {
            Some(Write::Customer(customer)) => {
                let of = customer_of(reserved);
                of.is_some_and(|of| {
                    of.ar_division_no == customer.ar_division_no
                        && match &customer.number {
                            NumberSource::Given { customer_no, .. } => of.customer_no == *customer_no,
                            NumberSource::SageNext | NumberSource::Counter { .. } => true,
                        }
                })
            }
            Some(Write::CustomerChange(change)) => change_identity(change) == reserved,
            Some(Write::ShipTo(ship_to)) => is_customers(&ship_to.customer),
            // Its date, bank and type decide where it goes, and they may have been edited.
            Some(Write::Receipt(_)) => false,
            Some(Write::SalesOrder(_)) | None => true,
        }
    }

    /// The refusal when the only identity that the write may have is taken.
    pub(super) fn given_identity(&self) -> Option<Problem> {
        match self.write()? {
            Write::Customer(customer) => match &customer.number {
                NumberSource::Given { customer_no, field } => {
                    Some(problems::customer_no_taken(customer_no, field))
                }
                NumberSource::SageNext | NumberSource::Counter { .. } => None,
            },
            Write::CustomerChange(_) | Write::ShipTo(_) | Write::SalesOrder(_) | Write::Receipt(_) => None,
        }
    }

    /// May the write get another identity when its first one is not free?
    pub(super) fn is_renumbered(&self) -> bool {
        let is_change = matches!(self.write(), Some(Write::CustomerChange(_)));
        !is_change && self.given_identity().is_none()
    }
}
