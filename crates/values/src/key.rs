//! A record's key in the one form in which it is compared, stored and shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The parts of a key joined with `:`, each byte outside `[A-Za-z0-9._-]` written as
/// `~` and two upper-case hex digits: `01:ALFKI`, `~2FWRITE~20OFF`, `2::NW-0001::01:CHOPS`.
///
/// Trailing blanks of each part are cut first. The form is unambiguous and needs no
/// escaping in a URL's path; its byte order is the order of the product.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key(String);

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key: parts are joined with ':' and other bytes than A-Z a-z 0-9 . _ - are written as ~XX")]
pub struct KeyError;

impl Key {
    /// The key of these parts.
    pub fn from_parts<I, P>(parts: I) -> Self
    where
        I: IntoIterator<Item = P>,
        P: AsRef<str>,
    {
        let mut text = String::new();
        for (place, part) in parts.into_iter().enumerate() {
            if place > 0 {
                text.push(':');
            }
            push_part(&mut text, part.as_ref());
        }
        Self(text)
    }

    /// Reads a key as it stands in a URL or a store.
    ///
    /// # Errors
    /// [`KeyError`] when a byte should have been escaped, or was without need.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = Self(text.to_owned());
        let parts = key.parts().ok_or(KeyError)?;
        if Self::from_parts(&parts) == key {
            Ok(key)
        } else {
            Err(KeyError)
        }
    }

    /// Takes a text that this type wrote before (from a store of ours).
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The encoded form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, decoded; `None` when an escape is broken.
    #[must_use]
    pub fn parts(&self) -> Option<Vec<String>> {
        self.0.split(':').map(decode_part).collect()
    }
}

fn push_part(text: &mut String, part: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in part.trim_end_matches(' ').bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            text.push(char::from(byte));
        } else {
            text.push('~');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn decode_part(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'~' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_the_surface_promises() {
        assert_eq!(Key::from_parts(["01", "ALFKI"]).as_str(), "01:ALFKI");
        assert_eq!(Key::from_parts(["/WRITE OFF  "]).as_str(), "~2FWRITE~20OFF");
        assert_eq!(
            Key::from_parts(["2", "", "NW-0001", "", "01", "CHOPS"]).as_str(),
            "2::NW-0001::01:CHOPS"
        );
        assert_eq!(Key::from_parts(["a:b~c", "é"]).as_str(), "a~3Ab~7Ec:~C3~A9");
    }

    #[test]
    fn decodes_what_it_encodes() {
        let parts = vec!["a:b~ c".to_owned(), String::new(), "é".to_owned()];
        assert_eq!(Key::from_parts(&parts).parts(), Some(parts));
    }

    #[test]
    fn one_text_for_one_key() {
        for odd in ["a b", "~2f", "~41", "~2", "~C3", "x~20"] {
            assert_eq!(Key::parse(odd), Err(KeyError), "{odd}");
        }
        assert!(Key::parse("01:ALFKI").is_ok());
    }
}
