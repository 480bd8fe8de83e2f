//! Every code as a small number, so that the index is compact and compares fast.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A text that some record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

impl Name {
    /// The empty text.
    pub(crate) const BLANK: Self = Self(0);
}

/// All texts. What was once a name stays one: codes are few and come again.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    short: HashMap<Short, Name, BuildHasherDefault<TextHasher>>,
    long: HashMap<Arc<str>, Name, BuildHasherDefault<TextHasher>>,
    texts: Vec<Arc<str>>,
}

/// Most codes: kept in the map itself, so that a look-up reads one place of the memory.
const SHORT: usize = 31;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Short([u8; SHORT + 1]);

impl Short {
    /// The text and its length, if it is short.
    fn of(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; SHORT + 1];
        let (kept, last) = bytes.split_at_mut(SHORT);
        kept.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        last[0] = length;
        Some(Self(bytes))
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            short: HashMap::default(),
            long: HashMap::default(),
            texts: vec![Arc::from("")],
        }
    }
}

impl Names {
    /// The name of `text`, trailing blanks cut, if any record has it.
    pub(crate) fn find(&self, text: &str) -> Option<Name> {
        let text = text.trim_end_matches(' ');
        if text.is_empty() {
            return Some(Name::BLANK);
        }
        match Short::of(text) {
            Some(short) => self.short.get(&short),
            None => self.long.get(text),
        }
        .copied()
    }

    /// The name of `text`, now and later.
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.find(text) {
            return name;
        }
        let text = text.trim_end_matches(' ');
        // Four thousand million texts would fill the memory long before.
        let name = Name(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(Arc::from(text));
        match Short::of(text) {
            Some(short) => self.short.insert(short, name),
            None => self.long.insert(Arc::from(text), name),
        };
        name
    }

    /// What it says.
    pub(crate) fn text(&self, name: Name) -> &str {
        usize::try_from(name.0)
            .ok()
            .and_then(|place| self.texts.get(place))
            .map_or("", |text| text)
    }
}

/// A map whose keys are names: the numbers are our own, so nobody can choose them to collide.
pub(crate) type NameMap<K, V> = HashMap<K, V, BuildHasherDefault<NameHasher>>;

/// Mixes numbers by multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        // The map takes its buckets from the low bits and its tags from the high ones.
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(u64::try_from(number).unwrap_or(u64::MAX));
    }
}

/// Hashes texts. They come from the company's records, so nobody can choose them to collide;
/// what is asked for is never kept.
#[derive(Clone, Copy, Debug, Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_usize(&mut self, _length: usize) {
        // Of an array that is always as long.
    }

    fn write_u8(&mut self, _end: u8) {
        // After a text; nothing else follows.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_name() {
        let mut names = Names::default();
        assert_eq!(names.find("HAT"), None);
        let hat = names.intern("HAT  ");
        assert_eq!(names.intern("HAT"), hat);
        assert_eq!(names.find("HAT "), Some(hat));
        assert_eq!(names.text(hat), "HAT");
        assert_eq!(names.intern("   "), Name::BLANK);
        // As long as fits, and longer.
        let texts: Vec<String> = (29..=34).chain([300]).map(|length| "x".repeat(length)).collect();
        let given: Vec<Name> = texts.iter().map(|text| names.intern(text)).collect();
        for (text, name) in texts.iter().zip(given) {
            assert_eq!((names.find(text), names.text(name)), (Some(name), text.as_str()));
        }
    }
}
