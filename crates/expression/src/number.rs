//! The numbers inside an expression: wider than a field, so that only the outcome has to fit.

use std::cmp::Ordering;
use std::fmt;

use values::{Decimal, MAX_SCALE};

use crate::error::EvaluateError;

/// Decimals of a quotient.
pub(crate) const QUOTIENT_SCALE: u8 = 6;

/// `units / 10^scale`, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    units: i128,
    scale: u8,
}

impl Number {
    pub(crate) const fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }

    pub(crate) fn whole(units: impl Into<i128>) -> Self {
        Self::new(units.into(), 0)
    }

    pub(crate) fn from_decimal(decimal: Decimal) -> Self {
        Self::new(i128::from(decimal.units()), decimal.scale())
    }

    /// Digits with at most one point; up to [`MAX_SCALE`] decimals, zeros beyond do not count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = if fraction.len() > usize::from(MAX_SCALE) {
            fraction.trim_end_matches('0')
        } else {
            fraction
        };
        let scale = u8::try_from(fraction.len())
            .ok()
            .filter(|scale| *scale <= MAX_SCALE)?;
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut units = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            units = units.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        Some(Self::new(units, scale))
    }

    /// What fits a field.
    pub(crate) fn narrow(self) -> Result<Decimal, EvaluateError> {
        match i64::try_from(self.units) {
            // Its opposite would not fit.
            Ok(i64::MIN) | Err(_) => Err(EvaluateError::Overflow),
            Ok(units) => Ok(Decimal::new(units, self.scale)),
        }
    }

    pub(crate) fn negate(self) -> Result<Self, EvaluateError> {
        let units = self.units.checked_neg().ok_or(EvaluateError::Overflow)?;
        Ok(Self::new(units, self.scale))
    }

    pub(crate) fn abs(self) -> Result<Self, EvaluateError> {
        if self.units < 0 { self.negate() } else { Ok(self) }
    }

    /// At the larger scale of both.
    pub(crate) fn add(self, other: Self) -> Result<Self, EvaluateError> {
        let (a, b, scale) = self.aligned(other)?;
        let units = a.checked_add(b).ok_or(EvaluateError::Overflow)?;
        Ok(Self::new(units, scale))
    }

    pub(crate) fn subtract(self, other: Self) -> Result<Self, EvaluateError> {
        self.add(other.negate()?)
    }

    /// At the sum of both scales, but no more than [`MAX_SCALE`].
    pub(crate) fn multiply(self, other: Self) -> Result<Self, EvaluateError> {
        let units = self
            .units
            .checked_mul(other.units)
            .ok_or(EvaluateError::Overflow)?;
        Self::new(units, self.scale.saturating_add(other.scale)).capped()
    }

    /// At [`QUOTIENT_SCALE`].
    pub(crate) fn divide(self, other: Self) -> Result<Self, EvaluateError> {
        if other.units == 0 {
            return Err(EvaluateError::DivisionByZero);
        }
        let up = self.times_power(u32::from(QUOTIENT_SCALE) + u32::from(other.scale))?;
        let by = other.times_power(u32::from(self.scale))?;
        Ok(Self::new(divide_half_away(up, by)?, QUOTIENT_SCALE))
    }

    /// Half away from zero where digits go.
    pub(crate) fn rescale(self, scale: u8) -> Result<Self, EvaluateError> {
        let units = match scale.cmp(&self.scale) {
            Ordering::Equal => self.units,
            Ordering::Greater => self.times_power(u32::from(scale - self.scale))?,
            Ordering::Less => {
                let by = 10_i128.checked_pow(u32::from(self.scale - scale));
                divide_half_away(self.units, by.ok_or(EvaluateError::Overflow)?)?
            }
        };
        Ok(Self::new(units, scale))
    }

    pub(crate) fn compare(self, other: Self) -> Result<Ordering, EvaluateError> {
        let (a, b, _) = self.aligned(other)?;
        Ok(a.cmp(&b))
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.units == 0
    }

    pub(crate) const fn scale(self) -> u8 {
        self.scale
    }

    /// The whole part, which for lengths and days is all that counts.
    pub(crate) fn truncated(self) -> i128 {
        let one = 10_i128.checked_pow(u32::from(self.scale)).unwrap_or(i128::MAX);
        self.units / one
    }

    fn capped(self) -> Result<Self, EvaluateError> {
        self.rescale(self.scale.min(MAX_SCALE))
    }

    fn times_power(self, exponent: u32) -> Result<i128, EvaluateError> {
        10_i128
            .checked_pow(exponent)
            .and_then(|power| self.units.checked_mul(power))
            .ok_or(EvaluateError::Overflow)
    }

    fn aligned(self, other: Self) -> Result<(i128, i128, u8), EvaluateError> {
        let scale = self.scale.max(other.scale);
        Ok((self.rescale(scale)?.units, other.rescale(scale)?.units, scale))
    }
}

