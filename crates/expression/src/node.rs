//! The typed tree of an expression.

use values::{Date, Kind};

use crate::number::Number;
use crate::value::Type;

/// A type with the decimals that its numbers have in every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Text,
    Decimal(u8),
    Date,
    Bool,
}

impl Ty {
    pub(crate) const fn plain(self) -> Type {
        match self {
            Self::Text => Type::Text,
            Self::Decimal(_) => Type::Decimal,
            Self::Date => Type::Date,
            Self::Bool => Type::Bool,
        }
    }

    pub(crate) const fn field_kind(self) -> Option<Kind> {
        match self {
            Self::Text => Some(Kind::Text),
            Self::Decimal(scale) => Some(Kind::Decimal { scale }),
            Self::Date => Some(Kind::Date),
            Self::Bool => None,
        }
    }

    /// `None` for the site's own values, which are no single value.
    pub(crate) const fn of_field(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Text => Some(Self::Text),
            Kind::Decimal { scale } => Some(Self::Decimal(scale)),
            Kind::Date => Some(Self::Date),
            Kind::Json => None,
        }
    }

    pub(crate) const fn scale(self) -> u8 {
        match self {
            Self::Decimal(scale) => scale,
            Self::Text | Self::Date | Self::Bool => 0,
        }
    }
}

/// A part of an expression, its type and the bytes of the text that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) ty: Ty,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Text(String),
    Number(Number),
    Date(Date),
    Bool(bool),
    Column(String),
    Negate(Box<Node>),
    Not(Box<Node>),
    Binary(Operator, Box<(Node, Node)>),
    /// The first is sought among the others.
    In(Vec<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Join,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// Binds tighter when larger.
    pub(crate) const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => COMPARISON,
            Self::Join => 5,
            Self::Add | Self::Subtract => 6,
            Self::Multiply | Self::Divide => 7,
        }
    }

    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Join => "||",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// How tight `not` binds: its operand is a whole comparison.
pub(crate) const NOT: u8 = 3;
/// How tight comparisons and `in` bind.
pub(crate) const COMPARISON: u8 = 4;

/// Everything that is called by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    If,
    Trim,
    Upper,
    Lower,
    Left,
    Right,
    Mid,
    Length,
    Replace,
    Round,
    Min,
    Max,
    Abs,
    Number,
    Text,
    Year,
    Month,
    Day,
    DaysBetween,
    AddDays,
    IsBlank,
    Coalesce,
}

impl Function {
    pub(crate) const ALL: [(&'static str, Self, &'static str); 22] = [
        ("if", Self::If, "if(condition, a, b)"),
        ("trim", Self::Trim, "trim(text)"),
        ("upper", Self::Upper, "upper(text)"),
        ("lower", Self::Lower, "lower(text)"),
        ("left", Self::Left, "left(text, n)"),
        ("right", Self::Right, "right(text, n)"),
        ("mid", Self::Mid, "mid(text, start, n)"),
        ("length", Self::Length, "length(text)"),
        ("replace", Self::Replace, "replace(text, from, to)"),
        ("round", Self::Round, "round(number, 2)"),
        ("min", Self::Min, "min(a, b, …)"),
        ("max", Self::Max, "max(a, b, …)"),
        ("abs", Self::Abs, "abs(number)"),
        ("number", Self::Number, "number(text)"),
        ("text", Self::Text, "text(number or date)"),
        ("year", Self::Year, "year(date)"),
        ("month", Self::Month, "month(date)"),
        ("day", Self::Day, "day(date)"),
        ("days_between", Self::DaysBetween, "days_between(from, to)"),
        ("add_days", Self::AddDays, "add_days(date, n)"),
        ("is_blank", Self::IsBlank, "is_blank(x)"),
        ("coalesce", Self::Coalesce, "coalesce(a, b, …)"),
    ];

    pub(crate) fn named(name: &str) -> Option<(Self, &'static str)> {
        Self::ALL
            .iter()
            .find(|(known, _, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, function, usage)| (*function, *usage))
    }
}
