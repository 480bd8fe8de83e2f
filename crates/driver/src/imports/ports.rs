//! What a runner needs of the world.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sage::{BusinessObjects, Fault, Reader, ServerProcess};
use values::{CompanyId, ImportId, LeaseEpoch};
use wire::agent::{Accept, Lease, LeaseRequest, OpenPage, OpenRequest, PreviewAnswer, Report, Reserve, Work};

/// The hub, as far as imports are concerned. Calls block.
pub trait HubImports {
    /// Becomes the company's writer.
    ///
    /// # Errors
    /// See [`HubError`].
    fn lease(&mut self, request: &LeaseRequest) -> Result<Lease, HubError>;

    /// A page of what is open in the company, oldest first.
    ///
    /// # Errors
    /// See [`HubError`].
    fn open(&mut self, request: &OpenRequest) -> Result<OpenPage, HubError>;

    /// Documents not yet journaled, oldest first, and previews; waits at most `wait` for one to come.
    ///
    /// # Errors
    /// See [`HubError`].
    fn work(
        &mut self,
        company: &CompanyId,
        lease: LeaseEpoch,
        wait: Duration,
        limit: u32,
    ) -> Result<Work, HubError>;

    /// The document is journaled.
    ///
    /// # Errors
    /// See [`HubError`].
    fn accept(&mut self, id: &ImportId, accept: &Accept) -> Result<(), HubError>;

    /// The driver is about to write under this identity.
    ///
    /// # Errors
    /// See [`HubError`].
    fn reserve(&mut self, id: &ImportId, reserve: &Reserve) -> Result<(), HubError>;

    /// Sends a message about a document without waiting for the hub, and gives its answer to
    /// `answer`, from whichever thread. About one document there is one message at a time.
    fn tell(&mut self, id: &ImportId, message: ToHub, answer: HubAnswer) {
        answer(match message {
            ToHub::Accept(accept) => self.accept(id, &accept),
            ToHub::Reserve(reserve) => self.reserve(id, &reserve),
            ToHub::Report(report) => self.report(id, &report),
        });
    }

    /// What Sage says to a preview.
    ///
    /// # Errors
    /// See [`HubError`].
    fn answer_preview(&mut self, id: &ImportId, answer: &PreviewAnswer) -> Result<(), HubError>;

    /// Where the document stands.
    ///
    /// # Errors
    /// See [`HubError`].
    fn report(&mut self, id: &ImportId, report: &Report) -> Result<(), HubError>;
}

/// What is told to the hub about a document.
#[derive(Clone, Debug)]
pub enum ToHub {
    /// See [`HubImports::accept`].
    Accept(Accept),
    /// See [`HubImports::reserve`].
    Reserve(Reserve),
    /// See [`HubImports::report`].
    Report(Report),
}

/// Takes the hub's answer to a message.
pub type HubAnswer = Box<dyn FnOnce(Result<(), HubError>) + Send>;

/// The ERP's tables; comes back by itself after a failure.
pub enum TableReader {
    /// Read when it is asked, by the writer itself.
    Here(Box<dyn Reader>),
    /// Read by a thread beside the writer, while that has Sage's objects at work. After a failure
    /// of the thread it is made anew.
    Beside(Box<dyn FnMut() -> Box<dyn Reader + Send> + Send>),
}

/// The hub did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Another process became the company's writer.
    #[error("another process became the company's writer")]
    LeaseLost,
    /// Another import holds the identity.
    #[error("another import holds the number")]
    IdentityTaken,
    /// The hub refused for another reason (`company_claimed`, …).
    #[error("the hub refused ({code}): {detail}")]
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        detail: String,
    },
    /// No answer.
    #[error("the hub did not answer: {0}")]
    Unreachable(String),
}

/// Starts processes that drive Sage's business objects.
pub trait Workshop {
    /// Starts one.
    ///
    /// # Errors
    /// [`Fault`] when it does not start.
    fn start(&mut self) -> Result<Box<dyn Worker>, Fault>;
}

/// Business objects in a process that can be killed. Every call ends by its deadline, with
/// a fault if need be.
pub trait Worker: BusinessObjects {
    /// Ends the process now. Sage's own server may live on.
    fn kill(&mut self);
}

/// Sees to it that a process of Sage's is gone.
pub trait Fence {
    /// Does exactly this process still run? When that cannot be told, it does.
    fn is_running(&mut self, process: ServerProcess) -> bool;

    /// Ends exactly this process; whether it ended shows [`Fence::is_running`].
    fn end(&mut self, process: ServerProcess);
}

/// Time and chance.
pub trait Clock {
    /// Now.
    fn now(&mut self) -> Timestamp;

    /// Time since some moment, by a clock that never goes back.
    fn elapsed(&mut self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    /// Waits; may come back early.
    fn sleep(&mut self, wait: Duration);

    /// A random number.
    fn random(&mut self) -> u32;
}

/// All of it.
pub struct Ports {
    /// The hub.
    pub hub: Box<dyn HubImports>,
    /// Where workers come from.
    pub workshop: Box<dyn Workshop>,
    /// The ERP's tables.
    pub reader: TableReader,
    /// Processes.
    pub fence: Box<dyn Fence>,
    /// Time and chance.
    pub clock: Box<dyn Clock>,
    /// Called at each of [`super::FAULT_POINTS`].
    pub fault_point: Box<dyn Fn(&'static str)>,
}
