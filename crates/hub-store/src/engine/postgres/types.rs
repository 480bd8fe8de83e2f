//! Values in PostgreSQL's binary form.
//!
//! A text cannot hold a NUL there. It is kept as U+0001 `0`, and U+0001 itself as U+0001 `1`:
//! reversible, and texts keep their order by bytes.

use std::borrow::Cow;
use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use values::{Key, days_from_date, parse_date};

use crate::StoreError;
use crate::engine::{Param, Value};

type Refused = Box<dyn Error + Sync + Send>;

/// Days from 1970 to 2000, where PostgreSQL's dates begin.
pub(super) const EPOCH_DAYS: i32 = 10_957;

const ESCAPE: char = '\u{1}';

/// The text as it is kept.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| b <= 1) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => kept.extend([ESCAPE, '0']),
            ESCAPE => kept.extend([ESCAPE, '1']),
            _ => kept.push(c),
        }
    }
    Cow::Owned(kept)
}

/// The text as it was.
fn unescaped(kept: &str) -> Cow<'_, str> {
    if !kept.bytes().any(|b| b == 1) {
        return Cow::Borrowed(kept);
    }
    let mut text = String::with_capacity(kept.len());
    let mut chars = kept.chars();
    while let Some(c) = chars.next() {
        match c {
            ESCAPE => text.push(if chars.next() == Some('0') { '\0' } else { ESCAPE }),
            _ => text.push(c),
        }
    }
    Cow::Owned(text)
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) Param<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        match (self.0, ty) {
            (Param::Null, _) => return Ok(IsNull::Yes),
            (Param::Integer(number), &Type::INT8) => out.put_i64(number),
            (Param::Integer(number), &Type::INT4) => out.put_i32(number.try_into()?),
            (Param::Integer(number), &Type::BOOL) => out.put_u8(u8::from(number != 0)),
            (Param::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::UNKNOWN | &Type::NAME) => {
                out.put_slice(escaped(text).as_bytes());
            }
            (Param::Text(text), &Type::DATE) => match parse_date(text) {
                Ok(Some(date)) => out.put_i32(days_from_date(date) - EPOCH_DAYS),
                Ok(None) => return Ok(IsNull::Yes),
                Err(_) => return Err("a text that is no date".into()),
            },
            (Param::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (value, ty) => return Err(format!("{value:?} as {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Several texts in one parameter.
#[derive(Debug)]
pub(super) struct Texts<'a>(Vec<Cow<'a, str>>);

impl<'a> Texts<'a> {
    pub(super) fn of(keys: &'a [Key]) -> Self {
        Self(keys.iter().map(|key| escaped(key.as_str())).collect())
    }
}

impl ToSql for Texts<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TEXT_ARRAY
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Refused> {
        Ok(match *ty {
            Type::INT8 => Value::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Integer(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Integer(bool::from_sql(ty, raw)?.into()),
            Type::DATE => Value::Days(i32::from_sql(&Type::INT4, raw)? + EPOCH_DAYS),
            Type::BYTEA => Value::Bytes(raw),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => {
                Value::Text(unescaped(std::str::from_utf8(raw)?))
            }
            _ => return Err(format!("the type {ty} is not expected").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Refused> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub(in crate::engine) fn value(row: &tokio_postgres::Row, column: usize) -> Result<Value<'_>, StoreError> {
    row.try_get(column)
        .map_err(|e| StoreError::corrupt(format!("an answer that cannot be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_comes_back_and_the_order_by_bytes_stays() {
        let texts = [
            "", "\0", "\0\0", "\u{0}0", "\u{1}", "\u{1}0", "\u{1}1", "\u{2}", "0", "a", "a\0", "a\0b",
            "a\u{1}b", "a\u{1}", "a ", "aé\0", "é",
        ];
        for a in texts {
            let kept = escaped(a);
            assert!(!kept.contains('\0'), "{a:?}");
            assert_eq!(unescaped(&kept), a, "{a:?}");
            for b in texts {
                assert_eq!(
                    escaped(a).as_bytes().cmp(escaped(b).as_bytes()),
                    a.as_bytes().cmp(b.as_bytes()),
                    "{a:?} and {b:?}"
                );
            }
        }
    }
}
