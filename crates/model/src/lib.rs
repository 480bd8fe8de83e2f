//! Documents that travel from the cloud into the ERP, what can be wrong with them, and the
//! states they pass through. Requests are parsed into these types once, at the border.

mod import;
mod problem;
mod sales_order;

pub use import::{Attempt, ImportKind, ImportReport, ImportState, Totals};
pub use problem::Problem;
pub use sales_order::{Address, CustomerRef, OrderLine, SalesOrder, ShipTo, UdfValue};
