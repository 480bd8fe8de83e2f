//! Records as JSON: what one token sees of one company's dataset.

use std::fmt::Display;

use crate::engine::Tx;
use catalog::{Catalog, Class, Dataset, DocumentBatch, Field, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};
use values::{CompanyId, Stamp};

use super::documents::Documents;
use super::{derived, people};
use crate::{Record, Selection, StoreError, TenantScope};

/// How a token sees a company's records of a dataset.
pub(super) struct View<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) scope: &'a TenantScope,
    pub(super) dataset: &'a Dataset,
    pub(super) company: &'a CompanyId,
    /// None until it is known, and where nothing asks for it.
    zone: Option<TimeZone>,
    fields: Option<&'a Selection>,
    now: Timestamp,
}

impl<'a> View<'a> {
    pub(super) fn new(
        t: &Tx<'_>,
        catalog: &'a Catalog,
        scope: &'a TenantScope,
        dataset: &'a Dataset,
        company: &'a CompanyId,
        fields: Option<&'a Selection>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let shows_stamp = dataset.stamped && fields.is_none_or(Selection::has_source_updated_at);
        let name = if shows_stamp || !dataset.derived.is_empty() {
            people::company(t, scope.tenant(), company)?.and_then(|c| c.time_zone)
        } else {
            None
        };
        Ok(Self {
            catalog,
            scope,
            dataset,
            company,
            zone: name.and_then(|n| TimeZone::get(&n).ok()),
            fields,
            now,
        })
    }

    /// The day it is at the company; UTC's until its zone is known.
    pub(super) fn today(&self) -> values::Date {
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        zone.to_datetime(self.now).date()
    }

    pub(super) fn render(&self, t: &Tx<'_>, documents: &Documents) -> Result<Vec<Record>, StoreError> {
        let children = self.dataset.children.iter().enumerate();
        let children = children.filter(|(_, child)| self.fields.is_none_or(|f| f.has_rows(&child.name)));
        let page = Page {
            view: self,
            documents,
            own: self.readable(&self.dataset.fields, |name| self.shows(name)),
            children: children
                .map(|(place, child)| Nested {
                    place,
                    name: &child.name,
                    of: documents.batch.parents_of(place).values(),
                    fields: self.readable(&child.fields, |name| {
                        self.fields.is_none_or(|f| f.has_nested(&child.name, name))
                    }),
                })
                .collect(),
            derived: derived::values(t, self, documents)?,
            stamp: self.stamp(),
        };
        let rows = 0..documents.keys.len();
        rows.map(|row| written(&Shown { page: &page, row })).collect()
    }

    /// Is this field, or computed field, of the record asked for?
    pub(super) fn shows(&self, name: &str) -> bool {
        self.fields.is_none_or(|fields| fields.has(name))
    }

    /// The fields that are asked for and that the token reads, with their places.
    fn readable<'f>(&self, fields: &'f [Field], shows: impl Fn(&str) -> bool) -> Vec<(usize, &'f Field)> {
        // A site's own values have classes of their own; the encoded key stands under `key`.
        let reads =
            |field: &Field| field.is_udf() || (!self.dataset.user_defined && self.scope.reads(field.class));
        let all = fields.iter().enumerate();
        all.filter(|(_, field)| reads(field) && shows(&field.name))
            .collect()
    }

    /// Places of the stamp's date and time, where an instant is asked for and can be told.
    fn stamp(&self) -> Stamped {
        if self.dataset.user_defined || !self.fields.is_none_or(Selection::has_source_updated_at) {
            return Stamped::NotAsked;
        }
        let place = |column| self.dataset.field_of_column(column).map(|(place, _)| place);
        match (place(catalog::STAMP_DATE), place(catalog::STAMP_TIME)) {
            (Some(date), Some(time)) if self.dataset.stamped => Stamped::At { date, time },
            _ => Stamped::Unknown,
        }
    }

    /// The site's own values of the classes that the token reads.
    fn own_values(&self, text: &str) -> Result<Json, StoreError> {
        let mut shown = Map::new();
        for (class, values) in
            own_values(text).map_err(|problem| StoreError::corrupt(format!("udf {problem}")))?
        {
            if self.scope.reads(class) {
                shown.extend(values);
            }
        }
        Ok(shown.into())
    }

    /// The row's stamp as an instant, when it has one and the site's zone is known.
    fn instant(&self, batch: &DocumentBatch, row: usize, date: usize, time: usize) -> Option<Timestamp> {
        let Value::Date(Some(date)) = batch.parent_value(date, row) else {
            return None;
        };
        let Value::Text(time) = batch.parent_value(time, row) else {
            return None;
        };
        let stamp = Stamp::parse(date, time).unwrap_or_else(|_| Stamp::start_of(date));
        stamp.instant(self.zone.as_ref()?)
    }
}

