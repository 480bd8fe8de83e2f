//! What a site lets happen to a document before it is parsed and planned: mappings (steps for a
//! field) and special rules (a condition, and what follows from it).
//!
//! The language is described for those who write it in `docs/import-rules.md`.

mod text;

pub use text::{Assigned, Assignments, DocumentKind, Each, MappingText, RuleText, UdfKind};
