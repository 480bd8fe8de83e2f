//! The ERP's tables as the writer asks them: by itself, or by a thread beside it, so that one
//! document is planned and another looked for while Sage's objects enter a third.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use sage::{ReadError, ReadErrorCode};

use super::erp::Erp;

type Job = Box<dyn FnOnce(&mut Erp) + Send>;

/// Who asks the tables.
pub(super) enum Tables {
    /// The writer itself.
    Here(Box<Erp>),
    /// A thread, in the order in which it is asked. It ends with the sender.
    Beside(Sender<Job>),
}

impl Tables {
    /// Asks by a thread of its own, which `make` gives what it asks.
    pub(super) fn beside(make: impl FnOnce() -> Erp + Send + 'static) -> Self {
        let (sender, jobs): (Sender<Job>, Receiver<Job>) = mpsc::channel();
        thread::spawn(move || {
            let mut erp = make();
            for job in jobs {
                job(&mut erp);
            }
        });
        Self::Beside(sender)
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut Erp) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        match self {
            Self::Here(erp) => ask(erp),
            Self::Beside(jobs) => {
                let (sender, answer) = mpsc::channel();
                let job: Job = Box::new(move |erp| {
                    // Nobody waits any more when the writer has ended.
                    let _ = sender.send(ask(erp));
                });
                let gone = || ReadError::new(ReadErrorCode::BridgeLost, "the tables' thread has ended");
                jobs.send(job).map_err(|_| gone())?;
                answer.recv().map_err(|_| gone())?
            }
        }
    }

    /// Does something, sooner or later, but before whatever is asked after it.
    pub(super) fn tell(&mut self, act: impl FnOnce(&mut Erp) + Send + 'static) {
        match self {
            Self::Here(erp) => act(erp),
            Self::Beside(jobs) => {
                // What is asked next says that the thread is gone.
                let _ = jobs.send(Box::new(act));
            }
        }
    }
}
