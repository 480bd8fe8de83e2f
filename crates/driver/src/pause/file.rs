//! `pause.json`: what people said.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use values::CompanyId;

use super::{PauseSchedule, Paused};

/// In the state folder.
const FILE: &str = "pause.json";
/// More is no file of ours.
const MOST_BYTES: u64 = 1024 * 1024;

/// What people said about pausing. Times are this machine's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseFile {
    /// Another one with each change: the running driver says which it has heard.
    pub revision: String,
    /// Companies that are paused, or were until a while ago.
    #[serde(default)]
    pub companies: BTreeMap<CompanyId, PauseEntry>,
    /// Until when the schedule does not hold, since somebody resumed inside it.
    #[serde(default)]
    pub unscheduled: BTreeMap<CompanyId, Timestamp>,
}

/// A pause that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseEntry {
    /// When that was.
    pub since: Timestamp,
    /// Until when; none means until somebody resumes.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// `pause.json` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used: {source}", path.display())]
pub struct PauseFileError {
    path: PathBuf,
    source: std::io::Error,
}

impl PauseFileError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "pause_unusable"
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        format!(
            "until it is known who paused what, Sage is left alone: erp-driver resume writes the file anew; see that the service's user may write {}",
            self.path.display()
        )
    }
}

impl PauseFile {
    /// The file in this state folder; nothing is paused when there is none.
    ///
    /// # Errors
    /// [`PauseFileError`] for a file that cannot be read, or is none of ours.
    pub fn load(state_dir: &Path) -> Result<Self, PauseFileError> {
        let path = state_dir.join(FILE);
        match read(&path) {
            Ok(file) => Ok(file.unwrap_or_default()),
            Err(source) => Err(PauseFileError { path, source }),
        }
    }

    /// Writes it, whole or not at all, for this user alone.
    ///
    /// # Errors
    /// [`PauseFileError`].
    pub fn save(&self, state_dir: &Path) -> Result<(), PauseFileError> {
        let path = state_dir.join(FILE);
        write(&path, self).map_err(|source| PauseFileError { path, source })
    }

    /// Drops what is over.
    pub fn forget_past(&mut self, now: Timestamp) {
        self.companies.retain(|_, entry| entry.is_active(now));
        self.unscheduled.retain(|_, until| *until > now);
    }

