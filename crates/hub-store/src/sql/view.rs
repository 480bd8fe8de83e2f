//! Records as JSON: what one token sees of one company's dataset.

use crate::engine::Tx;
use catalog::{Catalog, Class, Dataset, DocumentBatch, Field, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};
use values::{CompanyId, Stamp};

use super::documents::Documents;
use super::{derived, people};
use crate::{Selection, StoreError, TenantScope};

/// How a token sees a company's records of a dataset.
pub(super) struct View<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) scope: &'a TenantScope,
    pub(super) dataset: &'a Dataset,
    pub(super) company: &'a CompanyId,
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
        let name = people::company(t, scope.tenant(), company)?.and_then(|c| c.time_zone);
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

    pub(super) fn render(&self, t: &Tx<'_>, documents: &Documents) -> Result<Vec<Json>, StoreError> {
        let batch = &documents.batch;
        let mut shown = Vec::with_capacity(documents.keys.len());
        for (row, (key, marks)) in documents.keys.iter().zip(&documents.marks).enumerate() {
            let shows = |name: &str| self.shows(name);
            let mut record = self.fields(&self.dataset.fields, shows, |field| {
                batch.parent_value(field, row)
            })?;
            record.insert("key".to_owned(), key.as_str().into());
            record.insert("company".to_owned(), self.company.as_str().into());
            record.insert("updated_at".to_owned(), marks.updated_at.to_string().into());
            if let Some(at) = marks.purged_at {
                record.insert("purged_at".to_owned(), at.to_string().into());
            }
            if !self.dataset.user_defined && self.fields.is_none_or(Selection::has_source_updated_at) {
                let source = self.source_updated_at(batch, row).map(|at| at.to_string());
                record.insert("source_updated_at".to_owned(), source.into());
            }
            shown.push(record);
        }
        for (place, child) in self.dataset.children.iter().enumerate() {
            if self.fields.is_some_and(|fields| !fields.has_rows(&child.name)) {
                continue;
            }
            let shows = |name: &str| {
                self.fields
                    .is_none_or(|fields| fields.has_nested(&child.name, name))
            };
            let mut nested = vec![Vec::new(); shown.len()];
            for (row, &parent) in batch.parents_of(place).values().iter().enumerate() {
                let line = self.fields(&child.fields, shows, |field| batch.child_value(place, field, row))?;
                if let Some(list) = usize::try_from(parent).ok().and_then(|p| nested.get_mut(p)) {
                    list.push(Json::Object(line));
                }
            }
            for (record, list) in shown.iter_mut().zip(nested) {
                record.insert(child.name.clone(), Json::Array(list));
            }
        }
        derived::add(t, self, documents, &mut shown)?;
        Ok(shown.into_iter().map(Json::Object).collect())
    }

    /// Is this field, or computed field, of the record asked for?
    pub(super) fn shows(&self, name: &str) -> bool {
        self.fields.is_none_or(|fields| fields.has(name))
    }

    fn fields<'v>(
        &self,
        fields: &[Field],
        shows: impl Fn(&str) -> bool,
        value: impl Fn(usize) -> Value<'v>,
    ) -> Result<Map<String, Json>, StoreError> {
        let mut shown = Map::new();
        for (place, field) in fields.iter().enumerate().filter(|(_, f)| shows(&f.name)) {
            let shown_value = match value(place) {
                // A site's own values have classes of their own; the encoded key stands under `key`.
                Value::Text(text) if field.is_udf() => self.own_values(text)?,
                _ if self.dataset.user_defined || !self.scope.reads(field.class) => continue,
                Value::Text(text) => Json::from(text),
                Value::Decimal(decimal) => Json::from(decimal.to_string()),
                Value::Date(date) => date.map_or(Json::Null, |d| d.to_string().into()),
            };
            shown.insert(field.name.clone(), shown_value);
        }
        Ok(shown)
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
    fn source_updated_at(&self, batch: &DocumentBatch, row: usize) -> Option<Timestamp> {
        if !self.dataset.stamped {
            return None;
        }
        let (date, _) = self.dataset.field_of_column(catalog::STAMP_DATE)?;
        let (time, _) = self.dataset.field_of_column(catalog::STAMP_TIME)?;
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
