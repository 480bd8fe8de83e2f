//! From the driver's text to typed columns. Decimals and dates are fetched as text,
//! because drivers hand numbers over as doubles.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{Date32Builder, Decimal64Builder, StringBuilder},
};
use arrow_schema::{ArrowError, DataType};
use serde::{Deserialize, Serialize};
use values::{Decimal, DecimalError, Kind, days_from_date, parse_date};

use crate::Column;

/// One value as the driver handed it over.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// SQL NULL: treated as blank.
    Null,
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes that are no UTF-8: read as Windows-1252, with a finding.
    Bytes(&'a [u8]),
}

/// A value that could not be taken as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Row in its page.
    pub row: usize,
    /// Sage column.
    pub column: String,
    /// What was wrong.
    pub code: FindingCode,
}

/// What can be wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingCode {
    /// No date: delivered as none.
    BadDate,
    /// No number: delivered as zero.
    BadNumber,
    /// More decimals than the catalog's scale: rounded half away from zero.
    Rounded,
    /// Larger than the column can hold: delivered as zero.
    NumberTooLarge,
    /// More digits than the site's catalogue declares: delivered whole.
    BeyondMask,
    /// More characters than the site's catalogue declares: delivered whole.
    LongerThanDeclared,
    /// Bytes that are no UTF-8: read as Windows-1252. Or characters that no code page prints:
    /// control characters are delivered, what follows a NUL is not.
    CodePage,
    /// `TimeUpdated` is no decimal hour: read as the start of its day.
    BadTime,
    /// The stamp lies in the future: delivered, and the watermark does not follow it.
    FutureStamp,
}

/// Builds one typed column out of cells.
#[derive(Debug)]
pub struct ColumnDecoder {
    name: String,
    /// Declared characters or digits.
    width: Option<u16>,
    builder: Builder,
    rows: usize,
    findings: Vec<Finding>,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Decimal(Decimal64Builder, u8),
    Date(Date32Builder),
}

/// Precision that all decimal columns carry: what 64 bits hold.
const PRECISION: u8 = 18;

impl ColumnDecoder {
    /// A decoder for this column.
    #[must_use]
    pub fn new(column: &Column) -> Self {
        let builder = match column.kind {
            Kind::Text | Kind::Json => Builder::Text(StringBuilder::new()),
            Kind::Decimal { scale } => Builder::Decimal(Decimal64Builder::new(), scale),
            Kind::Date => Builder::Date(Date32Builder::new()),
        };
        Self {
            name: column.name.clone(),
            width: column.width,
            builder,
            rows: 0,
            findings: Vec::new(),
        }
    }

    /// The Arrow type that columns of this kind have.
    #[must_use]
    pub fn data_type(kind: Kind) -> DataType {
        match kind {
            Kind::Text | Kind::Json => DataType::Utf8,
            Kind::Decimal { scale } => DataType::Decimal64(PRECISION, i8::try_from(scale).unwrap_or(0)),
            Kind::Date => DataType::Date32,
        }
    }

    /// Takes the next row's value.
    pub fn push(&mut self, cell: Cell<'_>) {
        let widened;
        let text = match cell {
            Cell::Null => "",
            // Nearly every value.
            Cell::Text(text) if is_plain(text.as_bytes()) => trim_end(text),
            Cell::Text(text) => self.trimmed(text, false),
            Cell::Bytes(bytes) => {
                widened = windows_1252(bytes);
                self.trimmed(&widened, true)
            }
        };
        let found = match &mut self.builder {
            Builder::Text(builder) => {
                builder.append_value(text);
                // The count of bytes is never below that of characters.
                let is_longer =
                    |width: u16| text.len() > usize::from(width) && text.chars().count() > usize::from(width);
                self.width
                    .is_some_and(is_longer)
                    .then_some(FindingCode::LongerThanDeclared)
            }
            Builder::Decimal(builder, scale) => {
                let (units, found) = decimal_units(text, *scale);
                builder.append_value(units);
                let has_more = |width: u16| digits(units) > u32::from(width);
                found.or_else(|| {
                    self.width
                        .is_some_and(has_more)
                        .then_some(FindingCode::BeyondMask)
                })
            }
            Builder::Date(builder) => match parse_date(text) {
                Ok(date) => {
                    builder.append_option(date.map(days_from_date));
                    None
                }
                Err(_) => {
                    builder.append_null();
                    Some(FindingCode::BadDate)
                }
            },
        };
        if let Some(code) = found {
            self.find(code);
        }
        self.rows += 1;
    }

