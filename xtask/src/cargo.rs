//! Running cargo from within `cargo xtask`.

use std::{env, ffi::OsString, process::Command};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::Failure;

/// Left by the outer `cargo run` for this program. Build scripts that watch them (ring's does)
/// would run again at every change between `cargo xtask …` and plain cargo.
const OUTER_VARIABLES: [&str; 5] = [
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
];

/// The cargo that started this program, in the workspace's root.
pub(crate) fn cargo(metadata: &Metadata) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(&metadata.workspace_root);
    for (name, _) in env::vars_os() {
        let is_outer = name
            .to_str()
            .is_some_and(|name| OUTER_VARIABLES.iter().any(|outer| name.starts_with(outer)));
        if is_outer {
            command.env_remove(name);
        }
    }
    command
}

/// The workspace with its whole dependency graph.
pub(crate) fn metadata() -> Result<Metadata, Failure> {
    describe(&mut MetadataCommand::new())
}

/// The workspace's own packages and folders: needs no network.
pub(crate) fn workspace() -> Result<Metadata, Failure> {
    describe(MetadataCommand::new().no_deps())
}

fn describe(command: &mut MetadataCommand) -> Result<Metadata, Failure> {
    command
        .exec()
        .map_err(|error| Failure::new(format!("cargo metadata: {error}")))
}

/// Runs to the end with the terminal as output.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = line(command);
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("cannot start `{line}`: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{line}` failed ({status})")))
    }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec!["cargo".to_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
