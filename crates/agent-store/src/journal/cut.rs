//! Texts cut to the bytes they take as JSON, in which quotes and control characters grow.

/// Ends a text that was cut.
const MARK: char = '…';

/// Cuts the text so that it takes at most `bytes` bytes as JSON, its quotes not counted.
pub(super) fn cut(text: &mut String, bytes: usize) {
    if text.chars().map(json_bytes).sum::<usize>() <= bytes {
        return;
    }
    let mut left = bytes.saturating_sub(MARK.len_utf8());
    let mut end = 0;
    for (at, character) in text.char_indices() {
        match left.checked_sub(json_bytes(character)) {
            Some(rest) => left = rest,
            None => break,
        }
        end = at + character.len_utf8();
    }
    text.truncate(end);
    text.push(MARK);
}

const fn json_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}
