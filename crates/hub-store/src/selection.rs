//! Which fields of a record are asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use catalog::{Child, Dataset, Field, STAMP_DATE, STAMP_TIME};

use crate::TenantScope;

/// Besides its fields a record has these, always.
const ALWAYS: [&str; 3] = ["key", "company", "updated_at"];
/// Made from the stamp, where there is one.
const SOURCE_UPDATED_AT: &str = "source_updated_at";

/// Fields that are asked for. A record's key, company and time are always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    own: BTreeSet<String>,
    /// Of nested rows; none means all of their fields.
    nested: BTreeMap<String, Option<BTreeSet<String>>>,
}

impl Selection {
    /// Reads a list of names like `item_code,lines,lines.item_code`.
    ///
    /// # Errors
    /// The first name that the dataset does not have, as far as the token can tell.
    pub fn read(list: &str, dataset: &Dataset, scope: &TenantScope) -> Result<Self, String> {
        let mut selection = Self::default();
        for name in list.split(',').map(str::trim) {
            let is_known = match name.split_once('.') {
                Some((child, field)) => selection.add_nested(dataset, scope, child, field),
                None => selection.add(dataset, scope, name),
            };
            if !is_known {
                return Err(name.to_owned());
            }
        }
        Ok(selection)
    }

    fn add(&mut self, dataset: &Dataset, scope: &TenantScope, name: &str) -> bool {
        if ALWAYS.contains(&name) {
            return true;
        }
        if dataset.children.iter().any(|c| c.name == name) {
            self.nested.insert(name.to_owned(), None);
            return true;
        }
        let mut fields = dataset
            .fields
            .iter()
            .filter(|f| !dataset.user_defined || f.is_udf());
        let is_known = fields.any(|f| f.name == name && (f.is_udf() || scope.reads(f.class)))
            || dataset
                .derived
                .iter()
                .any(|d| d.name == name && scope.reads(d.class))
            || (name == SOURCE_UPDATED_AT && !dataset.user_defined);
        if is_known {
            self.own.insert(name.to_owned());
        }
        is_known
    }

    fn add_nested(&mut self, dataset: &Dataset, scope: &TenantScope, child: &str, name: &str) -> bool {
        let Some(known) = dataset.children.iter().find(|c| c.name == child) else {
            return false;
        };
        let mut fields = known.fields.iter();
        let is_known = fields.any(|f| f.name == name && (f.is_udf() || scope.reads(f.class)));
        if is_known {
            // All of them were asked for before, or these are the first.
            let entry = self
                .nested
                .entry(child.to_owned())
                .or_insert_with(|| Some(BTreeSet::new()));
            if let Some(names) = entry {
                names.insert(name.to_owned());
            }
        }
        is_known
    }

    /// Is this field, or computed field, of the record asked for?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.own.contains(name)
    }

    /// Is the instant made from the stamp asked for?
    pub(crate) fn has_source_updated_at(&self) -> bool {
        self.has(SOURCE_UPDATED_AT)
    }

    /// The dataset without what is neither shown nor needed for what is: less is read.
    pub(crate) fn narrow<'d>(&self, dataset: &'d Dataset) -> Cow<'d, Dataset> {
        // What is computed rests on fields of many kinds.
        if dataset.derived.iter().any(|d| self.has(&d.name)) {
            return Cow::Borrowed(dataset);
        }
        let needs = |field: &&Field| {
            self.has(&field.name)
                || dataset.key.contains(&field.column)
                || (self.has_source_updated_at() && [STAMP_DATE, STAMP_TIME].contains(&field.column.as_str()))
        };
        Cow::Owned(Dataset {
            name: dataset.name.clone(),
            table: dataset.table.clone(),
            doc: String::new(),
            guess: None,
            discover: false,
            key: dataset.key.clone(),
            temperament: dataset.temperament,
            stamped: dataset.stamped,
            fields: dataset.fields.iter().filter(needs).cloned().collect(),
            withheld: Vec::new(),
            children: dataset
                .children
                .iter()
                .filter_map(|c| self.narrow_child(c))
                .collect(),
            joins: dataset.joins.clone(),
            own_company: None,
            successors: Vec::new(),
            leaves_when: None,
            dated: None,
            derived: Vec::new(),
            user_defined: dataset.user_defined,
        })
    }

    fn narrow_child(&self, child: &Child) -> Option<Child> {
        let names = self.nested.get(&child.name)?;
        let shows = |field: &&Field| names.as_ref().is_none_or(|names| names.contains(&field.name));
        Some(Child {
            fields: child.fields.iter().filter(shows).cloned().collect(),
            ..child.clone()
        })
    }

    /// Are rows of this kind asked for, and of them this field?
    pub(crate) fn has_nested(&self, child: &str, name: &str) -> bool {
        let names = self.nested.get(child);
        names.is_some_and(|names| names.as_ref().is_none_or(|names| names.contains(name)))
    }

    /// Are rows of this kind asked for?
    pub(crate) fn has_rows(&self, child: &str) -> bool {
        self.nested.contains_key(child)
    }
}
