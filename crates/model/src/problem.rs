//! Why a document is not taken, in a form that a program can act on and a person can read.

use serde::{Deserialize, Serialize};

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, snake_case.
    pub code: String,
    /// Path of the field in the request (`lines[0].item_code`); empty for the whole document.
    pub field: String,
    /// The value that was found there, cut to a line; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What is wrong, with the value.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    /// A problem with a field.
    pub fn new(
        code: impl Into<String>,
        field: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            field: field.into(),
            value: String::new(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// With the value that was found.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }
}
