//! The configuration file, read once and turned into types with every mistake named.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use sage::Dialect;
use serde::{Deserialize, Serialize};
use values::{CompanyId, Secret};

use crate::bridge::ReadSource;

/// Fewest seconds between two passes over a dataset. Two keeps a price change well within
/// five seconds of the web store.
const DEFAULT_INTERVAL_S: u64 = 2;
/// Share of wall time that reading one company may take, in percent. Ten leaves Sage's
/// files to the people who work with them.
const DEFAULT_READING_SHARE_PERCENT: u64 = 10;
/// An hour: what no stamp tells is at the hub within one, and the pace by reading share
/// keeps large tables from taking more of Sage than they may.
const DEFAULT_FULL_INTERVAL_S: u64 = 3600;
/// A page must free Sage's files within this time.
const DEFAULT_PAGE_LIMIT_S: u64 = 60;

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
    /// How orders are entered.
    pub orders: OrderSettings,
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

/// How reading is paced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncSettings {
    /// Fewest seconds between two passes over a dataset.
    pub interval_s: u64,
    /// Share of wall time that reading may take, in percent.
    pub reading_share_percent: u64,
    /// Seconds after which a table that is read by stamp is compared whole again: bulk jobs
    /// change rows without stamping them.
    pub full_interval_s: u64,
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
            reading_share_percent: DEFAULT_READING_SHARE_PERCENT,
            full_interval_s: DEFAULT_FULL_INTERVAL_S,
            overlap_s: sync::DEFAULT_OVERLAP_S,
            page_limit_s: DEFAULT_PAGE_LIMIT_S,
            datasets: Vec::new(),
        }
    }
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
        }
    }
}

