//! What an expression works with.

use std::fmt;

use values::{Date, Decimal, Kind};

/// A value of a row, or the outcome of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text; blank is the empty text.
    Text(String),
    /// An exact decimal; blank is zero.
    Decimal(Decimal),
    /// A civil date; blank is none.
    Date(Option<Date>),
    /// True or false; only expressions make it, no column holds it.
    Bool(bool),
}

impl Value {
    /// Nothing at all, for a column of this kind: the empty text, zero, or no date.
    #[must_use]
    pub const fn blank(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(String::new()),
            Kind::Decimal { scale } => Self::Decimal(Decimal::zero(scale)),
            Kind::Date => Self::Date(None),
        }
    }

    /// The type of this value.
    #[must_use]
    pub const fn kind(&self) -> Type {
        match self {
            Self::Text(_) => Type::Text,
            Self::Decimal(_) => Type::Decimal,
            Self::Date(_) => Type::Date,
            Self::Bool(_) => Type::Bool,
        }
    }
}

/// As text: a decimal at its scale, a date as `2026-05-01`, no date as nothing.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Decimal(decimal) => decimal.fmt(f),
            Self::Date(Some(date)) => date.fmt(f),
            Self::Date(None) => Ok(()),
            Self::Bool(truth) => truth.fmt(f),
        }
    }
}

/// The type of an expression, known before any row is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// An exact decimal.
    Decimal,
    /// A civil date.
    Date,
    /// True or false.
    Bool,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Decimal => "a number",
            Self::Date => "a date",
            Self::Bool => "true or false",
        })
    }
}
