//! The ERP's tables as the writer asks them: by itself, or by a thread beside it, so that one
//! document is planned and another looked for while Sage's objects enter a third.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use import::Obstacle;
use sage::{ReadError, ReadErrorCode};

use super::erp::Erp;

type Job = Box<dyn FnOnce(&mut Erp) + Send>;

/// The tables did not answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum TablesError {
    /// They could not be read.
    #[error("{}: {_0}", _0.code.as_str())]
    Read(#[from] ReadError),
    /// The driver failed at what it was asked, or at what it read.
    #[error("the driver failed while it read Sage's tables for this document")]
    Failed,
}

impl TablesError {
    /// What a document waits for that needed the answer.
    pub(super) const fn obstacle(&self) -> Obstacle {
        match self {
            Self::Read(_) => Obstacle::ReaderUnavailable,
            Self::Failed => Obstacle::ReadingFailed,
        }
    }
}

/// Who asks the tables.
pub(super) enum Tables {
    /// The writer itself.
    Here(Box<Erp>),
    /// A thread, in the order in which it is asked. It ends with the sender.
    Beside(Sender<Job>),
    /// The writer itself, and what it does not wait for when a test says so.
    #[cfg(test)]
    Later(Box<Erp>, std::collections::VecDeque<Job>),
}

/// Whoever asked is answered, whatever becomes of the question.
struct Answer<T, F: FnOnce(Result<T, TablesError>)> {
    answer: Option<F>,
    found: Option<Result<T, ReadError>>,
}

impl<T, F: FnOnce(Result<T, TablesError>)> Answer<T, F> {
    fn give(mut self, found: Result<T, ReadError>) {
        self.found = Some(found);
    }
}

impl<T, F: FnOnce(Result<T, TablesError>)> Drop for Answer<T, F> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            let found = self.found.take();
            answer(found.map_or(Err(TablesError::Failed), |found| found.map_err(TablesError::Read)));
        }
    }
}

impl Tables {
    /// Asks by a thread of its own, with what `make` gives it. What fails there ends no more than
    /// the question: the next one is asked of another that `make` gives.
    pub(super) fn beside(mut make: impl FnMut() -> Erp + Send + 'static) -> Self {
        let (sender, jobs): (Sender<Job>, Receiver<Job>) = mpsc::channel();
        thread::spawn(move || {
            let mut erp = None;
            for job in jobs {
                let done = catch_unwind(AssertUnwindSafe(|| job(erp.get_or_insert_with(&mut make))));
                if done.is_err() {
                    tracing::error!(
                        code = "reading_failed",
                        "the driver failed while it read Sage's tables for a document; it begins anew"
                    );
                    // What it has in its hands may be half done.
                    let broken = erp.take();
                    let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
                }
            }
        });
        Self::Beside(sender)
    }

    /// Is there a thread beside the writer?
    pub(super) const fn is_beside(&self) -> bool {
        matches!(self, Self::Beside(_))
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut Erp) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, TablesError> {
        match self {
            Self::Here(erp) => Ok(ask(erp)?),
            #[cfg(test)]
            Self::Later(erp, _) => Ok(ask(erp)?),
            Self::Beside(_) => {
                let (sender, answer) = mpsc::channel();
                self.put(ask, move |found| {
                    // Nobody waits any more when the writer has ended.
                    let _ = sender.send(found);
                });
                let gone = ReadError::new(ReadErrorCode::BridgeLost, "the tables' thread has ended");
                answer.recv().unwrap_or(Err(TablesError::Read(gone)))
            }
        }
    }

    /// Asks, and goes on; `answer` hears what was found, always, from whichever thread.
    pub(super) fn put<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut Erp) -> Result<T, ReadError> + Send + 'static,
        answer: impl FnOnce(Result<T, TablesError>) + Send + 'static,
    ) {
        let answer = Answer {
            answer: Some(answer),
            found: None,
        };
        self.tell(move |erp| answer.give(ask(erp)));
    }

    /// Does something, sooner or later, but before whatever is asked after it.
    pub(super) fn tell(&mut self, act: impl FnOnce(&mut Erp) + Send + 'static) {
        match self {
            Self::Here(erp) => act(erp),
            #[cfg(test)]
            Self::Later(_, jobs) => jobs.push_back(Box::new(act)),
            Self::Beside(jobs) => {
                // What is asked next says that the thread is gone.
                let _ = jobs.send(Box::new(act));
            }
        }
    }

    /// From now on what is not waited for is done when [`Self::catch_up`] says so.
    #[cfg(test)]
    pub(super) fn put_off(&mut self) {
        let (sender, _) = mpsc::channel();
        if let Self::Here(erp) = std::mem::replace(self, Self::Beside(sender)) {
            *self = Self::Later(erp, std::collections::VecDeque::new());
        }
    }

    /// Does what was put off.
    #[cfg(test)]
    pub(super) fn catch_up(&mut self) {
        if let Self::Later(erp, jobs) = self {
            jobs.drain(..).for_each(|job| job(erp));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use import::settings::Settings;
    use sage::{ColumnInfo, Page, Probe, Reader, Select};

    use super::*;

    struct Silent;

    impl Reader for Silent {
        fn probe(&mut self) -> Result<Probe, ReadError> {
            Err(ReadError::new(ReadErrorCode::BridgeLost, "silent"))
        }

        fn tables(&mut self) -> Result<Vec<String>, ReadError> {
            Ok(Vec::new())
        }

        fn columns(&mut self, _: &str) -> Result<Vec<ColumnInfo>, ReadError> {
            Ok(Vec::new())
        }

        fn read(&mut self, _: &Select, _: usize, _: Duration) -> Result<Page, ReadError> {
            Err(ReadError::new(ReadErrorCode::BridgeLost, "silent"))
        }
    }

    #[test]
    fn a_question_that_breaks_the_thread_is_answered_and_the_next_one_is_asked_of_another() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let mut tables = Tables::beside(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Erp::new(Box::new(Silent), Arc::new(Settings::default()))
        });
        let (sender, answers) = mpsc::channel();
        tables.put(
            |_| -> Result<u8, ReadError> { std::panic::resume_unwind(Box::new("a fault of the driver's")) },
            move |found| sender.send(found).unwrap(),
        );
        let limit = Duration::from_secs(20);
        let answer = answers.recv_timeout(limit).expect("an answer always comes");
        assert!(matches!(answer, Err(TablesError::Failed)), "{answer:?}");

        let broken =
            tables.ask(|_| -> Result<u8, ReadError> { std::panic::resume_unwind(Box::new("again")) });
        assert!(matches!(broken, Err(TablesError::Failed)), "{broken:?}");
        assert_eq!(tables.ask(|_| Ok(7)).unwrap(), 7);
        assert_eq!(made.load(Ordering::Relaxed), 3, "each fault ends one");
    }

    #[test]
    fn a_question_that_nobody_takes_is_answered() {
        let (sender, jobs) = mpsc::channel();
        drop(jobs);
        let mut tables = Tables::Beside(sender);
        let (sender, answers) = mpsc::channel();
        tables.put(|_| Ok(1), move |found| sender.send(found).unwrap());
        assert!(answers.try_recv().unwrap().is_err());
        assert!(tables.ask(|_| Ok(1)).is_err());
    }
}
