//! What a person approved: removals beyond the brake, because a filter was changed or
//! because somebody looked at what was held.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use values::Hash;

/// In the state folder.
const FILE: &str = "approvals.json";
/// An approval that nothing made use of ends: the ERP has moved on.
const UNUSED_HOURS: i64 = 7 * 24;
/// As long as removals count against the brake.
const USED_SECONDS: i64 = 86_400;

/// All approvals of this driver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Approvals(Vec<Approval>);

/// One approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The company's id.
    pub company: String,
    /// The dataset.
    pub dataset: String,
    /// The fingerprint of the adaptation that it holds for; none is any.
    pub site: Option<Hash>,
    /// So many records may leave without an explanation.
    pub removals: u64,
    /// This column is meant to be blank or gone.
    #[serde(default)]
    pub column: Option<String>,
    /// When it was given.
    pub approved_at: Timestamp,
    /// When a pass that it carried was complete.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
}

/// The approvals cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct ApprovalsError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

impl ApprovalsError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "approvals_unusable"
    }

    /// What a person should do.
    #[must_use]
    pub fn remedy(&self) -> String {
        format!(
            "see that the service's user may write {}; without the file nothing is approved",
            self.path.display()
        )
    }
}

impl Approvals {
    /// The approvals in this state folder; none when there is no file.
    ///
    /// # Errors
    /// [`ApprovalsError`] for a file that cannot be read or is none of approvals.
    pub fn load(state_dir: &Path) -> Result<Self, ApprovalsError> {
        let path = state_dir.join(FILE);
        let fail = |source| ApprovalsError {
            path: path.clone(),
            source,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(fail(error)),
        };
        serde_json::from_str(&text).map_err(|e| fail(std::io::Error::new(ErrorKind::InvalidData, e)))
    }

    /// Writes them, whole or not at all.
    ///
    /// # Errors
    /// [`ApprovalsError`].
    pub fn save(&self, state_dir: &Path) -> Result<(), ApprovalsError> {
        let path = state_dir.join(FILE);
        let fail = |source| ApprovalsError {
            path: path.clone(),
            source,
        };
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| fail(std::io::Error::new(ErrorKind::InvalidData, e)))?;
        let next = path.with_extension("json.new");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&next)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&next, &path)
        };
        write().map_err(fail)
    }

    /// Adds an approval; it replaces one that nothing has made use of, for the same company,
    /// dataset, adaptation and column.
    pub fn approve(&mut self, approval: Approval) {
        self.0.retain(|a| {
            a.used_at.is_some() && a.column.is_none()
                || (&a.company, &a.dataset, a.site, &a.column)
                    != (
                        &approval.company,
                        &approval.dataset,
                        approval.site,
                        &approval.column,
                    )
        });
        self.0.push(approval);
    }

    /// How many records may leave without an explanation: those of today's approvals that
    /// have left already, since they count against the brake, and those that may still leave.
    #[must_use]
    pub fn allowed(&self, company: &str, dataset: &str, site: Hash, now: Timestamp) -> u64 {
        let approvals = self.0.iter();
        approvals
            .filter(|a| a.is_about(company, dataset) && a.holds(now))
            .filter(|a| a.used_at.is_some() || a.is_under(site))
            .fold(0, |sum, a| sum.saturating_add(a.removals))
    }

    /// Does an approval wait for a pass over the whole table?
    #[must_use]
    pub fn is_waiting(&self, company: &str, dataset: &str, site: Hash, now: Timestamp) -> bool {
        self.holding(company, dataset, site, now)
            .any(|a| a.used_at.is_none())
    }

    /// Removals to approve, so that those which are held now may leave. What the day took
    /// before (`removed`) counts against the brake; what earlier approvals do not cover of it
    /// is approved with them.
    #[must_use]
    pub fn needed(&self, company: &str, dataset: &str, held: u64, removed: u64, now: Timestamp) -> u64 {
        let approvals = self.0.iter();
        let covered = approvals
            .filter(|a| a.is_about(company, dataset) && a.used_at.is_some() && a.holds(now))
            .fold(0, |sum: u64, a| sum.saturating_add(a.removals));
        held.saturating_add(removed.saturating_sub(covered))
    }

    /// The columns that are meant to be blank or gone.
    #[must_use]
    pub fn columns(&self, company: &str, dataset: &str, site: Hash, now: Timestamp) -> Vec<String> {
        let holding = self.holding(company, dataset, site, now);
        holding.filter_map(|a| a.column.clone()).collect()
    }

    /// A whole pass is complete under this adaptation, and the last day took so many records
    /// unexplained: an approval is good for one pass, and what it did not need is gone. Says
    /// whether anything changed.
    pub fn settle(&mut self, company: &str, dataset: &str, site: Hash, taken: u64, now: Timestamp) -> bool {
        let before = self.clone();
        let mut left = taken;
        self.0.retain(|a| a.holds(now));
        for approval in &mut self.0 {
            let is_meant = approval.is_about(company, dataset)
                && (approval.used_at.is_some() || approval.is_under(site));
            if is_meant {
                approval.removals = approval.removals.min(left);
                left -= approval.removals;
                approval.used_at.get_or_insert(now);
            }
        }
        *self != before
    }

    fn holding(
        &self,
        company: &str,
        dataset: &str,
        site: Hash,
        now: Timestamp,
    ) -> impl Iterator<Item = &Approval> {
        let approvals = self.0.iter();
        approvals.filter(move |a| a.is_about(company, dataset) && a.is_under(site) && a.holds(now))
    }
}

