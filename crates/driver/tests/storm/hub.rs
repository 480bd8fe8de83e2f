//! The hub's own store behind a line that loses requests and answers.

use std::rc::Rc;
use std::time::Duration;

use driver::imports::{HubError, HubImports};
use hub_store::contract::Site;
use hub_store::{SqlStore, Store as _, StoreError};
use values::{CompanyId, ImportId, LeaseEpoch};
use wire::agent::{
    Accept, Lease, LeaseRequest, OpenPage, OpenRequest, PreviewAnswer, Report, Reserve, Work, code,
};

use super::office::Shared;

pub(super) struct StormHub {
    pub(super) world: Shared,
    pub(super) store: Rc<SqlStore>,
    pub(super) site: Rc<Site>,
}

impl StormHub {
    /// Asks, unless the request or its answer is lost.
    fn ask<T>(&self, ask: impl FnOnce(jiff::Timestamp) -> Result<T, StoreError>) -> Result<T, HubError> {
        let (now, is_lost) = {
            let mut world = self.world.borrow_mut();
            (world.tick(Duration::from_millis(20)), world.strikes(25))
        };
        if is_lost {
            return Err(HubError::Unreachable("no route".into()));
        }
        let answer = ask(now).map_err(|error| match error.code() {
            code::LEASE_LOST => HubError::LeaseLost,
            code::IDENTITY_TAKEN => HubError::IdentityTaken,
            other => HubError::Refused {
                code: other.to_owned(),
                detail: error.to_string(),
            },
        });
        if self.world.borrow_mut().strikes(25) {
            return Err(HubError::Unreachable("reset".into()));
        }
        answer
    }
}

impl HubImports for StormHub {
    fn lease(&mut self, request: &LeaseRequest) -> Result<Lease, HubError> {
        self.ask(|now| self.store.grant_lease(&self.site.agent, request, now))
    }

    fn open(&mut self, request: &OpenRequest) -> Result<OpenPage, HubError> {
        self.ask(|_| self.store.open_imports(&self.site.agent, request))
    }

    fn work(
        &mut self,
        company: &CompanyId,
        lease: LeaseEpoch,
        wait: Duration,
        limit: u32,
    ) -> Result<Work, HubError> {
        let companies = [(company.clone(), lease)];
        let work = self.ask(|now| {
            Ok(Work {
                imports: self.store.work(&self.site.agent, &companies, limit)?,
                previews: self.store.take_previews(&self.site.agent, &companies, now)?,
                discarded: self.store.discarded(&self.site.agent, &companies)?,
            })
        })?;
        if work == Work::default() {
            self.world.borrow_mut().tick(wait);
        }
        Ok(work)
    }

    fn accept(&mut self, id: &ImportId, accept: &Accept) -> Result<(), HubError> {
        self.ask(|now| self.store.accept(&self.site.agent, id, accept, now))
    }

    fn reserve(&mut self, id: &ImportId, reserve: &Reserve) -> Result<(), HubError> {
        self.ask(|now| self.store.reserve(&self.site.agent, id, reserve, now))
    }

    fn answer_preview(&mut self, id: &ImportId, answer: &PreviewAnswer) -> Result<(), HubError> {
        self.ask(|_| self.store.answer_preview(&self.site.agent, id, answer))
    }

    fn report(&mut self, id: &ImportId, report: &Report) -> Result<(), HubError> {
        self.ask(|now| self.store.report(&self.site.agent, id, report, now))
    }
}
