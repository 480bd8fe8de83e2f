//! The file as it stands, and the way from there to a configuration.

use std::path::{Path, PathBuf};

use catalog::{Catalog, USER_DEFINED_PREFIX};
use import::rules::Vocabulary;
use jiff::tz::TimeZone;
use sage::Dialect;
use serde::{Deserialize, Serialize};
use toml::Table;
use values::{CompanyId, Secret};

use super::columns::{Tables, is_name};
use super::mistake::Mistake;
use super::place::Place;
use super::{
    Company, Config, ConfigError, Edition, OrderSettings, ReaderSource, SyncSettings, WriterTarget, imports,
    pauses, site,
};

/// Where Premium keeps what all companies share, unless the site says otherwise.
const SYSTEM_DATABASE: &str = "MAS_SYSTEM";

/// A file that cannot be read, or whose text is wrong.
pub(super) fn unreadable(path: &Path, error: &host::config::ConfigError) -> ConfigError {
    use host::config::ConfigError as Host;
    let (line, problem) = match error {
        Host::Unreadable { source, .. } => (None, format!("it cannot be read: {source}")),
        Host::TooLarge { bytes, .. } => (None, format!("{bytes} bytes are no configuration")),
        Host::Invalid {
            line,
            column,
            message,
            ..
        } => (Some(*line), format!("{message} (column {column})")),
    };
    ConfigError {
        code: error.code(),
        path: path.into(),
        line,
        place: String::new(),
        problem,
        remedy: error.remedy(),
    }
}

/// The file as it stands.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    hub: HubSection,
    erp: Option<ErpSection>,
    state: Option<StateSection>,
    sync: Option<SyncSettings>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pause: Vec<Table>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dataset: Vec<Table>,
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
    copy_of: Option<String>,
    orders: Option<OrderSettings>,
    imports: Option<Table>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dataset: Vec<Table>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReaderSection {
    odbc: Option<String>,
    password_env: Option<String>,
    system_database: Option<String>,
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

impl File {
    /// The file without what a person may not see: what stands before the `@` of a proxy's
    /// address.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        if let Some(proxy) = &self.hub.proxy {
            let text = proxy.reveal();
            if let Some((before, host)) = text.rsplit_once('@') {
                let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
                let parted = if scheme.is_empty() { "" } else { "://" };
                self.hub.proxy = Some(Secret::new(format!("{scheme}{parted}…@{host}")));
            }
        }
        self
    }

    pub(super) fn into_config(self, path: &Path) -> Result<Config, Mistake> {
        let base = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."));
        let time_zone = time_zone(self.erp.unwrap_or_default())?;
        let catalog = Catalog::standard().map_err(|e| {
            let program = "report it: the program was built wrong";
            Mistake::new(&Place::default(), format!("the catalog is wrong: {e}"), program)
        })?;
        let tables = Tables::of(&catalog);
        let words = Vocabulary::of(&catalog);
        let common = site::read_all(&self.dataset, &Place::of("dataset"), &catalog, &tables)?;
        if self.company.is_empty() {
            return Err(Mistake::new(
                &Place::of("company"),
                "there is none",
                "add a [[company]] section for each Sage company",
            ));
        }
        let mut companies: Vec<Company> = Vec::new();
        for (index, raw) in self.company.into_iter().enumerate() {
            let place = Place::of("company").index(index);
            let own = site::read_all(&raw.dataset, &place.key("dataset"), &catalog, &tables)?;
            let mut company = raw.into_company(base, &place, &words)?;
            // A company's section stands instead of the one for all companies.
            let mut sites = common.clone();
            sites.retain(|s| !own.iter().any(|o| o.name == s.name));
            sites.extend(own);
            company.sites = sites;
            if companies.iter().any(|c| c.id == company.id) {
                return Err(Mistake::new(
                    &place.key("id"),
                    format!("{} stands twice", company.id),
                    "give each company an id of its own",
                ));
            }
            companies.push(company);
        }
        check_copies(&companies)?;
        let pauses = pauses::read_all(&self.pause, &Place::of("pause"))?;
        let sync = self.sync.unwrap_or_default();
        check_sync(&sync, &catalog, &companies)?;
        let state_dir = self.state.unwrap_or_default().dir;
        Ok(Config {
            path: path.to_owned(),
            hub_url: self.hub.url,
            ca_file: self.hub.ca_file.map(|f| base.join(f)),
            proxy: self.hub.proxy.unwrap_or_else(|| Secret::new("system")),
            time_zone,
            state_dir: state_dir.map_or_else(|| base.to_owned(), |dir| base.join(dir)),
            companies,
            sync,
            pauses,
        })
    }
}