fn divide_half_away(value: i128, by: i128) -> Result<i128, EvaluateError> {
    let quotient = value.checked_div(by).ok_or(EvaluateError::Overflow)?;
    let rest = value
        .checked_rem(by)
        .ok_or(EvaluateError::Overflow)?
        .unsigned_abs();
    let away = if (value < 0) == (by < 0) { 1 } else { -1 };
    if rest >= by.unsigned_abs() - rest {
        quotient.checked_add(away).ok_or(EvaluateError::Overflow)
    } else {
        Ok(quotient)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let width = usize::from(self.scale) + 1;
        let digits = format!("{:0width$}", self.units.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.scale));
        if fraction.is_empty() {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        match text.strip_prefix('-') {
            Some(rest) => Number::parse(rest).unwrap().negate().unwrap(),
            None => Number::parse(text).unwrap(),
        }
    }

    #[test]
    fn rounds_half_away_from_zero_on_both_sides() {
        for (a, b, quotient) in [
            ("1", "3", "0.333333"),
            ("2", "3", "0.666667"),
            ("-2", "3", "-0.666667"),
            ("2", "-3", "-0.666667"),
            ("-2", "-3", "0.666667"),
            ("0.000001", "2", "0.000001"),
            ("-0.000001", "2", "-0.000001"),
            ("0", "7", "0.000000"),
        ] {
            assert_eq!(
                number(a).divide(number(b)).unwrap().to_string(),
                quotient,
                "{a} / {b}"
            );
        }
        assert_eq!(number("2.345").rescale(2).unwrap().to_string(), "2.35");
        assert_eq!(number("-2.345").rescale(2).unwrap().to_string(), "-2.35");
    }

    #[test]
    fn a_product_keeps_at_most_twelve_decimals() {
        let small = number("0.0000015");
        assert_eq!(
            small.multiply(number("1.000001")).unwrap().to_string(),
            "0.000001500002"
        );
        assert_eq!(
            number("1.50").multiply(number("1.1")).unwrap().to_string(),
            "1.650"
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let large = Number::new(i128::MAX, 0);
        assert_eq!(large.add(Number::whole(1)), Err(EvaluateError::Overflow));
        assert_eq!(large.multiply(Number::whole(2)), Err(EvaluateError::Overflow));
        assert_eq!(Number::new(i128::MIN, 0).negate(), Err(EvaluateError::Overflow));
        assert_eq!(
            Number::new(i128::MIN, 0).divide(Number::whole(-1)),
            Err(EvaluateError::Overflow)
        );
        assert_eq!(large.rescale(1), Err(EvaluateError::Overflow));
        assert_eq!(Number::whole(i64::MIN).narrow(), Err(EvaluateError::Overflow));
        assert_eq!(
            Number::whole(1).divide(Number::whole(0)),
            Err(EvaluateError::DivisionByZero)
        );
    }
}
