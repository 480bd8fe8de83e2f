//! When and how fast datasets are read.

use std::fmt;
use std::str::FromStr;

use catalog::Temperament;
use jiff::civil::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Fewest seconds between two passes over a dataset. Two keeps a price change well within
/// five seconds of the web store.
const DEFAULT_INTERVAL_S: u64 = 2;
/// An hour: what no stamp tells is at the hub within one, and the pace by reading share
/// keeps large tables from taking more of Sage than they may.
const DEFAULT_SWEEP_INTERVAL_S: u64 = 3600;
/// Nobody waits for an invoice that is posted by the second.
const DEFAULT_HISTORY_INTERVAL_S: u64 = 60;
/// History hardly changes behind its stamps.
const DEFAULT_HISTORY_SWEEP_INTERVAL_S: u64 = 86_400;
/// Share of wall time that reading one company may take, in percent. Ten leaves Sage's
/// files to the people who work with them.
const DEFAULT_READING_SHARE_PERCENT: u64 = 10;
/// Stock levels wait no longer than this for a large table.
const DEFAULT_SLICE_MS: u64 = 5000;
/// A page must free Sage's files within this time.
const DEFAULT_PAGE_LIMIT_S: u64 = 60;

/// How reading is paced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncSettings {
    /// Fewest seconds between two passes over a dataset.
    pub interval_s: u64,
    /// Seconds after which a table that is read by stamp is compared whole again: bulk jobs
    /// change rows without stamping them.
    pub sweep_interval_s: u64,
    /// `interval_s` of history datasets.
    pub history_interval_s: u64,
    /// `sweep_interval_s` of history datasets.
    pub history_sweep_interval_s: u64,
    /// Share of wall time that reading may take, in percent.
    pub reading_share_percent: u64,
    /// Most rows a second that a sweep reads; none is as many as the share allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep_rows_per_s: Option<u64>,
    /// Hours of the Sage server's day in which sweeps may run; none is all day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep_hours: Option<HourWindow>,
    /// Longest turn of one dataset while another one is due, in milliseconds.
    pub slice_ms: u64,
    /// Seconds by which watermarks stay behind the clock.
    pub overlap_s: u32,
    /// Longest time for one page, in seconds.
    pub page_limit_s: u64,
    /// Datasets to sync; empty means all.
    pub datasets: Vec<String>,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            interval_s: DEFAULT_INTERVAL_S,
            sweep_interval_s: DEFAULT_SWEEP_INTERVAL_S,
            history_interval_s: DEFAULT_HISTORY_INTERVAL_S,
            history_sweep_interval_s: DEFAULT_HISTORY_SWEEP_INTERVAL_S,
            reading_share_percent: DEFAULT_READING_SHARE_PERCENT,
            sweep_rows_per_s: None,
            sweep_hours: None,
            slice_ms: DEFAULT_SLICE_MS,
            overlap_s: sync::DEFAULT_OVERLAP_S,
            page_limit_s: DEFAULT_PAGE_LIMIT_S,
            datasets: Vec::new(),
        }
    }
}

/// When and how fast one dataset is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Fewest seconds between two passes.
    pub interval_s: u64,
    /// Seconds after which it is compared whole again; hot datasets are with every pass.
    pub sweep_interval_s: u64,
    /// Most rows a second that a sweep reads.
    pub sweep_rows_per_s: Option<u64>,
    /// Hours of the Sage server's day in which sweeps may run.
    pub sweep_hours: Option<HourWindow>,
}

/// What a dataset's section says about its pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PaceChange {
    pub(crate) interval_s: Option<u64>,
    pub(crate) sweep_interval_s: Option<u64>,
    pub(crate) sweep_rows_per_s: Option<u64>,
    pub(crate) sweep_hours: Option<HourWindow>,
}

impl Pace {
    pub(crate) fn of(settings: &SyncSettings, temperament: Temperament, change: PaceChange) -> Self {
        let (interval_s, sweep_interval_s) = match temperament {
            Temperament::Hot | Temperament::Master => (settings.interval_s, settings.sweep_interval_s),
            Temperament::History => (settings.history_interval_s, settings.history_sweep_interval_s),
        };
        let interval_s = change.interval_s.unwrap_or(interval_s);
        Self {
            interval_s,
            sweep_interval_s: match temperament {
                Temperament::Hot => interval_s,
                Temperament::Master | Temperament::History => {
                    change.sweep_interval_s.unwrap_or(sweep_interval_s)
                }
            },
            sweep_rows_per_s: change.sweep_rows_per_s.or(settings.sweep_rows_per_s),
            sweep_hours: change.sweep_hours.or(settings.sweep_hours),
        }
    }
}

/// Hours of a day, written `19:00-06:00`; the end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourWindow {
    /// From this time on.
    pub from: Time,
    /// Until before this time, which may be on the next day.
    pub to: Time,
}

impl HourWindow {
    /// Does this time of day lie in it?
    #[must_use]
    pub fn contains(&self, time: Time) -> bool {
        if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

/// Why a text is no [`HourWindow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no hours: write them as \"19:00-06:00\"")]
pub struct HourWindowError;

impl FromStr for HourWindow {
    type Err = HourWindowError;

    fn from_str(text: &str) -> Result<Self, HourWindowError> {
        let (from, to) = text.split_once('-').ok_or(HourWindowError)?;
        let time = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let two_digits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
            if !two_digits(hours) || !two_digits(minutes) {
                return None;
            }
            Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
        };
        let window = time(from).zip(time(to)).map(|(from, to)| Self { from, to });
        window.filter(|w| w.from != w.to).ok_or(HourWindowError)
    }
}

impl fmt::Display for HourWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from.hour(),
            from.minute(),
            to.hour(),
            to.minute()
        )
    }
}

impl Serialize for HourWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HourWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| D::Error::custom(format!("{text:?} is {error}")))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    #[test]
    fn hours_may_run_over_midnight() {
        let night: HourWindow = "19:00-06:00".parse().unwrap();
        assert!(night.contains(time(19, 0, 0, 0)) && night.contains(time(5, 59, 59, 0)));
        assert!(!night.contains(time(6, 0, 0, 0)) && !night.contains(time(18, 59, 0, 0)));
        let day: HourWindow = "06:00-19:30".parse().unwrap();
        assert!(day.contains(time(19, 29, 0, 0)) && !day.contains(time(19, 30, 0, 0)));
        assert_eq!(night.to_string(), "19:00-06:00");
        for wrong in [
            "",
            "19-06",
            "19:00",
            "7:00-8:00",
            "25:00-06:00",
            "06:00-06:00",
            "a:b-c:d",
        ] {
            assert!(wrong.parse::<HourWindow>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_dataset_s_own_pace_wins() {
        let settings = SyncSettings::default();
        let none = PaceChange::default();
        assert_eq!(Pace::of(&settings, Temperament::Hot, none).sweep_interval_s, 2);
        assert_eq!(
            Pace::of(&settings, Temperament::Master, none).sweep_interval_s,
            3600
        );
        assert_eq!(Pace::of(&settings, Temperament::History, none).interval_s, 60);
        let own = PaceChange {
            interval_s: Some(30),
            sweep_rows_per_s: Some(500),
            ..none
        };
        let pace = Pace::of(&settings, Temperament::Hot, own);
        assert_eq!((pace.interval_s, pace.sweep_interval_s), (30, 30));
        assert_eq!(pace.sweep_rows_per_s, Some(500));
    }
}
