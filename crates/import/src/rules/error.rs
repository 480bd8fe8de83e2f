//! Why mappings and rules were not accepted.

use std::fmt;

/// Where the mistake stands, below `company.imports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulePlace {
    /// `map` or `rule`.
    pub list: &'static str,
    /// Which of them, from 0.
    pub index: usize,
    /// The key, for a value of `set` with the field behind it (`set.ship_via`); empty when it is
    /// the mapping or the rule as a whole.
    pub key: String,
    /// Which step, from 0.
    pub element: Option<usize>,
}

impl fmt::Display for RulePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list, self.index)?;
        if !self.key.is_empty() {
            write!(f, ".{}", self.key)?;
        }
        match self.element {
            Some(element) => write!(f, "[{element}]"),
            None => Ok(()),
        }
    }
}

/// A mapping or a rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct RuleError {
    /// Where.
    pub place: RulePlace,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl RuleError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "import_rule_invalid"
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}
