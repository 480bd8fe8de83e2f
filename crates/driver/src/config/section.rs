//! The entries of a `[[dataset]]` section, each read with its place.

use toml::{Table, Value};

use super::mistake::Mistake;
use super::place::Place;

/// A table of the file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Section<'a> {
    table: &'a Table,
    pub(super) place: Place,
}

impl<'a> Section<'a> {
    pub(super) const fn new(table: &'a Table, place: Place) -> Self {
        Self { table, place }
    }

    /// A table among the entries of another one.
    pub(super) fn of(value: &'a Value, place: Place, example: &str) -> Result<Self, Mistake> {
        match value.as_table() {
            Some(table) => Ok(Self { table, place }),
            None => Err(wrong(value, &place, "a table", example)),
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value, Place)> {
        let place = self.place.clone();
        let entries = self.table.iter();
        entries.map(move |(key, value)| (key.as_str(), value, place.name(key)))
    }

    pub(super) fn get(&self, key: &str) -> Option<(&'a Value, Place)> {
        self.table.get(key).map(|value| (value, self.place.name(key)))
    }

    /// Every key must be one of these.
    pub(super) fn only_keys(&self, known: &[&str], more: &str) -> Result<(), Mistake> {
        let unknown = self.table.keys().find(|key| !known.contains(&key.as_str()));
        unknown.map_or(Ok(()), |key| {
            Err(Mistake::new(
                &self.place.name(key),
                format!("the key {key:?} is not known"),
                format!("use one of {}{more}", known.join(", ")),
            ))
        })
    }

    pub(super) fn text(&self, key: &str, example: &str) -> Result<Option<(&'a str, Place)>, Mistake> {
        self.get(key)
            .map(|(value, place)| match value.as_str() {
                Some(text) => Ok((text, place)),
                None => Err(wrong(value, &place, "a text", example)),
            })
            .transpose()
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Mistake> {
        self.get(key)
            .map(|(value, place)| {
                let example = format!("{key} = false");
                value
                    .as_bool()
                    .ok_or_else(|| wrong(value, &place, "true or false", &example))
            })
            .transpose()
    }

    /// A whole number of at least one.
    pub(super) fn number(&self, key: &str, most: u64) -> Result<Option<u64>, Mistake> {
        self.get(key)
            .map(|(value, place)| {
                let example = format!("{key} = 60");
                let Some(number) = value.as_integer() else {
                    return Err(wrong(value, &place, "a whole number", &example));
                };
                let fits = u64::try_from(number).ok().filter(|n| (1..=most).contains(n));
                fits.ok_or_else(|| {
                    Mistake::new(
                        &place,
                        format!("{number} is not possible"),
                        format!("use a number from 1 to {most}"),
                    )
                })
            })
            .transpose()
    }

    /// A list, with the places of its elements.
    pub(super) fn list(&self, key: &str, example: &str) -> Result<Vec<(&'a Value, Place)>, Mistake> {
        self.get(key)
            .map_or(Ok(Vec::new()), |(value, place)| list(value, &place, example))
    }
}

pub(super) fn list<'a>(
    value: &'a Value,
    place: &Place,
    example: &str,
) -> Result<Vec<(&'a Value, Place)>, Mistake> {
    let Some(list) = value.as_array() else {
        return Err(wrong(value, place, "a list", example));
    };
    let elements = list.iter().enumerate();
    Ok(elements.map(|(i, value)| (value, place.index(i))).collect())
}

/// A list of texts.
pub(super) fn texts(value: &Value, place: &Place, example: &str) -> Result<Vec<String>, Mistake> {
    list(value, place, example)?
        .into_iter()
        .map(|(value, place)| match value.as_str() {
            Some(text) => Ok(text.trim_end().to_owned()),
            None => Err(wrong(value, &place, "a text", example)),
        })
        .collect()
}

pub(super) fn wrong(value: &Value, place: &Place, wanted: &str, example: &str) -> Mistake {
    Mistake::new(
        place,
        format!("it is {}, and has to be {wanted}", value.type_str()),
        format!("write {example}"),
    )
}
