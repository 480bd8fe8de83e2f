//! A compiled expression: what of it is known before any row is seen.

use values::Kind;

use crate::error::{CompileError, EvaluateError};
use crate::node::Node;
use crate::value::{Type, Value};
use crate::{evaluate, parse};

/// The longest expression, in bytes.
pub const MAX_TEXT_BYTES: usize = 4_096;
/// The most parts (values, columns, operators, calls) of an expression.
pub const MAX_NODES: usize = 512;
/// How deep parentheses, calls and signs may stand in each other.
pub const MAX_NESTING: usize = 64;

/// An expression that was read, typed and found within the bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
    columns: Vec<String>,
}

impl Expression {
    /// Reads `text`. `columns` says what a column holds, by its name as the text spells it, and
    /// should not tell upper case from lower; `None` is a column that is not there. Where the
    /// ERP's own spelling matters, see [`Expression::compile_among`].
    ///
    /// # Errors
    /// [`CompileError`] with the place and what to write instead.
    pub fn compile(text: &str, columns: &dyn Fn(&str) -> Option<Kind>) -> Result<Self, CompileError> {
        Self::compile_with(text, &|name| Some((name.to_owned(), columns(name)?)))
    }

    /// Reads `text` over these columns, found whatever their case; [`Expression::columns`] and the
    /// row are then asked in the spelling given here.
    ///
    /// # Errors
    /// [`CompileError`] with the place and what to write instead.
    pub fn compile_among(text: &str, columns: &[(String, Kind)]) -> Result<Self, CompileError> {
        Self::compile_with(text, &|name| among(columns, name))
    }

    pub(crate) fn compile_with(
        text: &str,
        columns: &dyn Fn(&str) -> Option<(String, Kind)>,
    ) -> Result<Self, CompileError> {
        let (root, columns) = parse::parse(text, columns)?;
        Ok(Self {
            text: text.to_owned(),
            root,
            columns,
        })
    }

    /// The text that was compiled.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of every value that this expression gives.
    #[must_use]
    pub fn kind(&self) -> Type {
        self.root.ty.plain()
    }

    /// The kind of a field that holds this expression's values, with the decimals that they will
    /// have; `None` for an expression that is true or false.
    #[must_use]
    pub fn field_kind(&self) -> Option<Kind> {
        self.root.ty.field_kind()
    }

    /// The columns that a row is asked for, sorted, each once.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The value for one row. `row` gives a column's value by a name of [`Expression::columns`];
    /// a decimal is taken at the column's own scale.
    ///
    /// # Errors
    /// [`EvaluateError`] says what of this row cannot be calculated.
    pub fn evaluate(&self, row: &dyn Fn(&str) -> Value) -> Result<Value, EvaluateError> {
        evaluate::evaluate(&self.root, row)
    }
}

pub(crate) fn among(columns: &[(String, Kind)], name: &str) -> Option<(String, Kind)> {
    columns
        .iter()
        .find(|(column, _)| column.eq_ignore_ascii_case(name))
        .cloned()
}
