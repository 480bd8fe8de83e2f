//! Mappings and special rules, from the text of a configuration to what becomes of a document.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands, in its own functions too"
)]

mod applying;
mod properties;
mod texts;

use std::sync::OnceLock;

use catalog::Catalog;
use import::rules::{DocumentKind, MappingText, RuleError, RuleText, Rules, Vocabulary};
use serde::Deserialize;

const ORDER: DocumentKind = DocumentKind::SalesOrder;

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    map: Vec<MappingText>,
    #[serde(default)]
    rule: Vec<RuleText>,
}

fn words() -> &'static Vocabulary {
    static WORDS: OnceLock<Vocabulary> = OnceLock::new();
    WORDS.get_or_init(|| Vocabulary::of(&Catalog::standard().expect("the catalog")))
}

fn compiled(text: &str) -> Result<Rules, RuleError> {
    let written: Written = toml::from_str(text).expect("readable");
    Rules::compile(&written.rule, &written.map, words())
}

fn rules(text: &str) -> Rules {
    compiled(text).unwrap_or_else(|error| panic!("{error}; {}", error.remedy()))
}
