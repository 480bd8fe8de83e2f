//! Logs, on stderr.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// Options of every program.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or a filter such as link=debug.
    #[arg(
        long,
        global = true,
        env = "ERP_DRIVER_LOG",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub log_level: String,
    /// How to log; JSON has one object a line.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. A level that does not parse counts as `info` and is named in the log; a
/// second call changes nothing.
pub fn init(args: &LogArgs) {
    let (filter, problem) = match EnvFilter::try_new(&args.log_level) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match args.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_ok()
        && let Some(error) = problem
    {
        tracing::warn!(level = %args.log_level, %error, "no log level; logging at info");
    }
}
