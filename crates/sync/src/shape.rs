//! A dataset as this site has it: its release's columns, the site's own columns, filters
//! and steps.

mod drift;
mod fit;
mod problem;
mod rules;
mod table;
mod watched;

use std::collections::BTreeMap;

use catalog::Dataset;
use sage::{Column, ColumnInfo, ReadError};
use serde::{Deserialize, Serialize};
use values::{Date, Hash, Kind};

use crate::Adaptation;

pub use problem::ShapeProblem;
pub(crate) use rules::{
    Computed, Condition, ExtraRule, ExtraSource, LookUpRule, Origin, SiteRules, StepRule,
};
pub(crate) use table::{FieldSource, JoinShape, TableShape, blank};
pub(crate) use watched::{CHILD_MARK, Watched};

/// A dataset and what of it the site has.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The dataset.
    pub dataset: Dataset,
    pub(crate) own: TableShape,
    pub(crate) key: Vec<KeyColumn>,
    /// For each kind of child; none where the table is absent.
    pub(crate) children: Vec<Option<TableShape>>,
    /// For each join; none where the table is absent.
    pub(crate) joins: Vec<Option<JoinShape>>,
    /// Does the site have the successor's table?
    pub(crate) successors: Vec<bool>,
    /// The code that the company's own column must hold.
    pub(crate) company_code: Option<String>,
    pub(crate) not_before: Option<(String, Date)>,
    pub(crate) keep: Vec<Condition>,
    /// Places among the selected columns, and values, of the state in which a document may
    /// leave.
    pub(crate) leaves_when: Option<(usize, Vec<String>)>,
    offered: Vec<Offered>,
    gone: Vec<String>,
    seen: Remembered,
    site: Hash,
}

/// A column of the key, where it stands among the selected ones.
#[derive(Clone, Debug)]
pub(crate) struct KeyColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) place: usize,
}

/// A column of the site that is not read; it may be chosen as a value under `udf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Sage table.
    pub table: String,
    /// Sage column.
    pub column: String,
    /// What it seems to hold.
    pub kind: Kind,
}

/// Columns as they were when they were last looked at, by `table.column`.
pub type Remembered = BTreeMap<String, Seen>;

/// How a column was declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The driver's name for its type.
    pub type_name: String,
    /// Width in characters or digits; 0 when the driver does not say.
    pub width: usize,
    /// Decimals.
    pub scale: u8,
}

/// A shape and what is to be known about it, or why there is none.
pub type Fitted = Result<(Shape, Vec<ShapeProblem>), ShapeProblem>;

impl Shape {
    /// Fits a dataset to the columns that the site's tables have, and to what the site
    /// changes. `company_code` is the company's code in Sage; `remembered` is what
    /// [`remember`](Self::remember) gave the last time.
    ///
    /// # Errors
    /// Outside, the ERP could not be asked. Inside, the first problem without which the
    /// dataset cannot be read ([`ShapeProblem::TableAbsent`]: it is passed over).
    pub fn fit(
        dataset: &Dataset,
        adaptation: &Adaptation,
        company_code: &str,
        remembered: &Remembered,
        columns_of: impl FnMut(&str) -> Result<Vec<ColumnInfo>, ReadError>,
    ) -> Result<Fitted, ReadError> {
        fit::fit(dataset, adaptation, company_code, remembered, columns_of)
    }

    /// Tells one way in which this site has the dataset from another: what it changes, which
    /// columns and tables it lacks, and what was discovered. When this differs from what was
    /// last delivered, rows differ that moved no stamp, and the whole table is read.
    #[must_use]
    pub const fn site(&self) -> Hash {
        self.site
    }

    /// Columns of the site's tables that are not read.
    #[must_use]
    pub fn offered(&self) -> &[Offered] {
        &self.offered
    }

    /// Columns that the dataset's own table had the last time, and has no more.
    #[must_use]
    pub fn gone(&self) -> &[String] {
        &self.gone
    }

    /// How the columns are declared now.
    #[must_use]
    pub fn remember(&self) -> Remembered {
        self.seen.clone()
    }

    /// Does the site load only documents from some day on? Older ones that the hub has stay.
    #[must_use]
    pub const fn has_window(&self) -> bool {
        self.not_before.is_some()
    }

    /// The columns to select for the parents.
    #[must_use]
    pub fn parent_columns(&self) -> Vec<Column> {
        self.own.select.clone()
    }

    /// The columns to select for a kind of child: the parent's key, then its own.
    #[must_use]
    pub fn child_columns(&self, child: usize) -> Vec<Column> {
        let table = self.children.get(child).and_then(Option::as_ref);
        table.map(|t| t.select.clone()).unwrap_or_default()
    }

    /// Fields that are read from the dataset's own table: their places and columns.
    pub fn own_columns(&self) -> impl Iterator<Item = (usize, &str)> {
        let fields = self.dataset.fields.iter().zip(&self.own.fields).enumerate();
        fields.filter_map(|(place, (field, source))| match source {
            FieldSource::Column(_) => Some((place, field.column.as_str())),
            FieldSource::Joined(..) | FieldSource::Blank | FieldSource::Site => None,
        })
    }

    /// Is a value in another table needed for a row of the dataset's own?
    pub(crate) fn has_joins(&self) -> bool {
        self.joins.iter().any(Option::is_some)
    }

    /// Must the header be read again after its children?
    pub(crate) fn settles(&self) -> bool {
        let mut kinds = self.dataset.children.iter().zip(&self.children);
        kinds.any(|(child, table)| table.is_some() && !child.side)
    }
}
