//! Entering the hub's documents into Sage, exactly once.
//!
//! A [`Runner`] is one company's only writer: a thread of its own that composes the pure
//! engine (`import`), the journal, Sage's business objects, the reader and the hub. All of
//! them are behind small traits, so that a simulation can stand in for the whole world.

mod carry_out;
mod current;
mod erp;
mod lanes;
mod points;
mod ports;
mod preview;
mod queued;
pub(crate) mod rows;
mod runner;
mod spent;
mod standing;
mod tables;

#[cfg(test)]
mod simulation;

pub(crate) use erp::code_key;
pub use points::FAULT_POINTS;
pub use ports::{Clock, Fence, HubAnswer, HubError, HubImports, Ports, TableReader, ToHub, Worker, Workshop};
pub use runner::{Runner, Site};
