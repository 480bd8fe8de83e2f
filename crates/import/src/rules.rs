//! What a site lets happen to a document before it is parsed and planned: mappings (steps for a
//! field) and special rules (a condition, and what follows from it).
//!
//! Mappings come first, in order, then rules, in order; each sees what those before it changed.
//! They are applied to the document as it was sent, each time anew, and nothing of it is kept.
//! The language is described for those who write it in `docs/import-rules.md`.

mod applied;
mod apply;
mod compile;
mod error;
mod path;
mod read;
mod text;
mod vocabulary;

use std::collections::BTreeSet;

pub use applied::{Applied, Change, replay};
pub use compile::{MAX_MAPPINGS, MAX_RULE_NAME, MAX_RULE_WORDS, MAX_RULES};
pub use error::{RuleError, RulePlace};
use expression::{LookUp, Value};
use serde_json::Value as Json;
pub use text::{Assigned, Assignments, DocumentKind, Each, MappingText, RuleText, UdfKind};
pub use vocabulary::Vocabulary;

use apply::Run;
use compile::{Mapping, Read, Rule};
use vocabulary::Source;

/// What is known about a document beside its body. Nothing is asked for but what
/// [`Rules::wanted_facts`] lists.
pub trait Facts {
    /// A fact about the document (`weight`, `customer.credit_hold`); `None` when it is not known.
    fn header(&self, name: &str) -> Option<Value>;

    /// A fact about a line, from 0 (`item.product_line`); `None` when it is not known.
    fn line(&self, index: usize, name: &str) -> Option<Value>;

    /// The column of the row that has these keys (key column, value) in a table of the ERP; `None`
    /// when there is no such row.
    fn look_up(&self, table: &str, keys: &[(String, String)], column: &str) -> Option<Value>;
}

/// Nothing is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFacts;

impl Facts for NoFacts {
    fn header(&self, _: &str) -> Option<Value> {
        None
    }

    fn line(&self, _: usize, _: &str) -> Option<Value> {
        None
    }

    fn look_up(&self, _: &str, _: &[(String, String)], _: &str) -> Option<Value> {
        None
    }
}

/// The facts that the rules of one kind of document ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names of facts about the document.
    pub header: BTreeSet<String>,
    /// Names of facts about each line.
    pub line: BTreeSet<String>,
    /// Tables that mappings look into, with their keys.
    pub look_ups: Vec<LookUp>,
}

/// The mappings and rules of a company, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    mappings: Vec<Mapping>,
    rules: Vec<Rule>,
}

impl Rules {
    /// Checks what was written.
    ///
    /// # Errors
    /// [`RuleError`] with its place and what to write instead.
    pub fn compile(
        rules: &[RuleText],
        mappings: &[MappingText],
        words: &Vocabulary,
    ) -> Result<Self, RuleError> {
        Ok(Self {
            mappings: compile::mappings(mappings, words)?,
            rules: compile::rules(rules, words)?,
        })
    }

    /// Is there nothing to apply to this kind of document?
    #[must_use]
    pub fn is_empty_for(&self, document: DocumentKind) -> bool {
        self.mappings.iter().all(|mapping| mapping.document != document)
            && self.rules.iter().all(|rule| rule.document != document)
    }

    /// How many mappings and rules there are for this kind of document.
    #[must_use]
    pub fn count(&self, document: DocumentKind) -> (usize, usize) {
        let mappings = self.mappings.iter().filter(|m| m.document == document);
        let rules = self.rules.iter().filter(|r| r.document == document);
        (mappings.count(), rules.count())
    }

    /// What [`Facts`] are asked for.
    #[must_use]
    pub fn wanted_facts(&self, document: DocumentKind) -> Wanted {
        let mut wanted = Wanted::default();
        for mapping in self.mappings.iter().filter(|m| m.document == document) {
            wanted.look_ups.extend_from_slice(mapping.steps.look_ups());
        }
        let rules = self.rules.iter().filter(|rule| rule.document == document);
        for read in rules.flat_map(|rule| rule.reads.values()) {
            if let Read::Known { name, source, .. } = read {
                match source {
                    Source::Fact => wanted.header.insert(name.clone()),
                    Source::LineFact => wanted.line.insert(name.clone()),
                    Source::Document | Source::Line | Source::Subtotal | Source::LineCount => false,
                };
            }
        }
        wanted
    }

    /// The document after its mappings alone: what facts are to be found for, where mappings may
    /// change customers or items. Only look-ups are asked of `facts`.
    #[must_use]
    pub fn map(&self, document: DocumentKind, body: &Json, facts: &dyn Facts) -> Applied {
        let mut run = Run::new(document, body, facts);
        self.map_in(document, &mut run);
        run.finish()
    }

    /// The document after mappings and rules, and what follows from the rules.
    #[must_use]
    pub fn apply(&self, document: DocumentKind, body: &Json, facts: &dyn Facts) -> Applied {
        let mut run = Run::new(document, body, facts);
        self.map_in(document, &mut run);
        for rule in self.rules.iter().filter(|rule| rule.document == document) {
            run.decide(rule);
        }
        run.finish()
    }

    fn map_in(&self, document: DocumentKind, run: &mut Run<'_>) {
        for mapping in self.mappings.iter().filter(|m| m.document == document) {
            run.map(mapping);
        }
    }
}
