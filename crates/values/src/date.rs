//! Civil dates as the ERP's drivers hand them over.

/// A civil date without a zone.
pub use jiff::civil::Date;

/// Why a text is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date")]
pub struct DateError;

/// Reads a date in any form that Sage's drivers use: `2026-05-01`, `20260501`,
/// `2026-05-01 00:00:00.000`. Blank and SQL Server's 1753-01-01 mean "none".
///
/// # Errors
/// [`DateError`] for anything else.
pub fn parse_date(text: &str) -> Result<Option<Date>, DateError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = match text.split_once([' ', 'T']) {
        Some((day, time)) if time.bytes().all(|b| matches!(b, b'0' | b':' | b'.')) => day,
        Some(_) => return Err(DateError),
        None => text,
    };
    let bytes = day.as_bytes();
    let digits = |range: std::ops::Range<usize>| -> Result<i16, DateError> {
        let part = day.get(range).ok_or(DateError)?;
        if part.bytes().all(|b| b.is_ascii_digit()) {
            part.parse().map_err(|_| DateError)
        } else {
            Err(DateError)
        }
    };
    let (year, month, day) = match bytes.len() {
        10 if bytes[4] == b'-' && bytes[7] == b'-' => (digits(0..4)?, digits(5..7)?, digits(8..10)?),
        8 => (digits(0..4)?, digits(4..6)?, digits(6..8)?),
        _ => return Err(DateError),
    };
    let month = i8::try_from(month).map_err(|_| DateError)?;
    let day = i8::try_from(day).map_err(|_| DateError)?;
    if (year, month, day) == (1753, 1, 1) {
        return Ok(None);
    }
    Date::new(year, month, day).map(Some).map_err(|_| DateError)
}

const UNIX_EPOCH: Date = Date::constant(1970, 1, 1);

/// Days since 1970-01-01: the form in which dates travel in Arrow batches (`Date32`).
#[must_use]
pub fn days_from_date(date: Date) -> i32 {
    date.since((jiff::Unit::Day, UNIX_EPOCH))
        .map_or(0, |span| span.get_days())
}

/// The date that lies `days` after 1970-01-01, or `None` outside years -9999 to 9999.
#[must_use]
pub fn date_from_days(days: i32) -> Option<Date> {
    UNIX_EPOCH
        .checked_add(jiff::Span::new().try_days(days).ok()?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_the_drivers() {
        let may = Date::constant(2026, 5, 1);
        for text in [
            "2026-05-01",
            "20260501",
            "2026-05-01 00:00:00.000",
            " 2026-05-01 ",
        ] {
            assert_eq!(parse_date(text), Ok(Some(may)), "{text}");
        }
        for text in ["", "   ", "1753-01-01", "1753-01-01 00:00:00.000"] {
            assert_eq!(parse_date(text), Ok(None), "{text}");
        }
        for text in [
            "2026-02-30",
            "05/01/2026",
            "2026-5-1",
            "20261301",
            "2026-05-01 10:00",
        ] {
            assert_eq!(parse_date(text), Err(DateError), "{text}");
        }
    }

    #[test]
    fn days_come_back() {
        for (date, days) in [
            (Date::constant(1970, 1, 1), 0),
            (Date::constant(2026, 5, 1), 20574),
            (Date::constant(1969, 12, 31), -1),
        ] {
            assert_eq!(days_from_date(date), days);
            assert_eq!(date_from_days(days), Some(date));
        }
    }
}
