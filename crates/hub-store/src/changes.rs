//! What the store says of the feed.

use jiff::Timestamp;
use values::{CompanyId, DatasetName, Key};

use crate::Record;

/// Asks for a page of the tenant's feed.
#[derive(Clone, Debug, Default)]
pub struct ChangeQuery {
    /// Behind this position; zero is the very start.
    pub after: u64,
    /// [`ChangePage::begun`] of the page before.
    pub begun: u64,
    /// Only of this company.
    pub company: Option<CompanyId>,
    /// Only of these datasets; none means all.
    pub datasets: Option<Vec<DatasetName>>,
    /// At most so many.
    pub limit: u32,
}

/// A record at its latest position, or what is left of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it stands in the feed.
    pub position: u64,
    /// Of which dataset.
    pub dataset: DatasetName,
    /// Of which company.
    pub company: CompanyId,
    /// Which record.
    pub key: Key,
    /// When the hub stored it, or was told that it left.
    pub at: Timestamp,
    /// As the API shows it; none when it has left.
    pub record: Option<Record>,
}

/// A page of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangePage {
    /// By position.
    pub data: Vec<Change>,
    /// Where the feed goes on: everything before it that the query asks for has been seen.
    pub position: u64,
    /// Where the feed stood when the walk began at the very start: of records that had left
    /// by then it needs no tombstone. Zero when it has passed that, or began elsewhere.
    pub begun: u64,
    /// There is more behind these.
    pub more: bool,
}
