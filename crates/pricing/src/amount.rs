//! The arithmetic, exact until it is rounded. Half goes away from zero.

use values::Decimal;

use crate::answer::PriceError;
use crate::options::{PRICE_SCALE, Rounding};

/// Conversion factors have four decimals.
pub(crate) const FACTOR_SCALE: u8 = 4;
const FACTOR_ONE: i64 = 10_000;
/// A hundredth is two places further down.
const PERCENT_PLACES: u32 = 2;
const MONEY: u8 = 2;

/// `units / 10^scale`, wide enough for products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    units: i128,
    scale: u32,
}

/// Rounds a fraction to an integer, half away from zero. The divisor is above zero.
fn round(dividend: i128, divisor: i128) -> Option<i128> {
    let half = divisor / 2;
    let moved = if dividend < 0 {
        dividend.checked_sub(half)?
    } else {
        dividend.checked_add(half)?
    };
    // Most fit into a machine word, which divides several times faster.
    match (i64::try_from(moved), i64::try_from(divisor)) {
        (Ok(moved), Ok(divisor)) => moved.checked_div(divisor).map(i128::from),
        _ => moved.checked_div(divisor),
    }
}

const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut place = 1;
    while place < powers.len() {
        powers[place] = powers[place - 1] * 10;
        place += 1;
    }
    powers
};

fn power(exponent: u32) -> Option<i128> {
    POWERS.get(usize::try_from(exponent).ok()?).copied()
}

impl Exact {
    pub(crate) const ZERO: Self = Self { units: 0, scale: 6 };

    /// A price of six decimals.
    pub(crate) fn price(units: i64) -> Self {
        Self {
            units: i128::from(units),
            scale: u32::from(PRICE_SCALE),
        }
    }

    pub(crate) const fn is_negative(self) -> bool {
        self.units < 0
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.units.checked_mul(power(scale.checked_sub(self.scale)?)?)
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let units = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { units, scale })
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self {
            units: other.units.checked_neg()?,
            scale: other.scale,
        })
    }

    pub(crate) fn is_below(self, other: Self) -> Option<bool> {
        let scale = self.scale.max(other.scale);
        Some(self.at(scale)? < other.at(scale)?)
    }

    /// So many percent of it; the percentage has six decimals.
    pub(crate) fn percent(self, percent: i64, rounding: Rounding) -> Option<Self> {
        Self {
            units: self.units.checked_mul(i128::from(percent))?,
            scale: self.scale + u32::from(PRICE_SCALE) + PERCENT_PLACES,
        }
        .step(rounding)
    }

    /// For so many units; the factor has four decimals.
    pub(crate) fn times_factor(self, factor: i64, rounding: Rounding) -> Option<Self> {
        Self {
            units: self.units.checked_mul(i128::from(factor))?,
            scale: self.scale + u32::from(FACTOR_SCALE),
        }
        .step(rounding)
    }

    fn step(self, rounding: Rounding) -> Option<Self> {
        match rounding {
            Rounding::Once => Some(self),
            Rounding::EachStep => {
                let units = match self.scale.checked_sub(u32::from(PRICE_SCALE)) {
                    Some(places) => round(self.units, power(places)?)?,
                    None => self.at(u32::from(PRICE_SCALE))?,
                };
                Some(Self {
                    units,
                    scale: u32::from(PRICE_SCALE),
                })
            }
        }
    }

    /// From one unit to another, rounded to `decimals`, as a price of six decimals.
    pub(crate) fn in_unit(self, from: i64, to: i64, decimals: u8) -> Option<Decimal> {
        let decimals = decimals.min(PRICE_SCALE);
        let (mut dividend, mut divisor) = (self.units, power(self.scale)?);
        if from != to {
            dividend = dividend.checked_mul(i128::from(to))?;
            divisor = divisor.checked_mul(i128::from(from))?;
        }
        let shown = u32::from(decimals);
        if divisor == power(shown)? {
            // Most prices are in their unit and have their decimals.
            return decimal(dividend, decimals);
        }
        let common = power(shown)?;
        decimal(round(dividend.checked_mul(common)?, divisor)?, decimals)
    }
}

