//! An identity for a write: Sage's next number, the site's own counter, or what the
//! document brings.

use import::batches::file_identity;
use import::identity::{change_identity, identity, parts};
use import::plan::{CustomerWrite, NumberSource, ReceiptWrite, ShipToWrite, Write};
use import::planning::Knowledge as _;
use import::writing::{Answer, allot, next_number};
use import::{Event, Obstacle};
use jiff::SignedDuration;
use model::{CustomerRef, Problem};

use super::super::current::Current;
use super::super::runner::Runner;
use super::super::tables::TablesError;
use super::read_back::customer_of;
use super::{blocked, faulted, lost, unjournaled, unreadable};

/// Numbers of a counter that are tried before somebody has to look.
const MAX_COUNTER_STEPS: u64 = 1_000;

/// Numbers of orders from before a restore that are passed over for one document: seconds, and
/// what Sage counts on by is what a person would set.
const MAX_SKIPPED: usize = 1_000;

/// Batches that were last used before are not remembered: nothing goes into them any more.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(400 * 24);

impl Runner {
    pub(super) fn next_identity(&mut self, current: &Current, write: usize) -> Event {
        let Some(write) = current.write(write).cloned() else {
            return lost("the plan has no such write");
        };
        match &write {
            Write::SalesOrder(_) => self.order_number_from_sage(current, &write),
            Write::Customer(customer) => match &customer.number {
                NumberSource::SageNext => match self.number_from_sage(&write) {
                    Ok(number) => given(identity([customer.ar_division_no.as_str(), &number])),
                    Err(event) => *event,
                },
                NumberSource::Counter { prefix, digits } => {
                    self.number_from_counter(current, customer, prefix, *digits)
                }
                NumberSource::Given { customer_no, .. } => {
                    given(identity([customer.ar_division_no.as_str(), customer_no]))
                }
            },
            Write::CustomerChange(change) => given(change_identity(change)),
            Write::ShipTo(ship_to) => self.free_ship_to(current, ship_to, &write),
            Write::Receipt(receipt) => self.allot_receipt(current, receipt, &write),
        }
    }

    /// Sage's next number, behind those that orders of ours had before Sage was restored from a
    /// backup: a person has thawed the company, and Sage gives them out again.
    fn order_number_from_sage(&mut self, current: &Current, write: &Write) -> Event {
        let mut skipped = Skipped::default();
        loop {
            let number = match self.number_from_sage(write) {
                Ok(number) => number,
                Err(event) => return *event,
            };
            let is_ours = match self.journal().is_before_thaw(&self.site.company, &number) {
                Ok(is_ours) => is_ours,
                Err(error) => return unjournaled(&error),
            };
            if !is_ours {
                self.note_skipped(current, &skipped);
                let highest = self.journal().highest_before(&self.site.company, &number);
                return match highest {
                    Ok(highest) => Event::IdentityGiven {
                        identity: number,
                        highest,
                    },
                    Err(error) => unjournaled(&error),
                };
            }
            if !skipped.goes_on_after(number) {
                break;
            }
        }
        self.note_skipped(current, &skipped);
        let Skipped { first, last, .. } = skipped;
        Event::IdentityHeld(Problem::new(
            "numbers_taken",
            "",
            format!(
                "Sage gave out {first} to {last} as next sales order numbers; they are those of orders that this driver wrote before Sage was restored"
            ),
            match self.journal().highest_of_all(&self.site.company) {
                Ok(Some(highest)) => format!(
                    "raise Next Sales Order Number in Sage's Sales Order Options above {highest}, the highest of them, then retry the document"
                ),
                Ok(None) | Err(_) => format!(
                    "raise Next Sales Order Number in Sage's Sales Order Options well above {last}, then retry the document"
                ),
            },
        ))
    }

    fn note_skipped(&mut self, current: &Current, skipped: &Skipped) {
        let Skipped { first, last, count } = skipped;
        if *count > 0 {
            let words =
                format!("sales_order_no {first} to {last}, of orders written before Sage was restored");
            self.note(current, "skipped", &words);
            tracing::warn!(company = %self.site.company, first, last, "numbers were skipped: orders of this driver had them before Sage was restored");
        }
    }

    fn number_from_sage(&mut self, write: &Write) -> Result<String, Box<Event>> {
        let Some(worker) = &mut self.worker else {
            return Err(Box::new(lost("the session is gone")));
        };
        match next_number(worker.objects.as_mut(), write) {
            Ok(Answer::Given(number)) => {
                self.point("import.after_number");
                Ok(number)
            }
            Ok(Answer::Condition(condition, words)) => {
                Err(Box::new(blocked(Obstacle::Sage(condition), &words)))
            }
            // Automatic numbering of customers is an option: nothing comes of waiting for it.
            Ok(Answer::Refused(problem)) if matches!(write, Write::Customer(_)) => {
                Err(Box::new(Event::NoIdentity(problem)))
            }
            Ok(Answer::Refused(problem)) => {
                Err(Box::new(blocked(Obstacle::SageUnreachable, &problem.message)))
            }
            Err(fault) => {
                self.kill_worker();
                Err(Box::new(faulted(&fault)))
            }
        }
    }

