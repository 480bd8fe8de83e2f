//! What a site changes about one dataset: columns of its own, filters, field steps, and
//! tables of its own.

use catalog::Class;
use expression::Step;
use serde::{Deserialize, Serialize};
use values::{Date, Hash};

/// What a site changes about one dataset. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Adaptation {
    /// The site's own values beside the dataset's fields.
    #[serde(default)]
    pub udf: Vec<Extra>,
    /// The same for kinds of children, by the child's name.
    #[serde(default)]
    pub child_udf: Vec<(String, Vec<Extra>)>,
    /// Conditions that a document must meet, all of them.
    #[serde(default)]
    pub keep: Vec<Keep>,
    /// Steps that fields' values are taken through.
    #[serde(default)]
    pub steps: Vec<FieldSteps>,
    /// The table of a site's own dataset.
    #[serde(default)]
    pub table: Option<UserTable>,
    /// History: older documents are not read.
    #[serde(default)]
    pub not_before: Option<Date>,
}

/// One value under `udf`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// Its name under `udf`.
    pub name: String,
    /// Sage column; not looked at when there is an expression.
    pub column: String,
    /// Who may see it.
    pub class: Class,
    /// Computed from other columns of the row.
    #[serde(default)]
    pub expression: Option<String>,
}

/// A condition on documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The column has one of these values.
    OneOf {
        /// Sage column of the dataset's table.
        column: String,
        /// Values, trimmed; decimals compare as numbers.
        values: Vec<String>,
    },
    /// The column has none of these values.
    NotOneOf {
        /// Sage column of the dataset's table.
        column: String,
        /// Values, trimmed; decimals compare as numbers.
        values: Vec<String>,
    },
    /// This expression is true.
    Expression(String),
}

/// The steps of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSteps {
    /// The field's Sage column or name, or the name of a value under `udf`.
    pub column: String,
    /// The kind of children that it belongs to; none is the dataset itself.
    #[serde(default)]
    pub child: Option<String>,
    /// In this order.
    pub steps: Vec<Step>,
}

/// A table of the site's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTable {
    /// Sage table.
    pub table: String,
    /// Columns of its key, in key order.
    pub key: Vec<String>,
    /// The columns that are read.
    pub columns: Vec<Extra>,
}

impl Adaptation {
    /// Tells one adaptation from another: the whole table is read again when it changes.
    #[must_use]
    pub fn fingerprint(&self) -> Hash {
        // The derived form names every part and escapes every text.
        Hash::of_bytes(format!("1 {self:?}").as_bytes())
    }
}
