//! What ties a dataset to other tables, and what is worked out from it.

use serde::{Deserialize, Serialize};

use crate::dataset::Class;

/// Fields that stand in another table, found by a key that the parent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The other Sage table.
    pub table: String,
    /// Which columns must be equal.
    pub on: Vec<JoinKey>,
    /// May the table be missing? Its fields are blank then.
    pub optional: bool,
}

/// One pair of columns that must be equal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinKey {
    /// Column of the dataset's table.
    pub own: String,
    /// Column of the other table.
    pub theirs: String,
}

/// A table where a document may be found once it has left its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The other Sage table.
    pub table: String,
    /// Key columns of the dataset, and what holds them there.
    pub on: Vec<JoinKey>,
    /// Rows that explain nothing.
    pub unless: Option<Unless>,
}

/// A row found with one of these values does not explain why its document left.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unless {
    /// Column of the successor's table.
    pub column: String,
    /// Values, trimmed.
    pub values: Vec<String>,
}

/// A document that was read in this state may leave without further explanation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeavesWhen {
    /// Column of the dataset's table.
    pub column: String,
    /// Values, trimmed; decimals compare as numbers.
    pub values: Vec<String>,
}

/// A field that the hub computes when a record is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Name in the API; frozen.
    pub name: String,
    /// How it is computed.
    pub rule: Rule,
    /// Who may see it.
    pub class: Class,
    /// What it means.
    pub doc: String,
}

/// How a derived field is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Stock that may be promised, by the company's own inventory options.
    AvailableQuantity,
    /// Ordered through the hub and not yet written to the ERP.
    QueuedWebQuantity,
    /// Unposted receipts and queued payments for an invoice.
    PendingAmount,
    /// An invoice's balance less what is pending.
    PayableAmount,
    /// A customer's open items by days past due.
    Ageing,
}
