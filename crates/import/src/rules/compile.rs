//! Mappings and rules as they were written, checked and made ready.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use expression::{Expression, Steps, Type};
use values::{Decimal, Kind, parse_date};

use super::error::{RuleError, RulePlace};
use super::path::Path;
use super::text::{Assigned, DocumentKind, MappingText, RuleText, UdfKind};
use super::vocabulary::{Holds, SCALE, Source, Vocabulary, Word};

/// The most mappings of a company: every document goes through each of them.
pub const MAX_MAPPINGS: usize = 100;
/// The most rules of a company: every document goes through each of them.
pub const MAX_RULES: usize = 100;
/// The longest name of a rule in bytes: with the reason it fits into the room that is kept for a
/// problem of a document.
pub const MAX_RULE_NAME: usize = 60;
/// The longest reason or remedy of a rule in bytes, see [`MAX_RULE_NAME`].
pub const MAX_RULE_WORDS: usize = 160;
/// The longest text that a rule sets, in bytes: documents have no longer ones.
const MAX_SET_TEXT: usize = 2_000;

const NAMES: &str = "use a field of the document or a fact, see docs/import-rules.md";

/// A field of the body that is read or changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// As it is written, in lower case.
    pub(super) name: String,
    pub(super) is_line: bool,
    pub(super) holds: Holds,
    /// From the body, or from the line.
    pub(super) path: Path,
}

/// A name in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    Body(Target),
    Known {
        name: String,
        kind: Kind,
        source: Source,
    },
}

pub(super) type Reads = BTreeMap<String, Read>;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mapping {
    pub(super) document: DocumentKind,
    pub(super) by: String,
    pub(super) target: Target,
    /// Another field than the target.
    pub(super) from: Option<Target>,
    /// What the field is read as.
    pub(super) input: Holds,
    pub(super) steps: Steps,
    pub(super) reads: Reads,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) document: DocumentKind,
    pub(super) name: String,
    /// `rule "…"`.
    pub(super) by: String,
    pub(super) each_line: bool,
    pub(super) when: Expression,
    pub(super) set: Vec<(Target, Given)>,
    pub(super) reads: Reads,
    pub(super) hold: Option<String>,
    pub(super) refuse: Option<String>,
    pub(super) warn: Option<String>,
    pub(super) remedy: String,
    /// The field that the condition names first.
    pub(super) about: Option<Target>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    Fixed(Option<serde_json::Value>),
    Expression(Expression),
}

pub(super) fn mappings(texts: &[MappingText], words: &Vocabulary) -> Result<Vec<Mapping>, RuleError> {
    if texts.len() > MAX_MAPPINGS {
        return Err(Place::new("map", MAX_MAPPINGS).error(
            "",
            format!("there are more than {MAX_MAPPINGS} mappings"),
            "join mappings of one field; every document goes through each of them",
        ));
    }
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| mapping(index, text, words))
        .collect()
}

pub(super) fn rules(texts: &[RuleText], words: &Vocabulary) -> Result<Vec<Rule>, RuleError> {
    if texts.len() > MAX_RULES {
        return Err(Place::new("rule", MAX_RULES).error(
            "",
            format!("there are more than {MAX_RULES} rules"),
            "join rules with or; every document goes through each of them",
        ));
    }
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if !names.insert(text.name.as_str()) {
            return Err(Place::new("rule", index).error(
                "name",
                format!("there are two rules called {:?}", text.name),
                "give each rule a name of its own; it is how people know what acted",
            ));
        }
        rules.push(rule(index, text, words)?);
    }
    Ok(rules)
}

#[derive(Clone, Copy)]
struct Place {
    list: &'static str,
    index: usize,
}

impl Place {
    const fn new(list: &'static str, index: usize) -> Self {
        Self { list, index }
    }

