//! Values of `[company.imports]`, each read with its place.

use std::collections::{BTreeMap, BTreeSet};

use import::MARKER_COLUMN;
use import::planning::DefaultField;
use toml::Value;
use values::Decimal;

use super::keys;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::section::{Section, list, wrong};

/// Every key must be one of the section's.
pub(super) fn only_known(section: &Section<'_>, name: &str) -> Result<(), Mistake> {
    let known: Vec<&str> = keys::of(name).map(|key| key.name).collect();
    section.only_keys(&known, "")
}

/// One of these words, where there is one.
pub(super) fn choice<T: Copy>(
    section: &Section<'_>,
    key: &str,
    words: &[(&str, T)],
    into: &mut T,
) -> Result<(), Mistake> {
    if let Some((value, place)) = section.get(key) {
        *into = word(value, &place, words)?;
    }
    Ok(())
}

/// One of these words.
pub(super) fn word<T: Copy>(value: &Value, place: &Place, words: &[(&str, T)]) -> Result<T, Mistake> {
    let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let known = known.join(", ");
    let Some(text) = value.as_str() else {
        return Err(wrong(value, place, "a word", &format!("one of {known}")));
    };
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meant)| *meant).ok_or_else(|| {
        Mistake::new(
            place,
            format!("{text:?} is not known here"),
            format!("write one of {known}"),
        )
    })
}

/// What a key with words and tables may be, for what is neither.
pub(super) fn neither(value: &Value, place: &Place, section: &str, name: &str) -> Mistake {
    let key = keys::of(section).find(|key| key.name == name);
    let remedy = match key.map(|key| key.shape) {
        Some(keys::Shape::Or(words, table, _)) => {
            let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            format!("write {} or {table}", words.join(", "))
        }
        Some(_) | None => String::from("see docs/configuration.md"),
    };
    let problem = match value.as_str() {
        Some(text) => format!("{text:?} is not known here"),
        None => format!("it is {}, and has to be a word or a table", value.type_str()),
    };
    Mistake::new(place, problem, remedy)
}

/// An amount of zero or more, with at most so many decimals.
pub(super) fn amount(section: &Section<'_>, key: &str, scale: u8, into: &mut Decimal) -> Result<(), Mistake> {
    let example = format!("{key} = \"0.01\", in quotes");
    let Some((text, place)) = section.text(key, &example)? else {
        return Ok(());
    };
    let amount = Decimal::parse(text, scale).map_err(|reason| {
        Mistake::new(
            &place,
            format!("{text:?} is no such amount: {reason}"),
            format!("write {key} = \"0.01\", with at most {scale} decimals"),
        )
    })?;
    if amount.is_negative() {
        return Err(Mistake::new(
            &place,
            format!("{text} is less than nothing"),
            "write zero or more; \"0\" lets no difference through",
        ));
    }
    *into = amount;
    Ok(())
}

pub(super) fn flag(section: &Section<'_>, key: &str, into: &mut bool) -> Result<(), Mistake> {
    if let Some(flag) = section.flag(key)? {
        *into = flag;
    }
    Ok(())
}

pub(super) fn seconds(section: &Section<'_>, key: &str, most: u64, into: &mut u64) -> Result<(), Mistake> {
    if let Some(number) = section.number(key, most)? {
        *into = number;
    }
    Ok(())
}

/// What a code of Sage looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    noun: &'static str,
    least: usize,
    most: usize,
    example: &'static str,
    /// Upper case and digits only.
    strict: bool,
}

const fn of(noun: &'static str, least: usize, most: usize, example: &'static str, strict: bool) -> Code {
    Code {
        noun,
        least,
        most,
        example,
        strict,
    }
}

