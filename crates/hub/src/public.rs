//! The API that a platform builds on.

pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod decisions;
pub(crate) mod document;
pub(crate) mod imports;
pub(crate) mod previews;
pub(crate) mod records;
pub(crate) mod sites;
pub(crate) mod tie_out;
pub(crate) mod tokens;
pub(crate) mod webhooks;
mod withheld;