    /// The value without its padding; what no code page prints is a finding.
    fn trimmed<'a>(&mut self, text: &'a str, is_odd: bool) -> &'a str {
        // The first NUL ends what a fixed-width file field holds; NULs alone are padding.
        let (text, after) = text.split_once('\0').unwrap_or((text, ""));
        let text = trim_end(text);
        if is_odd || after.contains(|c| !matches!(c, '\0' | ' ')) || text.contains(is_unprintable) {
            self.find(FindingCode::CodePage);
        }
        text
    }

    fn find(&mut self, code: FindingCode) {
        self.findings.push(Finding {
            row: self.rows,
            column: self.name.clone(),
            code,
        });
    }

    /// The column and what was wrong in it.
    ///
    /// # Errors
    /// Never for scales up to 12; Arrow checks precision and scale.
    pub fn finish(mut self) -> Result<(ArrayRef, Vec<Finding>), ArrowError> {
        let array: ArrayRef = match &mut self.builder {
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Decimal(builder, scale) => {
                let scale = i8::try_from(*scale).unwrap_or(0);
                Arc::new(builder.finish().with_precision_and_scale(PRECISION, scale)?)
            }
            Builder::Date(builder) => Arc::new(builder.finish()),
        };
        Ok((array, self.findings))
    }
}

/// Digits of a number of units.
const fn digits(units: i64) -> u32 {
    match units.unsigned_abs().checked_ilog10() {
        Some(digits) => digits + 1,
        None => 0,
    }
}

fn decimal_units(text: &str, scale: u8) -> (i64, Option<FindingCode>) {
    match Decimal::parse(text, scale) {
        Ok(decimal) => (decimal.units(), None),
        Err(DecimalError::NotANumber) => (0, Some(FindingCode::BadNumber)),
        Err(DecimalError::TooLarge) => (0, Some(FindingCode::NumberTooLarge)),
        Err(DecimalError::TooPrecise { .. }) => match rounded(text, scale) {
            Ok(decimal) => (decimal.units(), Some(FindingCode::Rounded)),
            Err(DecimalError::TooLarge) => (0, Some(FindingCode::NumberTooLarge)),
            Err(DecimalError::NotANumber | DecimalError::TooPrecise { .. }) => {
                (0, Some(FindingCode::BadNumber))
            }
        },
    }
}

/// Rounds half away from zero, which looks at the first digit that goes and at no other: so
/// the rest may be longer than 64 bits hold.
fn rounded(text: &str, scale: u8) -> Result<Decimal, DecimalError> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.strip_suffix('-').unwrap_or(fraction);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    let sign = &fraction[digits.len()..];
    let kept = scale.saturating_add(1);
    let digits = digits.get(..usize::from(kept)).unwrap_or(digits);
    Decimal::parse(&format!("{whole}.{digits}{sign}"), kept)?.rescale(scale)
}

