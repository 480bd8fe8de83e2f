//! Pauses that come back every week, in the site's time.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::Paused;

/// A pause that comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseWindow {
    /// Days on which it begins.
    pub days: Vec<Weekday>,
    /// From this time on.
    pub from: Time,
    /// Until this time; on the next day when it is not after `from`.
    pub to: Time,
    /// Why.
    pub reason: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseSchedule(pub Vec<PauseWindow>);

impl PauseSchedule {
    /// The pause that holds now, with the ones that follow without a gap.
    #[must_use]
    pub fn active(&self, zone: &TimeZone, now: Timestamp) -> Option<Paused> {
        let around = self.around(zone, now);
        let mut found: Option<Paused> = None;
        for (since, until, reason) in &around {
            if *since <= now && now < *until {
                let paused = Paused {
                    since: *since,
                    until: Some(*until),
                    reason: (*reason).to_owned(),
                };
                found = Some(match found {
                    Some(before) => before.and(paused),
                    None => paused,
                });
            }
        }
        let mut found = found?;
        while let Some(longer) = around
            .iter()
            .filter(|(since, _, _)| Some(*since) <= found.until)
            .map(|(_, until, _)| *until)
            .find(|until| Some(*until) > found.until)
        {
            found.until = Some(longer);
        }
        Some(found)
    }

    /// Every window that begins between the day before yesterday and a week from now.
    fn around(&self, zone: &TimeZone, now: Timestamp) -> Vec<(Timestamp, Timestamp, &str)> {
        let today = zone.to_datetime(now).date();
        let mut found = Vec::new();
        for offset in -2..=7_i64 {
            let Ok(day) = today.checked_add(offset.days()) else {
                continue;
            };
            for window in self.0.iter().filter(|w| w.days.contains(&day.weekday())) {
                if let Some((since, until)) = window.on(zone, day) {
                    found.push((since, until, window.reason.as_str()));
                }
            }
        }
        found
    }
}

