//! The command line.

mod audit;
mod config;
mod people;
mod tokens;
mod webhooks;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::Catalog;
use clap::{Parser, Subcommand};
use hub_store::{SqlStore, Store, StoreError};
use ipnet::IpNet;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::hub::Hub;
use crate::limits::RateLimit;
use crate::random;
use crate::serve::Server;
use crate::tls::{Certificates, TlsError};
use crate::webhooks::{Retries, WebhookOptions};

/// The platform's side of ERP Driver: drivers deliver here, the platform reads and posts here.
#[derive(Debug, Parser)]
#[command(
    name = "erp-hub",
    version,
    after_help = "Example: erp-hub serve --store sqlite:hub.db --listen 127.0.0.1:8080"
)]
pub struct Command {
    /// Where everything is kept: sqlite:PATH or postgres://USER@HOST/DATABASE, whose password
    /// PGPASSWORD may hold.
    #[arg(
        long,
        global = true,
        env = "ERP_HUB_STORE",
        hide_env_values = true,
        value_name = "STORE"
    )]
    store: Option<String>,
    #[command(flatten)]
    log: host::log::LogArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the hub; creates and migrates the store.
    #[command(after_help = "Example: erp-hub serve --store sqlite:hub.db --listen 127.0.0.1:8080")]
    Serve(ServeOptions),
    /// Create the store, or bring it to this version.
    #[command(after_help = "Example: erp-hub migrate --store sqlite:hub.db")]
    Migrate,
    /// Copy a store in a file, also while the hub runs; nothing is written over.
    #[command(after_help = "Example: erp-hub backup --to hub-2026-05-06.db --store sqlite:hub.db")]
    Backup {
        /// The copy.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put a copy in the place of a store in a file, with the hub stopped; prints the store's new id.
    #[command(
        after_help = "What was there is kept beside it. Places in the feed from before expire, and drivers send what is missing.\n\n\
                      Example: erp-hub restore --from hub-2026-05-06.db --store sqlite:hub.db"
    )]
    Restore {
        /// The copy.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Give the store a new id after its database was put back to a copy by other means; prints it.
    #[command(
        after_help = "With all hubs stopped. Places in the feed from before expire, and drivers send what is missing.\n\n\
                      Example: erp-hub new-epoch --yes --store postgres://hub@db/hub"
    )]
    NewEpoch {
        /// Yes: the database was put back, and no hub runs.
        #[arg(long)]
        yes: bool,
    },
    /// Tenants.
    #[command(subcommand)]
    Tenant(people::TenantAction),
    /// Make a one-time code for a driver; prints it.
    #[command(after_help = "Example: erp-hub enroll-code --tenant acme --store sqlite:hub.db")]
    EnrollCode(people::EnrollCode),
    /// One-time codes for drivers: those that there are.
    #[command(subcommand)]
    Code(people::CodeAction),
    /// Tokens of the API.
    #[command(subcommand)]
    Token(tokens::TokenAction),
    /// Enrolled drivers.
    #[command(subcommand)]
    Agent(people::AgentAction),
    /// Companies, and which driver has them.
    #[command(subcommand)]
    Company(people::CompanyAction),
    /// Who did what, when and from where.
    #[command(subcommand)]
    Audit(audit::AuditAction),
    /// Webhooks: who is told of what.
    #[command(subcommand)]
    Webhook(webhooks::WebhookAction),
}

