//! Pages of records and single ones, as a token sees them.

use catalog::{Catalog, Dataset};
use jiff::Timestamp;
use rusqlite::{ToSql, Transaction};
use serde_json::{Value as Json, json};
use values::{CompanyId, Decimal, DecimalError, Key, Kind};

use super::documents::{Documents, MAX_DOCUMENTS, after_key, load};
use super::view::View;
use super::{feed, tables};
use crate::{Lookup, Page, RecordPage, RecordQuery, StoreError, TenantScope, Tombstone};

pub(super) fn page(
    t: &Transaction<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    query: &RecordQuery<'_>,
    now: Timestamp,
) -> Result<RecordPage, StoreError> {
    let (tenant, company) = (scope.tenant(), &query.company);
    let nothing = RecordPage {
        end: true,
        ..RecordPage::default()
    };
    if !tables::exists(t, query.dataset, tenant)? {
        return Ok(nothing);
    }
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(tenant.as_str()), Box::new(company.as_str())];
    let mut condition = String::from("TRUE");
    for (place, text) in &query.filters {
        let Some(field) = query.dataset.fields.get(*place).filter(|f| !f.is_udf()) else {
            continue;
        };
        match Wanted::read(&field.name, field.kind, text)? {
            Wanted::Value(value) => {
                values.push(value);
                condition.push_str(&format!(" AND \"{}\" = ?{}", field.name, values.len()));
            }
            Wanted::NoDate => condition.push_str(&format!(" AND \"{}\" IS NULL", field.name)),
            Wanted::Nothing => return Ok(nothing),
        }
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
    let graves = match query.page {
        Page::Position(after) if query.filters.is_empty() => {
            feed::tombstones(t, query.dataset, tenant, company, after, limit + 1)?
        }
        Page::Position(_) | Page::Key(_) => Vec::new(),
    };
    let view = View::new(t, catalog, scope, query.dataset, company, now)?;
    let mut entries = merge(view.render(t, &documents)?, &documents, graves);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = entries.len() <= most;
    entries.truncate(most);
    Ok(RecordPage {
        last: entries.last().map(|e| (e.key.clone(), e.position)),
        data: entries.into_iter().map(|e| e.shown).collect(),
        end,
    })
}

pub(super) fn one(
    t: &Transaction<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    (dataset, company, key): (&Dataset, &CompanyId, &Key),
    now: Timestamp,
) -> Result<Lookup, StoreError> {
    let tenant = scope.tenant();
    if !tables::exists(t, dataset, tenant)? {
        return Ok(Lookup::Unknown);
    }
    let parameters: [&dyn ToSql; 3] = [&tenant.as_str(), &company.as_str(), &key.as_str()];
    let documents = load(t, dataset, tenant, company, "key = ?3", &parameters)?;
    let view = View::new(t, catalog, scope, dataset, company, now)?;
    if let Some(record) = view.render(t, &documents)?.pop() {
        return Ok(Lookup::Found(record));
    }
    let grave = feed::tombstone(t, dataset, tenant, company, key)?;
    Ok(grave.map_or(Lookup::Unknown, Lookup::Deleted))
}

struct Entry {
    position: u64,
    key: Key,
    shown: Json,
}

/// Records and tombstones in one order; there are tombstones only where records come by
/// position.
fn merge(records: Vec<Json>, documents: &Documents, graves: Vec<(u64, Tombstone)>) -> Vec<Entry> {
    let by_position = !graves.is_empty();
    let places = documents.keys.iter().zip(&documents.marks);
    let mut entries: Vec<Entry> = records
        .into_iter()
        .zip(places)
        .map(|(shown, (key, marks))| Entry {
            position: marks.position,
            key: key.clone(),
            shown,
        })
        .collect();
    entries.extend(graves.into_iter().map(|(position, grave)| Entry {
        position,
        shown: json!({
            "key": grave.key, "company": grave.company,
            "deleted_at": grave.deleted_at, "updated_at": grave.deleted_at,
        }),
        key: grave.key,
    }));
    if by_position {
        entries.sort_by_key(|e| e.position);
    }
    entries
}

/// What a filter asks for.
enum Wanted {
    Value(Box<dyn ToSql>),
    NoDate,
    /// A value that no record can have.
    Nothing,
}

impl Wanted {
    fn read(name: &str, kind: Kind, text: &str) -> Result<Self, StoreError> {
        let invalid = |wanted| StoreError::FilterInvalid {
            field: name.to_owned(),
            value: text.to_owned(),
            wanted,
        };
        match kind {
            Kind::Text | Kind::Json => Ok(Self::Value(Box::new(text.to_owned()))),
            Kind::Decimal { scale } => match Decimal::parse(text, scale) {
                Ok(decimal) => Ok(Self::Value(Box::new(decimal.units()))),
                Err(DecimalError::NotANumber) => Err(invalid("a decimal")),
                Err(DecimalError::TooPrecise { .. } | DecimalError::TooLarge) => Ok(Self::Nothing),
            },
            Kind::Date => match values::parse_date(text) {
                Ok(Some(date)) => Ok(Self::Value(Box::new(date.to_string()))),
                Ok(None) => Ok(Self::NoDate),
                Err(_) => Err(invalid("a date")),
            },
        }
    }
}
