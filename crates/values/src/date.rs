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

/// From 0000-03-01, where years that end with February begin, to 1970-01-01.
const EPOCH_DAYS: i32 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Days since 1970-01-01: the form in which dates travel in Arrow batches (`Date32`).
// Plain arithmetic on years that begin in March: every date of every row goes through it.
#[must_use]
pub fn days_from_date(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let (year, month) = match month {
        1 | 2 => (i32::from(date.year()) - 1, month + 9),
        _ => (i32::from(date.year()), month - 3),
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - EPOCH_DAYS
}

/// The date that lies `days` after 1970-01-01, or `None` outside years -9999 to 9999.
#[must_use]
pub fn date_from_days(days: i32) -> Option<Date> {
    let days = i64::from(days) + i64::from(EPOCH_DAYS);
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        10.. => (era * 400 + year + 1, month - 9),
        _ => (era * 400 + year, month + 3),
    };
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
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

    #[test]
    fn every_day_is_the_calendars() {
        let (first, last) = (days_from_date(Date::MIN), days_from_date(Date::MAX));
        let mut date = Date::MIN;
        for days in first..=last {
            assert_eq!(days_from_date(date), days, "{date}");
            assert_eq!(date_from_days(days), Some(date), "{days}");
            date = date.tomorrow().unwrap_or(date);
        }
        for days in [first - 1, last + 1, i32::MIN, i32::MAX] {
            assert_eq!(date_from_days(days), None, "{days}");
        }
    }
}