fn time_zone(erp: ErpSection) -> Result<TimeZone, Mistake> {
    let place = Place::of("erp.time_zone");
    let zone = match &erp.time_zone {
        Some(name) => TimeZone::get(name).map_err(|_| {
            Mistake::new(
                &place,
                format!("{name:?} is no time zone"),
                "use an IANA name like \"America/New_York\"",
            )
        })?,
        None => TimeZone::system(),
    };
    if zone.iana_name().is_some() {
        return Ok(zone);
    }
    Err(Mistake::new(
        &place,
        "the machine's time zone has no IANA name",
        "set time_zone under [erp], like \"America/New_York\"",
    ))
}

/// A copy is one of a company that is not a copy itself, and is told apart from it.
fn check_copies(companies: &[Company]) -> Result<(), Mistake> {
    for (index, company) in companies.iter().enumerate() {
        let Some(original) = &company.copy_of else {
            continue;
        };
        let place = Place::of("company").index(index).key("copy_of");
        let Some(of) = companies.iter().find(|c| c.id == *original) else {
            return Err(Mistake::new(
                &place,
                format!("there is no company {original}"),
                "name the id of the [[company]] that this one is a copy of",
            ));
        };
        if of.copy_of.is_some() {
            return Err(Mistake::new(
                &place,
                format!("{original} is a copy itself"),
                "name the id of the live company",
            ));
        }
        if of.code == company.code && (of.reader == company.reader || of.writer == company.writer) {
            return Err(Mistake::new(
                &place,
                format!("{} and {original} are the same company in Sage", company.id),
                "copy the company in Sage (Company Maintenance, Copy) under another code, and name that code here",
            ));
        }
    }
    Ok(())
}

fn check_sync(sync: &SyncSettings, catalog: &Catalog, companies: &[Company]) -> Result<(), Mistake> {
    let place = Place::of("sync");
    for (index, name) in sync.datasets.iter().enumerate() {
        let own = companies.iter().any(|c| c.sites.iter().any(|s| s.name == *name));
        if catalog.get(name).is_none() && !own {
            let remedy = if name.starts_with(USER_DEFINED_PREFIX) {
                "add a [[company.dataset]] section that names its table"
            } else {
                "see docs/data.md for the names"
            };
            let place = place.key("datasets").index(index);
            return Err(Mistake::new(&place, format!("{name:?} is no dataset"), remedy));
        }
    }
    let counts = [
        ("interval_s", sync.interval_s),
        ("sweep_interval_s", sync.sweep_interval_s),
        ("history_interval_s", sync.history_interval_s),
        ("history_sweep_interval_s", sync.history_sweep_interval_s),
        ("sweep_rows_per_s", sync.sweep_rows_per_s.unwrap_or(1)),
        ("slice_ms", sync.slice_ms),
        ("page_limit_s", sync.page_limit_s),
    ];
    if let Some((key, _)) = counts.iter().find(|(_, count)| *count == 0) {
        return Err(Mistake::new(
            &place.key(key),
            "0 is not possible",
            "use 1 or more",
        ));
    }
    if !(1..=100).contains(&sync.reading_share_percent) {
        return Err(Mistake::new(
            &place.key("reading_share_percent"),
            format!("{} is no share", sync.reading_share_percent),
            "use a number from 1 to 100",
        ));
    }
    Ok(())
}