/// When the ERP changed a record.
#[derive(Clone, Copy)]
enum Stamped {
    NotAsked,
    /// The dataset has no stamp.
    Unknown,
    /// From these columns.
    At {
        date: usize,
        time: usize,
    },
}

/// Documents on their way into JSON, and what is the same for each.
struct Page<'a> {
    view: &'a View<'a>,
    documents: &'a Documents,
    own: Vec<(usize, &'a Field)>,
    children: Vec<Nested<'a>>,
    derived: Vec<derived::Values<'a>>,
    stamp: Stamped,
}

/// A kind of child: its rows' parents, in order, and the fields that are shown.
struct Nested<'a> {
    place: usize,
    name: &'a str,
    of: &'a [u32],
    fields: Vec<(usize, &'a Field)>,
}

/// One document.
struct Shown<'a> {
    page: &'a Page<'a>,
    row: usize,
}

/// The rows of one kind under one document.
struct Lines<'a> {
    shown: &'a Shown<'a>,
    nested: &'a Nested<'a>,
}

/// One of them.
struct Line<'a> {
    lines: &'a Lines<'a>,
    row: usize,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { page, row } = *self;
        let (view, batch) = (page.view, &page.documents.batch);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("company", view.company.as_str())?;
        if let Some(key) = page.documents.keys.get(row) {
            map.serialize_entry("key", key.as_str())?;
        }
        if let Some(marks) = page.documents.marks.get(row) {
            map.serialize_entry("updated_at", &marks.updated_at)?;
            if let Some(at) = marks.purged_at {
                map.serialize_entry("purged_at", &at)?;
            }
        }
        match page.stamp {
            Stamped::NotAsked => {}
            Stamped::Unknown => map.serialize_entry("source_updated_at", &())?,
            Stamped::At { date, time } => {
                map.serialize_entry("source_updated_at", &view.instant(batch, row, date, time))?;
            }
        }
        view.write_fields(&mut map, &page.own, |field| batch.parent_value(field, row))?;
        for nested in &page.children {
            map.serialize_entry(nested.name, &Lines { shown: self, nested })?;
        }
        for (name, values) in &page.derived {
            map.serialize_entry(name, &values.get(row))?;
        }
        map.end()
    }
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parent = u32::try_from(self.shown.row).unwrap_or(u32::MAX);
        let from = self.nested.of.partition_point(|p| *p < parent);
        let to = self.nested.of.partition_point(|p| *p <= parent);
        serializer.collect_seq((from..to).map(|row| Line { lines: self, row }))
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Lines { shown, nested } = self.lines;
        let batch = &shown.page.documents.batch;
        let mut map = serializer.serialize_map(None)?;
        let value = |field| batch.child_value(nested.place, field, self.row);
        shown.page.view.write_fields(&mut map, &nested.fields, value)?;
        map.end()
    }
}

impl View<'_> {
    fn write_fields<'v, M: SerializeMap>(
        &self,
        map: &mut M,
        fields: &[(usize, &Field)],
        value: impl Fn(usize) -> Value<'v>,
    ) -> Result<(), M::Error> {
        for (place, field) in fields {
            let name = field.name.as_str();
            match value(*place) {
                Value::Text(text) if field.is_udf() => {
                    let own = self.own_values(text).map_err(M::Error::custom)?;
                    map.serialize_entry(name, &own)?;
                }
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Decimal(decimal) => map.serialize_entry(name, &Displayed(decimal))?,
                Value::Date(date) => map.serialize_entry(name, &date.map(Displayed))?,
            }
        }
        Ok(())
    }
}

/// As its text.
struct Displayed<T>(T);

impl<T: Display> Serialize for Displayed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Writes what is shown.
pub(super) fn written(shown: &impl Serialize) -> Result<Record, StoreError> {
    Record::write(shown).map_err(|e| StoreError::corrupt(format!("a record that cannot be written: {e}")))
}

/// A site's own values.
type ByClass = Vec<(Class, Map<String, Json>)>;

/// Reads a text of the kind [`values::Kind::Json`].
pub(super) fn own_values(text: &str) -> Result<ByClass, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let classes: Map<String, Json> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let read = |(name, values): (String, Json)| match (Class::from_name(&name), values) {
        (Some(class), Json::Object(values)) => Ok((class, values)),
        (None, _) => Err(format!("{name} is no class")),
        (Some(_), _) => Err(format!("{name} has no names")),
    };
    classes.into_iter().map(read).collect()
}
