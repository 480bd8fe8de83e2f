//! What every command that talks to the hub begins with.

use std::path::Path;
use std::time::Duration;

use agent_store::journal::Journal;
use catalog::Catalog;
use link::{Link, LinkConfig, Proxy};
use tokio::runtime::{Handle, Runtime};
use values::{Date, StoreId};
use wire::agent::{Lease, LeaseRequest};

use super::Failed;
use crate::config::{Company, Config, SiteDataset};
use crate::pause::{CompanyPause, PauseFile};
use crate::reading::{CompanyReader, StreamHub};

/// Reads and checks the configuration file.
pub(crate) fn read_config(path: &Path) -> Result<Config, Failed> {
    Ok(Config::read(path)?)
}

/// An enrolled driver's way to its hub.
pub(crate) struct Connection {
    pub(crate) config: Config,
    pub(crate) link: Link,
    runtime: Runtime,
}

impl Connection {
    /// Reads the configuration and the identity.
    pub(crate) fn open(path: &Path) -> Result<Self, Failed> {
        let config = read_config(path)?;
        let identity = secrets::Identity::load(&config.state_dir)?;
        let key = secrets::HostKey::load(&config.state_dir)?;
        let runtime = runtime()?;
        let link = Link::new(
            &link_config(&config, &config.hub_url)?,
            identity.agent,
            move |text| key.sign_hex(text),
        )?;
        Ok(Self {
            config,
            link,
            runtime,
        })
    }

    /// The runtime, for blocking calls from other threads.
    pub(crate) fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// The hub as the read side sees it.
    pub(crate) fn stream_hub(&self) -> StreamHub {
        StreamHub::new(self.link.clone(), self.handle())
    }

    /// Becomes the company's writer, and claims the company for this agent.
    pub(crate) fn lease(&self, company: &Company, journal: &StoreId) -> Result<Lease, Failed> {
        let request = LeaseRequest {
            company: company.id.clone(),
            time_zone: self.config.zone_name().to_owned(),
            journal: journal.clone(),
        };
        Ok(self.runtime.block_on(self.link.lease(&request))?)
    }

    /// Connects to a company's tables, for a command of its own. Not while somebody has
    /// paused the company.
    pub(crate) fn reader(&self, company: &Company) -> Result<CompanyReader, Failed> {
        let file = PauseFile::load(&self.config.state_dir)?;
        let (schedule, zone) = (&self.config.pauses, &self.config.time_zone);
        if let Some(paused) = file.paused(&company.id, schedule, zone, host::clock::now()) {
            return Err(Failed::new(
                "paused",
                format!("{}: {}", company.id, paused.local_words(zone)),
                "wait until the pause is over, or end it with erp-driver resume",
            ));
        }
        self.pausable_reader(company, CompanyPause::default())
    }

    /// Connects to a company's tables, for as long as nobody pauses.
    pub(crate) fn pausable_reader(
        &self,
        company: &Company,
        pause: CompanyPause,
    ) -> Result<CompanyReader, Failed> {
        let bridge = crate::bridge::default_program();
        Ok(CompanyReader::open(
            &self.config,
            company,
            &bridge,
            self.stream_hub(),
            pause,
        )?)
    }

    /// The companies that a command was asked for; all of them without a name. Copies are for
    /// trying things in: nothing of them goes to the hub.
    pub(crate) fn companies(&self, names: &[String]) -> Result<Vec<Company>, Failed> {
        if names.is_empty() {
            let live = self.config.companies.iter().filter(|c| c.copy_of.is_none());
            return Ok(live.cloned().collect());
        }
        names
            .iter()
            .map(|name| {
                let company = self.config.company(name);
                if let Some(original) = company.and_then(|company| company.copy_of.as_ref()) {
                    return Err(Failed::new(
                        "company_is_a_copy",
                        format!("{name} is a copy of {original}: it is not synced"),
                        format!("name {original}; a copy is for erp-driver prove"),
                    ));
                }
                company.cloned().ok_or_else(|| {
                    let known: Vec<&str> = self.config.companies.iter().map(|c| c.id.as_str()).collect();
                    Failed::new(
                        "company_unknown",
                        format!("{} has no company {name:?}", self.config.path.display()),
                        format!("use one of {}", known.join(", ")),
                    )
                })
            })
            .collect()
    }
}

/// The catalog of this program.
pub(crate) fn catalog() -> Result<Catalog, Failed> {
    Catalog::standard().map_err(|e| {
        Failed::new(
            "catalog_invalid",
            e.to_string(),
            "report it: the program was built wrong",
        )
    })
}

/// The date on the Sage server.
pub(crate) fn today(config: &Config) -> Date {
    config.time_zone.to_datetime(host::clock::now()).date()
}

/// The datasets of a company that a command was asked for; without names those that it
/// syncs.
pub(crate) fn datasets(
    config: &Config,
    company: &Company,
    names: &[String],
) -> Result<Vec<SiteDataset>, Failed> {
    let all = company.datasets(config, &catalog()?, today(config));
    if names.is_empty() {
        return Ok(all);
    }
    names
        .iter()
        .map(|name| {
            let found = all.iter().find(|d| d.dataset.name.as_str() == name);
            found.cloned().ok_or_else(|| {
                let known: Vec<&str> = all.iter().map(|d| d.dataset.name.as_str()).collect();
                Failed::new(
                    "dataset_unknown",
                    format!("{} syncs no dataset {name:?}", company.id),
                    format!("use one of {}", known.join(", ")),
                )
            })
        })
        .collect()
}

/// How this configuration reaches the hub.
pub(crate) fn link_config(config: &Config, hub_url: &str) -> Result<LinkConfig, Failed> {
    let proxy = match config.proxy.reveal() {
        "system" => Proxy::System,
        "none" => Proxy::None,
        _ => Proxy::Address(config.proxy.clone()),
    };
    Ok(LinkConfig {
        hub_url: hub_url.to_owned(),
        ca_file: config.ca_file.clone(),
        proxy,
        ..LinkConfig::default()
    })
}

/// A runtime for the network; two threads, since the work is done elsewhere.
pub(crate) fn runtime() -> Result<Runtime, Failed> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_secs(10))
        .enable_all()
        .build()
        .map_err(|e| Failed::new("runtime_failed", e.to_string(), "restart the service"))
}

/// A new state folder is its user's alone: it holds keys and whole orders.
pub(crate) fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// One process works with a state folder at a time.
pub(crate) fn lock(config: &Config) -> Result<host::lock::Exclusive, Failed> {
    make_private_folder(&config.state_dir).map_err(|e| {
        Failed::new(
            "state_dir_unusable",
            format!("{}: {e}", config.state_dir.display()),
            "create the folder named as state.dir, writable for this user",
        )
    })?;
    Ok(host::lock::Exclusive::acquire(
        &config.state_dir.join("driver.lock"),
    )?)
}

/// The journal of this driver; made when there is none.
pub(crate) fn open_journal(config: &Config) -> Result<Journal, Failed> {
    let fresh = StoreId::new(host::random::hex::<16>());
    Ok(Journal::open(&config.state_dir.join("journal.db"), &fresh)?)
}
