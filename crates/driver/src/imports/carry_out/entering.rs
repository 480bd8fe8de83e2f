//! Entering a record through Sage's objects, or handing it over as a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use import::identity::customer_identity;
use import::plan::{CustomerSource, ReceiptWrite, Write};
use import::writing::{EnterContext, Entry, enter};
use import::{Event, MARKER_COLUMN, Obstacle, marker};
use model::Problem;
use sage::Fault;

use super::super::current::{Asking, Current, Prepared};
use super::super::lanes::Lane;
use super::super::points;
use super::super::runner::{Reply, Runner};
use super::super::tables::TablesError;
use super::{blocked, lost};
use crate::receipt_files::{HandOverError, HandedOver, hand_over};

/// How long an import job may run over one receipt.
const JOB_LIMIT: Duration = Duration::from_secs(300);

impl Runner {
    /// Enters it; none when what came of it is heard later.
    pub(super) fn enter(&mut self, current: &mut Current, write: usize, identity: &str) -> Option<Event> {
        let Some(write) = current.write(write).cloned() else {
            return Some(lost("the plan has no such write"));
        };
        if let Write::Receipt(receipt) = &write
            && receipt.is_filed
        {
            return self.hand_over(current, receipt, identity);
        }
        Some(self.enter_record(current, &write, identity))
    }

    fn enter_record(&mut self, current: &mut Current, write: &Write, identity: &str) -> Event {
        let Some(prepared) = current
            .prepared
            .take()
            .filter(|prepared| prepared.identity == identity)
        else {
            return lost("what was read for it is not known any more");
        };
        let earlier = current.earlier();
        let context = EnterContext {
            today: self.today(),
            marker: prepared.marker,
            earlier: &earlier,
            deposited: prepared.deposited,
        };
        let fault_point = &self.fault_point;
        let entry = match &mut self.worker {
            Some(worker) => enter(worker.objects.as_mut(), identity, write, &context, &mut |step| {
                fault_point(points::of_step(step))
            }),
            None => {
                let fault = Fault {
                    code: 0,
                    message: "the session is gone".into(),
                };
                Entry::Faulted { fault, began: false }
            }
        };
        if let Some(worker) = &mut self.worker {
            worker.used_at = self.clock.now();
        }
        self.point("import.after_enter");
        let told = |problems: &[model::Problem]| match problems {
            [] => String::new(),
            [first, rest @ ..] => {
                let more = if rest.is_empty() {
                    String::new()
                } else {
                    format!(" (and {} more)", rest.len())
                };
                format!("{}: {}{more}", first.code, first.message)
            }
        };
        let (step, detail) = match &entry {
            Entry::Entered { .. } => (
                "entered",
                format!("Sage said that the {} is written", write.noun()),
            ),
            Entry::Held { problems, .. } => ("held", told(problems)),
            Entry::Refused { problems, .. } => ("refused", told(problems)),
            Entry::Condition {
                condition, detail, ..
            } => ("waiting", format!("{}: {detail}", condition.as_str())),
            Entry::HandedOver { problem } => ("handed_over", problem.message.clone()),
            Entry::KeyTaken => ("key_taken", identity.to_owned()),
            Entry::Faulted { fault, .. } => ("faulted", fault.to_string()),
        };
        self.note(current, step, &detail);
        Event::Entered(entry)
    }

