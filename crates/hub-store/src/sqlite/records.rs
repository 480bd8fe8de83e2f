//! Reading documents back: as JSON for people, as hashes for `verify`. Both go through the
//! same batch, so that what is shown is what is compared.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use catalog::{Dataset, DocumentBatch, Field, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Row, ToSql, Transaction};
use serde_json::{Map, Value as Json};
use values::{CompanyId, Decimal, Hash, Key, Kind, Stamp, TenantId};
use wire::agent::{HashPage, HashRequest};

use super::columns::ColumnBuilder;
use super::schema::{child_table, column_list};
use super::timestamp;
use crate::{Page, RecordPage, RecordQuery, StoreError, TenantScope};

/// Hashes in one answer: about 1 MiB of JSON.
const MAX_HASHES: u32 = 20_000;
/// Documents built in memory at once.
const MAX_DOCUMENTS: u32 = 2_000;
/// Columns before the fields in a parent's row.
const OWN_COLUMNS: usize = 3;

struct Documents {
    keys: Vec<Key>,
    positions: Vec<u64>,
    updated: Vec<Timestamp>,
    batch: DocumentBatch,
}

pub(super) fn hashes(
    t: &Transaction<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    request: &HashRequest,
) -> Result<HashPage, StoreError> {
    let most = if request.recompute {
        MAX_DOCUMENTS
    } else {
        MAX_HASHES
    };
    let limit = request.limit.clamp(1, most);
    // The empty key is a key: before the first page stands "at least".
    let (compare, after) = after_key(request.after.as_ref());
    let condition = format!("key {compare} ?3 ORDER BY key LIMIT ?4");
    let parameters: [&dyn ToSql; 4] = [&tenant.as_str(), &request.company.as_str(), &after, &limit];
    let entries: Vec<(Key, Hash)> = if request.recompute {
        let documents = load(t, dataset, tenant, &request.company, &condition, &parameters)?;
        let hashes = dataset.hashes(&documents.batch);
        documents.keys.into_iter().zip(hashes).collect()
    } else {
        let sql = format!(
            "SELECT key, _hash FROM \"{}\" WHERE tenant = ?1 AND company = ?2 AND {condition}",
            dataset.name
        );
        let mut statement = t.prepare_cached(&sql)?;
        let read = |row: &Row<'_>| Ok((Key::from_stored(row.get(0)?), Hash::from_signed(row.get(1)?)));
        statement.query_map(parameters, read)?.collect::<Result<_, _>>()?
    };
    let end = u32::try_from(entries.len()).is_ok_and(|n| n < limit);
    Ok(HashPage { entries, end })
}

pub(super) fn page(
    t: &Transaction<'_>,
    scope: &TenantScope,
    query: &RecordQuery<'_>,
) -> Result<RecordPage, StoreError> {
    let (tenant, company) = (scope.tenant(), &query.company);
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(tenant.as_str()), Box::new(company.as_str())];
    let mut condition = String::from("TRUE");
    for (place, text) in &query.filters {
        let Some(field) = query.dataset.fields.get(*place) else {
            continue;
        };
        // A value that no record can have finds none.
        let Some(value) = stored(field.kind, text) else {
            return Ok(RecordPage {
                end: true,
                ..RecordPage::default()
            });
        };
        values.push(value);
        condition.push_str(&format!(" AND \"{}\" = ?{}", field.name, values.len()));
    }
    let order = match &query.page {
        Page::Key(after) => {
            let (compare, after) = after_key(after.as_ref());
            values.push(Box::new(after));
            condition.push_str(&format!(" AND key {compare} ?{}", values.len()));
            "key"
        }
        Page::Position(after) => {
            values.push(Box::new(after.cast_signed()));
            condition.push_str(&format!(" AND _position > ?{}", values.len()));
            "_position"
        }
    };
    let limit = query.limit.clamp(1, MAX_DOCUMENTS);
    // One more than asked for tells whether there is a next page.
    values.push(Box::new(limit + 1));
    condition.push_str(&format!(" ORDER BY {order} LIMIT ?{}", values.len()));
    let parameters: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();

    let documents = load(t, query.dataset, tenant, company, &condition, &parameters)?;
    let zone = zone_of(t, tenant, company)?;
    let take = documents
        .keys
        .len()
        .min(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut shown = Shape {
        scope,
        dataset: query.dataset,
        company,
        zone,
    }
    .render(&documents);
    shown.truncate(take);
    let last = take
        .checked_sub(1)
        .and_then(|l| Some((documents.keys.get(l)?.clone(), *documents.positions.get(l)?)));
    Ok(RecordPage {
        data: shown,
        last,
        end: documents.keys.len() == take,
    })
}

pub(super) fn one(
    t: &Transaction<'_>,
    scope: &TenantScope,
    dataset: &Dataset,
    company: &CompanyId,
    key: &Key,
) -> Result<Option<Json>, StoreError> {
    let tenant = scope.tenant();
    let parameters: [&dyn ToSql; 3] = [&tenant.as_str(), &company.as_str(), &key.as_str()];
    let documents = load(t, dataset, tenant, company, "key = ?3", &parameters)?;
    let zone = zone_of(t, tenant, company)?;
    Ok(Shape {
        scope,
        dataset,
        company,
        zone,
    }
    .render(&documents)
    .pop())
}

fn after_key(after: Option<&Key>) -> (&'static str, &str) {
    after.map_or((">=", ""), |key| (">", key.as_str()))
}

/// A filter's text as it is stored.
fn stored(kind: Kind, text: &str) -> Option<Box<dyn ToSql>> {
    match kind {
        Kind::Text | Kind::Json => Some(Box::new(text.to_owned())),
        Kind::Decimal { scale } => Decimal::parse(text, scale)
            .ok()
            .map(|d| Box::new(d.units()) as Box<dyn ToSql>),
        Kind::Date => {
            let date = values::parse_date(text).ok().flatten()?;
            Some(Box::new(date.to_string()))
        }
    }
}

