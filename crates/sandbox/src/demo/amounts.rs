//! What a document comes to. Cents and tenths of a percent, rounded half away from zero.

/// `cents` × `tenths` of a percent.
pub(super) fn share(cents: i64, tenths: i64) -> i64 {
    rounded(cents.saturating_mul(tenths), 1000)
}

/// Sales tax at so many hundredths of a percent.
pub(super) fn tax(cents: i64, hundredths: i64) -> i64 {
    rounded(cents.saturating_mul(hundredths), 10_000)
}

/// A line's extension after its discount.
pub(super) fn extension(quantity: i64, price: i64, discount_tenths: i64) -> i64 {
    let gross = quantity.saturating_mul(price);
    gross - share(gross, discount_tenths)
}

fn rounded(value: i64, by: i64) -> i64 {
    let half = if value < 0 { -by / 2 } else { by / 2 };
    (value + half) / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_half_away_from_zero() {
        assert_eq!(extension(1, 8400, 30), 8148);
        assert_eq!((share(5, 100), share(-5, 100)), (1, -1));
        assert_eq!(tax(774_000, 150), 11_610);
    }
}