impl Approval {
    fn is_about(&self, company: &str, dataset: &str) -> bool {
        self.company == company && self.dataset == dataset
    }

    fn is_under(&self, site: Hash) -> bool {
        self.site.is_none_or(|s| s == site)
    }

    fn holds(&self, now: Timestamp) -> bool {
        match self.used_at {
            Some(used) => now.duration_since(used) < SignedDuration::from_secs(USED_SECONDS),
            None => now.duration_since(self.approved_at) < SignedDuration::from_hours(UNUSED_HOURS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn approval(site: Option<Hash>, removals: u64) -> Approval {
        Approval {
            company: "ABC".into(),
            dataset: "items".into(),
            site,
            removals,
            column: None,
            approved_at: Timestamp::UNIX_EPOCH,
            used_at: None,
        }
    }

    #[test]
    fn an_approval_ends_a_day_after_it_was_used() {
        let (site, other) = (Hash(1), Hash(2));
        let now = Timestamp::UNIX_EPOCH + HOUR;
        let mut approvals = Approvals::default();
        approvals.approve(approval(Some(site), 40));
        approvals.approve(approval(Some(site), 50));
        assert_eq!(approvals.allowed("ABC", "items", site, now), 50);
        assert_eq!(approvals.allowed("ABC", "items", other, now), 0);
        assert_eq!(approvals.allowed("XYZ", "items", site, now), 0);
        assert_eq!(
            approvals.allowed(
                "ABC",
                "items",
                site,
                now + SignedDuration::from_hours(UNUSED_HOURS)
            ),
            0
        );
        assert!(!approvals.settle("ABC", "items", other, 50, now));
        assert!(approvals.settle("ABC", "items", site, 50, now));
        assert_eq!(approvals.allowed("ABC", "items", site, now + HOUR * 23), 50);
        assert_eq!(approvals.allowed("ABC", "items", site, now + HOUR * 24), 0);
        // What left under one filter counts under the next one, too.
        assert_eq!(approvals.allowed("ABC", "items", other, now), 50);
        approvals.approve(approval(None, 7));
        assert_eq!(approvals.allowed("ABC", "items", other, now), 57);
    }

    #[test]
    fn what_an_approval_did_not_need_is_gone_after_its_pass() {
        let (site, now) = (Hash(1), Timestamp::UNIX_EPOCH + HOUR);
        let mut approvals = Approvals::default();
        approvals.approve(approval(None, 191));
        // The rows came back before anything left.
        assert!(approvals.settle("ABC", "items", site, 0, now));
        assert_eq!(approvals.allowed("ABC", "items", site, now), 0);
        approvals.approve(approval(None, 100));
        assert!(approvals.settle("ABC", "items", site, 60, now));
        assert_eq!(approvals.allowed("ABC", "items", site, now), 60);
        approvals.approve(approval(None, 40));
        assert_eq!(approvals.allowed("ABC", "items", site, now), 100);
        assert!(!approvals.clone().settle("ABC", "other", site, 0, now));
    }

    #[test]
    fn a_second_approval_counts_what_left_under_the_first() {
        let (site, now) = (Hash(1), Timestamp::UNIX_EPOCH + HOUR);
        let mut approvals = Approvals::default();
        assert_eq!(approvals.needed("ABC", "items", 100, 0, now), 100);
        approvals.approve(approval(None, 100));
        approvals.settle("ABC", "items", site, 100, now);
        assert_eq!(approvals.needed("ABC", "items", 60, 100, now), 60);
        // Thirty more left without being asked about.
        assert_eq!(approvals.needed("ABC", "items", 60, 130, now), 90);
        approvals.approve(approval(None, 60));
        assert_eq!(approvals.allowed("ABC", "items", site, now), 160);
        assert_eq!(approvals.needed("ABC", "other", 60, 0, now), 60);
    }

    #[test]
    fn an_approval_of_a_column_is_about_that_column() {
        let now = Timestamp::UNIX_EPOCH + HOUR;
        let mut approvals = Approvals::default();
        approvals.approve(approval(None, 100));
        for column in ["Price", "Weight", "Price"] {
            approvals.approve(Approval {
                column: Some(column.into()),
                ..approval(None, 0)
            });
        }
        assert_eq!(
            approvals.columns("ABC", "items", Hash(1), now),
            ["Weight", "Price"]
        );
        assert_eq!(approvals.allowed("ABC", "items", Hash(1), now), 100);
    }

    #[test]
    fn approvals_are_kept_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Approvals::load(folder.path()).unwrap(), Approvals::default());
        let mut approvals = Approvals::default();
        approvals.approve(approval(Some(Hash(u64::MAX)), 40));
        approvals.save(folder.path()).unwrap();
        assert_eq!(Approvals::load(folder.path()).unwrap(), approvals);
        std::fs::write(folder.path().join(FILE), "{}").unwrap();
        assert!(
            Approvals::load(folder.path())
                .unwrap_err()
                .to_string()
                .contains(FILE)
        );
    }
}
