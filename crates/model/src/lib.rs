//! Documents that travel from the cloud into the ERP, what can be wrong with them, and the
//! states they pass through. Requests are parsed into these types once, at the border.

mod card;
mod customer;
mod fields;
mod import;
mod money;
mod party;
mod payment;
mod problem;
mod sales_order;

pub use customer::{CustomerRequest, UPDATABLE};
pub use fields::UdfValue;
pub use import::{Attempt, Decision, ImportKind, ImportReport, ImportState, Numbers, PricedLine, Totals};
pub use money::Tender;
pub use party::{Address, Customer, CustomerProfile, CustomerRef, ShipTo};
pub use payment::{PaidInvoice, Payment, PaymentKind};
pub use problem::Problem;
pub use sales_order::{Coupon, Expected, Hold, OrderLine, OrderType, SalesOrder};