/// Printable ASCII alone? Without an early end the compiler looks at many bytes at once.
fn is_plain(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// Cuts trailing blanks.
fn trim_end(text: &str) -> &str {
    let blanks = text.bytes().rev().take_while(|byte| *byte == b' ').count();
    text.get(..text.len() - blanks).unwrap_or(text)
}

/// Memos have lines and tabs.
fn is_unprintable(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r')
}

/// The 27 printable characters that Windows-1252 has in 0x80..=0x9F; the five holes are
/// kept as control characters.
const WINDOWS_1252_HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| match byte {
            0x80..=0x9f => WINDOWS_1252_HIGH[usize::from(byte - 0x80)],
            other => char::from(other),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Array,
        cast::AsArray,
        types::{Date32Type, Decimal64Type},
    };

    use super::*;

    fn decode(kind: Kind, cells: &[Cell<'_>]) -> (ArrayRef, Vec<FindingCode>) {
        let mut decoder = ColumnDecoder::new(&Column::new("X", kind));
        cells.iter().for_each(|c| decoder.push(*c));
        let (array, findings) = decoder.finish().unwrap();
        assert_eq!(array.data_type(), &ColumnDecoder::data_type(kind));
        (array, findings.into_iter().map(|f| f.code).collect())
    }

    #[test]
    fn text_is_cut_at_the_right_and_bytes_are_read() {
        let (array, found) = decode(
            Kind::Text,
            &[
                Cell::Text(" a  "),
                Cell::Null,
                Cell::Bytes(b"caf\xe9 \x80"),
                Cell::Text("x\0junk"),
            ],
        );
        let texts: Vec<_> = array.as_string::<i32>().iter().flatten().collect();
        assert_eq!(texts, [" a", "", "café €", "x"]);
        assert_eq!(
            found,
            [FindingCode::CodePage; 2],
            "odd bytes, and text after a NUL"
        );
    }

    #[test]
    fn control_characters_are_found_and_padding_is_not() {
        let texts = ["pad\0\0 \0", "a\tb\r\nc", "bell\u{7}", "hole\u{81}", "\0lost"];
        let mut decoder = ColumnDecoder::new(&Column::new("X", Kind::Text));
        texts.iter().for_each(|t| decoder.push(Cell::Text(t)));
        let (array, found) = decoder.finish().unwrap();
        let read: Vec<_> = array.as_string::<i32>().iter().flatten().collect();
        assert_eq!(read, ["pad", "a\tb\r\nc", "bell\u{7}", "hole\u{81}", ""]);
        let found: Vec<_> = found.iter().map(|f| (f.row, f.code)).collect();
        assert_eq!(found, [2, 3, 4].map(|row| (row, FindingCode::CodePage)));
    }

    #[test]
    fn numbers_are_exact_or_found() {
        let (array, found) = decode(
            Kind::Decimal { scale: 2 },
            &[
                Cell::Text("79.5"),
                Cell::Text(""),
                Cell::Text("1.255"),
                Cell::Text("x"),
                Cell::Text("99999999999999999999"),
            ],
        );
        assert_eq!(
            array.as_primitive::<Decimal64Type>().values().to_vec(),
            [7950, 0, 126, 0, 0]
        );
        assert_eq!(
            found,
            [
                FindingCode::Rounded,
                FindingCode::BadNumber,
                FindingCode::NumberTooLarge
            ]
        );
    }

    #[test]
    fn what_is_beyond_the_declared_width_arrives_whole() {
        let wide = |kind, width, texts: &[&str]| {
            let mut decoder = ColumnDecoder::new(&Column::new("X", kind).with_width(width));
            texts.iter().for_each(|t| decoder.push(Cell::Text(t)));
            decoder.finish().unwrap()
        };
        let (array, found) = wide(Kind::Text, 5, &["Größe", "Größen", "abcde  "]);
        assert_eq!(array.as_string::<i32>().value(1), "Größen");
        let found: Vec<_> = found.iter().map(|f| (f.row, f.code)).collect();
        assert_eq!(found, [(1, FindingCode::LongerThanDeclared)]);
        let (array, found) = wide(Kind::Decimal { scale: 2 }, 4, &["99.99", "-100", "0"]);
        assert_eq!(array.as_primitive::<Decimal64Type>().value(1), -10_000);
        let found: Vec<_> = found.iter().map(|f| (f.row, f.code)).collect();
        assert_eq!(found, [(1, FindingCode::BeyondMask)]);
        let (_, found) = wide(Kind::Text, 0, &["no width is known"]);
        assert_eq!(found, []);
    }

    #[test]
    fn odd_forms_of_numbers_are_exact_or_found() {
        use FindingCode::{BadNumber, NumberTooLarge, Rounded};
        for (text, units, found) in [
            ("12.50-", -1250, None),
            ("+7", 700, None),
            (".5", 50, None),
            (" 8 ", 800, None),
            ("1.5E3", 0, Some(BadNumber)),
            ("1.555E3", 0, Some(BadNumber)),
            ("1,234.50", 0, Some(BadNumber)),
            ("-1-", 0, Some(BadNumber)),
            ("12.505-", -1251, Some(Rounded)),
            ("0.30499999999999999999999999", 30, Some(Rounded)),
            ("-7.125000000000000000000000000001", -713, Some(Rounded)),
            ("92233720368547758.071", 0, Some(NumberTooLarge)),
            ("92233720368547758.08", 0, Some(NumberTooLarge)),
        ] {
            let (array, codes) = decode(Kind::Decimal { scale: 2 }, &[Cell::Text(text)]);
            assert_eq!(array.as_primitive::<Decimal64Type>().value(0), units, "{text}");
            assert_eq!(codes, Vec::from_iter(found), "{text}");
        }
    }

    #[test]
    fn dates_of_sql_server_are_days_or_none() {
        let (array, found) = decode(
            Kind::Date,
            &[
                Cell::Text("2026-05-01 00:00:00.000"),
                Cell::Text("1753-01-01 00:00:00"),
                Cell::Null,
            ],
        );
        let dates = array.as_primitive::<Date32Type>();
        assert_eq!(
            (dates.value(0), dates.is_null(1), dates.is_null(2)),
            (20574, true, true)
        );
        assert_eq!(found, []);
    }

    #[test]
    fn dates_are_days_or_none() {
        let (array, found) = decode(
            Kind::Date,
            &[
                Cell::Text("2026-05-01"),
                Cell::Text("1753-01-01"),
                Cell::Text("2026-02-31"),
            ],
        );
        let dates = array.as_primitive::<Date32Type>();
        assert_eq!(
            (dates.value(0), dates.is_null(1), dates.is_null(2)),
            (20574, true, true)
        );
        assert_eq!(found, [FindingCode::BadDate]);
    }
}
