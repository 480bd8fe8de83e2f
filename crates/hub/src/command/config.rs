//! Settings of `erp-hub serve` from a file: the same names as on the command line, which has
//! the last word, before the environment.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, CommandFactory as _, Parser as _};
use toml::{Table, Value};

use super::{Action, Command, CommandError};

const SERVE: &str = "serve";
/// The store's address, which all commands take.
const STORE: &str = "store";
/// Named on the command line or in the environment only.
const NOT_IN_FILES: [&str; 2] = ["config", "help"];

impl Command {
    /// From the command line, the environment and, for `serve`, the file that they name. Ends
    /// the process where the words are wrong, as [`clap::Parser::parse_from`].
    ///
    /// # Errors
    /// [`CommandError::Config`].
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, CommandError> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let command = Self::parse_from(&arguments);
        match &command.action {
            Action::Serve(options) => match options.config.clone() {
                Some(file) => with_file(&file, &arguments),
                None => Ok(command),
            },
            Action::Migrate | Action::Backup { .. } | Action::Restore { .. } | Action::NewEpoch { .. } => {
                Ok(command)
            }
            Action::Tenant(_) | Action::EnrollCode(_) | Action::Code(_) | Action::Token(_) => Ok(command),
            Action::Agent(_) | Action::Company(_) | Action::Audit(_) | Action::Webhook(_) => Ok(command),
        }
    }
}

