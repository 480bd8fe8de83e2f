//! Values on their way in and out of an object: Sage's column suffix, dates as
//! `YYYYMMDD`, and the widths that the file declares.

use sage::{Return, Scalar};
use values::{Date, Decimal, parse_date};

use super::record::{Cell, Field, FieldKind, Layout, Record};

/// Done.
pub(crate) fn done() -> Return {
    Return {
        code: 1,
        ..Return::default()
    }
}

/// A code of its own, without words.
pub(crate) fn code(code: i32) -> Return {
    Return {
        code,
        ..Return::default()
    }
}

/// Refused, in words.
pub(crate) fn refused(message: impl Into<String>) -> Return {
    Return {
        code: 0,
        message: message.into(),
        ..Return::default()
    }
}

/// Done, with a warning.
pub(crate) fn warned(message: impl Into<String>) -> Return {
    Return {
        code: -1,
        message: message.into(),
        ..Return::default()
    }
}

/// Reads a column's argument and value; the error is Sage's refusal.
pub(crate) fn accept<'a>(
    layout: &'a Layout,
    column: &str,
    value: &Scalar,
) -> Result<(&'a Field, Cell), String> {
    let field = field_of(layout, column)?;
    let cell = match (field.kind, value) {
        (FieldKind::Text(width), Scalar::Text(text)) => {
            let text = text.trim_end();
            if let Some(width) = width.filter(|width| text.chars().count() > *width) {
                let name = &field.name;
                return Err(format!("The {name} is too long: at most {width} characters."));
            }
            Cell::Text(text.to_owned())
        }
        (FieldKind::Date, Scalar::Text(text)) => Cell::Date(date_of(&field.name, text)?),
        (FieldKind::Number(scale), Scalar::Number(number)) => {
            let digits = digits_of(field);
            if integer_digits(*number) > digits {
                return Err(too_large(field, digits));
            }
            Cell::Number(number.rescale(scale).map_err(|_| too_large(field, digits))?)
        }
        (FieldKind::Text(_) | FieldKind::Date, Scalar::Number(_)) => {
            return Err(format!("The {} is a string column.", field.name));
        }
        (FieldKind::Number(_), Scalar::Text(_)) => {
            return Err(format!("The {} is a numeric column.", field.name));
        }
    };
    Ok((field, cell))
}

/// Digits before the decimal point that a number may have. Sage's entry screens take eight
/// for a quantity, one less than its column would hold.
fn digits_of(field: &Field) -> u32 {
    let declared = field.digits.unwrap_or(u32::MAX);
    match field.name.as_str() {
        "QuantityOrdered" => declared.min(8),
        _ => declared,
    }
}

fn integer_digits(number: Decimal) -> u32 {
    let one = 10_u64.checked_pow(u32::from(number.scale())).unwrap_or(u64::MAX);
    let whole = number.units().unsigned_abs() / one;
    whole.checked_ilog10().map_or(0, |log| log + 1)
}

fn too_large(field: &Field, digits: u32) -> String {
    format!(
        "The {} is too large: at most {digits} digits before the decimal point.",
        field.name
    )
}

/// Reads the value of a column for `nGetValue`; the error is Sage's refusal.
pub(crate) fn hand_out(record: &Record, column: &str) -> Result<Scalar, String> {
    let field = field_of(record.layout(), column)?;
    Ok(match record.cell(&field.name) {
        Some(Cell::Text(text)) => Scalar::Text(text.clone()),
        Some(Cell::Number(number)) => Scalar::Number(*number),
        Some(Cell::Date(Some(date))) => Scalar::Text(compact(*date)),
        Some(Cell::Date(None)) | None => Scalar::Text(String::new()),
    })
}

/// A date as Sage writes it.
fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Is it a number below zero?
pub(crate) fn is_negative(cell: &Cell) -> bool {
    matches!(cell, Cell::Number(number) if Decimal::is_negative(*number))
}

fn field_of<'a>(layout: &'a Layout, column: &str) -> Result<&'a Field, String> {
    let (name, is_string) = match column.strip_suffix('$') {
        Some(name) => (name, true),
        None => (column, false),
    };
    let field = layout
        .field(name)
        .ok_or_else(|| format!("The column {column} is not valid."))?;
    if is_string == matches!(field.kind, FieldKind::Number(_)) {
        let kind = if is_string { "numeric" } else { "string" };
        return Err(format!(
            "The column {column} is not valid: {name} is a {kind} column."
        ));
    }
    Ok(field)
}

fn date_of(name: &str, text: &str) -> Result<Option<Date>, String> {
    let text = text.trim();
    if !text.is_empty() && text.len() != 8 {
        return Err(format!("The {name} is not a valid date (YYYYMMDD)."));
    }
    parse_date(text).map_err(|_| format!("The {name} is not a valid date (YYYYMMDD)."))
}