    /// Hands a receipt over as a file. Beside the writer, where there is something beside it: a
    /// job may run for minutes, and meanwhile others are entered and a stop is heard.
    fn hand_over(&mut self, current: &mut Current, receipt: &ReceiptWrite, identity: &str) -> Option<Event> {
        if let CustomerSource::Known(customer) = &receipt.customer {
            // Its plan says whom it is about, whatever its rules may have changed.
            let lane = Lane::Customer(customer_identity(customer));
            if lane.covers(current.writes()) {
                current.lane = lane;
            }
        }
        let settings = Arc::clone(&self.site.settings);
        let (receipt, identity) = (receipt.clone(), identity.to_owned());
        let company = self.company.clone();
        let work = move || {
            hand_over(
                &settings.payments.writer,
                &receipt,
                &identity,
                JOB_LIMIT,
                &company,
            )
        };
        if !self.tables.is_beside() {
            return Some(self.take_handed_over(current, Some(work())));
        }
        if Arc::strong_count(&self.handing_over) > 1 {
            // Of a document that was given up with the lease.
            return Some(blocked(
                Obstacle::ImportFile,
                &"the job over another receipt still runs",
            ));
        }
        let (ticket, answers) = (self.ticket(current, Asking::HandOver), self.answers.clone());
        let handing_over = Arc::clone(&self.handing_over);
        let handing = Builder::new().name("hand-over".to_owned()).spawn(move || {
            // Whoever waits is answered, whatever becomes of it.
            let handed = catch_unwind(AssertUnwindSafe(work)).ok();
            drop(handing_over);
            // Nobody waits any more when the writer has ended.
            let _ = answers.send((ticket, Reply::HandedOver(handed)));
        });
        match handing {
            Ok(_) => None,
            Err(error) => {
                current.asked = None;
                Some(blocked(Obstacle::ImportFile, &error))
            }
        }
    }

    /// What follows from a receipt's having been handed over.
    pub(in crate::imports) fn take_handed_over(
        &mut self,
        current: &Current,
        handed: Option<Result<HandedOver, HandOverError>>,
    ) -> Event {
        self.point("import.after_enter");
        match handed {
            Some(Ok(handed)) => {
                let problem = handed.problem();
                self.note(current, "handed_over", &handed.file.display().to_string());
                Event::Entered(Entry::HandedOver { problem })
            }
            Some(Err(HandOverError::Paused { words })) => blocked(Obstacle::Paused, &words),
            Some(Err(error)) if error.is_retryable() => {
                let detail = format!("{}: {error}; {}", error.code(), error.remedy());
                blocked(Obstacle::ImportFile, &detail)
            }
            Some(Err(error)) => Event::Entered(Entry::Refused {
                problems: vec![Problem::new(error.code(), "", error.to_string(), error.remedy())],
                at_header_write: false,
                warnings: Vec::new(),
            }),
            None => blocked(
                Obstacle::ReadingFailed,
                &"the driver failed while it handed the receipt over",
            ),
        }
    }

    /// Reads what a record needs of the tables before it is entered under the identity, so that
    /// behind the hub's word nothing waits any more.
    pub(super) fn prepare(
        &mut self,
        current: &mut Current,
        name: &str,
        identity: &str,
    ) -> Result<(), TablesError> {
        let is_it = |write: &&Write| write.identity_name() == name;
        let Some(write) = current.writes().iter().find(is_it) else {
            return Ok(());
        };
        if write.is_filed() || current.prepared.as_ref().is_some_and(|p| p.identity == identity) {
            return Ok(());
        }
        let write = write.clone();
        let deposited = match &write {
            Write::Receipt(_) => {
                let identity = identity.to_owned();
                self.tables.ask(move |erp| erp.deposited(&identity))?
            }
            Write::SalesOrder(_) | Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) => None,
        };
        let marker = self.marker_of(current, &write)?;
        current.prepared = Some(Prepared {
            identity: identity.to_owned(),
            marker,
            deposited,
        });
        Ok(())
    }

    /// The mark of this import, where the write's table has the column.
    fn marker_of(&mut self, current: &Current, write: &Write) -> Result<Option<String>, TablesError> {
        let table = match write {
            Write::Customer(_) | Write::CustomerChange(_) => "AR_Customer",
            Write::ShipTo(_) => "SO_ShipToAddress",
            Write::SalesOrder(_) => "SO_SalesOrderHeader",
            Write::Receipt(_) => return Ok(None),
        };
        if !self.has_marker.contains_key(table) {
            // Only what is known is remembered, and as long as the session.
            let has = self.tables.ask(move |erp| erp.has_column(table, MARKER_COLUMN))?;
            self.has_marker.insert(table, has);
        }
        let has_column = self.has_marker.get(table).copied().unwrap_or(false);
        Ok(has_column.then(|| marker(current.id())))
    }
}