/// The configuration does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {place}: {problem}")]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The key.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Config {
    /// Turns what stands in the file into a configuration.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn from_file(path: &Path, file: File) -> Result<Self, ConfigError> {
        let fail = |place: String, problem: String, remedy: &str| ConfigError {
            path: path.to_owned(),
            place,
            problem,
            remedy: remedy.to_owned(),
        };
        let base = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."));
        let zone = file.erp.unwrap_or_default().time_zone;
        let time_zone = match &zone {
            Some(name) => TimeZone::get(name).map_err(|_| {
                fail(
                    "erp.time_zone".into(),
                    format!("{name:?} is no time zone"),
                    "use an IANA name like \"America/New_York\"",
                )
            })?,
            None => TimeZone::system(),
        };
        if time_zone.iana_name().is_none() {
            return Err(fail(
                "erp.time_zone".into(),
                "the machine's time zone has no IANA name".into(),
                "set time_zone under [erp], like \"America/New_York\"",
            ));
        }
        if file.company.is_empty() {
            return Err(fail(
                "company".into(),
                "there is none".into(),
                "add a [[company]] section for each Sage company",
            ));
        }
        let mut companies: Vec<Company> = Vec::new();
        for (place, raw) in file.company.into_iter().enumerate() {
            let at = |key: &str| format!("company[{place}].{key}");
            let company = raw.into_company(base, |key, problem, remedy| fail(at(key), problem, remedy))?;
            if companies.iter().any(|c| c.id == company.id) {
                let problem = format!("{} stands twice", company.id);
                return Err(fail(at("id"), problem, "give each company an id of its own"));
            }
            companies.push(company);
        }
        let state_dir = file
            .state
            .unwrap_or_default()
            .dir
            .map_or_else(|| base.to_owned(), |dir| base.join(dir));
        let proxy = file.hub.proxy.unwrap_or_else(|| Secret::new("system"));
        let known = catalog::Catalog::standard().ok();
        let sync = file.sync.unwrap_or_default();
        for name in &sync.datasets {
            if known.as_ref().is_none_or(|c| c.get(name).is_none()) {
                return Err(fail(
                    "sync.datasets".into(),
                    format!("{name:?} is no dataset"),
                    "see docs/data.md for the names",
                ));
            }
        }
        if sync.interval_s == 0 || !(1..=100).contains(&sync.reading_share_percent) {
            return Err(fail(
                "sync".into(),
                "interval_s must be at least 1 and reading_share_percent from 1 to 100".into(),
                "correct the value",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            hub_url: file.hub.url,
            ca_file: file.hub.ca_file.map(|f| base.join(f)),
            proxy,
            time_zone,
            state_dir,
            companies,
            sync,
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

/// The file as it stands.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    hub: HubSection,
    erp: Option<ErpSection>,
    state: Option<StateSection>,
    sync: Option<SyncSettings>,
    #[serde(default)]
    company: Vec<CompanySection>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HubSection {
    url: String,
    ca_file: Option<PathBuf>,
    proxy: Option<Secret>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ErpSection {
    time_zone: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StateSection {
    dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CompanySection {
    id: Option<String>,
    code: String,
    edition: Edition,
    reader: ReaderSection,
    writer: Option<WriterSection>,
    orders: Option<OrderSettings>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReaderSection {
    odbc: Option<String>,
    password_env: Option<String>,
    sandbox: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WriterSection {
    com: Option<ComSection>,
    sandbox: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ComSection {
    home: PathBuf,
}

impl CompanySection {
    fn into_company(
        self,
        base: &Path,
        fail: impl Fn(&str, String, &str) -> ConfigError,
    ) -> Result<Company, ConfigError> {
        let code = self.code;
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return Err(fail(
                "code",
                format!("{code:?} is no company code"),
                "use Sage's code: three letters or digits, upper case",
            ));
        }
        let id = self.id.unwrap_or_else(|| code.clone());
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > 64 || !id.bytes().all(fits) {
            return Err(fail(
                "id",
                format!("{id:?} cannot be an id"),
                "use up to 64 letters, digits, '.', '_' or '-'",
            ));
        }
        let reader = match (self.reader.odbc, self.reader.sandbox) {
            (Some(connection), None) => {
                if has_password(&connection) {
                    return Err(fail(
                        "reader.odbc",
                        "the connection string holds a password".into(),
                        "remove PWD, put the password into an environment variable of the service and name it as reader.password_env",
                    ));
                }
                let schema = (self.edition == Edition::Premium).then(|| "dbo".to_owned());
                let dialect = Dialect {
                    schema,
                    ..Dialect::default()
                };
                ReaderSource::Odbc {
                    connection,
                    password_env: self.reader.password_env,
                    dialect,
                }
            }
            (None, Some(path)) => ReaderSource::Sandbox(base.join(path)),
            (None, None) | (Some(_), Some(_)) => {
                return Err(fail(
                    "reader",
                    "name one source".into(),
                    "set reader.odbc or reader.sandbox",
                ));
            }
        };
        let writer = match self.writer {
            None => None,
            Some(WriterSection {
                com: None,
                sandbox: Some(path),
            }) => Some(WriterTarget::Sandbox(base.join(path))),
            Some(WriterSection { com: Some(_), .. }) => {
                return Err(fail(
                    "writer.com",
                    "this version has no writer through COM yet".into(),
                    "leave writer out to run read-only, or use writer.sandbox",
                ));
            }
            Some(WriterSection {
                com: None,
                sandbox: None,
            }) => {
                return Err(fail(
                    "writer",
                    "name one target".into(),
                    "set writer.sandbox, or leave writer out",
                ));
            }
        };
        let orders = self.orders.unwrap_or_default();
        Ok(Company {
            id: CompanyId::new(id),
            code,
            edition: self.edition,
            reader,
            writer,
            orders,
        })
    }
}

/// Does a connection string carry a password?
fn has_password(connection: &str) -> bool {
    connection
        .split(';')
        .filter_map(|part| part.split_once('='))
        .any(|(key, value)| {
            let key = key.trim();
            (key.eq_ignore_ascii_case("pwd") || key.eq_ignore_ascii_case("password"))
                && !value.trim().is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[hub]
url = "https://hub.example.com"
[erp]
time_zone = "America/New_York"
[state]
dir = "state"
[[company]]
code = "ABC"
edition = "standard"
reader.odbc = "Driver=SQLite3;Database=nw.db;StepAPI=1"
writer.sandbox = "nw.db"
"#;

    fn read(text: &str) -> Result<Config, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        Config::from_file(Path::new("/etc/erp-driver/config.toml"), file).map_err(|e| e.to_string())
    }

    #[test]
    fn reads_what_the_surface_shows() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.state_dir, Path::new("/etc/erp-driver/state"));
        assert_eq!(config.companies[0].id.as_str(), "ABC");
        assert_eq!(config.zone_name(), "America/New_York");
        assert!(!config.companies[0].orders.history_kept);
    }

    #[test]
    fn every_mistake_names_its_place() {
        for (from, to, wanted) in [
            ("America/New_York", "New York", "erp.time_zone"),
            ("\"ABC\"", "\"abc\"", "company[0].code"),
            ("StepAPI=1", "PWD=geheim", "company[0].reader.odbc"),
            (
                "reader.odbc = \"Driver=SQLite3;Database=nw.db;StepAPI=1\"",
                "reader.password_env = \"X\"",
                "company[0].reader",
            ),
            (
                "writer.sandbox = \"nw.db\"",
                "writer.com = { home = 'C:\\Sage' }",
                "company[0].writer.com",
            ),
            ("[erp]", "[sync]\ndatasets = [\"itmes\"]\n[erp]", "sync.datasets"),
            ("[erp]", "[sync]\ninterval_s = 0\n[erp]", "sync"),
            ("url = ", "adress = ", "adress"),
        ] {
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(wanted), "{wanted}: {error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn one_company_one_id() {
        let second = GOOD.split_once("[[company]]").unwrap().1;
        let error = read(&format!("{GOOD}[[company]]{second}")).unwrap_err();
        assert!(error.contains("company[1].id"), "{error}");
    }
}
