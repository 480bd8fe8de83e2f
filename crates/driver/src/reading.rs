//! Reading one company: carries out what the stream engines ask for.
//!
//! A company is read by one thread with one bridge process, one dataset at a time, so that
//! batch order is read order and Sage's files meet one reader.

mod ahead;
mod carry;
mod health;
mod hub;
mod memory;
mod pass;
mod report;
mod schedule;
mod verify;
mod watch;

pub use health::dataset_status;
pub(crate) use health::held_words;
pub use hub::{HubError, StreamHub};
pub use memory::Done;
pub use pass::CompanyReader;
pub use report::{Observer, PassEnd, PassReport, SetupError, Silent};
pub use schedule::{Schedule, Timing, Turn};
pub use verify::{DatasetVerdict, MAX_DIFFERENCES, verify_dataset};