    /// Is the company paused now, by this file or by the schedule?
    #[must_use]
    pub fn paused(
        &self,
        company: &CompanyId,
        schedule: &PauseSchedule,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Option<Paused> {
        let said = self.companies.get(company).filter(|entry| entry.is_active(now));
        let said = said.map(|entry| Paused {
            since: entry.since,
            until: entry.until,
            reason: entry.reason.clone(),
        });
        let is_off = self.unscheduled.get(company).is_some_and(|until| now < *until);
        let planned = if is_off { None } else { schedule.active(zone, now) };
        match (said, planned) {
            (Some(said), Some(planned)) => Some(said.and(planned)),
            (said, planned) => said.or(planned),
        }
    }
}

impl PauseEntry {
    // Not before `since`: a clock that was set back ends no pause.
    fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A small JSON file; none when there is none.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> std::io::Result<Option<T>> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() > MOST_BYTES => {
            return Err(std::io::Error::new(ErrorKind::InvalidData, "it is too large"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| std::io::Error::new(ErrorKind::InvalidData, e)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a small JSON file, whole or not at all.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> std::io::Result<()> {
    let text =
        serde_json::to_string_pretty(value).map_err(|e| std::io::Error::new(ErrorKind::InvalidData, e))?;
    let next = path.with_extension("json.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::{Weekday, time};

    use super::super::PauseWindow;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn company() -> CompanyId {
        CompanyId::new("ABC")
    }

    fn file(until: Option<Timestamp>) -> PauseFile {
        let entry = PauseEntry {
            since: at("2026-05-06T12:00:00Z"),
            until,
            reason: "period end".to_owned(),
        };
        PauseFile {
            revision: "r1".to_owned(),
            companies: [(company(), entry)].into(),
            unscheduled: BTreeMap::new(),
        }
    }

    fn paused(file: &PauseFile, now: Timestamp) -> Option<Paused> {
        file.paused(&company(), &PauseSchedule::default(), &TimeZone::UTC, now)
    }

    #[test]
    fn what_is_saved_is_loaded_by_its_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(PauseFile::load(folder.path()).unwrap(), PauseFile::default());
        let saved = file(None);
        saved.save(folder.path()).unwrap();
        saved.save(folder.path()).unwrap();
        assert_eq!(PauseFile::load(folder.path()).unwrap(), saved);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let found = std::fs::metadata(folder.path().join(FILE)).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_cut_off_is_an_error_and_one_of_an_older_version_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        file(None).save(folder.path()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for end in [0, 1, text.len() / 2, text.len() - 2] {
            std::fs::write(&path, &text[..end]).unwrap();
            let error = PauseFile::load(folder.path()).unwrap_err();
            assert_eq!(error.code(), "pause_unusable");
            assert!(error.to_string().contains("pause.json"), "{error}");
        }
        // What was left behind by a process that ended while it wrote is nobody's file.
        std::fs::write(path.with_extension("json.new"), "{").unwrap();
        std::fs::write(
            &path,
            r#"{"revision":"r0","companies":{"ABC":{"since":"2026-05-06T12:00:00Z"}},"later":1}"#,
        )
        .unwrap();
        let old = PauseFile::load(folder.path()).unwrap();
        let paused = paused(&old, at("2026-05-06T13:00:00Z")).unwrap();
        assert_eq!((paused.until, paused.reason.as_str()), (None, ""));
        old.save(folder.path()).unwrap();
        assert_eq!(PauseFile::load(folder.path()).unwrap(), old);
    }

    #[test]
    fn a_pause_ends_by_the_clock_and_not_because_the_clock_was_set_back() {
        let until = at("2026-05-06T14:00:00Z");
        let mut some = file(Some(until));
        assert!(paused(&some, at("2026-05-06T13:59:59Z")).is_some());
        assert_eq!(paused(&some, until), None);
        assert!(paused(&some, at("2026-05-05T00:00:00Z")).is_some(), "a day back");
        assert!(paused(&file(None), at("2030-01-01T00:00:00Z")).is_some());
        some.unscheduled.insert(company(), until);
        some.forget_past(until.checked_sub(1.second()).unwrap());
        assert_eq!((some.companies.len(), some.unscheduled.len()), (1, 1));
        some.forget_past(until);
        assert_eq!((some.companies.len(), some.unscheduled.len()), (0, 0));
    }

    #[test]
    fn person_and_schedule_pause_together_and_a_person_may_end_the_schedule_s() {
        let schedule = PauseSchedule(vec![PauseWindow {
            days: vec![Weekday::Wednesday],
            from: time(13, 0, 0, 0),
            to: time(15, 0, 0, 0),
            reason: "backup".to_owned(),
        }]);
        let now = at("2026-05-06T13:30:00Z");
        let mut some = file(Some(at("2026-05-06T14:00:00Z")));
        let both = some.paused(&company(), &schedule, &TimeZone::UTC, now).unwrap();
        assert_eq!(both.until, Some(at("2026-05-06T15:00:00Z")));
        assert_eq!(both.reason, "period end; backup");
        some.companies.clear();
        some.unscheduled.insert(company(), at("2026-05-06T15:00:00Z"));
        assert_eq!(some.paused(&company(), &schedule, &TimeZone::UTC, now), None);
        let next_week = at("2026-05-13T13:30:00Z");
        assert!(
            some.paused(&company(), &schedule, &TimeZone::UTC, next_week)
                .is_some()
        );
    }
}
