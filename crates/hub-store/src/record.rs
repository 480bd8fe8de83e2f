//! A record as the API shows it.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// A JSON object, written out: pages of records go to callers as they come from their
/// tables, without a tree of values between.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Record(Box<RawValue>);

impl Record {
    pub(crate) fn write(shown: &impl Serialize) -> Result<Self, serde_json::Error> {
        to_raw_value(shown).map(Self)
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The object, for those who look into it; null should it be nested too deep to be read.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.text()).unwrap_or_default()
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Record {}