fn decimal(units: i128, decimals: u8) -> Option<Decimal> {
    let units = units.checked_mul(power(u32::from(PRICE_SCALE - decimals))?)?;
    Some(Decimal::new(i64::try_from(units).ok()?, PRICE_SCALE))
}

/// A quantity of six decimals, counted in another unit.
pub(crate) fn quantity_in(quantity: i64, from: i64, to: i64) -> Option<i64> {
    if from == to {
        return Some(quantity);
    }
    let units = round(
        i128::from(quantity).checked_mul(i128::from(from))?,
        i128::from(to),
    )?;
    i64::try_from(units).ok()
}

/// Its units at six decimals, which no amount of Sage's exceeds.
pub(crate) fn six_places(number: Decimal) -> Result<i64, PriceError> {
    if number.scale() == PRICE_SCALE {
        return Ok(number.units());
    }
    let number = number.rescale(PRICE_SCALE).map_err(|_| PriceError::TooLarge)?;
    Ok(number.units())
}

/// Its units at four decimals; nothing and nonsense are one.
pub(crate) fn factor(number: Decimal) -> Result<i64, PriceError> {
    let units = number
        .rescale(FACTOR_SCALE)
        .map_err(|_| PriceError::TooLarge)?
        .units();
    Ok(if units > 0 { units } else { FACTOR_ONE })
}

/// Quantity times price less a percentage, rounded once, to the cent.
pub(crate) fn extension(price: Decimal, quantity: Decimal, percent: Decimal) -> Result<Decimal, PriceError> {
    let hundred = 100_000_000;
    let left = hundred - i128::from(six_places(percent)?);
    let product = i128::from(six_places(price)?)
        .checked_mul(i128::from(six_places(quantity)?))
        .and_then(|product| product.checked_mul(left))
        .ok_or(PriceError::TooLarge)?;
    let places = 3 * u32::from(PRICE_SCALE) + PERCENT_PLACES - u32::from(MONEY);
    power(places)
        .and_then(|divisor| round(product, divisor))
        .and_then(|units| i64::try_from(units).ok())
        .map(|units| Decimal::new(units, MONEY))
        .ok_or(PriceError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(price: Exact, from: i64, to: i64, decimals: u8) -> String {
        price.in_unit(from, to, decimals).unwrap().to_string()
    }

    #[test]
    fn rounds_half_away_from_zero() {
        let price = Exact::price(1_234_565);
        assert_eq!(shown(price, FACTOR_ONE, FACTOR_ONE, 6), "1.234565");
        assert_eq!(shown(price, FACTOR_ONE, FACTOR_ONE, 5), "1.234570");
        assert_eq!(
            shown(Exact::price(-1_234_565), FACTOR_ONE, FACTOR_ONE, 5),
            "-1.234570"
        );
        assert_eq!(shown(price, FACTOR_ONE, FACTOR_ONE, 0), "1.000000");
        // A dozen of 1.234565; a third of it.
        assert_eq!(shown(price, FACTOR_ONE, 120_000, 6), "14.814780");
        assert_eq!(shown(price, 30_000, FACTOR_ONE, 6), "0.411522");
    }

    #[test]
    fn a_percentage_is_rounded_where_it_should_be() {
        // 12.5 % of 0.333333 is 0.041666625.
        let price = Exact::price(333_333);
        let stepwise = price.percent(12_500_000, Rounding::EachStep).unwrap();
        let exact = price.percent(12_500_000, Rounding::Once).unwrap();
        assert_eq!(shown(stepwise, FACTOR_ONE, FACTOR_ONE, 6), "0.041667");
        // Ten thousand of them tell the difference.
        assert_eq!(shown(stepwise, FACTOR_ONE, 10_000 * FACTOR_ONE, 6), "416.670000");
        assert_eq!(shown(exact, FACTOR_ONE, 10_000 * FACTOR_ONE, 6), "416.666250");
    }

    #[test]
    fn extends_to_the_cent() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let extended = |price, quantity, percent| {
            extension(number(price), number(quantity), number(percent))
                .unwrap()
                .to_string()
        };
        assert_eq!(extended("79.5", "3", "0"), "238.50");
        assert_eq!(extended("79.5", "3", "2.5"), "232.54"); // 232.5375
        assert_eq!(extended("0.005", "1", "0"), "0.01");
    }
}
