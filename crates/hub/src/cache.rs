//! Answers of the store that are asked for with every request, kept for a moment or for as
//! long as the store is the same.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

/// So old may an answer be that is kept for a moment.
const LIFE: SignedDuration = SignedDuration::from_secs(1);
/// Entries kept: far more than tokens are in use at a time.
const MOST: usize = 10_000;

/// What was answered within the last second.
#[derive(Debug)]
pub(crate) struct Recent<K, V>(RwLock<HashMap<K, (Timestamp, V)>>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// The answer, if it is recent. A clock that was set back makes all of them old.
    pub(crate) fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (at, value) = entries.get(key)?;
        is_recent(*at, now).then(|| value.clone())
    }

    /// Keeps an answer for a moment.
    pub(crate) fn put(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.retain(|_, (at, _)| is_recent(*at, now));
        }
        if entries.len() < MOST {
            entries.insert(key, (now, value));
        }
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..LIFE).contains(&now.duration_since(at))
}

/// What was answered since the store last changed.
#[derive(Debug)]
pub(crate) struct Unchanged<K, V>(RwLock<(i64, HashMap<K, V>)>);

impl<K, V> Default for Unchanged<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Unchanged<K, V> {
    /// The answer, if the store's mark is the one that it was kept under.
    pub(crate) fn get(&self, key: &K, mark: Option<i64>) -> Option<V> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        mark.filter(|mark| *mark == kept.0)
            .and_then(|_| kept.1.get(key).cloned())
    }

    /// Keeps an answer that was asked for after the store had this mark. Without a mark
    /// nothing is kept.
    pub(crate) fn put(&self, key: K, value: V, mark: Option<i64>) {
        let Some(mark) = mark else { return };
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != mark {
            *kept = (mark, HashMap::new());
        }
        if kept.1.len() < MOST {
            kept.1.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_while_the_store_is_the_same() {
        let kept = Unchanged::default();
        kept.put("k", 1, Some(7));
        assert_eq!(kept.get(&"k", Some(7)), Some(1));
        assert_eq!(kept.get(&"other", Some(7)), None);
        assert_eq!(kept.get(&"k", Some(8)), None);
        assert_eq!(kept.get(&"k", None), None);
        kept.put("other", 2, Some(8));
        assert_eq!(kept.get(&"k", Some(8)), None, "asked for under the mark before");
        assert_eq!(kept.get(&"other", Some(8)), Some(2));
        kept.put("unmarked", 3, None);
        assert_eq!(kept.get(&"unmarked", Some(8)), None);
    }

    #[test]
    fn an_answer_is_good_for_a_second_and_not_before_it_was_given() {
        let kept = Recent::default();
        let at = |milliseconds: i64| Timestamp::from_millisecond(1_777_777_777_000 + milliseconds).unwrap();
        kept.put("k", 1, at(0));
        assert_eq!(kept.get(&"k", at(0)), Some(1));
        assert_eq!(kept.get(&"k", at(999)), Some(1));
        assert_eq!(kept.get(&"k", at(1_000)), None);
        assert_eq!(kept.get(&"k", at(-1)), None);
        assert_eq!(kept.get(&"other", at(0)), None);
    }

    #[test]
    fn a_full_one_forgets_what_is_old_and_takes_no_more_than_it_holds() {
        let kept = Recent::default();
        let at = |seconds: i64| Timestamp::from_second(1_777_777_777 + seconds).unwrap();
        for key in 0..MOST {
            kept.put(key, key, at(0));
        }
        kept.put(MOST, MOST, at(0));
        assert_eq!(kept.get(&MOST, at(0)), None);
        kept.put(MOST, MOST, at(1));
        assert_eq!(kept.get(&MOST, at(1)), Some(MOST));
        assert_eq!(kept.0.read().unwrap().len(), 1);
    }
}
