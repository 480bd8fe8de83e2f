//! The API that a platform builds on.

pub(crate) mod imports;
pub(crate) mod records;
pub(crate) mod sites;
