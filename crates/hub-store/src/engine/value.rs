//! Values on their way into statements and out of rows.

use std::borrow::Cow;

use values::{date_from_days, days_from_date, parse_date};

/// A statement's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Param<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// What can be a parameter.
pub(crate) trait ToParam {
    fn param(&self) -> Param<'_>;
}

impl ToParam for Param<'_> {
    fn param(&self) -> Param<'_> {
        *self
    }
}

impl ToParam for i64 {
    fn param(&self) -> Param<'_> {
        Param::Integer(*self)
    }
}

impl ToParam for u32 {
    fn param(&self) -> Param<'_> {
        Param::Integer(i64::from(*self))
    }
}

impl ToParam for bool {
    fn param(&self) -> Param<'_> {
        Param::Integer(i64::from(*self))
    }
}

impl ToParam for str {
    fn param(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl ToParam for String {
    fn param(&self) -> Param<'_> {
        Param::Text(self)
    }
}

impl ToParam for [u8] {
    fn param(&self) -> Param<'_> {
        Param::Bytes(self)
    }
}

impl ToParam for Vec<u8> {
    fn param(&self) -> Param<'_> {
        Param::Bytes(self)
    }
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn param(&self) -> Param<'_> {
        (**self).param()
    }
}

impl<T: ToParam> ToParam for Option<T> {
    fn param(&self) -> Param<'_> {
        self.as_ref().map_or(Param::Null, ToParam::param)
    }
}

/// The parameters of a statement: a tuple, an array or a slice.
pub(crate) trait Params {
    fn with<R>(&self, work: impl FnOnce(&[Param<'_>]) -> R) -> R;
}

impl<T: ToParam, const N: usize> Params for [T; N] {
    fn with<R>(&self, work: impl FnOnce(&[Param<'_>]) -> R) -> R {
        work(&self.each_ref().map(ToParam::param))
    }
}

impl Params for &[Param<'_>] {
    fn with<R>(&self, work: impl FnOnce(&[Param<'_>]) -> R) -> R {
        work(self)
    }
}

impl Params for () {
    fn with<R>(&self, work: impl FnOnce(&[Param<'_>]) -> R) -> R {
        work(&[])
    }
}

macro_rules! tuples {
    ($($($part:ident),+;)+) => {$(
        impl<$($part: ToParam),+> Params for ($($part,)+) {
            #[expect(non_snake_case, reason = "the parts are called like their types")]
            fn with<R>(&self, work: impl FnOnce(&[Param<'_>]) -> R) -> R {
                let ($($part,)+) = self;
                work(&[$($part.param()),+])
            }
        }
    )+};
}

tuples! {
    A, B;
    A, B, C;
    A, B, C, D;
    A, B, C, D, E;
    A, B, C, D, E, F;
    A, B, C, D, E, F, G;
    A, B, C, D, E, F, G, H;
    A, B, C, D, E, F, G, H, I;
    A, B, C, D, E, F, G, H, I, J;
}

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// Days since 1970, where the engine has dates.
    Days(i32),
}

impl Value<'_> {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Integer(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::Days(_) => "a date",
        }
    }

    /// A date as days, in either form.
    pub(crate) fn days(&self) -> Option<Option<i32>> {
        match self {
            Self::Null => Some(None),
            Self::Days(days) => Some(Some(*days)),
            Self::Text(text) => parse_date(text).ok().map(|date| date.map(days_from_date)),
            Self::Integer(_) | Self::Bytes(_) => None,
        }
    }
}

/// What can be read from a column; none when it is something else.
pub(crate) trait FromValue: Sized {
    fn from_value(value: &Value<'_>) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            Value::Null | Value::Text(_) | Value::Bytes(_) | Value::Days(_) => None,
        }
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for bool {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.as_ref().to_owned()),
            // As everywhere outside: YYYY-MM-DD.
            Value::Days(days) => date_from_days(*days).map(|date| date.to_string()),
            Value::Null | Value::Integer(_) | Value::Bytes(_) => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            Value::Null | Value::Integer(_) | Value::Text(_) | Value::Days(_) => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            Value::Integer(_) | Value::Text(_) | Value::Bytes(_) | Value::Days(_) => {
                T::from_value(value).map(Some)
            }
        }
    }
}
