//! Exact decimals of a fixed scale. Money, quantities and rates are all of this type;
//! the scale comes from the catalog, never from the text that happened to arrive.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The largest scale that is accepted. Sage's finest masks have six decimals; twelve
/// leaves room for unit conversions in between.
pub const MAX_SCALE: u8 = 12;

/// An exact decimal: `units / 10^scale`.
///
/// The range is that of `i64` units, which at six decimals is about nine trillion;
/// Sage's widest mask (16.6, sign and point counted) has nine digits before the point.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    units: i64,
    scale: u8,
}

/// Why a text is not a decimal of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text has something else than digits, one point and a sign.
    #[error("not a number")]
    NotANumber,
    /// More non-zero decimals than the scale holds: rounding it would invent a value.
    #[error("more than {scale} decimals")]
    TooPrecise {
        /// The scale asked for.
        scale: u8,
    },
    /// The number does not fit.
    #[error("number too large")]
    TooLarge,
}

impl Decimal {
    /// Zero at the given scale.
    #[must_use]
    pub const fn zero(scale: u8) -> Self {
        Self { units: 0, scale }
    }

    /// `units / 10^scale`.
    #[must_use]
    pub const fn new(units: i64, scale: u8) -> Self {
        Self { units, scale }
    }

    /// The integer that, divided by `10^scale`, is this number.
    #[must_use]
    pub const fn units(self) -> i64 {
        self.units
    }

    /// Decimals after the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Reads `text` at exactly `scale` decimals. Blank is zero, as Sage keeps it.
    /// Accepts a sign before or after the digits and a leading point (`.5`, `5-`).
    ///
    /// # Errors
    /// See [`DecimalError`]; trailing zeros beyond the scale are no error.
    pub fn parse(text: &str, scale: u8) -> Result<Self, DecimalError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::zero(scale));
        }
        let (negative, digits) = if let Some(rest) = text.strip_prefix('-') {
            (true, rest)
        } else if let Some(rest) = text.strip_suffix('-') {
            (true, rest)
        } else {
            (false, text.strip_prefix('+').unwrap_or(text))
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(DecimalError::NotANumber);
        }
        let mut units: i64 = 0;
        let mut push = |byte: u8| -> Result<(), DecimalError> {
            if !byte.is_ascii_digit() {
                return Err(DecimalError::NotANumber);
            }
            units = units
                .checked_mul(10)
                .and_then(|u| u.checked_add(i64::from(byte - b'0')))
                .ok_or(DecimalError::TooLarge)?;
            Ok(())
        };
        for byte in whole.bytes() {
            push(byte)?;
        }
        let mut taken = 0_u8;
        for byte in fraction.bytes() {
            if taken < scale {
                push(byte)?;
                taken += 1;
            } else if !byte.is_ascii_digit() {
                return Err(DecimalError::NotANumber);
            } else if byte != b'0' {
                return Err(DecimalError::TooPrecise { scale });
            }
        }
        while taken < scale {
            push(b'0')?;
            taken += 1;
        }
        Ok(Self {
            units: if negative { -units } else { units },
            scale,
        })
    }

    /// The same value at another scale, rounded half away from zero where digits go.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] when the wider scale does not fit.
    pub fn rescale(self, scale: u8) -> Result<Self, DecimalError> {
        let units = if scale >= self.scale {
            i128::from(self.units) * pow10(scale - self.scale)
        } else {
            divide_half_away(i128::from(self.units), pow10(self.scale - scale))
        };
        Self::from_wide(units, scale)
    }

    /// Sum at the larger of both scales.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] on overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, DecimalError> {
        let (a, b, scale) = self.aligned(other);
        Self::from_wide(a + b, scale)
    }

    /// Difference at the larger of both scales.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] on overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, DecimalError> {
        self.checked_add(-other)
    }

    /// Product, rounded half away from zero to `scale`.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] on overflow.
    pub fn multiply(self, other: Self, scale: u8) -> Result<Self, DecimalError> {
        let product = i128::from(self.units) * i128::from(other.units);
        let have = self.scale + other.scale;
        let units = if scale >= have {
            product
                .checked_mul(pow10(scale - have))
                .ok_or(DecimalError::TooLarge)?
        } else {
            divide_half_away(product, pow10(have - scale))
        };
        Self::from_wide(units, scale)
    }

    /// Is it exactly zero?
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Is it below zero?
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.units < 0
    }

    fn aligned(self, other: Self) -> (i128, i128, u8) {
        let scale = self.scale.max(other.scale);
        (
            i128::from(self.units) * pow10(scale - self.scale),
            i128::from(other.units) * pow10(scale - other.scale),
            scale,
        )
    }

    fn from_wide(units: i128, scale: u8) -> Result<Self, DecimalError> {
        let units = i64::try_from(units).map_err(|_| DecimalError::TooLarge)?;
        Ok(Self { units, scale })
    }
}

fn pow10(exponent: u8) -> i128 {
    10_i128.pow(u32::from(exponent))
}

fn divide_half_away(value: i128, by: i128) -> i128 {
    let half = by / 2;
    if value >= 0 {
        (value + half) / by
    } else {
        (value - half) / by
    }
}

impl std::ops::Neg for Decimal {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            units: -self.units,
            scale: self.scale,
        }
    }
}

/// By value: `1.50` equals `1.5`.
impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(*other);
        a.cmp(&b)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let units = self.units.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{units}");
        }
        let one = 10_u64.pow(u32::from(self.scale));
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", units / one, units % one)
    }
}

/// Reads with the decimals that the text has.
impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let decimals = text
            .trim()
            .split_once('.')
            .map_or(0, |(_, f)| f.trim_end_matches('-').len());
        let scale = u8::try_from(decimals).ok().filter(|s| *s <= MAX_SCALE);
        let scale = scale.ok_or(DecimalError::TooPrecise { scale: MAX_SCALE })?;
        Self::parse(text, scale)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From a string; a JSON number is refused, since it may have been rounded on its way.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_at_its_scale() {
        for (text, scale, shown) in [
            ("79.5", 6, "79.500000"),
            ("", 2, "0.00"),
            ("-.5", 2, "-0.50"),
            ("12-", 0, "-12"),
            ("99999999", 0, "99999999"),
            ("1.500000", 1, "1.5"),
        ] {
            assert_eq!(Decimal::parse(text, scale).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_would_have_to_invent() {
        assert_eq!(
            Decimal::parse("1.255", 2),
            Err(DecimalError::TooPrecise { scale: 2 })
        );
        assert_eq!(Decimal::parse("1,25", 2), Err(DecimalError::NotANumber));
        assert_eq!(Decimal::parse("1e3", 2), Err(DecimalError::NotANumber));
        assert_eq!(Decimal::parse(".", 2), Err(DecimalError::NotANumber));
        assert_eq!(
            Decimal::parse("99999999999999999999", 0),
            Err(DecimalError::TooLarge)
        );
    }

    #[test]
    fn rounds_half_away_from_zero() {
        let price = Decimal::parse("0.125", 3).unwrap();
        let one = Decimal::new(1, 0);
        assert_eq!(price.multiply(one, 2).unwrap().to_string(), "0.13");
        assert_eq!((-price).multiply(one, 2).unwrap().to_string(), "-0.13");
        assert_eq!(price.rescale(2).unwrap().to_string(), "0.13");
    }

    #[test]
    fn compares_by_value() {
        assert_eq!(
            Decimal::parse("1.5", 1).unwrap(),
            Decimal::parse("1.50", 2).unwrap()
        );
        assert!(Decimal::parse("10.1", 1).unwrap() > Decimal::parse("9.55", 2).unwrap());
    }
}
