//! Whose is a customer or an address that stands under a key of ours?
//!
//! "Somebody else's" makes us write under another key, and so may make a second customer: it
//! needs evidence that no wrong clock and no clerk's edit can produce. "Ours" ends the
//! write: without our mark it takes our Sage user, the time and the content together.

use std::collections::BTreeMap;

use model::{Numbers, Totals};
use sage::{Column, Scalar, Select};
use values::{Kind, Stamp};

use super::lookup::{by_key, created_of, marker_of};
use super::whose::Mark;
use super::{Columns, Finding, Place};
use crate::marker::MARKER_COLUMN;
use crate::plan::Setting;
use crate::rows::Row;

/// Who makes records, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The document's mark.
    pub marker: &'a str,
    /// `UserKey` of our Sage user, where it is known.
    pub user_key: Option<&'a str>,
    /// When the key was reserved, in the site's time, less what its clocks may be off.
    pub since: Stamp,
}

/// Columns that tell a record from another: its name, and groups of columns that say where
/// it is reached; a group is equal when all of it is.
pub(super) struct Traits {
    pub(super) name: &'static str,
    pub(super) contacts: &'static [&'static [&'static str]],
}

/// The read by key, with what tells whose the row is.
pub(super) fn select(
    place: Place,
    traits: &Traits,
    key: &[(&str, &str)],
    columns: &Columns,
) -> Option<Select> {
    let has = columns.get(place.table())?;
    if key.iter().any(|(column, _)| !has.contains(*column)) {
        return None;
    }
    let contacts = traits.contacts.iter().flat_map(|group| group.iter());
    let mut wanted: Vec<Column> = key
        .iter()
        .map(|(column, _)| *column)
        .chain([MARKER_COLUMN, "UserCreatedKey", "TimeCreated", traits.name])
        .chain(contacts.copied())
        .filter(|name| has.contains(*name))
        .map(|name| Column::new(name, Kind::Text))
        .collect();
    if has.contains("DateCreated") {
        wanted.push(Column::new("DateCreated", Kind::Date));
    }
    Some(by_key(place, wanted, key))
}

/// The row that was read; the finding where there is nothing to judge.
pub(super) fn row_of(rows: &BTreeMap<Place, Vec<Row>>, place: Place) -> Result<&Row, Finding> {
    match rows.get(&place) {
        None => Err(Finding::Unclear {
            why: format!("{} could not be read", place.table()),
        }),
        Some(rows) => rows.first().ok_or(Finding::Absent),
    }
}

/// Judges the row; `whose` names it.
pub(super) fn judge(
    writer: &Writer<'_>,
    traits: &Traits,
    settings: &[Setting],
    row: &Row,
    whose: String,
) -> Finding {
    let mark = Mark::of(marker_of(row).as_deref(), writer.marker);
    match mark {
        Mark::Ours => return ours(),
        Mark::Another => return Finding::Foreign { whose },
        Mark::Cut | Mark::Blank | Mark::NoColumn => {}
    }
    let created_by = row.text("UserCreatedKey");
    let is_by_us = writer
        .user_key
        .filter(|_| !created_by.is_empty())
        .map(|key| key == created_by);
    let is_since = created_of(row).map(|created| created >= writer.since);
    let is_name = is_equal(settings, row, traits.name);
    let contacts: Vec<bool> = traits
        .contacts
        .iter()
        .filter_map(|group| are_equal(settings, row, group))
        .collect();
    let other_contact = !contacts.is_empty() && contacts.iter().all(|is_equal| !is_equal);
    let is_another = is_name == Some(false) && other_contact;
    // What our user made since then is left to a person, whatever it says: a clerk may have
    // edited it.
    let is_elses = is_by_us == Some(false) || (is_another && (is_by_us.is_none() || is_since == Some(false)));
    if is_elses && mark != Mark::Cut {
        return Finding::Foreign { whose };
    }
    let doubt = if mark == Mark::Blank {
        format!("{whose} is without our mark in {MARKER_COLUMN}, and nothing says who else entered it")
    } else if is_by_us != Some(true) {
        format!("whether our Sage user entered {whose} cannot be told")
    } else if is_name != Some(true) || other_contact {
        format!("{whose} was entered by our Sage user, but name or address differ")
    } else {
        match is_since {
            Some(true) => return ours(),
            Some(false) => format!(
                "{whose} looks like ours, but was created before its key was reserved: are the clocks and the site's time zone right?"
            ),
            None => format!("when {whose} was created cannot be told"),
        }
    };
    Finding::Unclear { why: doubt }
}

pub(super) const fn ours() -> Finding {
    Finding::Ours {
        totals: Totals::new(),
        numbers: Numbers::new(),
        notes: Vec::new(),
    }
}

/// Has the row what was set? None when the column was not set or not read.
pub(super) fn is_equal(settings: &[Setting], row: &Row, column: &str) -> Option<bool> {
    // What was set last counts.
    let setting = settings
        .iter()
        .rev()
        .find(|setting| setting.column.trim_end_matches('$') == column)?;
    has_value(row, column, &setting.value)
}

/// Has the row this value? None when the column was not read.
pub(super) fn has_value(row: &Row, column: &str, value: &Scalar) -> Option<bool> {
    if !row.has(column) {
        return None;
    }
    Some(match value {
        Scalar::Number(number) => row.number(column) == Some(*number),
        Scalar::Text(text) => {
            let (wanted, found) = (text.trim_end(), row.text(column));
            // Sage keeps some columns in capitals, and tables show dates with hyphens.
            found == wanted || found == wanted.to_uppercase() || is_date(found, wanted)
        }
    })
}

fn is_date(found: &str, compact: &str) -> bool {
    found.len() == 10 && compact.len() == 8 && found.bytes().filter(|b| *b != b'-').eq(compact.bytes())
}

fn are_equal(settings: &[Setting], row: &Row, group: &[&str]) -> Option<bool> {
    // A record without any of it says nothing.
    let is_told = settings.iter().any(|setting| {
        group.contains(&setting.column.trim_end_matches('$'))
            && setting
                .value
                .as_text()
                .is_some_and(|text| !text.trim().is_empty())
    });
    if !is_told {
        return None;
    }
    let found: Vec<bool> = group
        .iter()
        .filter_map(|column| is_equal(settings, row, column))
        .collect();
    (!found.is_empty()).then(|| found.iter().all(|is_equal| *is_equal))
}
