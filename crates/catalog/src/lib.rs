//! What is synced, as data. One file per dataset under `datasets/`; from it come the
//! SELECT sent to the ERP, the batch schema, the hub's tables, the API resource and
//! `docs/data.md`. Adding a field or a dataset is a change to a file, never to code.

mod batch;
mod dataset;
mod document;
mod file;
mod relation;
mod removal;
mod secret;

pub use batch::{DocumentBatch, PARENT_COLUMN, ShapeError, Value};
pub use dataset::{
    Catalog, Child, Class, Dataset, Field, STAMP_DATE, STAMP_TIME, Temperament, UDF_FIELD,
    USER_DEFINED_PREFIX, USER_RECORD_KEY,
};
pub use document::describe;
pub use file::CatalogError;
pub use relation::{Derived, Join, JoinKey, LeavesWhen, Rule, Successor, Unless};
pub use removal::{BRAKE_WINDOW_S, Removal, RemovalReason, removal_allowance};
pub use secret::looks_secret;
