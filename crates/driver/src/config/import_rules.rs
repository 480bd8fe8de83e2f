//! `imports.map` and `imports.rule` of a company: mappings and special rules of documents.

use expression::Step;
use import::rules::{Assignments, MappingText, RuleError, RuleText, Rules, Vocabulary};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::mistake::Mistake;
use super::place::Place;
use super::section::{Section, list, wrong};

/// The keys of `imports` that are read here.
pub(super) const KEYS: [&str; 2] = ["map", "rule"];
/// The keys of a mapping and of a rule.
pub(super) const ENTRY_KEYS: (&[&str], &[&str]) = (
    &["document", "field", "from", "kind", "steps"],
    &[
        "name", "document", "when", "each", "set", "hold", "refuse", "warn", "remedy",
    ],
);

const EXAMPLE_MAP: &str =
    "[[company.imports.map]] with document = \"sales_order\", field = \"ship_via\", steps = [\"upper\"]";
const EXAMPLE_RULE: &str = "[[company.imports.rule]] with name, document = \"sales_order\", when, and one of set, hold, refuse, warn";
const SEE: &str = "see docs/import-rules.md for how mappings and rules are written";

/// Reads and checks the mappings and rules among the entries of `imports`, which stands at `place`.
pub(super) fn read(imports: &Table, place: &Place, words: &Vocabulary) -> Result<Rules, Mistake> {
    let section = Section::new(imports, place.clone());
    let mappings = entries::<MappingText>(&section, "map", EXAMPLE_MAP, ENTRY_KEYS.0)?;
    let rules = entries::<RuleText>(&section, "rule", EXAMPLE_RULE, ENTRY_KEYS.1)?;
    Rules::compile(&rules, &mappings, words).map_err(|error| mistake(place, error))
}

fn entries<T: DeserializeOwned>(
    section: &Section<'_>,
    key: &str,
    example: &str,
    known: &[&str],
) -> Result<Vec<T>, Mistake> {
    let mut entries = Vec::new();
    for (value, place) in section.list(key, example)? {
        let entry = Section::of(value, place.clone(), example)?;
        entry.only_keys(known, "")?;
        for (key, value, place) in entry.entries() {
            match key {
                "steps" => {
                    for (value, place) in list(value, &place, "steps = [\"trim\"]")? {
                        typed::<Step>(value, &place)?;
                    }
                }
                "set" => {
                    typed::<Assignments>(value, &place)?;
                }
                _ if !value.is_str() => {
                    return Err(wrong(value, &place, "a text", &format!("{key} = \"…\"")));
                }
                _ => {}
            }
        }
        entries.push(typed::<T>(value, &place)?);
    }
    Ok(entries)
}

fn typed<T: DeserializeOwned>(value: &Value, place: &Place) -> Result<T, Mistake> {
    let read = value.clone().try_into::<T>();
    read.map_err(|error| Mistake::new(place, error.message().to_owned(), SEE))
}

fn mistake(imports: &Place, error: RuleError) -> Mistake {
    let mut place = imports.key(error.place.list).index(error.place.index);
    if !error.place.key.is_empty() {
        place = place.key(&error.place.key);
    }
    if let Some(element) = error.place.element {
        place = place.index(element);
    }
    Mistake::new(&place, error.message, error.remedy)
}

#[cfg(test)]
mod tests {
    use catalog::Catalog;

    use super::*;

    fn refused(text: &str) -> (String, Option<usize>, String) {
        let file: Table = toml::from_str(text).unwrap();
        let imports = file["imports"].as_table().unwrap();
        let words = Vocabulary::of(&Catalog::standard().unwrap());
        let mistake = read(imports, &Place::of("imports"), &words).unwrap_err();
        assert!(!mistake.remedy.is_empty());
        (
            mistake.place.to_string(),
            mistake.place.line(text),
            mistake.problem,
        )
    }

    #[test]
    fn mistakes_have_place_and_line() {
        let rule = "[[imports.rule]]\nname = 'r'\ndocument = 'sales_order'\n";
        let map = "[[imports.map]]\ndocument = 'sales_order'\nfield = 'ship_via'\n";
        for (text, place, line, problem) in [
            (
                format!("{rule}when = 'x'\nwarn = 'w'\n"),
                "imports.rule[0].when",
                4,
                "x is not known",
            ),
            (
                format!("{rule}when = 'true'\nset = {{ fob = 'A', udf.a = 5 }}\n"),
                "imports.rule[0].set.udf.a",
                5,
                "does not hold a number",
            ),
            (
                format!("{rule}when = 'true'\nset = {{ fob = 1.5 }}\n"),
                "imports.rule[0].set",
                5,
                "decimal stands in quotes",
            ),
            (
                format!("{rule}when = 5\n"),
                "imports.rule[0].when",
                4,
                "has to be a text",
            ),
            (
                format!("{rule}wenn = 'true'\n"),
                "imports.rule[0].wenn",
                4,
                "not known",
            ),
            (rule.to_owned(), "imports.rule[0]", 1, "when"),
            (
                format!("{map}steps = ['trim',\n'upwards']\n"),
                "imports.map[0].steps[1]",
                5,
                "upwards",
            ),
            (
                format!("{map}steps = ['trim',\n{{ scale = 40 }}]\n"),
                "imports.map[0].steps[1]",
                5,
                "40",
            ),
            (
                "[imports]\nmap = 5\n".to_owned(),
                "imports.map",
                2,
                "has to be a list",
            ),
        ] {
            let (at, on, what) = refused(&text);
            assert_eq!((at.as_str(), on), (place, Some(line)), "{text}\n{what}");
            assert!(what.contains(problem), "{text}\n{what}");
        }
    }
}
