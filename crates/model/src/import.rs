//! An import: one document on its way into the ERP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use values::Decimal;

use crate::Problem;

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// A web order.
    SalesOrder,
    /// Money for invoices.
    Payment,
    /// A customer: new, or changed.
    Customer,
}

impl ImportKind {
    /// The name in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SalesOrder => "sales_order",
            Self::Payment => "payment",
            Self::Customer => "customer",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Every kind.
    pub const ALL: [Self; 3] = [Self::SalesOrder, Self::Payment, Self::Customer];

    /// The collection in the API (`POST /v1/sales_orders`).
    #[must_use]
    pub const fn collection(self) -> &'static str {
        match self {
            Self::SalesOrder => "sales_orders",
            Self::Payment => "payments",
            Self::Customer => "customers",
        }
    }

    /// All problems of a request body that can be seen without the ERP.
    #[must_use]
    pub fn problems_of(self, body: &serde_json::Value) -> Vec<Problem> {
        let parsed = match self {
            Self::SalesOrder => crate::SalesOrder::parse(body).map(|_| ()),
            Self::Payment => crate::Payment::parse(body).map(|_| ()),
            Self::Customer => crate::CustomerRequest::parse(body).map(|_| ()),
        };
        parsed.err().unwrap_or_default()
    }
}

/// Where an import stands. Clients accept unknown states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Stored at the hub; the driver has not journaled it yet.
    Received,
    /// Journaled by the driver and free of problems that can be seen from outside Sage.
    Validated,
    /// Waits for a condition of Sage to pass (no seat, a lock, an exclusive task).
    Waiting,
    /// A number is reserved; the outcome is not known yet.
    Writing,
    /// In Sage, proven by reading it back.
    Written,
    /// Stopped by a rule of the site until a person decides.
    Held,
    /// What happened in Sage cannot be proven; a person must look. Never written again by us.
    InDoubt,
    /// Not taken; the problems say why.
    Refused,
    /// Given up by a person.
    Discarded,
}

impl ImportState {
    /// The name in the API and in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Validated => "validated",
            Self::Waiting => "waiting",
            Self::Writing => "writing",
            Self::Written => "written",
            Self::Held => "held",
            Self::InDoubt => "in_doubt",
            Self::Refused => "refused",
            Self::Discarded => "discarded",
        }
    }

    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Received,
        Self::Validated,
        Self::Waiting,
        Self::Writing,
        Self::Written,
        Self::Held,
        Self::InDoubt,
        Self::Refused,
        Self::Discarded,
    ];

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Does nothing more happen without a person?
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Written | Self::Held | Self::InDoubt | Self::Refused | Self::Discarded => true,
            Self::Received | Self::Validated | Self::Waiting | Self::Writing => false,
        }
    }
}

/// Amounts as Sage computed them, by API name (`taxable_amt`, …, `order_total`).
pub type Totals = BTreeMap<String, Decimal>;

/// Numbers of the records in Sage that the document became, by API name
/// (`sales_order_no`, `ar_division_no`, `customer_no`, `ship_to_code`, `batch_no`,
/// `deposit_no`, `check_no`, …).
pub type Numbers = BTreeMap<String, String>;

/// What a person decided about a document that waits for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Codes of problems for which it was held, and with which it shall go in. `in_doubt`
    /// says that a person looked in Sage and found nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl ImportReport {
    /// The code of a document that waits until somebody imports its file.
    pub const IMPORT_FILE_WAITING: &str = "import_file_waiting";

    /// Does it wait for somebody to import its file? It may do so for days.
    #[must_use]
    pub fn waits_for_import_file(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.code == Self::IMPORT_FILE_WAITING)
    }
}

impl Decision {
    /// What a person accepts who looked in Sage and found nothing of a document in doubt.
    pub const IN_DOUBT: &str = "in_doubt";
}

/// One step that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When, by the driver's clock (RFC 3339).
    pub at: String,
    /// Which step (`reserved`, `write_started`, `read_back`, …).
    pub step: String,
    /// What came of it.
    pub detail: String,
}

/// A line as Sage priced it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// Item, charge or comment.
    pub item_code: String,
    /// Of one unit of measure; none for charges and comments.
    pub unit_price: Option<Decimal>,
    /// Of the line; none for comments.
    pub extension_amt: Option<Decimal>,
}

/// What the driver tells the hub about an import. Sent whole each time; the latest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Where it stands.
    pub state: ImportState,
    /// Sage's numbers, once they are proven (or, while writing or in doubt, the reserved ones).
    #[serde(default, skip_serializing_if = "Numbers::is_empty")]
    pub numbers: Numbers,
    /// As Sage computed them.
    #[serde(default)]
    pub totals: Totals,
    /// The lines as Sage priced them, in the order of the document; only in a preview.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<PricedLine>,
    /// Sage's words for what it took with a warning.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Why it was refused, waits or is in doubt.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Everything that was tried, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}
