//! A hub that loses requests and answers.

use std::time::Duration;

use model::{Decision, ImportKind, ImportReport, ImportState};
use serde_json::Value;
use values::{CompanyId, ImportId, LeaseEpoch, StoreId};
use wire::agent::{
    Accept, ImportDocument, Lease, LeaseRequest, OpenImport, PreviewAnswer, Report, Reservation, Reserve,
    Work,
};

use super::Shared;
use crate::imports::ports::{HubAnswer, HubError, HubImports, ToHub};

/// An import in the hub's store.
pub(super) struct HubImport {
    document: ImportDocument,
    is_accepted: bool,
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

    pub(super) fn is_settled(&self) -> bool {
        self.report
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
            let open = world
                .imports
                .values()
                .filter(|i| !i.is_settled() && (i.is_accepted || !i.reservations.is_empty()))
                .map(|i| OpenImport {
                    document: i.document.clone(),
                    reservations: i.reservations.clone(),
                })
                .collect();
            Lease {
                lease: LeaseEpoch(world.lease),
                store: StoreId::new("hub"),
                open,
            }
        };
        self.answer(lease)
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
        let work: Vec<_> = {
            let world = self.0.borrow();
            let open = world
                .imports
                .values()
                .filter(|i| !i.is_accepted && i.report.is_none());
            open.take(usize::try_from(limit).unwrap())
                .map(|i| i.document.clone())
                .collect()
        };
        if work.is_empty() {
            self.0.borrow_mut().tick(wait);
        }
        self.answer(Work {
            imports: work,
            ..Work::default()
        })
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
        self.0.borrow_mut().imports.get_mut(id).unwrap().is_accepted = true;
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
            // What is proven is not taken back by a driver that knows less.
            if import
                .report
                .as_ref()
                .is_none_or(|known| known.state != ImportState::Written)
            {
                import.report = Some(report.report.clone());
            }
        }
        self.answer(())
    }
}
