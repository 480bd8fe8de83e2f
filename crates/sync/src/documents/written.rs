//! Key parts as they stand in statements, and where a page ends when not every key can be
//! written: blank and odd dates have no literal, control characters no driver reads back.

use sage::Literal;
use values::{Kind, parse_date};

/// A key part as it stands in a statement; none where it cannot be written.
pub(super) fn literal(part: &str, kind: Kind) -> Option<Literal> {
    match kind {
        Kind::Text | Kind::Json | Kind::Decimal { .. } => {
            (!part.chars().any(char::is_control)).then(|| Literal::Text(part.to_owned()))
        }
        Kind::Date => parse_date(part).ok().flatten().map(Literal::Date),
    }
}

/// The parts of a key up to the first that cannot be written.
pub(super) fn literals(parts: &[String], kinds: &[Kind]) -> Vec<Literal> {
    let pairs = parts.iter().zip(kinds);
    pairs.map_while(|(part, kind)| literal(part, *kind)).collect()
}

/// A key part as a bound of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Whole(Literal),
    /// What stands before its control character: it sorts no later than the whole.
    Start(Literal),
    Unknown,
}

impl Bound {
    pub(super) fn new(part: &str, kind: Kind) -> Self {
        if let Some(whole) = literal(part, kind) {
            return Self::Whole(whole);
        }
        let start = part
            .split(char::is_control)
            .next()
            .filter(|start| !start.is_empty());
        match (kind, start) {
            (Kind::Text | Kind::Json, Some(start)) => Self::Start(Literal::Text(start.to_owned())),
            (Kind::Text | Kind::Json, None) | (Kind::Date | Kind::Decimal { .. }, _) => Self::Unknown,
        }
    }
}

/// Where a page ends so that the next one can begin behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Rows of the page; those behind them come again with the next.
    pub(super) rows: usize,
    /// The last row's key, or its first parts where all rows that share them are in the page.
    pub(super) last: Vec<String>,
}

/// The latest end of a page of `rows` rows, in the ERP's order, that has more behind it: a row
/// whose key can be written, or one whose first parts can, and differ from the next row's.
pub(super) fn cut(rows: usize, kinds: &[Kind], key_of: impl Fn(usize) -> Vec<String>) -> Option<Cut> {
    let mut next: Option<Vec<String>> = None;
    for row in (0..rows).rev() {
        let mut parts = key_of(row);
        let written = literals(&parts, kinds).len();
        let is_boundary = written == kinds.len()
            || next.as_ref().is_some_and(|next| {
                let mut pairs = parts.iter().zip(next).take(written);
                pairs.any(|(part, next)| !may_be_equal(part, next))
            });
        if is_boundary {
            parts.truncate(written);
            return Some(Cut {
                rows: row + 1,
                last: parts,
            });
        }
        next = Some(parts);
    }
    None
}

/// Could the ERP's collation hold these to be the same?
fn may_be_equal(one: &str, other: &str) -> bool {
    one.trim_end().to_lowercase() == other.trim_end().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 2] = [Kind::Text, Kind::Date];

    fn cut_of(keys: &[[&str; 2]]) -> Option<(usize, String)> {
        let cut = cut(keys.len(), &KINDS, |row| keys[row].map(str::to_owned).to_vec());
        cut.map(|cut| (cut.rows, cut.last.join(" ")))
    }

    #[test]
    fn a_page_ends_where_the_next_can_begin() {
        let whole = ["A", "2026-05-01"];
        assert_eq!(cut_of(&[["A", ""], whole]), Some((2, "A 2026-05-01".into())));
        assert_eq!(cut_of(&[whole, ["B", ""]]), Some((1, "A 2026-05-01".into())));
        assert_eq!(
            cut_of(&[["A", ""], ["B", ""], ["B", "odd"]]),
            Some((1, "A".into()))
        );
        assert_eq!(cut_of(&[["a", ""], ["A ", ""]]), None);
        assert_eq!(cut_of(&[["A\t", ""], ["B", ""]]), None);
        assert_eq!(cut_of(&[]), None);
    }
}
