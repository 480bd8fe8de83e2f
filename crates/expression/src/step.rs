//! Steps as a person writes them in a configuration file.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One change to a field's value.
///
/// Written as a word (`"trim"`) or as a table with one key (`{ scale = 2 }`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `"trim"`: no blanks at either end.
    Trim,
    /// `"upper"`: upper case.
    Upper,
    /// `"lower"`: lower case.
    Lower,
    /// `"title"`: each word begins with a capital, the rest is lower case.
    Title,
    /// `{ map = { A = "Active" }, default = "Other" }`: one text for another.
    Map {
        /// What stands for what; a value must be equal, case included.
        values: BTreeMap<String, String>,
        /// For a value that is not listed; without it such a value stays.
        default: Option<String>,
    },
    /// `{ default = "N/A" }`: what stands in for a blank text or a missing date.
    Default(String),
    /// `{ scale = 2 }`: this many decimals, rounded half away from zero; reads a text as a number.
    Scale(u8),
    /// `{ multiply = "1.10" }`: times an exact decimal; the decimals of both are kept.
    Multiply(String),
    /// `{ concat = ["City", { text = ", " }, "State"] }`: columns and texts in a row.
    Concat(Vec<Part>),
    /// `{ replace = { from = "-", to = "" } }`: every place where a text occurs.
    Replace {
        /// What to look for.
        from: String,
        /// What to put there.
        to: String,
    },
    /// `{ cut = 30 }`: no more than this many characters.
    Cut(usize),
    /// `{ look_up = { table = "…", on = { Own = "Theirs" }, column = "…" } }`: from another table.
    LookUp(LookUp),
    /// `{ expression = "…" }`; in it, `value` is what the steps before made.
    Expression(String),
}

/// A piece of a concatenation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a column's name, or { text = \"…\" }")]
pub enum Part {
    /// A column of the row; `value` is what the steps before made.
    Column(String),
    /// This text.
    Text(Literal),
}

/// A fixed text of a concatenation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Literal {
    /// The text.
    pub text: String,
}

/// A value from the row of another table that the keys lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookUp {
    /// The other table.
    pub table: String,
    /// Column of the own row → key column of the other table.
    pub on: BTreeMap<String, String>,
    /// The column of the other table whose value is taken.
    pub column: String,
}

const WORDS: &[&str] = &["trim", "upper", "lower", "title"];
const KEYS: &str = "map (with default), default, scale, multiply, concat, replace, cut, look_up, expression";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    map: Option<BTreeMap<String, String>>,
    default: Option<String>,
    scale: Option<u8>,
    multiply: Option<Factor>,
    concat: Option<Vec<Part>>,
    replace: Option<Replacement>,
    cut: Option<usize>,
    look_up: Option<LookUp>,
    expression: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Replacement {
    from: String,
    to: String,
}

/// A whole number or a text: a number with a point may have been rounded on its way.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a whole number, or a decimal in quotes such as \"1.10\""
)]
enum Factor {
    Whole(i64),
    Text(String),
}

impl Form {
    fn step(self) -> Result<Step, String> {
        let mut steps = Vec::new();
        let default = match self.map {
            Some(values) => {
                let default = self.default;
                steps.push(Step::Map { values, default });
                None
            }
            None => self.default,
        };
        steps.extend(default.map(Step::Default));
        steps.extend(self.scale.map(Step::Scale));
        steps.extend(self.multiply.map(|factor| {
            Step::Multiply(match factor {
                Factor::Whole(whole) => whole.to_string(),
                Factor::Text(text) => text,
            })
        }));
        steps.extend(self.concat.map(Step::Concat));
        steps.extend(
            self.replace
                .map(|Replacement { from, to }| Step::Replace { from, to }),
        );
        steps.extend(self.cut.map(Step::Cut));
        steps.extend(self.look_up.map(Step::LookUp));
        steps.extend(self.expression.map(Step::Expression));
        match (steps.pop(), steps.is_empty()) {
            (Some(step), true) => Ok(step),
            (Some(_), false) => Err(format!("a step has one key: write two steps, each of {KEYS}")),
            (None, _) => Err(format!("an empty step: write one of {KEYS}")),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "a step: one of the words {}, or a table with {KEYS}",
            WORDS.join(", ")
        )
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Step, E> {
        match word {
            "trim" => Ok(Step::Trim),
            "upper" => Ok(Step::Upper),
            "lower" => Ok(Step::Lower),
            "title" => Ok(Step::Title),
            _ => Err(E::unknown_variant(word, WORDS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Step, A::Error> {
        Form::deserialize(MapAccessDeserializer::new(map))?
            .step()
            .map_err(A::Error::custom)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let word = match self {
            Self::Trim => "trim",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::Title => "title",
            Self::Map { values, default } => {
                let mut map = serializer.serialize_map(None)?;
                // Plain values stand before tables in TOML.
                if let Some(default) = default {
                    map.serialize_entry("default", default)?;
                }
                map.serialize_entry("map", values)?;
                return map.end();
            }
            Self::Default(text) => return one(serializer, "default", text),
            Self::Scale(scale) => return one(serializer, "scale", scale),
            Self::Multiply(factor) => return one(serializer, "multiply", factor),
            Self::Concat(parts) => return one(serializer, "concat", parts),
            Self::Replace { from, to } => {
                let (from, to) = (from.clone(), to.clone());
                return one(serializer, "replace", &Replacement { from, to });
            }
            Self::Cut(characters) => return one(serializer, "cut", characters),
            Self::LookUp(look_up) => return one(serializer, "look_up", look_up),
            Self::Expression(text) => return one(serializer, "expression", text),
        };
        serializer.serialize_str(word)
    }
}

fn one<S: Serializer, T: Serialize + ?Sized>(serializer: S, key: &str, value: &T) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}
