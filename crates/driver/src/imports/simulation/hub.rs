//! A hub that loses requests and answers.

use std::time::Duration;

use model::{Decision, ImportKind, ImportReport, ImportState};
use serde_json::Value;
use values::{CompanyId, ImportId, LeaseEpoch, StoreId};
use wire::agent::{
    Accept, Discarded, ImportDocument, Lease, LeaseRequest, OpenImport, OpenPage, OpenRequest, PreviewAnswer,
    Report, Reservation, Reserve, Work,
};

use super::Shared;
use crate::imports::ports::{HubAnswer, HubError, HubImports, ToHub};

/// Open documents in one answer: few, so that several are needed.
const PAGE: usize = 2;

/// An import in the hub's store.
pub(super) struct HubImport {
    document: ImportDocument,
    is_accepted: bool,
    is_given_up: bool,
    reservations: Vec<Reservation>,
    pub(super) report: Option<ImportReport>,
}

impl HubImport {
    pub(super) fn new(id: &str, kind: ImportKind, body: Value) -> Self {
        let document = ImportDocument {
            id: ImportId::new(id),
            company: CompanyId::new("ABC"),
            kind,
            revision: 1,
            body,
            decision: Decision::default(),
        };
        Self {
            document,
            is_accepted: false,
            is_given_up: false,
            reservations: Vec::new(),
            report: None,
        }
    }

    /// A driver has it in its journal.
    pub(super) fn taken_up(mut self) -> Self {
        self.is_accepted = true;
        self
    }

    pub(super) const fn is_taken_up(&self) -> bool {
        self.is_accepted
    }

    pub(super) const fn document(&self) -> &ImportDocument {
        &self.document
    }

    /// A person has decided that it is tried again.
    pub(super) fn try_again(&mut self, decision: Decision) {
        self.document.revision += 1;
        self.document.decision = decision;
        self.is_accepted = false;
        self.report = None;
    }

    /// A person has given it up; the driver is told until it has heard.
    pub(super) fn give_up(&mut self) {
        self.document.revision += 1;
        self.is_given_up = true;
        self.is_accepted = false;
    }

    fn is_open(&self) -> bool {
        !self.is_settled() && (self.is_accepted || !self.reservations.is_empty())
    }

    pub(super) fn is_settled(&self) -> bool {
        self.is_given_up
            || self
                .report
                .as_ref()
                .is_some_and(|report| report.state.is_settled())
    }
}

pub(super) struct SimHub(pub(super) Shared);

impl SimHub {
    /// The request does not arrive.
    fn send(&self) -> Result<(), HubError> {
        let mut world = self.0.borrow_mut();
        world.tick(Duration::from_millis(20));
        if world.strikes(3) {
            Err(HubError::Unreachable("no route".into()))
        } else {
            Ok(())
        }
    }

    /// The answer does not arrive.
    fn answer<T>(&self, answer: T) -> Result<T, HubError> {
        if self.0.borrow_mut().strikes(3) {
            Err(HubError::Unreachable("reset".into()))
        } else {
            Ok(answer)
        }
    }

    fn check(&self, lease: LeaseEpoch) -> Result<(), HubError> {
        if lease.0 == self.0.borrow().lease {
            Ok(())
        } else {
            Err(HubError::LeaseLost)
        }
    }
}

impl HubImports for SimHub {
    fn lease(&mut self, _: &LeaseRequest) -> Result<Lease, HubError> {
        self.send()?;
        let lease = {
            let mut world = self.0.borrow_mut();
            world.lease += 1;
            for import in world.imports.values_mut().filter(|import| import.is_open()) {
                import.is_accepted = true;
            }
            Lease {
                lease: LeaseEpoch(world.lease),
                store: StoreId::new("hub"),
            }
        };
        self.answer(lease)
    }