impl PauseWindow {
    /// When it begins and ends, as it begins on this day. Where clocks are changed, a time
    /// that comes twice or not at all is taken so that the pause is longer rather than shorter.
    fn on(&self, zone: &TimeZone, day: Date) -> Option<(Timestamp, Timestamp)> {
        let end = if self.to > self.from {
            day
        } else {
            day.tomorrow().ok()?
        };
        let since = zone.to_ambiguous_timestamp(day.to_datetime(self.from));
        let until = zone.to_ambiguous_timestamp(end.to_datetime(self.to));
        Some((since.earlier().ok()?, until.later().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn window(days: &[Weekday], from: (i8, i8), to: (i8, i8), reason: &str) -> PauseWindow {
        PauseWindow {
            days: days.to_vec(),
            from: time(from.0, from.1, 0, 0),
            to: time(to.0, to.1, 0, 0),
            reason: reason.to_owned(),
        }
    }

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Local minutes at which the pause holds, as `(first, last)`.
    #[track_caller]
    fn holds(schedule: &PauseSchedule, from: &str, minutes: i64) -> (Timestamp, Timestamp) {
        let held: Vec<Timestamp> = (0..minutes)
            .map(|m| at(from).checked_add(m.minutes()).unwrap())
            .filter(|now| schedule.active(&zone(), *now).is_some())
            .collect();
        let (first, last) = (held[0], held[held.len() - 1]);
        let long = last.duration_since(first).as_mins() + 1;
        assert_eq!(long, i64::try_from(held.len()).unwrap(), "it has a hole");
        (first, last)
    }

    #[test]
    fn a_window_holds_on_its_days_only_and_ends_before_its_end() {
        let schedule = PauseSchedule(vec![window(&[Weekday::Saturday], (22, 0), (23, 30), "backup")]);
        // 9 May 2026 is a Saturday; New York is four hours behind.
        let active = |text: &str| schedule.active(&zone(), at(text));
        assert_eq!(active("2026-05-10T01:59:59Z"), None);
        let paused = active("2026-05-10T02:00:00Z").unwrap();
        assert_eq!(
            paused,
            Paused {
                since: at("2026-05-10T02:00:00Z"),
                until: Some(at("2026-05-10T03:30:00Z")),
                reason: "backup".to_owned(),
            }
        );
        assert_eq!(active("2026-05-10T03:29:59Z").unwrap(), paused);
        assert_eq!(active("2026-05-10T03:30:00Z"), None);
        assert_eq!(active("2026-05-09T02:30:00Z"), None, "that is Friday evening");
        assert_eq!(
            PauseSchedule::default().active(&zone(), at("2026-05-10T02:30:00Z")),
            None
        );
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let schedule = PauseSchedule(vec![window(&[Weekday::Saturday], (22, 0), (2, 0), "")]);
        let (first, last) = holds(&schedule, "2026-05-09T00:00:00Z", 3 * 24 * 60);
        assert_eq!(first, at("2026-05-10T02:00:00Z"));
        assert_eq!(last, at("2026-05-10T05:59:00Z"));
    }

    #[test]
    fn a_window_around_the_hour_that_is_left_out_is_not_lost() {
        // On 8 March 2026 02:00 is 03:00 in New York: 02:15 to 03:15 would be fifteen
        // minutes, or nothing.
        let schedule = PauseSchedule(vec![window(&[Weekday::Sunday], (2, 15), (3, 15), "")]);
        let (first, last) = holds(&schedule, "2026-03-08T00:00:00Z", 24 * 60);
        assert_eq!(first, at("2026-03-08T06:15:00Z"));
        assert_eq!(last, at("2026-03-08T07:14:00Z"));
        let inside = PauseSchedule(vec![window(&[Weekday::Sunday], (2, 15), (2, 45), "")]);
        let (first, last) = holds(&inside, "2026-03-08T00:00:00Z", 24 * 60);
        assert!(first <= at("2026-03-08T07:00:00Z") && last >= at("2026-03-08T07:29:00Z"));
    }

    #[test]
    fn a_window_in_the_hour_that_comes_twice_holds_both_times() {
        // On 1 November 2026 the hour from 01:00 comes at 05:00Z and at 06:00Z.
        let schedule = PauseSchedule(vec![window(&[Weekday::Sunday], (1, 15), (1, 45), "")]);
        let (first, last) = holds(&schedule, "2026-11-01T00:00:00Z", 24 * 60);
        assert_eq!(first, at("2026-11-01T05:15:00Z"));
        assert_eq!(last, at("2026-11-01T06:44:00Z"));
        let night = PauseSchedule(vec![window(&[Weekday::Saturday], (22, 0), (4, 0), "")]);
        let (first, last) = holds(&night, "2026-10-31T12:00:00Z", 24 * 60);
        assert_eq!(last.duration_since(first).as_mins() + 1, 7 * 60, "an hour longer");
    }

    #[test]
    fn windows_that_touch_or_overlap_are_one_pause() {
        let schedule = PauseSchedule(vec![
            window(&[Weekday::Saturday], (22, 0), (23, 30), "backup"),
            window(&[Weekday::Saturday], (23, 0), (0, 30), "posting"),
            window(&[Weekday::Sunday], (0, 30), (1, 0), "updates"),
            window(&[Weekday::Sunday], (9, 0), (10, 0), "later"),
        ]);
        let paused = schedule.active(&zone(), at("2026-05-10T02:10:00Z")).unwrap();
        assert_eq!(paused.until, Some(at("2026-05-10T05:00:00Z")), "01:00 local");
        assert_eq!(paused.reason, "backup");
        let both = schedule.active(&zone(), at("2026-05-10T03:10:00Z")).unwrap();
        assert_eq!(both.reason, "backup; posting");
        assert_eq!(both.since, at("2026-05-10T02:00:00Z"));
    }
}
