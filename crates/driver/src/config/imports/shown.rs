//! The values that hold, each with where it comes from.

use std::fmt::Write as _;

use serde::Serialize;
use toml::{Table, Value};

use super::keys::{self, Key};
use super::profile::Profile;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    Default,
    File,
    Profile,
}

impl Origin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Profile => "profile",
        }
    }
}

/// A value that holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Effective {
    /// `orders.price`
    pub(crate) key: String,
    /// None: nothing is set.
    pub(crate) value: Option<Value>,
    pub(crate) source: Origin,
}

impl Effective {
    /// One line for people.
    pub(crate) fn write(&self, out: &mut String) {
        let value = self
            .value
            .as_ref()
            .map_or_else(|| "(none)".to_owned(), Value::to_string);
        // Writing to a string does not fail.
        let _ = writeln!(out, "{} = {value}  # {}", self.key, self.source.as_str());
    }
}

pub(super) fn effective(written: &Table, profile: Option<&Profile>) -> Vec<Effective> {
    keys::SECTIONS
        .into_iter()
        .flat_map(keys::of)
        .map(|key| holding(key, written, profile))
        .collect()
}

fn holding(key: &Key, written: &Table, profile: Option<&Profile>) -> Effective {
    let section = match key.section {
        "" => Some(written),
        section => written.get(section).and_then(Value::as_table),
    };
    let (value, source) = match section.and_then(|section| section.get(key.name)) {
        Some(value) => (Some(value.clone()), Origin::File),
        None => match profile.and_then(|profile| profile.capabilities.get(key.name)) {
            Some(shown) if key.section == "capabilities" => (Some(Value::Boolean(*shown)), Origin::Profile),
            Some(_) | None => (default(key), Origin::Default),
        },
    };
    let key = match key.section {
        "" => key.name.to_owned(),
        section => format!("{section}.{}", key.name),
    };
    Effective { key, value, source }
}

/// The default as a value; none where there is none.
pub(super) fn default(key: &Key) -> Option<Value> {
    let text = format!("default = {}", key.default);
    toml::from_str::<Table>(&text).ok()?.remove("default")
}
