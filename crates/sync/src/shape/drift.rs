//! How a site's columns differ from the catalog, from what they were, and what they hold.

use sage::ColumnInfo;
use values::{Kind, MAX_SCALE};

use super::{Remembered, Seen, ShapeProblem};

/// What a column seems to hold, by the driver's name for its type.
pub(super) fn kind_of(info: &ColumnInfo) -> Kind {
    let name = info.type_name.to_ascii_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["CHAR", "TEXT", "MEMO", "CLOB"]) {
        Kind::Text
    } else if has(&["DATE", "TIMESTAMP"]) {
        Kind::Date
    } else if has(&["INT", "DEC", "NUM", "DOUBLE", "FLOAT", "REAL", "MONEY"]) {
        // A floating type declares no decimals; Sage's masks have at most six.
        let undeclared = has(&["DOUBLE", "FLOAT", "REAL", "MONEY"]) && info.scale == 0;
        Kind::Decimal {
            scale: if undeclared { 6 } else { info.scale.min(MAX_SCALE) },
        }
    } else {
        Kind::Text
    }
}

/// The column with this name, whatever its case.
pub(super) fn find<'a>(columns: &'a [ColumnInfo], name: &str) -> Option<&'a ColumnInfo> {
    columns.iter().find(|c| c.name.eq_ignore_ascii_case(name))
}

/// Characters or digits that no value should exceed. Long texts have no such limit, whatever
/// drivers say.
pub(super) fn declared_width(info: &ColumnInfo) -> Option<u16> {
    let name = info.type_name.to_ascii_uppercase();
    let is_long = ["LONG", "TEXT", "MEMO", "CLOB"]
        .iter()
        .any(|part| name.contains(part));
    let is_number = kind_of(info) != Kind::Text;
    let width = u16::try_from(info.width).ok().filter(|width| *width > 0)?;
    (is_number || !is_long).then_some(width)
}

pub(super) fn place_name(table: &str, column: &str) -> String {
    format!("{table}.{column}")
}

/// Compares a column with what it was, or, when it was never looked at, with the catalog.
pub(super) fn compare(
    table: &str,
    info: &ColumnInfo,
    declared: Option<(Kind, Option<u16>)>,
    remembered: &Remembered,
) -> Option<ShapeProblem> {
    let (table, column) = (table.to_owned(), info.name.clone());
    let before = remembered.get(&place_name(&table, &column));
    if let Some(before) = before
        && !before.type_name.eq_ignore_ascii_case(&info.type_name)
    {
        return Some(ShapeProblem::TypeChanged {
            table,
            column,
            type_name: info.type_name.clone(),
            before: before.type_name.clone(),
        });
    }
    let expected = match (before, declared) {
        (Some(before), _) => before.width,
        // Digits are counted differently by every driver.
        (None, Some((Kind::Text, Some(width)))) => usize::from(width),
        (None, Some((Kind::Text | Kind::Json | Kind::Decimal { .. } | Kind::Date, _)) | None) => 0,
    };
    let width = info.width;
    if width == 0 || expected == 0 || width == expected {
        None
    } else if width < expected {
        Some(ShapeProblem::ColumnNarrower {
            table,
            column,
            width,
            expected,
        })
    } else {
        Some(ShapeProblem::ColumnWider {
            table,
            column,
            width,
            expected,
        })
    }
}

pub(super) fn seen(info: &ColumnInfo) -> Seen {
    Seen {
        type_name: info.type_name.clone(),
        width: info.width,
        scale: info.scale,
    }
}
