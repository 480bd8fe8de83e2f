//! What differs between the catalog, the configuration and this site's tables.

/// What the site lacks, or has otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeProblem {
    /// The table is not there, or the user may not see it. The dataset is not read.
    #[error("table {table} is missing, or the Sage user may not read it")]
    TableMissing {
        /// Sage table.
        table: String,
    },
    /// A table that not every site has is not there. A dataset of it is passed over; the
    /// children or fields that it would give stay away.
    #[error("this site has no table {table}")]
    TableAbsent {
        /// Sage table.
        table: String,
    },
    /// A key column is not there. The dataset is not read.
    #[error("table {table} has no column {column}, which is part of its key")]
    KeyMissing {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
    },
    /// A column is not there; its field is delivered blank.
    #[error("table {table} has no column {column}; the field stays blank")]
    ColumnMissing {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
    },
    /// The configuration names a column that is not there. The dataset is not read.
    #[error("table {table} has no column {column}, which {used_by} names")]
    ColumnUnknown {
        /// Sage table.
        table: String,
        /// As the configuration names it.
        column: String,
        /// The part of the configuration.
        used_by: String,
    },
    /// The configuration names a column that never leaves the ERP. The dataset is not read.
    #[error("column {column} of {table} never leaves the ERP; {used_by} may not name it")]
    ColumnWithheld {
        /// Sage table.
        table: String,
        /// As the configuration names it.
        column: String,
        /// The part of the configuration.
        used_by: String,
    },
    /// Steps or an expression that do not fit the columns. The dataset is not read.
    #[error("{used_by}: {message}")]
    RuleInvalid {
        /// The part of the configuration.
        used_by: String,
        /// What is wrong, and where.
        message: String,
        /// What to write instead.
        remedy: String,
    },
    /// The column holds less than before, or than the catalog says.
    #[error("column {column} of {table} is {width} wide, not {expected}")]
    ColumnNarrower {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
        /// Characters or digits that it holds here.
        width: usize,
        /// Characters or digits that were expected.
        expected: usize,
    },
    /// The column holds more than before, or than the catalog says; values arrive whole.
    #[error("column {column} of {table} is {width} wide, not {expected}; longer values arrive whole")]
    ColumnWider {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
        /// Characters or digits that it holds here.
        width: usize,
        /// Characters or digits that were expected.
        expected: usize,
    },
    /// The column had another type before; what cannot be read as the field's kind is a
    /// finding of its row.
    #[error("column {column} of {table} is now {type_name}, it was {before}")]
    TypeChanged {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
        /// The driver's name for its type.
        type_name: String,
        /// The name that it had before.
        before: String,
    },
}

impl ShapeProblem {
    /// Does the dataset have to wait until somebody acts?
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        match self {
            Self::TableMissing { .. }
            | Self::KeyMissing { .. }
            | Self::ColumnUnknown { .. }
            | Self::ColumnWithheld { .. }
            | Self::RuleInvalid { .. } => true,
            Self::TableAbsent { .. }
            | Self::ColumnMissing { .. }
            | Self::ColumnNarrower { .. }
            | Self::ColumnWider { .. }
            | Self::TypeChanged { .. } => false,
        }
    }

    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TableMissing { .. } => "table_missing",
            Self::TableAbsent { .. } => "table_absent",
            Self::KeyMissing { .. } => "key_missing",
            Self::ColumnMissing { .. } => "column_missing",
            Self::ColumnUnknown { .. } => "column_unknown",
            Self::ColumnWithheld { .. } => "column_withheld",
            Self::RuleInvalid { .. } => "rule_invalid",
            Self::ColumnNarrower { .. } => "column_narrower",
            Self::ColumnWider { .. } => "column_wider",
            Self::TypeChanged { .. } => "type_changed",
        }
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::TableMissing { table } => {
                format!(
                    "give the Sage user the right to read {table} in Role Maintenance, or take the dataset out of the configuration"
                )
            }
            Self::TableAbsent { .. } => "nothing, unless this site uses the module".to_owned(),
            Self::KeyMissing { table, .. } | Self::ColumnMissing { table, .. } => {
                format!(
                    "nothing, if this release of Sage lacks the column; erp-driver config check lists what {table} has"
                )
            }
            Self::ColumnUnknown { table, column, .. } => {
                format!("correct {column}: erp-driver config check lists the columns of {table}")
            }
            Self::ColumnWithheld { column, .. } => format!("take {column} out of the configuration"),
            Self::RuleInvalid { remedy, .. } => remedy.clone(),
            Self::ColumnNarrower { .. } | Self::ColumnWider { .. } | Self::TypeChanged { .. } => {
                "nothing, if Sage was upgraded or customised; look at the values of this field once"
                    .to_owned()
            }
        }
    }
}
