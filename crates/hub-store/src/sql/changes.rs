//! The feed over all datasets of a tenant.

use std::borrow::Cow;

use catalog::{Catalog, Dataset};
use jiff::Timestamp;
use values::{CompanyId, TenantId};

use super::documents::load;
use super::view::View;
use super::{feed, micros};
use crate::engine::{Param, Tx};
use crate::{Change, ChangePage, ChangeQuery, StoreError, TenantScope};

/// Documents of one page.
const MOST: u32 = 1_000;

/// One dataset of one company.
struct Stream<'a> {
    dataset: Cow<'a, Dataset>,
    company: CompanyId,
}

pub(super) fn page(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    query: &ChangeQuery,
    now: Timestamp,
) -> Result<ChangePage, StoreError> {
    let place = check(t, scope.tenant(), (query.after, query.begun))?;
    page_from(t, catalog, scope, query, place, now)
}

/// A page from a place that was checked. What is read reaches up to this head and no further:
/// positions beyond it may be taken, and committed, while the datasets are read one after the
/// other.
pub(super) fn page_from(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    query: &ChangeQuery,
    (head, begun): (i64, i64),
    now: Timestamp,
) -> Result<ChangePage, StoreError> {
    let tenant = scope.tenant();
    let after = query.after.cast_signed();
    let nothing = ChangePage {
        position: head.cast_unsigned(),
        ..ChangePage::default()
    };
    if after == head {
        return Ok(nothing);
    }
    let limit = query.limit.clamp(1, MOST);
    let streams = streams(t, catalog, scope, query)?;
    let mut positions = Vec::new();
    for stream in &streams {
        probe(t, tenant, stream, (after, head), limit + 1, &mut positions)?;
    }
    positions.sort_unstable();
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = positions.len() > most;
    positions.truncate(most);
    let Some(&last) = positions.last() else {
        return Ok(nothing);
    };
    let until = if more { last } else { head };
    let mut data = Vec::with_capacity(positions.len());
    for stream in &streams {
        add(t, catalog, scope, stream, (after, until), now, &mut data)?;
    }
    data.sort_by_key(|change| change.position);
    Ok(ChangePage {
        data,
        position: until.cast_unsigned(),
        begun: still(begun, until),
        more,
    })
}

/// The tenant's head, if everything since the position can still be told, and where the feed
/// stood when the walk began at the very start (zero for others).
pub(super) fn check(t: &Tx<'_>, tenant: &TenantId, place: (u64, u64)) -> Result<(i64, i64), StoreError> {
    check_above(t, tenant, place, "feed_floor")
}

/// The same for a webhook. One goes on behind a company that has left, whose records nothing
/// tells of; it is too late where tombstones were forgotten that it was not told of.
pub(super) fn check_webhook(
    t: &Tx<'_>,
    tenant: &TenantId,
    place: (u64, u64),
) -> Result<(i64, i64), StoreError> {
    check_above(t, tenant, place, "tombstone_floor")
}

