//! Where in the file something stands: `company[0].dataset[1].only.ProductLine`.

use std::fmt;

use toml::de::{DeTable, DeValue};

/// A way through the file's tables and lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(usize),
}

impl Place {
    /// The place of a key of the file.
    pub(super) fn of(key: &str) -> Self {
        Self::default().key(key)
    }

    /// The place of a key below this one; points part keys.
    pub(super) fn key(&self, key: &str) -> Self {
        let mut parts = self.0.clone();
        parts.extend(key.split('.').map(|k| Part::Key(k.to_owned())));
        Self(parts)
    }

    /// The place of a key whose name may hold anything.
    pub(super) fn name(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(Part::Key(name.to_owned()));
        Self(parts)
    }

    /// The place of a list's element, from 0.
    pub(super) fn index(&self, index: usize) -> Self {
        let mut parts = self.0.clone();
        parts.push(Part::Index(index));
        Self(parts)
    }

    /// The line in this text, from 1: that of the place itself, or of the nearest thing
    /// around it that is written down.
    pub(super) fn line(&self, text: &str) -> Option<usize> {
        let file = DeTable::parse(text).ok()?;
        let mut table: Option<&DeTable<'_>> = Some(file.get_ref());
        let mut value: Option<&DeValue<'_>> = None;
        let mut found = None;
        for part in &self.0 {
            let next = match part {
                Part::Key(key) => {
                    let entry = table.and_then(|t| t.iter().find(|(k, _)| k.get_ref() == key));
                    entry.map(|(key, value)| (key.span().start, value))
                }
                Part::Index(index) => {
                    let list = value.and_then(DeValue::as_array);
                    let element = list.and_then(|list| list.get(*index));
                    element.map(|element| (element.span().start, element))
                }
            };
            let Some((start, inner)) = next else { break };
            found = Some(start);
            value = Some(inner.get_ref());
            table = inner.get_ref().as_table();
        }
        let before = text.get(..found?)?;
        Some(before.matches('\n').count() + 1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            match part {
                Part::Key(key) if place == 0 => f.write_str(key)?,
                Part::Key(key) => write!(f, ".{key}")?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The line of the section that begins at `section` (from 1) on which a name stands.
pub(super) fn mention(text: &str, section: usize, name: &str) -> Option<usize> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |line: &str| {
        line.split(|c| !part_of_name(c))
            .any(|n| n.eq_ignore_ascii_case(name))
    };
    let lines = text.lines().enumerate().skip(section);
    let mut own = lines.take_while(|(_, line)| !line.trim_start().starts_with("[["));
    own.find(|(_, line)| names(line)).map(|(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_line() {
        let text = "[hub]\nurl = 'x'\n[[company]]\ncode = 'ABC'\nreader.odbc = 'x'\n[[company.dataset]]\n\
                    name = 'items'\nudf = [\n  'A',\n  { column = 'B',\n    class = 'c' },\n]\nlines.udf = []\n\
                    [[company]]\n";
        let company = Place::of("company").index(0);
        let dataset = company.key("dataset").index(0);
        for (place, line) in [
            (Place::of("hub.url"), 2),
            (company.key("reader.odbc"), 5),
            (dataset.clone(), 6),
            (dataset.key("udf").index(0), 9),
            (dataset.key("udf").index(1).key("class"), 11),
            (dataset.key("lines.udf"), 13),
            // What is not there is looked for where it should stand.
            (dataset.key("when"), 6),
            (Place::of("company").index(1).key("code"), 14),
        ] {
            assert_eq!(place.line(text), Some(line), "{place}");
        }
        assert_eq!(Place::of("erp").line(text), None);
        assert_eq!(
            dataset.key("udf").index(1).to_string(),
            "company[0].dataset[0].udf[1]"
        );
    }
}
