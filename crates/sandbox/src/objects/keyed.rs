//! A record under a key of several parts: what customers, ship-to addresses, deposits and
//! cash receipts have in common.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::Stamp;

use super::commit::Writing;
use super::input::{accept, done, hand_out, refused};
use super::kind::Kind;
use super::numbers::SOMEBODY_ELSE;
use super::order::State;
use super::record::{Cell, FieldKind, Layout, Record, StoreError, exists};
use super::session::Session;

/// How a part of the key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In capital letters.
    Capitals,
    /// Numbers are filled with zeros to the column's width.
    Filled,
}

/// A column of the key that a caller sets.
pub(crate) type Part = (&'static str, Form);

/// A record under work, with its key.
#[derive(Debug)]
pub(crate) struct KeyedRecord {
    kind: Kind,
    layout: Arc<Layout>,
    parts: &'static [Part],
    values: Vec<String>,
    /// The batch; blank where records are not entered in batches.
    pub(crate) batch: String,
    /// How far the record is.
    pub(crate) state: State,
    /// The record as it would be written.
    pub(crate) row: Record,
    changed: BTreeSet<String>,
}

impl KeyedRecord {
    /// Nothing yet.
    pub(crate) fn open(db: &Connection, kind: Kind, parts: &'static [Part]) -> Result<Self, StoreError> {
        let layout = Layout::read(db, kind.table())?;
        Ok(Self {
            kind,
            row: Record::blank(&layout),
            layout,
            parts,
            values: vec![String::new(); parts.len()],
            batch: String::new(),
            state: State::Unkeyed,
            changed: BTreeSet::new(),
        })
    }

    /// Forgets record and key; the batch stays.
    pub(crate) fn clear(&mut self) {
        self.forget_record();
        self.values.iter_mut().for_each(String::clear);
    }

    /// `nSetKeyValue`.
    pub(crate) fn set_key_value(&mut self, column: &str, value: &Scalar) -> Return {
        let (name, cell) = match accept(&self.layout, column, value) {
            Ok((field, cell)) => (field.name.clone(), cell),
            Err(message) => return refused(message),
        };
        let Some(place) = self.parts.iter().position(|(part, _)| *part == name) else {
            return refused(format!("{name} is no key column."));
        };
        match cell {
            Cell::Text(text) if !text.is_empty() => {
                self.values[place] = self.formed(place, &text);
                done()
            }
            Cell::Text(_) | Cell::Number(_) | Cell::Date(_) => refused(format!("The {name} is required.")),
        }
    }

    /// A part of the key; blank before it is set.
    pub(crate) fn part(&self, column: &str) -> &str {
        let place = self.parts.iter().position(|(part, _)| *part == column);
        place.map_or("", |place| &self.values[place])
    }

    /// The record's name: the key of its table, parts joined with `-`.
    pub(crate) fn record(&self) -> Result<String, Return> {
        let missing = self.parts.iter().zip(&self.values).find(|(_, v)| v.is_empty());
        if let Some(((name, _), _)) = missing {
            return Err(refused(format!("The {name} is required.")));
        }
        let parts: Vec<_> = self
            .key()
            .into_iter()
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
            .collect();
        Ok(parts.join("-"))
    }

    /// The key of the table.
    pub(crate) fn key(&self) -> Vec<(&str, &str)> {
        let is_key = |name: &str| self.layout.field(name).is_some_and(|field| field.is_key);
        let batch = is_key("BatchNo").then_some(("BatchNo", self.batch.as_str()));
        let parts = self.parts.iter().zip(&self.values);
        batch
            .into_iter()
            .chain(
                parts
                    .filter(|((name, _), _)| is_key(name))
                    .map(|((name, _), value)| (*name, value.as_str())),
            )
            .collect()
    }

    /// Does the record exist?
    pub(crate) fn is_on_file(&self, db: &Connection) -> Result<bool, StoreError> {
        Ok(exists(db, self.kind.table(), &self.key())?.unwrap_or(false))
    }

    /// Why the user's role does not let the record under the key be worked on.
    pub(crate) fn right_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        let right = if self.is_on_file(db)? { "modify" } else { "create" };
        self.lacks(db, right)
    }

    /// Why the user's role does not let the record be deleted.
    pub(crate) fn removal_refusal(&self, db: &Connection) -> Result<Option<Return>, StoreError> {
        self.lacks(db, "remove")
    }

    fn lacks(&self, db: &Connection, right: &str) -> Result<Option<Return>, StoreError> {
        let what = self.kind.records();
        Ok(Session::lacks_right(db, self.kind.task(), right, what)?.map(refused))
    }

    /// Loads what is under the key; `false` when nothing is: then the record is a new one
    /// with nothing but its key.
    pub(crate) fn load(&mut self, db: &Connection) -> Result<bool, StoreError> {
        self.forget_record();
        if let Some(row) = Record::read_one(db, &self.layout, &self.key())? {
            self.row = row;
            self.state = State::Existing;
            return Ok(true);
        }
        self.row.put_text("BatchNo", &self.batch);
        for ((name, _), value) in self.parts.iter().zip(&self.values) {
            self.row.put_text(name, value);
        }
        self.state = State::New;
        Ok(false)
    }

    /// `nFind`.
    pub(crate) fn find(&mut self, db: &Connection) -> Result<Return, StoreError> {
        if self.load(db)? {
            self.state = State::Found;
            return Ok(done());
        }
        let name = self.record().unwrap_or_default();
        self.forget_record();
        Ok(refused(format!("{} {name} is not on file.", self.kind.noun())))
    }

    /// Reads a column's value for a change; the error is the refusal.
    pub(crate) fn accept(&self, column: &str, value: &Scalar) -> Result<(String, Cell), Return> {
        if !matches!(self.state, State::New | State::Existing) {
            let (first, _) = self.parts[0];
            return Err(refused(format!(
                "The key is not set: {first} is required before {column}."
            )));
        }
        let (field, cell) = accept(&self.layout, column, value).map_err(refused)?;
        let name = field.name.clone();
        if field.is_key || self.parts.iter().any(|(part, _)| *part == name) {
            return Err(refused(format!(
                "{name} is a key column; set it with nSetKeyValue."
            )));
        }
        Ok((name, cell))
    }

    /// Takes a value that was accepted.
    pub(crate) fn put(&mut self, name: &str, cell: &Cell) -> Result<(), StoreError> {
        match cell {
            Cell::Text(text) => self.row.put_text(name, text),
            Cell::Number(number) => self.row.put_number(name, *number)?,
            Cell::Date(date) => self.row.put_date(name, *date),
        }
        self.changed.insert(name.to_owned());
        Ok(())
    }

    /// Takes a text that goes with another value.
    pub(crate) fn put_text(&mut self, name: &str, text: &str) {
        self.row.put_text(name, text);
        self.changed.insert(name.to_owned());
    }

    /// `nGetValue`.
    pub(crate) fn get_value(&self, column: &str) -> Return {
        if self.state == State::Unkeyed {
            return refused("The key is not set.");
        }
        value_of(&self.row, column)
    }

    /// The row to store now, inside the transaction: a new one that nobody else has made
    /// meanwhile, or the stored one with what was changed here. The error is the refusal.
    fn row_to_store(&self, db: &Connection) -> Result<Result<Record, Return>, StoreError> {
        let stored = Record::read_one(db, &self.layout, &self.key())?;
        let name = || self.record().unwrap_or_default();
        let noun = self.kind.noun();
        Ok(match (self.state, stored) {
            (State::New, Some(_)) => Err(refused(format!("{noun} {} is already on file.", name()))),
            (State::New, None) => Ok(self.row.clone()),
            (State::Existing, Some(mut stored)) => {
                for column in &self.changed {
                    stored.copy_column(column, &self.row, column)?;
                }
                Ok(stored)
            }
            (State::Existing, None) => Err(refused(format!("{noun} {} is no longer on file.", name()))),
            (State::Unkeyed | State::Found, _) => Err(refused("The key is not set.")),
        })
    }

    /// Stores the record; the error is the refusal.
    pub(crate) fn store(
        &self,
        db: &Connection,
        writing: &Writing<'_>,
    ) -> Result<Result<(), Return>, StoreError> {
        let mut row = match self.row_to_store(db)? {
            Ok(row) => row,
            Err(refusal) => return Ok(Err(refusal)),
        };
        row.stamp(writing.stamp, writing.user_key, self.state == State::New);
        row.store(db)?;
        Ok(Ok(()))
    }

    /// What another user has stored under the key, but for what only its kind has.
    pub(crate) fn of_somebody_else(&self, db: &Connection, stamp: Stamp) -> Result<Record, StoreError> {
        let mut row = Record::blank(&Layout::read(db, self.kind.table())?);
        for (column, value) in self.key() {
            row.put_text(column, value);
        }
        row.stamp(stamp, SOMEBODY_ELSE, true);
        Ok(row)
    }

    fn forget_record(&mut self) {
        self.row = Record::blank(&self.layout);
        self.state = State::Unkeyed;
        self.changed.clear();
    }

    fn formed(&self, place: usize, text: &str) -> String {
        let (name, form) = self.parts[place];
        let width = match self.layout.field(name).map(|field| field.kind) {
            Some(FieldKind::Text(width)) => width.unwrap_or(0),
            Some(FieldKind::Number(_) | FieldKind::Date) | None => 0,
        };
        match form {
            Form::Capitals => text.to_uppercase(),
            Form::Filled => filled(text, width),
        }
    }
}

