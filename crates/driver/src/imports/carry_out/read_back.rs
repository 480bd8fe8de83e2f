//! Looking for what was entered.

use import::plan::{CustomerSource, OrderWrite, Write};
use import::read_back::{self, Expected, Finding, SightedOrder, classify};
use import::writing::read_back_through_objects;
use import::{Event, Inquiry, marker};
use model::CustomerRef;
use sage::ReadError;
use values::Stamp;

use super::super::current::{Asking, Current};
use super::super::erp::Erp;
use super::super::runner::{Reply, Runner};
use super::super::tables::TablesError;
use super::unreadable;

/// What is looked for, beside the tables.
struct Search {
    write: Write,
    customer: Option<CustomerRef>,
    inquiry: Inquiry,
    mark: String,
    /// Who entered it.
    user: String,
    /// The reservation's instant as the slowest of the site's clocks would have stamped it.
    since: Stamp,
    /// The site says that what leaves Sage's open records is kept.
    keeps_history: bool,
    /// What Sage's objects said of it.
    through_objects: Option<Option<SightedOrder>>,
}

impl Runner {
    /// Has it looked for, beside whatever else is done; none when an answer comes later.
    pub(super) fn read_back(
        &mut self,
        current: &mut Current,
        write: usize,
        inquiry: &Inquiry,
    ) -> Option<Event> {
        let Some(write) = current.write(write).cloned() else {
            let why = "the plan has no such write any more".into();
            return Some(Event::ReadBack {
                finding: Finding::Unclear { why },
                keeps_history: false,
            });
        };
        let through_objects = if inquiry.is_said_written() && matches!(write, Write::SalesOrder(_)) {
            self.ask_objects(&inquiry.identity)
        } else {
            None
        };
        let keeps_history = match &write {
            Write::Receipt(_) => self.site.settings.payments.history_kept,
            Write::SalesOrder(_) => self.site.keeps_history,
            // These do not move: what is not there was never written.
            Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) => true,
        };
        let search = Search {
            customer: customer_of(current, &write),
            write,
            inquiry: inquiry.clone(),
            mark: marker(current.id()),
            user: self.site.login.user.clone(),
            since: self.since(inquiry.since),
            keeps_history,
            through_objects,
        };
        let ticket = self.ticket(current, Asking::Look);
        let answers = self.answers.clone();
        let answer = move |looked| {
            // Nobody waits any more when the writer has ended.
            let _ = answers.send((ticket, Reply::Looked(looked)));
        };
        let look = move |erp: &mut Erp| {
            let (finding, keeps_history) = search.look(erp)?;
            Ok(Looked {
                name: search.inquiry.name,
                identity: search.inquiry.identity,
                finding,
                keeps_history,
            })
        };
        self.tables.put(look, answer);
        None
    }

    /// What follows from what was found.
    pub(in crate::imports) fn take_look(
        &mut self,
        current: &Current,
        looked: Result<Looked, TablesError>,
    ) -> Event {
        let looked = match looked {
            Ok(looked) => looked,
            Err(error) => return unreadable(&error),
        };
        let detail = match &looked.finding {
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
            &format!("{} {}: {detail}", looked.name, looked.identity),
        );
        self.point("import.after_read_back");
        Event::ReadBack {
            finding: looked.finding,
            keeps_history: looked.keeps_history,
        }
    }

    fn ask_objects(&mut self, number: &str) -> Option<Option<SightedOrder>> {
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

impl Search {
    fn look(&self, erp: &mut Erp) -> Result<(Finding, bool), ReadError> {
        match &self.write {
            Write::SalesOrder(order) => self.look_for_order(order, erp),
            Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) | Write::Receipt(_) => {
                self.look_for_record(erp)
            }
        }
    }

    fn look_for_order(&self, order: &OrderWrite, erp: &mut Erp) -> Result<(Finding, bool), ReadError> {
        let mut sightings = erp.order_sightings(&self.inquiry.identity)?;
        sightings.objects.clone_from(&self.through_objects);
        let user_key = erp.user_key(&self.user)?;
        let keeps_history = self.keeps_history && erp.has_order_history()?;
        let Some(customer) = &self.customer else {
            let why = "the order's customer is not known any more".into();
            return Ok((Finding::Unclear { why }, keeps_history));
        };
        let expected = Expected {
            order,
            customer,
            marker: &self.mark,
            user_key: user_key.as_deref(),
            since: self.since,
            extension: self.inquiry.extension(),
        };
        Ok((classify(&expected, &sightings), keeps_history))
    }

    fn look_for_record(&self, erp: &mut Erp) -> Result<(Finding, bool), ReadError> {
        let columns = erp.columns()?;
        let user_key = erp.user_key(&self.user)?;
        let by = read_back::customer::Writer {
            marker: &self.mark,
            user_key: user_key.as_deref(),
            since: self.since,
        };
        let identity = &self.inquiry.identity;
        let finding = match &self.write {
            Write::Customer(customer) => {
                let rows = erp.gather(read_back::customer::selects(identity, &columns))?;
                read_back::customer::classify(identity, customer, &by, &rows)
            }
            Write::CustomerChange(change) => {
                let rows = erp.gather(read_back::customer::change_selects(change, &columns))?;
                read_back::customer::classify_change(change, &rows)
            }
            Write::ShipTo(ship_to) => {
                let rows = erp.gather(read_back::ship_to::selects(identity, &columns))?;
                read_back::ship_to::classify(identity, ship_to, &by, &rows)
            }
            Write::Receipt(receipt) => {
                let rows = erp.gather(read_back::receipt::selects(identity, &columns))?;
                let finding = read_back::receipt::classify(identity, receipt, &rows);
                let keeps_history = self.keeps_history && read_back::receipt::tells_posted(receipt, &rows);
                return Ok((finding, keeps_history));
            }
            Write::SalesOrder(_) => {
                let why = "an order is looked for elsewhere".into();
                Finding::Unclear { why }
            }
        };
        Ok((finding, self.keeps_history))
    }
}

/// What was found under an identity.
pub(in crate::imports) struct Looked {
    name: String,
    identity: String,
    finding: Finding,
    keeps_history: bool,
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