#[derive(Debug, clap::Args)]
struct ServeOptions {
    /// A TOML file with these options (`keep_audit = 30`), which the environment and the command line go before.
    #[arg(long, value_name = "FILE", env = "ERP_HUB_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", env = "ERP_HUB_LISTEN")]
    listen: SocketAddr,
    /// Write the real address to this file once it listens.
    #[arg(long, value_name = "FILE", env = "ERP_HUB_ANNOUNCE")]
    announce: Option<PathBuf>,
    /// Serve HTTPS with the certificate in this PEM file, the server's own first, then its intermediates. Read
    /// again when it changes.
    #[arg(long, value_name = "FILE", env = "ERP_HUB_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file.
    #[arg(long, value_name = "FILE", env = "ERP_HUB_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Forget the bodies of documents so many days after they became final.
    #[arg(long, value_name = "DAYS", env = "ERP_HUB_REDACT_AFTER", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
    redact_after: u16,
    /// Keep tombstones of records that have left so many days; an older place in the feed has to start again.
    #[arg(long, value_name = "DAYS", env = "ERP_HUB_KEEP_TOMBSTONES", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
    keep_tombstones: u16,
    /// Keep the audit log so many days.
    #[arg(long, value_name = "DAYS", env = "ERP_HUB_KEEP_AUDIT", default_value_t = 730, value_parser = clap::value_parser!(u16).range(1..))]
    keep_audit: u16,
    /// How often one token may ask, as REQUESTS/SECONDS; beyond that it has to wait.
    #[arg(long, value_name = "LIMIT", env = "ERP_HUB_RATE_LIMIT", default_value_t = RateLimit::DEFAULT)]
    rate_limit: RateLimit,
    /// How many requests of one token may be under way at the same time; more are refused.
    #[arg(long, value_name = "REQUESTS", env = "ERP_HUB_REQUESTS_AT_ONCE", default_value_t = Hub::REQUESTS_AT_ONCE, value_parser = clap::value_parser!(u16).range(1..))]
    requests_at_once: u16,
    /// Memory for prices of companies, in MiB: those asked about longest ago make room for others.
    #[arg(long, value_name = "MIB", env = "ERP_HUB_PRICE_MEMORY", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    price_memory: u32,
    /// Address or network of a proxy before the hub, whose X-Forwarded-For is believed; repeat for several.
    #[arg(long, value_name = "NETWORK", env = "ERP_HUB_TRUSTED_PROXIES", value_delimiter = ',', value_parser = hub_store::parse_network)]
    trusted_proxy: Vec<IpNet>,
    /// Let webhooks go to private addresses and to http://, too.
    #[arg(long, env = "ERP_HUB_ALLOW_PRIVATE_WEBHOOKS")]
    allow_private_webhooks: bool,
    /// How long to wait before each repetition of a webhook's message; the last wait goes on.
    #[arg(long, value_name = "WAITS", env = "ERP_HUB_WEBHOOK_RETRIES", default_value_t = Retries::default())]
    webhook_retries: Retries,
    /// Switch a webhook off after so long of nothing but failures.
    #[arg(long, value_name = "TIME", env = "ERP_HUB_WEBHOOK_GIVE_UP_AFTER", default_value = "120h", value_parser = people::parse_duration)]
    webhook_give_up_after: SignedDuration,
}

impl Action {
    /// A mistyped path must not become an empty hub.
    const fn makes_store(&self) -> bool {
        match self {
            Self::Serve(_)
            | Self::Migrate
            | Self::Restore { .. }
            | Self::Tenant(people::TenantAction::Add { .. }) => true,
            Self::Tenant(people::TenantAction::List { .. }) => false,
            Self::Backup { .. }
            | Self::NewEpoch { .. }
            | Self::EnrollCode(_)
            | Self::Code(_)
            | Self::Token(_)
            | Self::Agent(_)
            | Self::Company(_)
            | Self::Audit(_)
            | Self::Webhook(_) => false,
        }
    }
}

