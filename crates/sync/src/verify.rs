//! Comparing both sides, key by key.

use std::cmp::Ordering;

use values::{Hash, Key};

/// One key on which ERP and hub do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In the ERP, but not in the hub.
    Missing(Key),
    /// In the hub, but not in the ERP.
    Extra(Key),
    /// In both, with other content.
    Content(Key),
}

impl Difference {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Missing(key) | Self::Extra(key) | Self::Content(key) => key,
        }
    }

    /// What differs, in words.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing in the hub",
            Self::Extra(_) => "not in the ERP",
            Self::Content(_) => "content differs",
        }
    }
}

/// Compares two lists in key-byte order; each may fail while it is read.
///
/// # Errors
/// The first failure of either side; then nothing may be concluded.
pub fn compare<E>(
    erp: impl IntoIterator<Item = Result<(Key, Hash), E>>,
    hub: impl IntoIterator<Item = Result<(Key, Hash), E>>,
    mut found: impl FnMut(Difference),
) -> Result<u64, E> {
    let (mut erp, mut hub) = (erp.into_iter(), hub.into_iter());
    let (mut left, mut right) = (erp.next().transpose()?, hub.next().transpose()?);
    let mut equal = 0;
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(equal),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let take_left = order != Ordering::Greater;
        let take_right = order != Ordering::Less;
        match (left.take_if(|_| take_left), right.take_if(|_| take_right)) {
            (Some((key, a)), Some((_, b))) if a != b => found(Difference::Content(key)),
            (Some(_), Some(_)) => equal += 1,
            (Some((key, _)), None) => found(Difference::Missing(key)),
            (None, Some((key, _))) => found(Difference::Extra(key)),
            (None, None) => {}
        }
        if take_left {
            left = erp.next().transpose()?;
        }
        if take_right {
            right = hub.next().transpose()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(&str, u64)]) -> Vec<Result<(Key, Hash), ()>> {
        entries
            .iter()
            .map(|(k, h)| Ok((Key::from_parts([k]), Hash(*h))))
            .collect()
    }

    #[test]
    fn names_every_kind_of_difference() {
        let erp = list(&[("a", 1), ("b", 2), ("c", 3), ("e", 5)]);
        let hub = list(&[("a", 1), ("b", 9), ("d", 4), ("e", 5), ("f", 6)]);
        let mut found = Vec::new();
        let equal = compare(erp, hub, |d| found.push(format!("{} {}", d.key(), d.as_str()))).unwrap();
        assert_eq!(equal, 2);
        assert_eq!(
            found,
            [
                "b content differs",
                "c missing in the hub",
                "d not in the ERP",
                "f not in the ERP"
            ]
        );
    }

    #[test]
    fn a_broken_side_concludes_nothing() {
        let mut erp = list(&[("a", 1)]);
        erp.push(Err(()));
        assert_eq!(compare(erp, list(&[("a", 1)]), |_| {}), Err(()));
    }
}