fn check_above(
    t: &Tx<'_>,
    tenant: &TenantId,
    (after, begun): (u64, u64),
    floor: &str,
) -> Result<(i64, i64), StoreError> {
    let sql = format!("SELECT head, {floor} FROM hub_tenants WHERE tenant = ?");
    let (head, floor): (i64, i64) = t.row(&sql, [tenant.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let place = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
    // Whoever begins at the start has nothing that could have left.
    let begun = if after == 0 { head } else { place(begun) };
    let after = place(after);
    // A position that nobody has taken yet is from before a restore. Up to where the feed
    // stood at a walk's beginning, nothing that was seen on it can have left.
    if after > head || begun > head || after.max(begun) < floor {
        return Err(StoreError::FeedExpired);
    }
    Ok((head, begun))
}

/// A beginning that still tells something at this position.
pub(super) fn still(begun: i64, position: i64) -> u64 {
    if position < begun {
        begun.cast_unsigned()
    } else {
        0
    }
}

/// What the token sees and the query asks for.
fn streams<'c>(
    t: &Tx<'_>,
    catalog: &'c Catalog,
    scope: &TenantScope,
    query: &ChangeQuery,
) -> Result<Vec<Stream<'c>>, StoreError> {
    let sql = "SELECT company, dataset FROM hub_streams WHERE tenant = ? ORDER BY company, dataset";
    let known: Vec<(String, String)> = t.all(sql, [scope.tenant().as_str()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let asked = |(company, dataset): (String, String)| {
        let company = CompanyId::new(company);
        let is_wanted = scope.sees(&company)
            && query.company.as_ref().is_none_or(|c| *c == company)
            && query
                .datasets
                .as_ref()
                .is_none_or(|all| all.iter().any(|d| d.as_str() == dataset));
        let dataset = catalog.resolve(&dataset).filter(|_| is_wanted)?;
        Some(Stream { dataset, company })
    };
    Ok(known.into_iter().filter_map(asked).collect())
}

/// Positions behind the first and up to the second, out of indexes alone: what has not moved
/// costs one look.
fn probe(
    t: &Tx<'_>,
    tenant: &TenantId,
    stream: &Stream<'_>,
    (after, head): (i64, i64),
    limit: u32,
    positions: &mut Vec<i64>,
) -> Result<(), StoreError> {
    let name = stream.dataset.name.as_str();
    let sql = format!(
        "SELECT _position FROM \"{name}\" WHERE tenant = ? AND company = ? AND _position > ? AND _position <= ? \
         ORDER BY _position LIMIT ?"
    );
    let own = (tenant.as_str(), stream.company.as_str());
    let limit = i64::from(limit);
    t.each(&sql, (own.0, own.1, after, head, limit), |row| {
        positions.push(row.get(0)?);
        Ok(())
    })?;
    let sql = "SELECT position FROM hub_tombstones WHERE tenant = ? AND company = ? AND dataset = ? \
               AND position > ? AND position <= ? ORDER BY position LIMIT ?";
    t.each(sql, (own.0, own.1, name, after, head, limit), |row| {
        positions.push(row.get(0)?);
        Ok(())
    })
}

/// Records and tombstones between two positions.
fn add(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    stream: &Stream<'_>,
    (after, until): (i64, i64),
    now: Timestamp,
    data: &mut Vec<Change>,
) -> Result<(), StoreError> {
    let (tenant, company, dataset) = (scope.tenant(), &stream.company, stream.dataset.as_ref());
    let parameters = [
        Param::Text(tenant.as_str()),
        Param::Text(company.as_str()),
        Param::Integer(after),
        Param::Integer(until),
    ];
    let condition = "_position > ?3 AND _position <= ?4 ORDER BY _position";
    let documents = load(t, dataset, tenant, company, condition, &parameters)?;
    if !documents.keys.is_empty() {
        let view = View::new(t, catalog, scope, dataset, company, None, now)?;
        let shown = view.render(t, &documents)?;
        let places = documents.keys.iter().zip(&documents.marks);
        data.extend(
            shown
                .into_iter()
                .zip(places)
                .map(|(record, (key, marks))| Change {
                    position: marks.position,
                    dataset: dataset.name.clone(),
                    company: company.clone(),
                    key: key.clone(),
                    at: marks.updated_at,
                    record: Some(record),
                }),
        );
    }
    let graves = feed::tombstones(t, dataset, tenant, company, (after, until), MOST)?;
    data.extend(graves.into_iter().map(|(position, grave)| Change {
        position,
        dataset: dataset.name.clone(),
        company: grave.company,
        key: grave.key,
        at: grave.deleted_at,
        record: None,
    }));
    Ok(())
}

/// Tenants that have tombstones of before an instant.
pub(super) fn with_tombstones(t: &Tx<'_>, before: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    let sql = "SELECT tenant FROM hub_tenants WHERE EXISTS (SELECT 1 FROM hub_tombstones \
               WHERE hub_tombstones.tenant = hub_tenants.tenant AND deleted_at < ?) ORDER BY tenant";
    t.all(sql, [micros(before)], |row| {
        Ok(TenantId::new(row.get::<String>(0)?))
    })
}

pub(super) fn drop_tombstones(t: &Tx<'_>, tenant: &TenantId, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT max(position) FROM hub_tombstones WHERE tenant = ? AND deleted_at < ?";
    let own = (tenant.as_str(), micros(before));
    let Some(last) = t.row(sql, own, |row| row.get::<Option<i64>>(0))? else {
        return Ok(0);
    };
    for floor in ["feed_floor", "tombstone_floor"] {
        let sql = format!("UPDATE hub_tenants SET {floor} = ?1 WHERE tenant = ?2 AND {floor} < ?1");
        t.execute(&sql, (last, tenant.as_str()))?;
    }
    t.execute(
        "DELETE FROM hub_tombstones WHERE tenant = ? AND deleted_at < ?",
        own,
    )
}