/// A command did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No store was named.
    #[error("no store was named")]
    NoStore,
    /// There is no file at the store's path.
    #[error("there is no store at {}", .0.display())]
    NoSuchStore(PathBuf),
    /// The store is not in a file.
    #[error("only a store in a file is copied by this program")]
    NoFile,
    /// Something that cannot be undone was not confirmed.
    #[error("nothing was done: this cannot be undone")]
    Unconfirmed,
    /// A tenant cannot have this name.
    #[error("a tenant cannot be called {0:?}")]
    TenantName(String),
    /// A webhook cannot go there.
    #[error("{detail}")]
    Webhook {
        /// The stable code.
        code: &'static str,
        /// Why not.
        detail: String,
    },
    /// A replay from no place, or from several.
    #[error("the command names no place to send again from")]
    Replay,
    /// A token would see a company that no driver has claimed.
    #[error(
        "no driver of {tenant} has claimed a company {company}; {}",
        if .known.is_empty() { "none is known yet".to_owned() } else { format!("known are {}", .known.join(", ")) }
    )]
    CompanyUnclaimed {
        /// Whose token.
        tenant: String,
        /// The company.
        company: values::CompanyId,
        /// Companies that are claimed.
        known: Vec<String>,
    },
    /// There is no such option of prices, or no such choice.
    #[error("{0}")]
    PriceOption(String),
    /// A token would never be taken.
    #[error("the token would expire at once")]
    ExpiryPast,
    /// The file of settings cannot be used.
    #[error("{}: {problem}", .file.display())]
    Config {
        /// Which.
        file: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// One of certificate and key was not named.
    #[error("a certificate needs its key, and a key its certificate")]
    TlsIncomplete,
    /// Certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalog inside the program does not hold.
    #[error("catalog: {0}")]
    Catalog(#[from] catalog::CatalogError),
    /// An address, file or stream failed.
    #[error("{what}: {error}")]
    Io {
        /// What was being done, and with what.
        what: String,
        /// Why it failed.
        error: io::Error,
    },
}

impl CommandError {
    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoStore => "name one with --store sqlite:PATH, --store postgres://… or ERP_HUB_STORE",
            Self::NoSuchStore(_) => {
                "correct the path; erp-hub tenant add, migrate and serve make a new store"
            }
            Self::TenantName(_) => "give it a name for people, which does not begin with t_ as ids do",
            Self::CompanyUnclaimed { .. } => {
                "correct it, or add --unclaimed when its driver is yet to connect"
            }
            Self::Unconfirmed => "say --yes",
            Self::NoFile => {
                "copy and put back a PostgreSQL database with its own tools (docs/operations.md), then run `erp-hub new-epoch`"
            }
            Self::PriceOption(_) => {
                "docs/prices.md has options and choices; without --set and --unset the command lists them"
            }
            Self::ExpiryPast => "name a time that is to come, like 90d",
            Self::Webhook { .. } => {
                "use an https:// address of the public internet without user and password; \
                 --allow-private-webhooks lets others be used where the hub is served with it, too"
            }
            Self::Replay => "name one of --since, --time and --skip",
            Self::Config { .. } => "correct the file; docs/hub-configuration.md has all names",
            Self::TlsIncomplete => "name both tls_cert and tls_key, or neither",
            Self::Tls(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Catalog(_) => "report this with the program's version",
            Self::Io { .. } => "check that the address is free and the paths exist and may be written",
        }
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::NoStore => "store_missing",
            Self::NoSuchStore(_) => "store_unknown",
            Self::NoFile => "store_not_a_file",
            Self::Unconfirmed => "unconfirmed",
            Self::TenantName(_) => "tenant_name_invalid",
            Self::CompanyUnclaimed { .. } => "company_unclaimed",
            Self::PriceOption(_) => "price_option_invalid",
            Self::ExpiryPast => "expiry_past",
            Self::Webhook { code, .. } => code,
            Self::Replay => "replay_invalid",
            Self::Config { .. } => "config_invalid",
            Self::TlsIncomplete => "tls_incomplete",
            Self::Tls(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Catalog(_) => "catalog_invalid",
            Self::Io { .. } => "io_failed",
        }
    }

    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |error| Self::Io { what, error }
    }
}

impl host::cli::Explained for CommandError {
    fn code(&self) -> &str {
        self.code()
    }

    fn remedy(&self) -> Option<String> {
        Some(self.remedy().to_owned())
    }
}

/// Runs a command; what was asked for goes to `out`.
///
/// # Errors
/// [`CommandError`], each with a remedy.
pub fn run(command: Command, out: &mut impl Write) -> Result<(), CommandError> {
    host::log::init(&command.log);
    let now = host::clock::now();
    let address = command.store.ok_or(CommandError::NoStore)?;
    // A server says itself that it has no such database.
    if let Some(path) = address.strip_prefix("sqlite:").map(Path::new)
        && !command.action.makes_store()
        && !path.exists()
    {
        return Err(CommandError::NoSuchStore(path.to_owned()));
    }
    let password = std::env::var("PGPASSWORD").ok();
    let (catalog, id) = (Catalog::standard()?, random::store_id());
    // Copies are made and put back without opening the store, which would bring it to this version.
    match &command.action {
        Action::Backup { to } => {
            let store = file_of(&address)?;
            hub_store::back_up(store, to)?;
            // The copy is there: that the disk is full is no reason to do without it.
            if let Err(error) = hub_store::note_copy(store, to, now) {
                tracing::warn!(%error, "the copy stands in no audit log");
            }
            return say(out, to.display());
        }
        Action::Restore { from } => {
            let restored = hub_store::restore(from, file_of(&address)?, catalog, &id, now)?;
            if let Some(replaced) = restored.replaced {
                tracing::info!("what was there is now {}", replaced.display());
            }
            return say(out, restored.id);
        }
        Action::Serve(_) | Action::Migrate | Action::NewEpoch { .. } | Action::Tenant(_) => {}
        Action::EnrollCode(_)
        | Action::Code(_)
        | Action::Token(_)
        | Action::Agent(_)
        | Action::Company(_)
        | Action::Audit(_)
        | Action::Webhook(_) => {}
    }
    let store = SqlStore::open(&address, password.as_deref(), catalog, &id, now)?;
    match command.action {
        Action::Serve(options) => run_server(store, &options),
        Action::Migrate => say(out, store.id()),
        Action::NewEpoch { yes } => {
            confirmed(yes)?;
            store.start_epoch(&id, &hub_store::Actor::command_line(), now)?;
            say(out, id)
        }
        // Done before the store was opened.
        Action::Backup { .. } | Action::Restore { .. } => Ok(()),
        Action::Tenant(action) => people::tenant(&store, action, now, out),
        Action::EnrollCode(options) => people::enroll_code(&store, options, now, out),
        Action::Code(action) => people::code(&store, action, now, out),
        Action::Token(action) => tokens::token(&store, action, now, out),
        Action::Agent(action) => people::agent(&store, action, now, out),
        Action::Audit(action) => audit::audit(&store, action, out),
        Action::Company(action) => people::company(&store, action, now, out),
        Action::Webhook(action) => webhooks::webhook(&store, action, now, out),
    }
}

