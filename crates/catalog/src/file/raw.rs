//! Dataset files as they are written.

use serde::Deserialize;

use crate::dataset::Temperament;
use crate::relation::{JoinKey, LeavesWhen, Rule, Unless};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDataset {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) doc: String,
    pub(super) guess: Option<String>,
    /// Without it: yes, of a guessed layout.
    pub(super) discover: Option<bool>,
    pub(super) key: Vec<String>,
    pub(super) temperament: Temperament,
    pub(super) stamped: bool,
    pub(super) own_company: Option<String>,
    pub(super) leaves_when: Option<LeavesWhen>,
    pub(super) dated: Option<String>,
    pub(super) fields: Vec<RawField>,
    #[serde(default)]
    pub(super) joins: Vec<RawJoin>,
    #[serde(default)]
    pub(super) successors: Vec<RawSuccessor>,
    #[serde(default)]
    pub(super) derived: Vec<RawDerived>,
    #[serde(default)]
    pub(super) children: Vec<RawChild>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChild {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) doc: String,
    pub(super) parent_key: Vec<String>,
    pub(super) key: Vec<String>,
    pub(super) fields: Vec<RawField>,
    #[serde(default)]
    pub(super) side: bool,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawField {
    pub(super) name: String,
    pub(super) column: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) indexed: bool,
    pub(super) doc: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJoin {
    pub(super) table: String,
    pub(super) on: Vec<JoinKey>,
    #[serde(default)]
    pub(super) optional: bool,
    pub(super) fields: Vec<RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSuccessor {
    pub(super) table: String,
    pub(super) on: Vec<JoinKey>,
    pub(super) unless: Option<Unless>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDerived {
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) class: String,
    pub(super) doc: String,
}
