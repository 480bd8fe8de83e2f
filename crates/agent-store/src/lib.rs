//! What the agent keeps on the Sage server, in two SQLite files with different duties:
//! the [`Index`] can be thrown away and rebuilt from the hub, the [`journal`] never.

mod error;
mod index;
pub mod journal;

pub use error::StoreError;
pub use index::{Index, Pairs, Stream};