fn with_file(file: &Path, arguments: &[OsString]) -> Result<Command, CommandError> {
    let wrong = |problem: String| CommandError::Config {
        file: file.to_owned(),
        problem,
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let matches = Command::command().get_matches_from(arguments);
    let said_already = |id: &str| {
        let serve = matches.subcommand_matches(SERVE);
        let source = serve.and_then(|serve| serve.value_source(id));
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    };
    let mut arguments = arguments.to_vec();
    for (key, value) in table {
        let Some(setting) = settings()
            .into_iter()
            .find(|arg| key_of(arg).as_ref() == Some(&key))
        else {
            let names: Vec<_> = settings().iter().filter_map(key_of).collect();
            return Err(wrong(format!(
                "there is no {key}; known are {}",
                names.join(", ")
            )));
        };
        let written = written(&setting, &key.replace('_', "-"), &value);
        let written = written.ok_or_else(|| wrong(format!("{key} is {value}, which it cannot be")))?;
        if !said_already(&key) {
            arguments.extend(written);
        }
    }
    // The command line alone was right: what is wrong stands in the file.
    let both = Command::try_parse_from(arguments);
    both.map_err(|error| wrong(said(&error)))
}

/// The first line of what the parser says, which names option and value.
fn said(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// The setting as it stands on a command line.
fn written(setting: &Arg, name: &str, value: &Value) -> Option<Vec<OsString>> {
    let is_flag = matches!(setting.get_action(), ArgAction::SetTrue);
    let one = |text: &str| OsString::from(format!("--{name}={text}"));
    match value {
        Value::Boolean(yes) if is_flag => Some(yes.then(|| format!("--{name}").into()).into_iter().collect()),
        Value::String(text) if !is_flag => Some(vec![one(text)]),
        Value::Integer(number) if !is_flag => Some(vec![one(&number.to_string())]),
        Value::Array(list) if !is_flag => list.iter().map(|text| text.as_str().map(one)).collect(),
        Value::Boolean(_) | Value::String(_) | Value::Integer(_) | Value::Array(_) => None,
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// What can be set: the options of `serve`, and the store.
fn settings() -> Vec<Arg> {
    let clap = Command::command();
    let store = clap.get_arguments().filter(|arg| arg.get_id() == STORE).cloned();
    let serve = clap.find_subcommand(SERVE);
    let serve = serve.into_iter().flat_map(|serve| serve.get_arguments().cloned());
    store
        .chain(serve)
        .filter(|arg| !NOT_IN_FILES.contains(&arg.get_id().as_str()))
        .collect()
}

/// As files have it.
fn key_of(arg: &Arg) -> Option<String> {
    arg.get_long().map(|long| long.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference between its marks in `docs/hub-configuration.md`.
    fn reference() -> String {
        let mut text = String::from(
            "| option | in the file | in the environment | default | |\n|---|---|---|---|---|\n",
        );
        for arg in settings() {
            let long = arg.get_long().unwrap();
            let values = arg
                .get_default_values()
                .iter()
                .map(|v| v.to_str().unwrap())
                .collect::<Vec<_>>();
            let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
            let default = if values.is_empty() || is_flag {
                String::new()
            } else {
                format!("`{}`", values.join(","))
            };
            let environment = arg.get_env().and_then(|env| env.to_str());
            let environment = environment.unwrap_or_else(|| panic!("--{long} has no variable"));
            let help = arg
                .get_help()
                .unwrap()
                .to_string()
                .replace('\n', " ")
                .replace('|', "\\|");
            let key = key_of(&arg).unwrap();
            text.push_str(&format!(
                "| `--{long}` | `{key}` | `{environment}` | {default} | {help} |\n"
            ));
        }
        text
    }

    #[test]
    fn the_reference_is_that_of_the_options() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hub-configuration.md");
        let found = std::fs::read_to_string(&file).unwrap();
        let (before, rest) = found.split_once("<!-- reference -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let wanted = format!("{before}<!-- reference -->\n{}<!-- end -->{after}", reference());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&file, &wanted).unwrap();
        }
        assert!(
            wanted == std::fs::read_to_string(&file).unwrap(),
            "UPDATE_DOCS=1 writes it anew"
        );
    }

    fn read(text: &str, more: &[&str]) -> Result<Command, CommandError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.toml");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let words = ["erp-hub", "serve", "--config", file];
        Command::read(words.iter().chain(more).map(OsString::from))
    }

    #[test]
    fn the_documentation_s_example_holds() {
        let page = include_str!("../../../../docs/hub-configuration.md");
        let (_, example) = page.split_once("```toml hub\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let Action::Serve(options) = read(example, &[]).unwrap().action else {
            panic!("another command");
        };
        assert_eq!(options.keep_audit, 365);
    }

    #[test]
    fn a_file_sets_what_the_command_line_leaves() {
        let text = "store = 'sqlite:hub.db'\nlisten = '127.0.0.1:0'\nkeep_audit = 30\n\
                    trusted_proxy = ['10.0.0.5', '10.1.0.0/16']\nrate_limit = '5/1'\n\
                    allow_private_webhooks = true\n";
        let command = read(text, &["--keep-audit", "31"]).unwrap();
        let Action::Serve(options) = command.action else {
            panic!("another command");
        };
        assert_eq!(command.store.as_deref(), Some("sqlite:hub.db"));
        assert_eq!((options.listen.port(), options.keep_audit), (0, 31));
        assert_eq!(options.rate_limit.to_string(), "5/1");
        assert_eq!(options.trusted_proxy.len(), 2);
        assert!(options.allow_private_webhooks);
        assert_eq!(options.keep_tombstones, 90, "what nobody says");
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        for (text, wanted) in [
            ("keep_audit = 0", "keep-audit"),
            ("keep-audit = 30", "keep-audit"),
            ("keep_all = 30", "keep_all; known are store, listen"),
            ("config = 'other.toml'", "config"),
            ("listen = true", "listen is true"),
            ("allow_private_webhooks = 'yes'", "allow_private_webhooks"),
            ("listen = ", "line 1"),
        ] {
            let error = read(text, &[]).unwrap_err();
            assert_eq!(error.code(), "config_invalid");
            assert!(error.to_string().contains(wanted), "{text}: {error}");
            assert!(error.to_string().contains("hub.toml"), "{error}");
        }
        let none = Command::read(["erp-hub", "serve", "--config", "/nowhere/hub.toml"].map(OsString::from));
        assert!(none.unwrap_err().to_string().contains("/nowhere/hub.toml"));
    }
}