fn zone_of(
    t: &Transaction<'_>,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<Option<TimeZone>, StoreError> {
    let name = super::people::company(t, tenant, company)?.and_then(|c| c.time_zone);
    Ok(name.and_then(|n| TimeZone::get(&n).ok()))
}

/// Whole documents under a condition on the parents, whose first two parameters are
/// tenant and company.
fn load(
    t: &Transaction<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    condition: &str,
    parameters: &[&dyn ToSql],
) -> Result<Documents, StoreError> {
    let sql = format!(
        "SELECT key, _position, updated_at, {} FROM \"{}\" WHERE tenant = ?1 AND company = ?2 AND {condition}",
        column_list(&dataset.fields),
        dataset.name
    );
    let mut statement = t.prepare_cached(&sql)?;
    let mut rows = statement.query(parameters)?;
    let (mut keys, mut positions, mut updated) = (Vec::new(), Vec::new(), Vec::new());
    let schema = dataset.schema();
    let mut parents = Table::new(&dataset.fields, &schema, 0);
    while let Some(row) = rows.next()? {
        keys.push(Key::from_stored(row.get(0)?));
        positions.push(row.get::<_, i64>(1)?.cast_unsigned());
        updated.push(timestamp(row.get(2)?)?);
        parents.push(row, OWN_COLUMNS)?;
    }
    let parents = batch(schema, parents.finish())?;
    let mut children = Vec::with_capacity(dataset.children.len());
    for child in &dataset.children {
        let sql = format!(
            "SELECT {} FROM \"{}\" WHERE tenant = ? AND company = ? AND key = ? ORDER BY _ordinal",
            column_list(&child.fields),
            child_table(dataset.name.as_str(), &child.name)
        );
        let mut statement = t.prepare_cached(&sql)?;
        let schema = child.schema();
        let mut table = Table::new(&child.fields, &schema, 1);
        let mut of = Vec::new();
        for (parent, key) in (0_u32..).zip(&keys) {
            let mut rows = statement.query((tenant.as_str(), company.as_str(), key.as_str()))?;
            while let Some(row) = rows.next()? {
                of.push(parent);
                table.push(row, 0)?;
            }
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(of))];
        columns.extend(table.finish());
        children.push(batch(schema, columns)?);
    }
    Ok(Documents {
        keys,
        positions,
        updated,
        batch: DocumentBatch { parents, children },
    })
}

fn batch(schema: arrow_schema::SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch, StoreError> {
    RecordBatch::try_new(schema, columns).map_err(|e| StoreError::corrupt(e.to_string()))
}

struct Table {
    columns: Vec<ColumnBuilder>,
}

impl Table {
    fn new(fields: &[Field], schema: &arrow_schema::Schema, skip: usize) -> Self {
        let types = schema.fields().iter().skip(skip);
        Self {
            columns: fields
                .iter()
                .zip(types)
                .map(|(f, t)| ColumnBuilder::new(f.kind, t.data_type()))
                .collect(),
        }
    }

    fn push(&mut self, row: &Row<'_>, first: usize) -> Result<(), StoreError> {
        for (place, column) in (first..).zip(&mut self.columns) {
            column.push(row.get_ref(place)?)?;
        }
        Ok(())
    }

    fn finish(self) -> Vec<ArrayRef> {
        self.columns.into_iter().map(ColumnBuilder::finish).collect()
    }
}

/// How one token sees one company's records.
struct Shape<'a> {
    scope: &'a TenantScope,
    dataset: &'a Dataset,
    company: &'a CompanyId,
    zone: Option<TimeZone>,
}

impl Shape<'_> {
    fn render(&self, documents: &Documents) -> Vec<Json> {
        let batch = &documents.batch;
        let mut shown: Vec<Map<String, Json>> = (0..batch.parents.num_rows())
            .zip(documents.keys.iter().zip(&documents.updated))
            .map(|(row, (key, updated))| {
                let mut record = self.fields(&self.dataset.fields, |field| batch.parent_value(field, row));
                record.insert("key".to_owned(), key.as_str().into());
                record.insert("company".to_owned(), self.company.as_str().into());
                record.insert("updated_at".to_owned(), updated.to_string().into());
                let source = self.source_updated_at(batch, row).map(|at| at.to_string());
                record.insert("source_updated_at".to_owned(), source.into());
                record
            })
            .collect();
        for (place, child) in self.dataset.children.iter().enumerate() {
            let mut nested = vec![Vec::new(); shown.len()];
            for (row, &parent) in batch.parents_of(place).values().iter().enumerate() {
                let line = self.fields(&child.fields, |field| batch.child_value(place, field, row));
                if let Some(list) = usize::try_from(parent).ok().and_then(|p| nested.get_mut(p)) {
                    list.push(Json::Object(line));
                }
            }
            for (record, list) in shown.iter_mut().zip(nested) {
                record.insert(child.name.clone(), Json::Array(list));
            }
        }
        shown.into_iter().map(Json::Object).collect()
    }

    fn fields<'v>(&self, fields: &[Field], value: impl Fn(usize) -> Value<'v>) -> Map<String, Json> {
        let readable = fields
            .iter()
            .enumerate()
            .filter(|(_, f)| self.scope.reads(f.class));
        readable
            .map(|(place, field)| {
                let value = match value(place) {
                    Value::Text(text) => Json::from(text),
                    Value::Decimal(decimal) => Json::from(decimal.to_string()),
                    Value::Date(date) => date.map_or(Json::Null, |d| d.to_string().into()),
                };
                (field.name.clone(), value)
            })
            .collect()
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
