//! The ERP port over any ODBC driver: Sage's own, SQL Server's, and the stand-ins that
//! tests use.
//!
//! Every value is fetched as text, in column buffers of a bounded size, and made into typed
//! columns by [`sage::ColumnDecoder`]. Only the one rendered SELECT and the driver's
//! catalogue calls are ever sent; the connection commits by itself, so that no transaction
//! holds Sage's files.

mod catalog;
mod connection;
mod error;
mod reader;
mod rows;
mod session;

pub use reader::OdbcReader;
