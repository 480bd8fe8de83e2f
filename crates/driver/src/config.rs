//! The configuration file, read once and turned into types with every mistake named.

mod approvals;
mod columns;
mod fields;
mod file;
mod import_rules;
mod imports;
mod mistake;
mod pace;
mod pauses;
mod place;
mod section;
mod site;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use catalog::Catalog;
use jiff::tz::TimeZone;
use sage::Dialect;
use serde::{Deserialize, Serialize};
use values::{CompanyId, Date, Secret};

pub use approvals::{Approval, Approvals, ApprovalsError};
pub(crate) use columns::is_user_table;
pub use file::File;
pub(crate) use imports::{Effective, Named, Noun};
pub use imports::{Imports, Profile, profile_path};
pub(crate) use mistake::KEEPS_NOTHING;
pub use pace::{HourWindow, HourWindowError, Pace, SyncSettings};
pub use site::{DatasetSite, SiteDataset};

use crate::bridge::ReadSource;
use crate::pause::PauseSchedule;

/// The JSON schema of the file.
pub const SCHEMA: &str = include_str!("config/schema.json");

/// A configuration that holds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it was read.
    pub path: PathBuf,
    /// The hub's address.
    pub hub_url: String,
    /// A private certificate authority, PEM.
    pub ca_file: Option<PathBuf>,
    /// `system`, `none`, or an address, which may hold a password.
    pub proxy: Secret,
    /// The Sage server's zone.
    pub time_zone: TimeZone,
    /// Journal, index, keys.
    pub state_dir: PathBuf,
    /// At least one.
    pub companies: Vec<Company>,
    /// How reading is paced.
    pub sync: SyncSettings,
    /// When Sage is left alone every week.
    pub pauses: PauseSchedule,
}

/// One Sage company file.
#[derive(Clone, Debug)]
pub struct Company {
    /// What the API calls it.
    pub id: CompanyId,
    /// What Sage calls it.
    pub code: String,
    /// The edition that it runs on.
    pub edition: Edition,
    /// Where it is read from.
    pub reader: ReaderSource,
    /// Where documents are written to; none means that it is only read.
    pub writer: Option<WriterTarget>,
    /// It is a copy of this company, made to try things: documents are never entered into it,
    /// and only `erp-driver prove` writes there.
    pub copy_of: Option<CompanyId>,
    /// How the Sage session works.
    pub orders: OrderSettings,
    /// How documents are entered.
    pub imports: Imports,
    /// What the site changes about its datasets; [`Company::datasets`] puts it together.
    pub sites: Vec<DatasetSite>,
}

/// Where a company is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderSource {
    /// An ODBC connection string without password.
    Odbc {
        /// The string.
        connection: String,
        /// Environment variable that holds the password.
        password_env: Option<String>,
        /// How statements are written for it.
        dialect: Dialect,
    },
    /// A sandbox company's file.
    Sandbox(PathBuf),
}

/// Where documents are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriterTarget {
    /// A sandbox company's file.
    Sandbox(PathBuf),
}

/// Sage's editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edition {
    /// Files on a share.
    Standard,
    /// Files with an application server.
    Advanced,
    /// Microsoft SQL Server.
    Premium,
}

/// How orders are entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrderSettings {
    /// Sage user that enters orders.
    pub sage_user: String,
    /// Environment variable that holds its password.
    pub password_env: Option<String>,
    /// Sage keeps completed and deleted orders (Sales Order options, Retain History). Only
    /// then does an order that is found nowhere count as not written; otherwise it is held
    /// for a person.
    pub history_kept: bool,
    /// Seconds that one call into Sage may take before it is given up.
    pub call_limit_s: u64,
    /// Seconds that a Sage process left behind may take to end by itself before it is
    /// ended by its exact id.
    pub fence_wait_s: u64,
    /// Seconds without work after which the Sage session, and its seat, are released.
    pub idle_release_s: u64,
    /// Days after which the body of a document that was written, refused or discarded is
    /// forgotten at this host, together with a file that was handed over for it.
    pub redact_after_days: u16,
}

impl Default for OrderSettings {
    fn default() -> Self {
        Self {
            sage_user: "erpdriver".to_owned(),
            password_env: None,
            // Not known before somebody has looked: the safe answer.
            history_kept: false,
            // Outside tax services answer within a minute or not at all.
            call_limit_s: 120,
            fence_wait_s: 120,
            // Entering takes a seat; a minute bridges the gaps in a busy hour.
            idle_release_s: 60,
            // As at the hub: long enough for every question about a delivery.
            redact_after_days: 90,
        }
    }
}

