//! How a site's columns differ from the catalog, from what they were, and what they hold.

use sage::ColumnInfo;
use values::Kind;

use super::{Remembered, Seen, ShapeProblem};

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
    let is_number = info.kind() != Kind::Text;
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