    fn open(&mut self, request: &OpenRequest) -> Result<OpenPage, HubError> {
        self.send()?;
        self.check(request.lease)?;
        let page = {
            let world = self.0.borrow();
            let behind = |import: &&HubImport| request.after.as_ref() < Some(&import.document.id);
            let mut open = world
                .imports
                .values()
                .filter(|import| import.is_open())
                .filter(behind);
            let imports = open.by_ref().take(PAGE).map(|import| OpenImport {
                document: import.document.clone(),
                reservations: import.reservations.clone(),
            });
            OpenPage {
                imports: imports.collect(),
                end: open.next().is_none(),
            }
        };
        self.answer(page)
    }

    fn work(
        &mut self,
        _: &CompanyId,
        lease: LeaseEpoch,
        wait: Duration,
        limit: u32,
    ) -> Result<Work, HubError> {
        self.send()?;
        self.check(lease)?;
        let work = {
            let world = self.0.borrow();
            let unheard = world.imports.values().filter(|i| !i.is_accepted);
            let (gone, open): (Vec<_>, Vec<_>) = unheard.partition(|i| i.is_given_up);
            let open = open.into_iter().filter(|i| i.report.is_none());
            let discarded = gone.into_iter().map(|i| Discarded {
                import: i.document.id.clone(),
                revision: i.document.revision,
            });
            Work {
                imports: open
                    .take(usize::try_from(limit).unwrap())
                    .map(|i| i.document.clone())
                    .collect(),
                discarded: discarded.collect(),
                ..Work::default()
            }
        };
        if work == Work::default() {
            self.0.borrow_mut().tick(wait);
        }
        self.answer(work)
    }

    fn tell(&mut self, id: &ImportId, message: ToHub, answer: HubAnswer) {
        let (kind, said) = match message {
            ToHub::Accept(accept) => ("accept", self.accept(id, &accept)),
            ToHub::Reserve(reserve) => ("reserve", self.reserve(id, &reserve)),
            ToHub::Report(report) => ("report", self.report(id, &report)),
        };
        let mut world = self.0.borrow_mut();
        if world.holds_answers == Some(kind) {
            world.held_answers.push((answer, said));
        } else {
            answer(said);
        }
    }

    fn answer_preview(&mut self, _: &ImportId, _: &PreviewAnswer) -> Result<(), HubError> {
        self.send()
    }

    fn accept(&mut self, id: &ImportId, accept: &Accept) -> Result<(), HubError> {
        self.send()?;
        self.check(accept.lease)?;
        {
            let mut world = self.0.borrow_mut();
            let import = world.imports.get_mut(id).unwrap();
            if accept.revision != import.document.revision {
                return Err(HubError::Refused {
                    code: "revision_stale".into(),
                    detail: String::new(),
                });
            }
            import.is_accepted = true;
        }
        self.answer(())
    }

    fn reserve(&mut self, id: &ImportId, reserve: &Reserve) -> Result<(), HubError> {
        self.send()?;
        self.check(reserve.lease)?;
        {
            let mut world = self.0.borrow_mut();
            let value = &reserve.reservation.value;
            let holder = world.imports.iter().find(|(_, i)| {
                i.reservations
                    .iter()
                    .any(|r| r.value == *value && r.name == reserve.reservation.name)
            });
            match holder.map(|(holder, _)| holder == id) {
                Some(true) => {}
                Some(false) => return Err(HubError::IdentityTaken),
                None => world
                    .imports
                    .get_mut(id)
                    .unwrap()
                    .reservations
                    .push(reserve.reservation.clone()),
            }
        }
        self.answer(())
    }

    fn report(&mut self, id: &ImportId, report: &Report) -> Result<(), HubError> {
        self.send()?;
        self.check(report.lease)?;
        {
            let mut world = self.0.borrow_mut();
            let import = world.imports.get_mut(id).unwrap();
            // What is proven is not taken back by a driver that knows less, nor an end by what
            // was said before it.
            let is_end = report.report.state.is_settled();
            let counts = |known: &ImportReport| {
                known.state != ImportState::Written && (is_end || !known.state.is_settled())
            };
            if !import.is_given_up && import.report.as_ref().is_none_or(counts) {
                import.report = Some(report.report.clone());
            }
        }
        self.answer(())
    }
}