/// A number with zeros before it; other text in capital letters.
pub(crate) fn filled(text: &str, width: usize) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{text:0>width$}")
    } else {
        text.to_uppercase()
    }
}

/// `nGetValue` of a row.
pub(crate) fn value_of(row: &Record, column: &str) -> Return {
    match hand_out(row, column) {
        Ok(value) => Return {
            value: Some(value),
            ..done()
        },
        Err(message) => refused(message),
    }
}

/// The methods of a [`Document`](super::document::Document) that are those of its `keyed`
/// record.
macro_rules! keyed_methods {
    ($kind:expr) => {
        fn kind(&self) -> Kind {
            $kind
        }

        fn state(&self) -> State {
            self.keyed.state
        }

        fn record(&self) -> Result<String, Return> {
            self.keyed.record()
        }

        fn set_key_value(&mut self, column: &str, value: &Scalar) -> Return {
            self.keyed.set_key_value(column, value)
        }

        fn get_value(&self, column: &str) -> Return {
            self.keyed.get_value(column)
        }

        fn is_on_file(&self, db: &Connection) -> Result<bool, StoreError> {
            self.keyed.is_on_file(db)
        }
    };
}

/// The methods that choose a batch for the `keyed` record.
macro_rules! batch_methods {
    () => {
        fn select_batch(&mut self, db: &Connection, batch_no: &str) -> Result<Return, StoreError> {
            self.clear();
            batches::select(db, &mut self.keyed.batch, batch_no)
        }

        fn select_new_batch(
            &mut self,
            db: &Connection,
            comment: &str,
            stamp: Stamp,
            user_key: &str,
        ) -> Result<Return, StoreError> {
            self.clear();
            batches::select_new(db, &mut self.keyed.batch, comment, stamp, user_key)
        }
    };
}

pub(crate) use {batch_methods, keyed_methods};