impl CompanySection {
    fn into_company(self, base: &Path, place: &Place, words: &Vocabulary) -> Result<Company, Mistake> {
        let code = self.code;
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return Err(Mistake::new(
                &place.key("code"),
                format!("{code:?} is no company code"),
                "use Sage's code: three letters or digits, upper case",
            ));
        }
        let id = self.id.unwrap_or_else(|| code.clone());
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > 64 || !id.bytes().all(fits) {
            return Err(Mistake::new(
                &place.key("id"),
                format!("{id:?} cannot be an id"),
                "use up to 64 letters, digits, '.', '_' or '-'",
            ));
        }
        Ok(Company {
            id: CompanyId::new(id),
            code,
            edition: self.edition,
            reader: self
                .reader
                .into_source(self.edition, base, &place.key("reader"))?,
            writer: self
                .writer
                .map(|writer| writer.into_target(base, &place.key("writer")))
                .transpose()?,
            copy_of: self.copy_of.map(CompanyId::new),
            orders: self.orders.unwrap_or_default(),
            imports: imports::read(self.imports, base, &place.key("imports"), words)?,
            sites: Vec::new(),
        })
    }
}

impl ReaderSection {
    fn into_source(self, edition: Edition, base: &Path, place: &Place) -> Result<ReaderSource, Mistake> {
        let system = system_schema(self.system_database, edition, place)?;
        match (self.odbc, self.sandbox) {
            (Some(connection), None) if has_password(&connection) => Err(Mistake::new(
                &place.key("odbc"),
                "the connection string holds a password",
                "remove PWD, put the password into an environment variable of the service and name it as reader.password_env",
            )),
            (Some(connection), None) => Ok(ReaderSource::Odbc {
                connection,
                password_env: self.password_env,
                dialect: Dialect {
                    schema: (edition == Edition::Premium).then(|| "dbo".to_owned()),
                    system_schema: system,
                    ..Dialect::default()
                },
            }),
            (None, Some(path)) => Ok(ReaderSource::Sandbox(base.join(path))),
            (None, None) | (Some(_), Some(_)) => Err(Mistake::new(
                place,
                "name one source",
                "set reader.odbc or reader.sandbox",
            )),
        }
    }
}

/// Where Premium has the tables that all companies share.
fn system_schema(
    database: Option<String>,
    edition: Edition,
    place: &Place,
) -> Result<Option<String>, Mistake> {
    let place = place.key("system_database");
    match (edition, database) {
        (Edition::Premium, None) => Ok(Some(format!("{SYSTEM_DATABASE}.dbo"))),
        (Edition::Premium, Some(name)) if is_name(&name) => Ok(Some(format!("{name}.dbo"))),
        (Edition::Premium, Some(name)) => Err(Mistake::new(
            &place,
            format!("{name:?} is no database's name"),
            format!("write system_database = \"{SYSTEM_DATABASE}\", or the name on this server"),
        )),
        (Edition::Standard | Edition::Advanced, None) => Ok(None),
        (Edition::Standard | Edition::Advanced, Some(_)) => Err(Mistake::new(
            &place,
            "only Premium has a system database",
            "take the line out",
        )),
    }
}

impl WriterSection {
    fn into_target(self, base: &Path, place: &Place) -> Result<WriterTarget, Mistake> {
        match (self.com, self.sandbox) {
            (Some(_), _) => Err(Mistake::new(
                &place.key("com"),
                "this version has no writer through COM yet",
                "leave writer out to run read-only, or use writer.sandbox",
            )),
            (None, Some(path)) => Ok(WriterTarget::Sandbox(base.join(path))),
            (None, None) => Err(Mistake::new(
                place,
                "name one target",
                "set writer.sandbox, or leave writer out",
            )),
        }
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