fn confirmed(yes: bool) -> Result<(), CommandError> {
    if yes {
        Ok(())
    } else {
        Err(CommandError::Unconfirmed)
    }
}

/// The file of a store in one.
fn file_of(address: &str) -> Result<&Path, CommandError> {
    let path = address.strip_prefix("sqlite:").filter(|path| !path.is_empty());
    path.map(Path::new).ok_or(CommandError::NoFile)
}

fn run_server(store: SqlStore, options: &ServeOptions) -> Result<(), CommandError> {
    let (listen, days) = (options.listen, |days: u16| {
        SignedDuration::from_hours(24 * i64::from(days))
    });
    if options.tls_cert.is_some() != options.tls_key.is_some() {
        return Err(CommandError::TlsIncomplete);
    }
    let files = options.tls_cert.as_deref().zip(options.tls_key.as_deref());
    let now = host::clock::now();
    let certificates = files
        .map(|(certificate, key)| Certificates::open(certificate, key, now))
        .transpose()?;
    if certificates
        .as_ref()
        .is_some_and(|certificates| certificates.expires_soon(now))
    {
        tracing::warn!("the certificate expires within two weeks: renew it");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(CommandError::io("starting"))?.block_on(async {
        let listener = TcpListener::bind(listen).await.map_err(CommandError::io(format!("listening on {listen}")))?;
        let address = listener.local_addr().map_err(CommandError::io(format!("listening on {listen}")))?;
        let scheme = if certificates.is_some() { "https" } else { "http" };
        tracing::info!(store = %store.id(), "erp-hub {} listens on {scheme}://{address}", env!("CARGO_PKG_VERSION"));
        if let Some(file) = &options.announce {
            announce_address(file, address).map_err(CommandError::io(format!("writing {}", file.display())))?;
        }
        let store = Arc::new(store);
        let hub = Hub::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(host::clock::now))
            .with_redaction(days(options.redact_after))
            .with_tombstones(days(options.keep_tombstones))
            .with_audit(days(options.keep_audit))
            .with_rate_limit(Some(options.rate_limit))
            .with_requests_at_once(options.requests_at_once)
            .with_price_memory(u64::from(options.price_memory) * 1024 * 1024)
            .with_trusted_proxies(options.trusted_proxy.clone())
            .with_webhooks(WebhookOptions {
                allow_private: options.allow_private_webhooks,
                retries: options.webhook_retries.clone(),
                give_up_after: options.webhook_give_up_after,
            });
        let (noting, settings) = (Arc::clone(&store), settings(options));
        tokio::task::spawn_blocking(move || note_settings(noting.as_ref(), &settings));
        let server = Server::new(hub).with_tls(certificates);
        server.serve(listener, host::signal::stopped()).await.map_err(CommandError::io(format!("serving on {address}")))
    })
}

/// What tenants are told of how the hub runs: what bears on their data and their callers, and
/// nothing of files, addresses and secrets of the operator's.
fn settings(options: &ServeOptions) -> Value {
    json!({
        "redact_after": options.redact_after,
        "keep_tombstones": options.keep_tombstones,
        "keep_audit": options.keep_audit,
        "rate_limit": options.rate_limit.to_string(),
        "trusted_proxies": options.trusted_proxy.len(),
        "allow_private_webhooks": options.allow_private_webhooks,
        "webhook_retries": options.webhook_retries.to_string(),
        "webhook_give_up_after": options.webhook_give_up_after.to_string(),
    })
}

fn note_settings(store: &dyn Store, settings: &Value) {
    let by = hub_store::Actor::command_line();
    if let Err(error) = store.note_settings(settings, &by, host::clock::now()) {
        tracing::warn!(%error, "the audit logs were not told of the hub's settings");
    }
}

/// In one step, so that a reader never finds half an address.
fn announce_address(file: &Path, address: SocketAddr) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, format!("{address}\n"))?;
    std::fs::rename(&beside, file)
}

/// One line of data.
fn say(out: &mut impl Write, line: impl std::fmt::Display) -> Result<(), CommandError> {
    writeln!(out, "{line}").map_err(CommandError::io("writing the answer"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds() {
        Command::command().debug_assert();
    }
}
