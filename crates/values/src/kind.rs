//! The kinds of column value.

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text, trimmed at the right; blank is the empty text.
    Text,
    /// An exact decimal with this many decimals; blank is zero.
    Decimal {
        /// Decimals after the point.
        scale: u8,
    },
    /// A civil date; blank is none.
    Date,
    /// The site's own values: a JSON object as text, by class and then by name, names sorted,
    /// no blanks between tokens; the empty text when there is none. Never a column of the ERP.
    Json,
}
