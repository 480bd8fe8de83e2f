//! Looking at `pause.json` while the driver runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use values::CompanyId;

use super::{Holding, PauseFile, PauseSchedule, Paused, Pauses};

/// Between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A file that cannot be read is looked at so often before its companies are paused: it may
/// just be replaced.
const TRIES: u32 = 3;

/// Looks at the file, pauses and resumes, and says what is held.
#[derive(Debug)]
pub(crate) struct PauseWatch {
    pauses: Arc<Pauses>,
    companies: Vec<CompanyId>,
    state_dir: PathBuf,
    schedule: PauseSchedule,
    zone: TimeZone,
    last: Option<PauseFile>,
    failed: Option<(u32, Timestamp)>,
    told: Option<Holding>,
}

impl PauseWatch {
    pub(crate) fn new(
        pauses: &Arc<Pauses>,
        companies: Vec<CompanyId>,
        state_dir: PathBuf,
        schedule: PauseSchedule,
        zone: TimeZone,
    ) -> Self {
        Self {
            pauses: Arc::clone(pauses),
            companies,
            state_dir,
            schedule,
            zone,
            last: None,
            failed: None,
            told: None,
        }
    }

    /// Looks once.
    pub(crate) fn look(&mut self, now: Timestamp) {
        let paused = self.read(now);
        for (company, change) in self.pauses.apply(&paused) {
            match change {
                Some(paused) => {
                    let until = paused.until.map(|until| until.to_string());
                    tracing::info!(%company, until, reason = paused.reason, "{}", paused.words());
                }
                None => tracing::info!(%company, "the pause is over"),
            }
        }
        self.pauses.take_away();
        self.tell();
    }

    fn read(&mut self, now: Timestamp) -> BTreeMap<CompanyId, Paused> {
        match PauseFile::load(&self.state_dir) {
            Ok(file) => {
                self.failed = None;
                self.last = Some(file);
            }
            Err(error) => {
                let (tries, since) = self.failed.unwrap_or((0, now));
                self.failed = Some((tries.saturating_add(1), since));
                if tries >= TRIES || self.last.is_none() {
                    if tries <= TRIES {
                        tracing::error!(code = error.code(), remedy = error.remedy(), "{error}");
                    }
                    let paused = Paused {
                        since,
                        until: None,
                        reason: error.to_string(),
                    };
                    let all = self.companies.iter().map(|id| (id.clone(), paused.clone()));
                    return all.collect();
                }
            }
        }
        let file = self.last.clone().unwrap_or_default();
        let paused = self.companies.iter().filter_map(|id| {
            let paused = file.paused(id, &self.schedule, &self.zone, now)?;
            Some((id.clone(), paused))
        });
        paused.collect()
    }

