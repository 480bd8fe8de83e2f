//! Pages of records and single ones, as a token sees them.

use std::borrow::Cow;

use crate::engine::{Param, ToParam, Tx};
use catalog::{Catalog, Dataset};
use jiff::Timestamp;
use serde_json::json;
use values::{CompanyId, Decimal, DecimalError, Key, Kind};

use super::documents::{Documents, MAX_DOCUMENTS, after_key, load, load_one};
use super::view::{View, written};
use super::{changes, feed, tables};
use crate::{Lookup, Page, Record, RecordPage, RecordQuery, Selection, StoreError, TenantScope, Tombstone};

pub(super) fn page(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    query: &RecordQuery<'_>,
    now: Timestamp,
) -> Result<RecordPage, StoreError> {
    let (tenant, company) = (scope.tenant(), &query.company);
    // Records and tombstones are read one after the other: neither reaches beyond this head.
    let place = query.page.place();
    let (head, begun) = match place {
        Some(place) => changes::check(t, tenant, place)?,
        None => (0, 0),
    };
    let nothing = RecordPage {
        position: head.cast_unsigned(),
        end: true,
        ..RecordPage::default()
    };
    if !tables::exists(t, query.dataset, tenant)? {
        return Ok(nothing);
    }
    let mut values = vec![Held::from(tenant.as_str()), Held::from(company.as_str())];
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
            values.push(Held::from(after));
            condition.push_str(&format!(" AND key {compare} ?{}", values.len()));
            "key"
        }
        Page::Position(after) | Page::Walk { after, .. } => {
            values.push(Held::Integer(after.cast_signed()));
            condition.push_str(&format!(" AND _position > ?{}", values.len()));
            values.push(Held::Integer(head));
            condition.push_str(&format!(" AND _position <= ?{}", values.len()));
            "_position"
        }
    };
    let limit = query.limit.clamp(1, MAX_DOCUMENTS);
    // One more than asked for tells whether there is a next page.
    values.push(Held::Integer(i64::from(limit) + 1));
    condition.push_str(&format!(" ORDER BY {order} LIMIT ?{}", values.len()));
    let parameters: Vec<Param<'_>> = values.iter().map(ToParam::param).collect();
    let dataset = narrowed(query.dataset, query.fields.as_ref());
    let documents = load(t, &dataset, tenant, company, &condition, &parameters)?;
    let graves = match place {
        Some((after, _)) if query.filters.is_empty() => feed::tombstones(
            t,
            query.dataset,
            tenant,
            company,
            (after.cast_signed(), head),
            limit + 1,
        )?,
        Some(_) | None => Vec::new(),
    };
    let view = View::new(t, catalog, scope, &dataset, company, query.fields.as_ref(), now)?;
    let mut entries = merge(view.render(t, &documents)?, &documents, graves)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = entries.len() <= most;
    entries.truncate(most);
    let reached = match entries.last() {
        Some(last) if !end => last.position.cast_signed(),
        Some(_) | None => head,
    };
    let reached = if place.is_some() { reached } else { 0 };
    Ok(RecordPage {
        position: reached.cast_unsigned(),
        begun: changes::still(begun, reached),
        last: entries.last().map(|e| (e.key.clone(), e.position)),
        data: entries.into_iter().map(|e| e.shown).collect(),
        end,
    })
}

pub(super) fn one(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    (dataset, company, key, fields): (&Dataset, &CompanyId, &Key, Option<&Selection>),
    now: Timestamp,
) -> Result<Lookup, StoreError> {
    let tenant = scope.tenant();
    if !tables::exists(t, dataset, tenant)? {
        return Ok(Lookup::Unknown);
    }
    let read = narrowed(dataset, fields);
    let documents = load_one(t, &read, tenant, company, key)?;
    let view = View::new(t, catalog, scope, &read, company, fields, now)?;
    if let Some(record) = view.render(t, &documents)?.pop() {
        return Ok(Lookup::Found(record));
    }
    let grave = feed::tombstone(t, dataset, tenant, company, key)?;
    Ok(grave.map_or(Lookup::Unknown, Lookup::Deleted))
}

/// The dataset with what has to be read.
fn narrowed<'d>(dataset: &'d Dataset, fields: Option<&Selection>) -> Cow<'d, Dataset> {
    fields.map_or(Cow::Borrowed(dataset), |fields| fields.narrow(dataset))
}

struct Entry {
    position: u64,
    key: Key,
    shown: Record,
}

/// Records and tombstones in one order; there are tombstones only where records come by
/// position.
fn merge(
    records: Vec<Record>,
    documents: &Documents,
    graves: Vec<(u64, Tombstone)>,
) -> Result<Vec<Entry>, StoreError> {
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
    for (position, grave) in graves {
        let shown = json!({
            "key": grave.key, "company": grave.company,
            "deleted_at": grave.deleted_at, "updated_at": grave.deleted_at,
        });
        entries.push(Entry {
            position,
            shown: written(&shown)?,
            key: grave.key,
        });
    }
    if by_position {
        entries.sort_by_key(|e| e.position);
    }
    Ok(entries)
}

/// A parameter that is kept until the statement is whole.
enum Held {
    Integer(i64),
    Text(String),
}

impl From<&str> for Held {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl ToParam for Held {
    fn param(&self) -> Param<'_> {
        match self {
            Self::Integer(number) => Param::Integer(*number),
            Self::Text(text) => Param::Text(text),
        }
    }
}

/// What a filter asks for.
enum Wanted {
    Value(Held),
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
            Kind::Text | Kind::Json => Ok(Self::Value(Held::from(text))),
            Kind::Decimal { scale } => match Decimal::parse(text, scale) {
                Ok(decimal) => Ok(Self::Value(Held::Integer(decimal.units()))),
                Err(DecimalError::NotANumber) => Err(invalid("a decimal")),
                Err(DecimalError::TooPrecise { .. } | DecimalError::TooLarge) => Ok(Self::Nothing),
            },
            Kind::Date => match values::parse_date(text) {
                Ok(Some(date)) => Ok(Self::Value(Held::Text(date.to_string()))),
                Ok(None) => Ok(Self::NoDate),
                Err(_) => Err(invalid("a date")),
            },
        }
    }
}
