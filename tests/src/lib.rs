//! A site in a temporary folder, made of the real programs as processes: a company file,
//! a hub, an enrolled driver. What the whole-program tests are written with.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests call this crate: they stop where they stand"
)]

mod api;
mod connection;
mod documents;
mod measure;
mod postgres;
mod process;
mod site;

pub use api::{Answer, Api};
pub use connection::Connection;
pub use measure::{Cost, Watched, family_processor_s, measure, processor_s, watch};
pub use postgres::Postgres;
pub use process::{Output, Running, run, run_in};
pub use site::{Hub, Reader, Site};