    fn tell(&mut self) {
        let holding = Holding {
            pid: std::process::id(),
            revision: self.last.as_ref().map(|f| f.revision.clone()).unwrap_or_default(),
            companies: self.pauses.held(),
        };
        if self.told.as_ref() == Some(&holding) {
            return;
        }
        match holding.save(&self.state_dir) {
            Ok(()) => self.told = Some(holding),
            Err(error) => tracing::debug!(%error, "it is not told what is held"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Handle, PauseEntry};
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn watch(folder: &std::path::Path) -> (Arc<Pauses>, PauseWatch, CompanyId) {
        let company = CompanyId::new("ABC");
        let pauses = Pauses::new([company.clone()]);
        let schedule = PauseSchedule::default();
        let watch = PauseWatch::new(
            &pauses,
            vec![company.clone()],
            folder.to_owned(),
            schedule,
            TimeZone::UTC,
        );
        (pauses, watch, company)
    }

    #[test]
    fn what_stands_in_the_file_holds_until_its_time_and_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let (pauses, mut watch, company) = watch(folder.path());
        let pause = pauses.company(&company);
        let now = at("2026-05-06T12:00:00Z");
        watch.look(now);
        assert!(!pause.is_paused());
        assert_eq!(Holding::load(folder.path()).unwrap().revision, "");
        let entry = PauseEntry {
            since: now,
            until: Some(at("2026-05-06T12:00:10Z")),
            reason: "backup".to_owned(),
        };
        let file = PauseFile {
            revision: "r1".to_owned(),
            companies: [(company.clone(), entry)].into(),
            unscheduled: BTreeMap::new(),
        };
        file.save(folder.path()).unwrap();
        watch.look(at("2026-05-06T12:00:01Z"));
        assert_eq!(pause.paused().unwrap().reason, "backup");
        let told = Holding::load(folder.path()).unwrap();
        assert_eq!((told.revision.as_str(), told.pid), ("r1", std::process::id()));
        assert!(told.companies[&company].handles.is_empty());
        watch.look(at("2026-05-06T12:00:10Z"));
        assert!(!pause.is_paused());
    }

    #[test]
    fn a_broken_file_pauses_at_the_start_and_later_only_when_it_stays_broken() {
        let folder = tempfile::tempdir().unwrap();
        let now = at("2026-05-06T12:00:00Z");
        std::fs::write(folder.path().join("pause.json"), "{\"revision\":").unwrap();
        let (pauses, mut first, company) = watch(folder.path());
        first.look(now);
        let paused = pauses.company(&company).paused().unwrap();
        assert!(paused.reason.contains("pause.json"), "{paused:?}");
        PauseFile::default().save(folder.path()).unwrap();
        first.look(now);
        assert!(!pauses.company(&company).is_paused());
        std::fs::write(folder.path().join("pause.json"), "").unwrap();
        for _ in 0..TRIES {
            first.look(now);
            assert!(!pauses.company(&company).is_paused());
        }
        first.look(now);
        assert!(pauses.company(&company).is_paused());
    }

    #[test]
    fn a_write_is_held_until_it_came_back_and_may_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (pauses, mut watch, company) = watch(folder.path());
        let pause = pauses.company(&company);
        let _slot = pause.slot(Handle::WriteSession);
        let until = at("2026-05-06T12:02:00Z");
        let writing = pause.write(until);
        let paused = Paused {
            since: at("2026-05-06T12:00:00Z"),
            until: None,
            reason: String::new(),
        };
        assert_eq!(pauses.apply(&[(company.clone(), paused)].into()).len(), 1);
        assert!(pause.begin(Handle::ReadBridge).is_none());
        let read = pause.begin_read(Handle::DocumentReader);
        assert!(read.is_none(), "nothing was written since the pause began");
        watch.tell();
        let held = &Holding::load(folder.path()).unwrap().companies[&company];
        assert_eq!(held.writing_until, Some(until));
        writing.came_back();
        let (reading, limit) = pause.begin_read(Handle::DocumentReader).unwrap();
        assert!(
            limit > Duration::from_secs(3) && limit < Duration::from_secs(6),
            "{limit:?}"
        );
        watch.tell();
        let held = &Holding::load(folder.path()).unwrap().companies[&company];
        assert_eq!(held.writing_until, None);
        assert_eq!(held.handles, ["read bridge of documents"]);
        drop(reading);
        watch.tell();
        let held = &Holding::load(folder.path()).unwrap().companies[&company];
        assert_eq!(held.handles, Vec::<String>::new());
        assert_eq!(held.released, ["read bridge of documents"]);
        assert_eq!(pauses.apply(&BTreeMap::new()).len(), 1);
        assert!(pause.begin(Handle::ReadBridge).is_some());
    }

    #[test]
    fn an_import_job_is_held_until_its_end_and_keeps_no_other_handle() {
        let folder = tempfile::tempdir().unwrap();
        let (pauses, mut watch, company) = watch(folder.path());
        let pause = pauses.company(&company);
        let until = at("2026-05-06T12:05:00Z");
        let job = pause.begin_until(Handle::ImportJob, until).unwrap();
        let reading = pause.begin(Handle::ReadBridge).unwrap();
        let paused = Paused {
            since: at("2026-05-06T12:00:00Z"),
            until: None,
            reason: String::new(),
        };
        pauses.apply(&[(company.clone(), paused)].into());
        assert!(pause.begin_until(Handle::ImportJob, until).is_none());
        let mut held = || {
            watch.tell();
            let held = Holding::load(folder.path()).unwrap().companies[&company].clone();
            (held.handles.join(", "), held.writing_until)
        };
        assert_eq!(held(), ("read bridge, import job".to_owned(), Some(until)));
        drop(reading);
        assert_eq!(held(), ("import job".to_owned(), Some(until)));
        // A document's write that ends meanwhile says nothing of the job.
        pause.write(at("2026-05-06T12:01:00Z")).came_back();
        assert_eq!(held(), ("import job".to_owned(), Some(until)));
        drop(job);
        assert_eq!(held(), (String::new(), None));
    }
}
