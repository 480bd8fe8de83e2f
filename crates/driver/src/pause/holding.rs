//! `holding.json`: what the running driver has of Sage.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use values::CompanyId;

use super::{Paused, file};

/// In the state folder.
const FILE: &str = "holding.json";

/// What the running driver has of Sage, as it last said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The driver's process.
    pub pid: u32,
    /// The revision of `pause.json` that it has heard.
    pub revision: String,
    /// By company.
    pub companies: BTreeMap<CompanyId, Held>,
}

/// What the driver has of one company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// It is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Handles on Sage that it has: `read bridge`, `write session`, …
    pub handles: Vec<String>,
    /// Handles that it gave back since the pause began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<String>,
    /// A document is being written, or an import job runs; it is waited for until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writing_until: Option<Timestamp>,
}

impl Holding {
    /// What the driver said last; none when it never ran, or the file is broken.
    #[must_use]
    pub fn load(state_dir: &Path) -> Option<Self> {
        file::read(&state_dir.join(FILE)).ok().flatten()
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn save(&self, state_dir: &Path) -> std::io::Result<()> {
        file::write(&state_dir.join(FILE), self)
    }
}