    /// The number behind the highest that Sage has with the prefix, and behind what this
    /// document tried already and others are about to use.
    fn number_from_counter(
        &mut self,
        current: &Current,
        customer: &CustomerWrite,
        prefix: &str,
        digits: u8,
    ) -> Event {
        let division = &customer.ar_division_no;
        let (of, with) = (division.clone(), prefix.to_owned());
        let highest = self
            .tables
            .ask(move |erp| erp.highest_customer(&of, &with, digits));
        let highest = match highest {
            Ok(highest) => highest.unwrap_or(0),
            Err(error) => return unreadable(&error),
        };
        for step in 1..=MAX_COUNTER_STEPS {
            let number = format!("{prefix}{:0width$}", highest + step, width = usize::from(digits));
            if number.len() > prefix.len() + usize::from(digits) {
                return Event::NoIdentity(Problem::new(
                    "customer_numbers_used_up",
                    "",
                    format!(
                        "the counter {prefix} with {digits} digits has no number left in division {division}"
                    ),
                    "give customers.numbering more digits or another prefix, then retry the document",
                ));
            }
            let candidate = identity([division.as_str(), &number]);
            if !self.is_tried(current, &candidate) {
                return given(candidate);
            }
        }
        lost("no free customer number was found")
    }

    /// The lowest number that no ship-to address of the customer has as its code.
    fn free_ship_to(&mut self, current: &Current, _: &ShipToWrite, write: &Write) -> Event {
        let Some(customer) = customer_of(current, write) else {
            return lost("the ship-to's customer is not known any more");
        };
        let taken = match self.ship_to_codes(&customer) {
            Ok(taken) => taken,
            Err(error) => return unreadable(&error),
        };
        let free = (1..10_000_u32)
            .map(|number| format!("{number:04}"))
            .filter(|code| {
                !taken
                    .iter()
                    .any(|t| t == code || t.trim_start_matches('0') == code.trim_start_matches('0'))
            })
            .map(|code| identity([customer.ar_division_no.as_str(), &customer.customer_no, &code]))
            .find(|candidate| !self.is_tried(current, candidate));
        match free {
            Some(identity) => given(identity),
            None => Event::NoIdentity(Problem::new(
                "ship_to_codes_used_up",
                "ship_to",
                format!("customer {customer} has no free ship-to code of four digits"),
                "remove ship-to addresses in Sage that are not used, or set ship_tos.new to on_order",
            )),
        }
    }

    /// By this document, or by another one that is open.
    fn is_tried(&self, current: &Current, candidate: &str) -> bool {
        let mut others = self.imports.iter();
        current.has_tried(candidate) || others.any(|other| other.has_tried(candidate))
    }

    fn ship_to_codes(&mut self, customer: &CustomerRef) -> Result<Vec<String>, TablesError> {
        let customer = customer.clone();
        let ship_tos = self.tables.ask(move |erp| erp.ship_tos(&customer))?;
        Ok(ship_tos.into_iter().map(|ship_to| ship_to.ship_to_code).collect())
    }

    /// Batch and deposit that the receipt goes into; both are journaled before anything is
    /// entered into them.
    fn allot_receipt(&mut self, current: &Current, receipt: &ReceiptWrite, write: &Write) -> Event {
        let Some(customer) = customer_of(current, write) else {
            return lost("the receipt's customer is not known any more");
        };
        if receipt.is_filed {
            return given(file_identity(receipt, &customer));
        }
        let mut allotments = match self.journal().allotments(&self.site.company) {
            Ok(allotments) => allotments,
            Err(error) => return unjournaled(&error),
        };
        let now = self.clock.now();
        // A batch that is opened and cannot be remembered would be opened again and again.
        let oldest = now.checked_sub(MAX_AGE).unwrap_or(jiff::Timestamp::MIN);
        allotments.forget_before(oldest);
        let kept = self.journal().keep_allotments(&self.site.company, &allotments);
        if let Err(error) = kept {
            return unjournaled(&error);
        }
        let run = self.run.clone();
        let Some(worker) = &mut self.worker else {
            return lost("the session is gone");
        };
        match allot(worker.objects.as_mut(), receipt, &run, now, &allotments) {
            Ok(Answer::Given(allotted)) => {
                let found = allotted.allotment.identity(&customer, &receipt.check_no);
                allotments.keep(allotted);
                let kept = self.journal().keep_allotments(&self.site.company, &allotments);
                match kept {
                    Ok(()) => {
                        self.point("import.after_allot");
                        self.note(current, "allotted", &parts(&found)[..3].join("/"));
                        given(found)
                    }
                    Err(error) => unjournaled(&error),
                }
            }
            Ok(Answer::Condition(condition, words)) => blocked(Obstacle::Sage(condition), &words),
            Ok(Answer::Refused(problem)) => Event::NoIdentity(problem),
            Err(fault) => {
                self.kill_worker();
                faulted(&fault)
            }
        }
    }
}

const fn given(identity: String) -> Event {
    Event::IdentityGiven {
        identity,
        highest: None,
    }
}

/// Numbers that were passed over for one document.
#[derive(Debug, Default)]
struct Skipped {
    first: String,
    last: String,
    count: usize,
}

impl Skipped {
    /// Passes over one more, and says whether another may be asked for. Where Sage gives out
    /// the same number again it counts on only when a record is written, and there is no end.
    fn goes_on_after(&mut self, number: String) -> bool {
        if self.count > 0 && self.last == number {
            return false;
        }
        if self.count == 0 {
            self.first.clone_from(&number);
        }
        self.last = number;
        self.count += 1;
        self.count <= MAX_SKIPPED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_numbers_are_passed_over_and_no_more() {
        let mut skipped = Skipped::default();
        for number in 901..901 + MAX_SKIPPED {
            assert!(skipped.goes_on_after(format!("{number:07}")), "{number}");
        }
        assert!(!skipped.goes_on_after("0001901".to_owned()));
        assert_eq!(
            (skipped.first.as_str(), skipped.last.as_str()),
            ("0000901", "0001901")
        );
    }

    #[test]
    fn a_number_that_comes_again_ends_it() {
        let mut skipped = Skipped::default();
        assert!(skipped.goes_on_after("0000901".to_owned()));
        assert!(!skipped.goes_on_after("0000901".to_owned()));
        assert_eq!(skipped.count, 1);
    }
}
