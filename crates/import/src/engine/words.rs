//! The words of the machine: stages, commands, events.

use jiff::Timestamp;
use model::{ImportState, Numbers, Problem, Totals};
use sage::{Condition, ServerProcess};
use values::Decimal;

use crate::Obstacle;
use crate::plan::{Plan, Planned};
use crate::read_back::Finding;
use crate::record::{Done, Outcome, Reserved};
use crate::writing::Entry;

/// The instant and a random number, both from outside.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Now.
    pub at: Timestamp,
    /// Spreads waits.
    pub random: u32,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Journaled; wants a plan.
    Journaled,
    /// Has a plan that is not journaled.
    Filing {
        /// The plan.
        plan: Plan,
    },
    /// Planned; wants a session.
    Opening,
    /// Wants an identity for the write.
    Numbering,
    /// Has an identity that is not journaled.
    Keeping {
        /// The identity.
        identity: String,
    },
    /// Has an identity that the hub does not know.
    Announcing,
    /// Is about to write.
    Starting,
    /// Is being entered.
    Writing,
    /// The worker is lost; the process that may still commit is to be ended.
    Fencing {
        /// What is asked once it is gone.
        inquiry: Inquiry,
    },
    /// Is being looked for.
    Reading {
        /// What is asked.
        inquiry: Inquiry,
    },
    /// The attempt left nothing behind: to be journaled before the next one.
    Ending {
        /// Somebody else has the identity.
        foreign: bool,
        /// What the next attempt waits for.
        then_wait: Option<(Obstacle, String)>,
    },
    /// A write is in Sage, and others follow: to be journaled before the next one.
    Passing {
        /// The write.
        done: Done,
    },
    /// Its end is to be journaled.
    Concluding {
        /// The end.
        outcome: Outcome,
    },
    /// Its end is to be reported.
    Reporting {
        /// The end.
        outcome: Outcome,
    },
    /// Nothing is left to do.
    Settled {
        /// The end.
        state: ImportState,
    },
}

/// What is asked of the ERP, and what the answer may be worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Which write.
    pub name: String,
    /// Under which identity.
    pub identity: String,
    /// When it was reserved.
    pub since: Timestamp,
    /// What "nothing is there" proves.
    pub proof: Proof,
    /// What was last heard.
    pub heard: Heard,
}

/// What "nothing is there" proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// No header's write was begun, or Sage answered every one: nothing can follow.
    NothingPending,
    /// A write was begun, and the process that could commit it is gone.
    Fenced,
    /// Something may still commit.
    Open,
}

/// What was last heard about the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing: the worker, the driver or Sage was lost.
    Nothing,
    /// Sage said that it is written.
    Done {
        /// Totals that Sage gave.
        totals: Totals,
        /// Further numbers that Sage gave.
        numbers: Numbers,
        /// Sum of the lines as they were entered.
        extension: Option<Decimal>,
    },
    /// Sage refused the header's write.
    Refused(Vec<Problem>),
    /// The header's write met a condition.
    Condition(Condition, String),
    /// It is in a file for somebody to import.
    HandedOver(Problem),
    /// Another record was loaded under the identity.
    KeyTaken,
}

/// Waits for an obstacle to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What is in the way.
    pub obstacle: Obstacle,
    /// In whose words.
    pub detail: String,
    /// How often in a row.
    pub tries: u32,
    /// When to try again.
    pub until: Timestamp,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plan the document against settings and the ERP's tables.
    Plan,
    /// Journal the plan.
    JournalPlan {
        /// The plan.
        plan: Plan,
    },
    /// Have a session, in the program of this write.
    OpenSession {
        /// Its place in the plan.
        write: usize,
    },
    /// Find an identity for this write.
    NextIdentity {
        /// Its place in the plan.
        write: usize,
    },
    /// Journal the reservation and that the write begins under it, with room for its outcome.
    JournalReservation {
        /// Which write.
        name: String,
        /// The identity.
        identity: String,
        /// The process that will commit it.
        server: Option<ServerProcess>,
    },
    /// Make the reservation known to the hub.
    ReserveAtHub {
        /// The reservation.
        reserved: Reserved,
    },
    /// Journal that a write begins under an identity that was reserved before, with room for
    /// its outcome.
    JournalWriteStarted {
        /// Which write.
        name: String,
        /// Under which identity.
        identity: String,
        /// The process that will commit it.
        server: Option<ServerProcess>,
    },
    /// Enter and write the record.
    Enter {
        /// Its place in the plan.
        write: usize,
        /// Under this identity.
        identity: String,
    },
    /// End the worker.
    KillWorker,
    /// See to it that this process is gone.
    Fence {
        /// The process; none when it is not known.
        server: Option<ServerProcess>,
    },
    /// Look for the record in every place where it may be.
    ReadBack {
        /// Its place in the plan.
        write: usize,
        /// What is asked.
        inquiry: Inquiry,
    },
    /// Journal that the attempt left nothing behind.
    JournalWriteEnded {
        /// Which write.
        name: String,
        /// Under which identity.
        identity: String,
        /// Somebody else has it.
        foreign: bool,
    },
    /// Journal that a write is in Sage.
    JournalDone {
        /// The write.
        done: Done,
    },
    /// Stop all imports of the company until a person has looked.
    Freeze {
        /// Why.
        reason: String,
    },
    /// Journal the end.
    JournalOutcome {
        /// The end.
        outcome: Outcome,
    },
    /// Tell the hub the end.
    Report {
        /// The end.
        outcome: Outcome,
    },
    /// Tell the hub where it stands; it does not matter whether that succeeds.
    Announce {
        /// Where it stands.
        standing: Outcome,
    },
}

/// What came of a command.
#[derive(Clone, Debug)]
pub enum Event {
    /// The wait is over.
    Due,
    /// A step could not be taken for a reason that passes.
    Blocked {
        /// The reason.
        obstacle: Obstacle,
        /// In whose words.
        detail: String,
    },
    /// What planning came to.
    Planned(Planned),
    /// The plan is journaled.
    PlanJournaled,
    /// There is a session in this process.
    SessionOpened(Option<ServerProcess>),
    /// Imports of the company are frozen.
    Frozen(String),
    /// There is an identity for the write.
    IdentityGiven {
        /// The identity.
        identity: String,
        /// The highest number that a record of this kind of ours was written under, where
        /// numbers of the kind only grow.
        highest: Option<String>,
    },
    /// There is none, and none will come by itself.
    NoIdentity(Problem),
    /// There is none before a person has looked.
    IdentityHeld(Problem),
    /// Sage or the worker was lost before a write.
    WorkerLost {
        /// In whose words.
        detail: String,
    },
    /// The reservation is journaled, and that the write begins.
    ReservationJournaled {
        /// When it was made.
        at: Timestamp,
    },
    /// The hub has it.
    ReservedAtHub,
    /// Another import has that identity.
    IdentityTaken,
    /// The start is journaled.
    WriteStarted,
    /// Entering ended, one way or another.
    Entered(Entry),
    /// Is the process gone?
    Fenced(bool),
    /// What was found.
    ReadBack {
        /// Under the identity.
        finding: Finding,
        /// Does the ERP keep a trace of what leaves the places where such records begin?
        keeps_history: bool,
    },
    /// The end of the attempt is journaled.
    WriteEnded,
    /// It is journaled that the write is in Sage.
    DoneJournaled,
    /// The outcome is journaled.
    OutcomeJournaled,
    /// The hub knows.
    Reported,
}
