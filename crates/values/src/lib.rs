//! The values that everything above speaks in: exact decimals, civil dates, Sage's
//! stamps, record keys and typed ids, and the one canonical encoding whose hash must
//! come out equal on the Sage server and in the cloud.
//!
//! Nothing here does I/O, reads a clock or draws a random number.

mod canonical;
mod date;
mod decimal;
mod ids;
mod key;
mod kind;
mod secret;
mod stamp;

pub use canonical::{Canonical, Hash};
pub use date::{Date, DateError, date_from_days, days_from_date, parse_date};
pub use decimal::{Decimal, DecimalError, MAX_SCALE};
pub use ids::{AgentId, CompanyId, DatasetName, Epoch, ImportId, LeaseEpoch, Sequence, StoreId, TenantId};
pub use key::{Key, KeyError};
pub use kind::Kind;
pub use secret::Secret;
pub use stamp::{Stamp, StampError};