    fn error(self, key: &str, message: impl Into<String>, remedy: impl Into<String>) -> RuleError {
        RuleError {
            place: RulePlace {
                list: self.list,
                index: self.index,
                key: key.to_owned(),
                element: None,
            },
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

/// The names that one expression may use.
struct Scope<'a> {
    words: &'a Vocabulary,
    document: DocumentKind,
    lines: bool,
    facts: bool,
    /// What a user-defined field is read as.
    udf: Holds,
    /// The name that was refused last, and what to do.
    refused: RefCell<Option<String>>,
}

impl Scope<'_> {
    fn find(&self, name: &str) -> Option<(String, Word)> {
        let name = name.to_ascii_lowercase();
        let mut word = self.words.find(self.document, &name);
        let refusal = match word.map(|word| word.source) {
            None => Some(NAMES.to_owned()),
            Some(Source::Line | Source::LineFact) if !self.lines => Some(self.document.list().map_or_else(
                || NAMES.to_owned(),
                |each| format!("write each = \"{}\" to ask it of every one", each.as_str()),
            )),
            Some(Source::Fact | Source::LineFact | Source::Subtotal | Source::LineCount) if !self.facts => {
                Some("use the fields of the document alone; facts are for the conditions of rules".to_owned())
            }
            Some(_) => None,
        };
        if refusal.is_some() {
            *self.refused.borrow_mut() = refusal;
            return None;
        }
        if let Some(word) = &mut word
            && word.holds.is_some()
            && is_udf(&name)
        {
            (word.holds, word.kind) = (Some(self.udf), self.udf.kind());
        }
        Some((name, word?))
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        self.find(name).map(|(_, word)| word.kind)
    }

    fn reads(&self, columns: &[String], reads: &mut Reads) {
        for column in columns {
            let Some((name, word)) = self.find(column) else {
                continue;
            };
            let read = match self.target_of(&name, word) {
                Some(target) => Read::Body(target),
                None => Read::Known {
                    name,
                    kind: word.kind,
                    source: word.source,
                },
            };
            reads.insert(column.clone(), read);
        }
    }

    fn target_of(&self, name: &str, word: Word) -> Option<Target> {
        let is_line = word.source == Source::Line;
        let below = match (is_line, self.document.list()) {
            (true, Some(each)) => name.strip_prefix(each.as_str())?.strip_prefix('.')?,
            (true, None) | (false, _) => name,
        };
        Some(Target {
            name: name.to_owned(),
            is_line,
            holds: word.holds?,
            path: Path::new(below),
        })
    }

    /// A field of the body; where it is to be changed, one that may be.
    fn target(&self, place: Place, key: &str, name: &str, changed: bool) -> Result<Target, RuleError> {
        let Some((lower, word)) = self.find(name) else {
            let remedy = self.refused.take().unwrap_or_else(|| NAMES.to_owned());
            let message = format!("{name} is not known for a {}", self.document.as_str());
            return Err(place.error(key, message, remedy));
        };
        if let Some(reason) = word.fixed.filter(|_| changed) {
            let message = format!("{name} cannot be changed: {reason}");
            return Err(place.error(key, message, "set another field, or hold the document"));
        }
        // A user-defined field that is not there yet is spelled as it is written here.
        let own = lower
            .rfind("udf.")
            .filter(|_| is_udf(&lower))
            .map(|at| at + "udf.".len());
        let written = own.and_then(|at| Some(format!("{}{}", lower.get(..at)?, name.get(at..)?)));
        self.target_of(&written.unwrap_or(lower), word).ok_or_else(|| {
            place.error(
                key,
                format!("{name} is not part of the document"),
                "use a field of the document",
            )
        })
    }

    fn expression(&self, place: Place, key: &str, text: &str) -> Result<Expression, RuleError> {
        Expression::compile(text, &|name| self.kind(name)).map_err(|error| {
            let remedy = self.refused.take().unwrap_or_else(|| error.remedy.clone());
            place.error(key, error.to_string(), remedy)
        })
    }
}

fn is_udf(name: &str) -> bool {
    name.starts_with("udf.") || name.contains(".udf.")
}

fn mapping(index: usize, text: &MappingText, words: &Vocabulary) -> Result<Mapping, RuleError> {
    let place = Place::new("map", index);
    let udf = match text.kind {
        None | Some(UdfKind::Text) => Holds::Text,
        Some(UdfKind::Decimal) => Holds::Decimal,
        Some(UdfKind::Date) => Holds::Date,
    };
    let mut scope = Scope {
        words,
        document: text.document,
        lines: true,
        facts: false,
        udf,
        refused: RefCell::new(None),
    };
    let target = scope.target(place, "field", &text.field, true)?;
    scope.lines = target.is_line;
    let from = match &text.from {
        Some(name) if !name.eq_ignore_ascii_case(&text.field) => {
            Some(scope.target(place, "from", name, false)?)
        }
        Some(_) | None => None,
    };
    if text.kind.is_some()
        && ![Some(&target), from.as_ref()]
            .into_iter()
            .flatten()
            .any(|t| is_udf(&t.name))
    {
        return Err(place.error(
            "kind",
            format!("{} is no user-defined field", text.field),
            "take kind out; what the other fields hold is known",
        ));
    }
    if text.steps.is_empty() && from.is_none() {
        return Err(place.error(
            "steps",
            "the list of steps is empty",
            "write steps = [\"trim\"], or take the mapping out",
        ));
    }
    let input = from.as_ref().unwrap_or(&target).holds;
    let compiled = Steps::compile(&text.steps, input.kind(), &|name| scope.kind(name));
    let steps = compiled.map_err(|error| {
        let remedy = scope.refused.take().unwrap_or_else(|| error.remedy.clone());
        let mut refused = place.error("steps", error.message, remedy);
        refused.place.element = Some(error.step);
        refused
    })?;
    if !fits(steps.kind(), target.holds) {
        return Err(place.error(
            "steps",
            format!("the steps end in another kind of value than {} holds", text.field),
            "end with a step that makes the field's own kind, as { scale = 2 } makes a number of a text",
        ));
    }
    let mut reads = Reads::new();
    scope.reads(steps.columns(), &mut reads);
    Ok(Mapping {
        document: text.document,
        by: format!("mapping {} ({})", index + 1, text.field),
        target,
        from,
        input,
        steps,
        reads,
    })
}

fn fits(kind: Kind, holds: Holds) -> bool {
    match (kind, holds) {
        (Kind::Text | Kind::Decimal { .. } | Kind::Date, Holds::Text)
        | (Kind::Text, Holds::Flag)
        | (Kind::Decimal { .. }, Holds::Decimal)
        | (Kind::Date, Holds::Date) => true,
        (Kind::Decimal { .. } | Kind::Date, Holds::Flag)
        | (Kind::Text | Kind::Date, Holds::Decimal)
        | (Kind::Text | Kind::Decimal { .. }, Holds::Date)
        | (Kind::Json, _) => false,
    }
}

fn rule(index: usize, text: &RuleText, words: &Vocabulary) -> Result<Rule, RuleError> {
    let place = Place::new("rule", index);
    checked_words(place, text)?;
    if let Some(each) = text.each
        && text.document.list() != Some(each)
    {
        let remedy = text.document.list().map_or_else(
            || "take each out".to_owned(),
            |own| format!("write each = \"{}\", or take it out", own.as_str()),
        );
        let message = format!("a {} has no {}", text.document.as_str(), each.as_str());
        return Err(place.error("each", message, remedy));
    }
    let scope = Scope {
        words,
        document: text.document,
        lines: text.each.is_some(),
        facts: true,
        udf: Holds::Text,
        refused: RefCell::new(None),
    };
    let when = scope.expression(place, "when", &text.when)?;
    if when.kind() != Type::Bool {
        return Err(place.error(
            "when",
            format!("the condition gives {}, and has to be true or false", when.kind()),
            "compare it with something, as in ship_via = 'GROUND'",
        ));
    }
    let mut reads = Reads::new();
    scope.reads(when.columns(), &mut reads);
    let about = first_named(&text.when, &reads);
    let mut set = Vec::new();
    for (field, value) in text.set.iter() {
        let key = format!("set.{field}");
        let target = scope.target(place, &key, field, true)?;
        let given = given(&scope, place, &key, &target, value)?;
        if let Given::Expression(expression) = &given {
            scope.reads(expression.columns(), &mut reads);
        }
        set.push((target, given));
    }
    let remedy = text.remedy.clone().unwrap_or_else(|| {
        if text.hold.is_some() {
            "accept it, change the document and retry, or discard it".to_owned()
        } else {
            "send the document anew without what the rule refuses".to_owned()
        }
    });
    Ok(Rule {
        document: text.document,
        name: text.name.clone(),
        by: format!("rule {:?}", text.name),
        each_line: text.each.is_some(),
        when,
        set,
        reads,
        hold: text.hold.clone(),
        refuse: text.refuse.clone(),
        warn: text.warn.clone(),
        remedy,
        about,
    })
}

fn checked_words(place: Place, text: &RuleText) -> Result<(), RuleError> {
    let words = [
        ("name", Some(&text.name), MAX_RULE_NAME),
        ("hold", text.hold.as_ref(), MAX_RULE_WORDS),
        ("refuse", text.refuse.as_ref(), MAX_RULE_WORDS),
        ("warn", text.warn.as_ref(), MAX_RULE_WORDS),
        ("remedy", text.remedy.as_ref(), MAX_RULE_WORDS),
    ];
    for (key, words, most) in words {
        let Some(words) = words else { continue };
        if words.trim().is_empty() || words.chars().any(char::is_control) {
            let message = format!("{key} is blank or has control characters");
            return Err(place.error(key, message, "write one line of plain text"));
        }
        if words.len() > most {
            let message = format!("{key} has {} bytes, more than {most}", words.len());
            return Err(place.error(key, message, "say it shorter: it is shown with every document"));
        }
    }
    if text.hold.is_some() && text.refuse.is_some() {
        return Err(place.error(
            "refuse",
            "the rule both holds and refuses",
            "write one of them, or two rules",
        ));
    }
    if text.remedy.is_some() && text.hold.is_none() && text.refuse.is_none() {
        return Err(place.error(
            "remedy",
            "there is a remedy, and nothing is held or refused",
            "take remedy out, or write hold or refuse",
        ));
    }
    if text.set.is_empty() && text.hold.is_none() && text.refuse.is_none() && text.warn.is_none() {
        return Err(place.error(
            "",
            "nothing follows from the condition",
            "write one of set, hold, refuse, warn",
        ));
    }
    Ok(())
}

fn given(
    scope: &Scope<'_>,
    place: Place,
    key: &str,
    target: &Target,
    value: &Assigned,
) -> Result<Given, RuleError> {
    let wrong = |message: String, remedy: &str| Err(place.error(key, message, remedy));
    let fixed = match (value, target.holds) {
        (Assigned::Expression(text), _) => {
            let expression = scope.expression(place, key, text)?;
            let Some(kind) = expression.field_kind() else {
                let message = "the expression is true or false, which no field holds".to_owned();
                let remedy = format!("write if({text}, 'Y', 'N')");
                return wrong(message, &remedy);
            };
            if !fits(kind, target.holds) {
                let message = format!(
                    "the expression gives another kind of value than {} holds",
                    target.name
                );
                return wrong(
                    message,
                    "make it the field's own kind, as number(t) or text(n) do",
                );
            }
            return Ok(Given::Expression(expression));
        }
        (Assigned::Text(text), _) if text.trim().is_empty() => None,
        (Assigned::Text(text), _) if text.len() > MAX_SET_TEXT => {
            let message = format!("the text has more than {MAX_SET_TEXT} bytes");
            return wrong(message, "write a shorter one");
        }
        (Assigned::Text(text), Holds::Text) => Some(text.trim_end().into()),
        (Assigned::Text(text), Holds::Decimal) => match Decimal::parse(text, SCALE) {
            Ok(number) => Some(plain(number).into()),
            Err(reason) => return wrong(format!("{text:?}: {reason}"), "write a number, as in \"12.50\""),
        },
        (Assigned::Text(text), Holds::Date) => match parse_date(text) {
            Ok(Some(date)) => Some(date.to_string().into()),
            Ok(None) | Err(_) => {
                return wrong(format!("{text:?} is not a date"), "write it as \"2026-05-01\"");
            }
        },
        (Assigned::Whole(number), Holds::Decimal) => Some(number.to_string().into()),
        (Assigned::Truth(truth), Holds::Flag) => Some((*truth).into()),
        (Assigned::Whole(number), Holds::Text | Holds::Date | Holds::Flag) => {
            let message = format!("{} does not hold a number", target.name);
            return wrong(message, &format!("write \"{number}\" in quotes"));
        }
        (Assigned::Truth(_), Holds::Text | Holds::Date | Holds::Decimal) => {
            let message = format!("{} does not hold true or false", target.name);
            return wrong(message, "write a text in quotes, as in \"Y\"");
        }
        (Assigned::Text(_), Holds::Flag) => {
            let message = format!("{} holds true or false", target.name);
            return wrong(message, "write true or false without quotes");
        }
    };
    Ok(Given::Fixed(fixed))
}

/// Without zeros at the end.
pub(super) fn plain(number: Decimal) -> String {
    let text = number.to_string();
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// The field of the document that the text of the condition names first.
fn first_named(text: &str, reads: &Reads) -> Option<Target> {
    let fields = reads.iter().filter_map(|(name, read)| match read {
        Read::Body(target) => Some((text.find(name.as_str())?, target)),
        Read::Known { .. } => None,
    });
    fields.min_by_key(|(at, _)| *at).map(|(_, target)| target.clone())
}
