//! What the agent keeps on the Sage server, in two SQLite files with different duties:
//! the [`Index`] can be thrown away and rebuilt from the hub, the [`journal`] never.

mod error;
mod index;
pub mod journal;
mod pairs;

pub use error::StoreError;
pub use index::{Entry, Index, Known, SeenBits, Stream, Unseen};
pub use pairs::Pairs;
