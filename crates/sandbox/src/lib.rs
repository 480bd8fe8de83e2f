//! A simulated Sage 100: the tables of one company in an `SQLite` file, business objects
//! with Sage's rules, and a user at the keyboard.
//!
//! [`create`] makes a company (a believable distributor, or an empty one), [`load`] fills
//! it from CSV exports of Sage tables, [`SandboxReader`] reads it through the ERP port and
//! [`maintenance`] changes it as a person in front of Sage would.

pub mod company;
mod create;
mod demo;
mod error;
pub mod load;
pub mod maintenance;
pub mod objects;
pub mod play;
mod random;
mod reader;
pub mod row;
pub mod schema;
pub mod settings;
mod stock;

pub use company::{Clock, Company, system_clock};
pub use create::{Plan, Profile, create};
pub use error::{Place, SandboxError};
pub use load::load;
pub use reader::SandboxReader;
pub use settings::Settings;