pub(super) const DIVISION: Code = of("division", 2, 2, "00", true);
pub(super) const CUSTOMER_NO: Code = of("customer number", 1, 20, "GUEST", false);
pub(super) const BANK: Code = of("bank code", 1, 1, "A", true);
pub(super) const PAYMENT_TYPE: Code = of("payment type", 1, 5, "VISA", false);
pub(super) const TAX_SCHEDULE: Code = of("tax schedule", 1, 9, "AVATAX", false);
pub(super) const ACCOUNT_KEY: Code = of("account key", 1, 9, "00000000B", false);
pub(super) const BATCH_PREFIX: Code = of("batch prefix", 0, 10, "WEB", false);
pub(super) const COUNTER_PREFIX: Code = of("prefix of customer numbers", 1, 10, "W", true);
pub(super) const JOB: Code = of("job", 1, 10, "VIWI0A", true);
pub(super) const CHARGE: Code = of("charge code", 2, 30, "/COUPON", false);

impl Code {
    pub(super) fn check(self, text: &str, place: &Place) -> Result<String, Mistake> {
        let length = text.chars().count();
        let strange = |c: char| {
            if self.strict {
                !(c.is_ascii_uppercase() || c.is_ascii_digit())
            } else {
                !(c.is_ascii_graphic() || c == ' ')
            }
        };
        let problem = if length < self.least {
            Some("too short".to_owned())
        } else if length > self.most {
            Some(format!("{length} characters long"))
        } else {
            let strange = text.chars().find(|c| strange(*c));
            strange.map(|strange| format!("written with {strange:?}"))
        };
        let Some(problem) =
            problem.or_else(|| (text.trim() != text).then(|| "padded with blanks".to_owned()))
        else {
            return Ok(text.to_owned());
        };
        let Self { noun, most, .. } = self;
        let letters = if self.strict {
            " upper-case letters or digits"
        } else {
            " characters"
        };
        let many = if self.least == most {
            format!("{most}")
        } else {
            format!("{} to {most}", self.least)
        };
        Err(Mistake::new(
            place,
            format!("{text:?} is no {noun}: it is {problem}"),
            format!("write {many}{letters}, like {:?}", self.example),
        ))
    }

    pub(super) fn of_value(self, value: &Value, place: &Place) -> Result<String, Mistake> {
        let Some(text) = value.as_str() else {
            return Err(wrong(value, place, "a text", &format!("{:?}", self.example)));
        };
        self.check(text, place)
    }

    pub(super) fn optional(self, section: &Section<'_>, key: &str) -> Result<Option<String>, Mistake> {
        section
            .get(key)
            .map(|(value, place)| self.of_value(value, &place))
            .transpose()
    }

    /// A text that must be there.
    pub(super) fn required(self, section: &Section<'_>, key: &str) -> Result<String, Mistake> {
        match self.optional(section, key)? {
            Some(text) => Ok(text),
            None => Err(missing(section, key, &format!("{:?}", self.example))),
        }
    }

    pub(super) fn set(self, section: &Section<'_>, key: &str) -> Result<BTreeSet<String>, Mistake> {
        let elements = section.list(key, &format!("{key} = [{:?}]", self.example))?;
        let mut found = BTreeSet::new();
        for (value, place) in elements {
            let text = self.of_value(value, &place)?;
            if !found.insert(text.clone()) {
                return Err(Mistake::new(
                    &place,
                    format!("{text} stands twice"),
                    "take one of them out",
                ));
            }
        }
        Ok(found)
    }
}

pub(super) fn missing(section: &Section<'_>, key: &str, example: &str) -> Mistake {
    Mistake::new(
        &section.place.key(key),
        format!("{key} is missing"),
        format!("add {key} = {example}"),
    )
}

/// A table below this section; an example that begins with its key.
pub(super) fn below<'a>(
    section: &Section<'a>,
    key: &str,
    example: &str,
) -> Result<Option<Section<'a>>, Mistake> {
    section
        .get(key)
        .map(|(value, place)| Section::of(value, place, example))
        .transpose()
}

