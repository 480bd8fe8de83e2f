//! Looking for what was entered.

use import::plan::{CustomerSource, Write};
use import::read_back::{self, Expected, Finding, Sightings, classify};
use import::writing::read_back_through_objects;
use import::{Event, Inquiry, marker};
use model::CustomerRef;
use sage::ReadError;

use super::super::current::Current;
use super::super::runner::Runner;
use super::unreadable;

impl Runner {
    pub(super) fn read_back(&mut self, current: &Current, write: usize, inquiry: &Inquiry) -> Event {
        let Some(write) = current.write(write).cloned() else {
            let why = "the plan has no such write any more".into();
            return Event::ReadBack {
                finding: Finding::Unclear { why },
                keeps_history: false,
            };
        };
        let looked = match &write {
            Write::SalesOrder(_) => self.look_for_order(current, &write, inquiry),
            Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) | Write::Receipt(_) => {
                self.look_for_record(current, &write, inquiry)
            }
        };
        let (finding, keeps_history) = match looked {
            Ok(looked) => looked,
            Err(error) => return unreadable(&error),
        };
        let detail = match &finding {
            Finding::Ours { .. } => "ours",
            Finding::Foreign { .. } => "foreign",
            Finding::Absent => "absent",
            Finding::Partial { .. } => "partial",
            Finding::Unclear { .. } => "unclear",
            Finding::Removed { .. } => "removed",
        };
        self.note(
            current,
            "read_back",
            &format!("{} {}: {detail}", inquiry.name, inquiry.identity),
        );
        self.point("import.after_read_back");
        Event::ReadBack {
            finding,
            keeps_history,
        }
    }

    fn look_for_order(
        &mut self,
        current: &Current,
        write: &Write,
        inquiry: &Inquiry,
    ) -> Result<(Finding, bool), ReadError> {
        let through_objects = if inquiry.is_said_written() {
            self.ask_objects(&inquiry.identity)
        } else {
            None
        };
        let mut sightings: Sightings = self.erp.order_sightings(&inquiry.identity)?;
        sightings.objects = through_objects;
        let user_key = self.erp.user_key(&self.site.login.user)?;
        let keeps_history = self.site.keeps_history && self.erp.has_order_history()?;
        let (Write::SalesOrder(order), Some(customer)) = (write, customer_of(current, write)) else {
            let why = "the order's customer is not known any more".into();
            return Ok((Finding::Unclear { why }, keeps_history));
        };
        let mark = marker(current.id());
        let expected = Expected {
            order,
            customer: &customer,
            marker: &mark,
            user_key: user_key.as_deref(),
            since: self.since(inquiry.since),
            extension: inquiry.extension(),
        };
        Ok((classify(&expected, &sightings), keeps_history))
    }

    fn look_for_record(
        &mut self,
        current: &Current,
        write: &Write,
        inquiry: &Inquiry,
    ) -> Result<(Finding, bool), ReadError> {
        let columns = self.erp.columns()?;
        let user_key = self.erp.user_key(&self.site.login.user)?;
        let mark = marker(current.id());
        let by = read_back::customer::Writer {
            marker: &mark,
            user_key: user_key.as_deref(),
            since: self.since(inquiry.since),
        };
        let identity = &inquiry.identity;
        let finding = match write {
            Write::Customer(customer) => {
                let rows = self
                    .erp
                    .gather(read_back::customer::selects(identity, &columns))?;
                read_back::customer::classify(identity, customer, &by, &rows)
            }
            Write::CustomerChange(change) => {
                let rows = self
                    .erp
                    .gather(read_back::customer::change_selects(change, &columns))?;
                read_back::customer::classify_change(change, &rows)
            }
            Write::ShipTo(ship_to) => {
                let rows = self.erp.gather(read_back::ship_to::selects(identity, &columns))?;
                read_back::ship_to::classify(identity, ship_to, &by, &rows)
            }
            Write::Receipt(receipt) => {
                let rows = self.erp.gather(read_back::receipt::selects(identity, &columns))?;
                let finding = read_back::receipt::classify(identity, receipt, &rows);
                return Ok((finding, self.erp.has_receipt_history()?));
            }
            Write::SalesOrder(_) => {
                let why = "an order is looked for elsewhere".into();
                Finding::Unclear { why }
            }
        };
        // Customers and ship-tos do not move: what is not there was never written.
        Ok((finding, true))
    }

    fn ask_objects(&mut self, number: &str) -> Option<Option<read_back::SightedOrder>> {
        let worker = self.worker.as_mut()?;
        match read_back_through_objects(worker.objects.as_mut(), number) {
            Ok(found) => Some(found),
            Err(fault) => {
                // Sage's words may name customers.
                tracing::debug!(%fault, "not read back through Sage's objects; its tables decide");
                self.kill_worker();
                None
            }
        }
    }
}

/// The customer that a write of the document is about.
pub(super) fn customer_of(current: &Current, write: &Write) -> Option<CustomerRef> {
    let source = match write {
        Write::SalesOrder(order) => &order.customer,
        Write::ShipTo(ship_to) => &ship_to.customer,
        Write::Receipt(receipt) => &receipt.customer,
        Write::CustomerChange(change) => return Some(change.customer.clone()),
        Write::Customer(_) => return None,
    };
    match source {
        CustomerSource::Known(customer) => Some(customer.clone()),
        CustomerSource::Write(place) => {
            let earlier = current.earlier();
            import::identity::customer_of(earlier.get(place)?)
        }
    }
}