/// The configuration does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Stable code.
    pub code: &'static str,
    /// The file.
    pub path: Box<Path>,
    /// The line, from 1, where there is one.
    pub line: Option<usize>,
    /// The key; empty when the text as a whole cannot be read.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.place.is_empty() {
            write!(f, " {}:", self.place)?;
        }
        write!(f, " {}", self.problem)
    }
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// The first mistake, with its place and line; also one in a company's profile.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = host::config::read_text(path).map_err(|e| file::unreadable(path, &e))?;
        Self::parse(path, &text)?.with_profiles()
    }

    /// The same with what conformance runs have shown of its companies.
    fn with_profiles(mut self) -> Result<Self, ConfigError> {
        for company in &mut self.companies {
            let profile = imports::load_profile(&self.state_dir, &company.id).map_err(|error| *error)?;
            if let Some(profile) = profile {
                company.imports = std::mem::take(&mut company.imports).with_profile(profile);
            }
        }
        Ok(self)
    }

    /// Turns the text of the file at `path` into a configuration. Nothing but the text is
    /// looked at.
    ///
    /// # Errors
    /// The first mistake, with its place and line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = host::config::parse(path, text).map_err(|e| file::unreadable(path, &e))?;
        file.into_config(path).map_err(|mistake| ConfigError {
            code: mistake.code,
            path: path.into(),
            line: mistake.place.line(text),
            place: mistake.place.to_string(),
            problem: mistake.problem,
            remedy: mistake.remedy,
        })
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.time_zone.iana_name().unwrap_or("UTC")
    }

    /// The company with this id or code.
    #[must_use]
    pub fn company(&self, name: &str) -> Option<&Company> {
        self.companies
            .iter()
            .find(|c| c.id.as_str() == name || c.code == name)
    }
}

impl Company {
    /// Where documents are entered; none when it is only read, or a copy to try things in.
    #[must_use]
    pub fn document_writer(&self) -> Option<&WriterTarget> {
        self.writer.as_ref().filter(|_| self.copy_of.is_none())
    }

    /// The datasets that this company syncs, by name. `today` is the date on the Sage
    /// server: a site may leave out history of years long past.
    #[must_use]
    pub fn datasets(&self, config: &Config, catalog: &Catalog, today: Date) -> Vec<SiteDataset> {
        let settings = &config.sync;
        let standard = catalog.datasets().iter().map(|d| d.name.as_str());
        let own = self.sites.iter().map(|s| s.name.as_str());
        let mut names: Vec<&str> = standard.chain(own).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| settings.datasets.is_empty() || settings.datasets.iter().any(|d| d == name));
        names
            .into_iter()
            .filter_map(|name| match self.sites.iter().find(|s| s.name == name) {
                Some(site) => site.synced.then(|| site.dataset(settings, today)),
                None => catalog.get(name).map(|dataset| site::plain(dataset, settings)),
            })
            .collect()
    }

    /// Where the file says something about this dataset: the line, that of `word` inside the
    /// section where it stands there, and the section's place.
    pub(crate) fn place_of(
        &self,
        path: &Path,
        dataset: &str,
        word: Option<&str>,
    ) -> Option<(Option<usize>, String)> {
        let site = self.sites.iter().find(|s| s.name == dataset)?;
        let place = site.place.to_string();
        let Ok(text) = host::config::read_text(path) else {
            return Some((None, place));
        };
        let line = site.place.line(&text);
        let named = line
            .zip(word)
            .and_then(|(line, word)| place::mention(&text, line, word));
        Some((named.or(line), place))
    }

    /// What a bridge needs to open this company for reading.
    ///
    /// # Errors
    /// When the password's environment variable is not set.
    pub fn read_source(&self) -> Result<ReadSource, MissingPassword> {
        match &self.reader {
            ReaderSource::Odbc {
                connection,
                password_env,
                dialect,
            } => Ok(ReadSource::Odbc {
                connection: connection.clone(),
                password: password_env.as_deref().map(password).transpose()?,
                dialect: dialect.clone(),
            }),
            ReaderSource::Sandbox(path) => Ok(ReadSource::Sandbox { path: path.clone() }),
        }
    }
}

/// An environment variable that holds a password is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {0} is not set, which holds a password of the ERP")]
pub struct MissingPassword(pub String);

/// The password in this environment variable.
///
/// # Errors
/// [`MissingPassword`].
pub fn password(variable: &str) -> Result<Secret, MissingPassword> {
    std::env::var(variable)
        .map(Secret::new)
        .map_err(|_| MissingPassword(variable.to_owned()))
}