/// A folder, relative to the file's.
pub(super) fn folder(value: &Value, place: &Place, base: &std::path::Path) -> Result<String, Mistake> {
    match value.as_str() {
        Some("") => Err(Mistake::new(
            place,
            "it is empty",
            "write a folder like \"receipts\"",
        )),
        Some(text) => Ok(base.join(text).display().to_string()),
        None => Err(wrong(value, place, "a folder", "\"receipts\"")),
    }
}

/// Values that fields get, by API name; user-defined ones as `udf.NAME`.
pub(super) fn defaults(
    section: &Section<'_>,
    noun: &str,
    known: &[DefaultField],
) -> Result<BTreeMap<String, String>, Mistake> {
    let mut found = BTreeMap::new();
    for (name, value, place) in section.entries() {
        if name == "udf" {
            let own = Section::of(value, place, "udf.origin = \"WEB\"")?;
            for (name, value, place) in own.entries() {
                user_field(name, &place)?;
                found.insert(format!("udf.{name}"), default_text(value, &place)?);
            }
            continue;
        }
        let text = default_text(value, &place)?;
        if let Some(name) = name.strip_prefix("udf.").or_else(|| name.strip_prefix("udf_")) {
            user_field(name, &place)?;
            found.insert(format!("udf.{name}"), text);
            continue;
        }
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let known: Vec<&str> = known.iter().map(|field| field.name).collect();
            return Err(Mistake::new(
                &place,
                format!("{noun} have no field {name:?} that a default can be given for"),
                format!("use one of {}, or udf.NAME", known.join(", ")),
            ));
        };
        if let Some(Err(reason)) = field.scale.map(|scale| Decimal::parse(&text, scale)) {
            return Err(Mistake::new(
                &place,
                format!("{text:?} is no number: {reason}"),
                format!("write {name} = \"100\", in quotes"),
            ));
        }
        found.insert(name.to_owned(), text);
    }
    let pair = ["salesperson_division_no", "salesperson_no"];
    if pair.iter().filter(|name| found.contains_key(**name)).count() == 1 {
        let absent = if found.contains_key(pair[0]) {
            pair[1]
        } else {
            pair[0]
        };
        return Err(Mistake::new(
            &section.place.key(absent),
            "a salesperson is a division and a number, and one of them is missing",
            format!("add {absent} = \"…\", or take the other one out"),
        ));
    }
    Ok(found)
}

fn default_text(value: &Value, place: &Place) -> Result<String, Mistake> {
    match value.as_str() {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        Some(_) => Err(Mistake::new(
            place,
            "it is empty",
            "write the value, or take the line out",
        )),
        None => Err(wrong(value, place, "a text", "the value in quotes, like \"30\"")),
    }
}

/// The name of a user-defined field without `udf_`.
pub(super) fn user_field(name: &str, place: &Place) -> Result<(), Mistake> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(Mistake::new(
            place,
            format!("{name:?} cannot be the name of a user-defined field"),
            "write the name without UDF_, like udf.origin",
        ));
    }
    let upper = name.to_ascii_uppercase();
    if format!("UDF_{}", upper.strip_prefix("UDF_").unwrap_or(&upper)) == MARKER_COLUMN {
        return Err(Mistake::new(
            place,
            format!("{MARKER_COLUMN} carries the driver's own mark"),
            "take the line out",
        ));
    }
    Ok(())
}

/// Texts of a list.
pub(super) fn elements<'a>(
    section: &Section<'a>,
    key: &str,
    example: &str,
) -> Result<Vec<(&'a str, Place)>, Mistake> {
    let Some((value, place)) = section.get(key) else {
        return Ok(Vec::new());
    };
    list(value, &place, example)?
        .into_iter()
        .map(|(value, place)| match value.as_str() {
            Some(text) => Ok((text, place)),
            None => Err(wrong(value, &place, "a text", example)),
        })
        .collect()
}
