//! Paging by key without OR and without LIMIT: a ladder of statements.
//!
//! Behind the key (a, b, c) lie first `K1 = a AND K2 = b AND K3 > c`, then
//! `K1 = a AND K2 > b`, then `K1 > a`. Each rung is answered from the key's index, in the
//! ERP's own collation; nothing rests on which collation that is.

use sage::{Comparison, Literal, Where};

/// The conditions of one statement.
pub type Rung = Vec<Where>;

/// The rungs behind `after`, nearest first. Without `after` there is one rung with no
/// condition. `key` names the key's columns; both have the same length.
#[must_use]
pub fn rungs(key: &[String], after: Option<&[Literal]>) -> Vec<Rung> {
    let Some(after) = after else {
        return vec![Rung::new()];
    };
    (0..key.len())
        .rev()
        .map(|last| {
            key.iter()
                .zip(after)
                .take(last + 1)
                .enumerate()
                .map(|(place, (column, literal))| Where {
                    column: column.clone(),
                    comparison: if place == last {
                        Comparison::Greater
                    } else {
                        Comparison::Equal
                    },
                    literal: literal.clone(),
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_make_three_rungs() {
        let key: Vec<String> = ["A", "B", "C"].map(String::from).to_vec();
        let after: Vec<Literal> = ["a", "b", "c"].map(|t| Literal::Text(t.into())).to_vec();
        let shown: Vec<String> = rungs(&key, Some(&after))
            .iter()
            .map(|rung| {
                let parts: Vec<String> = rung
                    .iter()
                    .map(|w| format!("{}{:?}", w.column, w.comparison))
                    .collect();
                parts.join(" ")
            })
            .collect();
        assert_eq!(shown, ["AEqual BEqual CGreater", "AEqual BGreater", "AGreater"]);
        assert_eq!(rungs(&key, None), [Rung::new()]);
    }
}
