//! Times as programs and people read them: one form each.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// For programs: a time of the site's clock as RFC 3339, with its offset.
pub(crate) fn with_offset(zone: &TimeZone, civil: DateTime) -> String {
    zone.to_ambiguous_timestamp(civil).compatible().map_or_else(
        |_| civil.to_string(),
        |at| at.display_with_offset(zone.to_offset(at)).to_string(),
    )
}

/// For people: the site's clock to the second, with its offset.
pub(crate) fn for_people(zone: &TimeZone, at: Timestamp) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}

/// An instant that stands as RFC 3339, for people.
pub(crate) fn read_for_people(zone: &TimeZone, at: &str) -> String {
    at.parse()
        .map_or_else(|_| at.to_owned(), |at| for_people(zone, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_carries_the_offset_of_its_day() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (civil, program, people) in [
            (
                "2026-05-06T10:00:01.25",
                "2026-05-06T10:00:01.25-04:00",
                "2026-05-06 10:00:01 -04:00",
            ),
            (
                "2026-12-06T10:00:00",
                "2026-12-06T10:00:00-05:00",
                "2026-12-06 10:00:00 -05:00",
            ),
        ] {
            let written = with_offset(&zone, civil.parse().unwrap());
            assert_eq!(written, program);
            assert_eq!(read_for_people(&zone, &written), people);
        }
        // The hour that autumn brings twice, told apart.
        let hour = |at: &str| read_for_people(&zone, at);
        assert_eq!(hour("2026-11-01T05:30:00Z"), "2026-11-01 01:30:00 -04:00");
        assert_eq!(hour("2026-11-01T06:30:00.123456Z"), "2026-11-01 01:30:00 -05:00");
        assert_eq!(hour("soon"), "soon");
    }
}
