//! The words of the ERP port: what may be asked of Sage 100, what it may answer, and the
//! contract that every adapter has to keep.
//!
//! Reading goes through [`Reader`]: one [`Select`] at a time, rendered to the narrow SQL
//! that every driver of Sage understands. Writing goes through [`BusinessObjects`], at the
//! level of Sage's own calls. Adapters live in crates of their own; nothing here does I/O.

pub mod contract;
mod decode;
pub mod grammar;
mod objects;
mod reader;
mod select;

pub use decode::{Cell, ColumnDecoder, Finding, FindingCode};
pub use objects::{BusinessObjects, Call, Condition, Fault, ObjectId, Return, Scalar, ServerProcess};
pub use reader::{ColumnInfo, Page, Probe, ReadError, ReadErrorCode, Reader};
pub use select::{
    Column, Comparison, Condition as Where, DateLiteral, Dialect, Literal, Select, SelectError, render,
};
