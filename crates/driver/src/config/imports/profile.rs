//! What a conformance run has shown of a company's Sage: `profile-COMPANY.json` in the state
//! folder, written by `erp-driver prove`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use values::CompanyId;

use crate::config::ConfigError;
use crate::config::file::unreadable;

/// What a conformance run has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Version of Sage that it was shown of.
    pub sage: String,
    /// When, RFC 3339.
    pub proved_at: String,
    /// By name, as under `[company.imports.capabilities]`; what is not named is off. Names that
    /// this version does not know are kept and mean nothing.
    pub capabilities: BTreeMap<String, bool>,
    /// What else was found, for people.
    #[serde(default)]
    pub findings: Vec<serde_json::Value>,
}

/// Where a company's profile is kept.
#[must_use]
pub fn profile_path(state_dir: &Path, company: &CompanyId) -> PathBuf {
    state_dir.join(format!("profile-{company}.json"))
}

/// The company's profile; none when no conformance run was made.
pub(in crate::config) fn load(
    state_dir: &Path,
    company: &CompanyId,
) -> Result<Option<Profile>, Box<ConfigError>> {
    use host::config::ConfigError as Host;
    let path = profile_path(state_dir, company);
    let text = match host::config::read_text(&path) {
        Ok(text) => text,
        Err(Host::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(Box::new(unreadable(&path, &error))),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Box::new(ConfigError {
            code: "profile_invalid",
            path: path.as_path().into(),
            line: Some(error.line()).filter(|line| *line > 0),
            place: String::new(),
            problem: format!("it is no profile: {error}"),
            remedy: "run erp-driver prove again, or remove the file: all capabilities are off without it"
                .to_owned(),
        })
    })
}
