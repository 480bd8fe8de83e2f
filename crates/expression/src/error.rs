//! What can be wrong with an expression or a step, and what a person should do.

use std::fmt;

/// Why an expression was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The place in the text, in bytes from its beginning.
    pub at: usize,
    /// The line of that place, from 1.
    pub line: usize,
    /// The character of that place in its line, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl CompileError {
    pub(crate) fn new(text: &str, at: usize, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            at,
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "expression_invalid"
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl std::error::Error for CompileError {}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at ", self.message)?;
        if self.line > 1 {
            write!(f, "line {}, ", self.line)?;
        }
        write!(f, "character {}", self.column)
    }
}

/// Why the steps of a field were not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepError {
    /// The place of the step among the field's steps, from 0.
    pub step: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
    /// The place inside the step's expression, when it is the expression that is wrong.
    pub expression: Option<Box<CompileError>>,
}

impl StepError {
    pub(crate) fn new(step: usize, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            step,
            message: message.into(),
            remedy: remedy.into(),
            expression: None,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "step_invalid"
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl std::error::Error for StepError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.expression.as_deref().map(|error| error as _)
    }
}

/// Counts the steps from 1, as people do.
impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}", self.step + 1, self.message)
    }
}

/// Why a row has no value. It never repeats what the row holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// A number outgrew what a field can hold.
    #[error("a number is too large")]
    Overflow,
    /// The divisor is zero in this row.
    #[error("division by zero")]
    DivisionByZero,
    /// A text that should be a number is none.
    #[error("a text is not a number")]
    NotANumber,
    /// A date before year -9999 or after 9999.
    #[error("a date is out of range")]
    DateOutOfRange,
    /// A text longer than [`MAX_PRODUCED_BYTES`](crate::MAX_PRODUCED_BYTES) would come out.
    #[error("a text is too long")]
    TextTooLong,
    /// More work than [`MAX_COST`](crate::MAX_COST).
    #[error("the expression takes too much work on this row")]
    TooCostly,
    /// The row holds another type than the column was said to have.
    #[error("column {column} holds another type than it should")]
    OtherType {
        /// The column.
        column: String,
    },
}

impl EvaluateError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Overflow => "number_too_large",
            Self::DivisionByZero => "division_by_zero",
            Self::NotANumber => "not_a_number",
            Self::DateOutOfRange => "date_out_of_range",
            Self::TextTooLong => "text_too_long",
            Self::TooCostly => "expression_too_costly",
            Self::OtherType { .. } => "other_type",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Overflow => "keep fewer decimals, as in round(x, 2)",
            Self::DivisionByZero => "ask first, as in if(is_blank(b), 0, a / b)",
            Self::NotANumber => "correct the value in the ERP, or map it before number()",
            Self::DateOutOfRange => "correct the date or the days that are added",
            Self::TextTooLong => "cut the text first, as in left(x, 200)",
            Self::TooCostly => "cut long texts first, as in left(x, 200), or write less",
            Self::OtherType { .. } => "look at the column's type in this release, and apply the change anew",
        }
    }
}
