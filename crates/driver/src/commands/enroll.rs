//! `erp-driver enroll`.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use values::Secret;
use wire::agent::{Enroll, PROTOCOL};

use super::Failed;
use super::connect::{link_config, lock, read_config, runtime};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The hub's address; by default the one in the configuration.
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// The code, as printed by `erp-hub enroll-code`.
    #[arg(long, value_name = "CODE")]
    code: String,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let hub = self.hub.unwrap_or_else(|| config.hub_url.clone());
        if hub.trim_end_matches('/') != config.hub_url.trim_end_matches('/') {
            return Err(Failed::new(
                "hub_differs",
                format!("--hub is {hub}, but {} has {}", path.display(), config.hub_url),
                "make both the same",
            ));
        }
        let _lock = lock(&config)?;
        // A key that was made before a failed attempt is used again.
        let key = secrets::HostKey::load_or_generate(&config.state_dir)?;
        let request = Enroll {
            protocol: PROTOCOL,
            code: Secret::new(self.code.trim()),
            public_key: key.public_hex(),
            host: host::process::host_name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let enrolled = runtime()?.block_on(link::Link::enroll(&link_config(&config, &hub)?, &request))?;
        secrets::Identity {
            agent: enrolled.agent.clone(),
            tenant: enrolled.tenant,
            hub_url: hub,
            enrolled_at: jiff::Timestamp::now(),
        }
        .save(&config.state_dir)?;
        host::cli::print(&format!(
            "Enrolled as {} of {}.\n",
            enrolled.agent, enrolled.tenant_name
        ));
        Ok(ExitCode::SUCCESS)
    }
}
