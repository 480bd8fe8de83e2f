//! Where in the feed an instant stands.

use catalog::Catalog;
use jiff::{SignedDuration, Timestamp};
use values::TenantId;

use crate::StoreError;
use crate::engine::{Row, Tx};
use crate::sql::{changes, micros};

/// Clocks of several hubs over one store are apart by less.
const SLACK: SignedDuration = SignedDuration::from_secs(60);

/// The latest position with nothing before it that the hub stored at the instant or later.
/// Positions and instants grow together, but for the clocks' differences; so it is looked
/// for by halves, in indexes alone.
pub(super) fn position_at(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    at: Timestamp,
) -> Result<i64, StoreError> {
    let sought = micros(at.checked_sub(SLACK).unwrap_or(Timestamp::MIN));
    let sql = "SELECT company, dataset FROM hub_streams WHERE tenant = ? ORDER BY company, dataset";
    let streams: Vec<(String, String)> =
        t.all(sql, [tenant.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let streams: Vec<_> = streams
        .into_iter()
        .filter(|(_, dataset)| catalog.resolve(dataset).is_some())
        .collect();
    let (mut low, mut high) = (0, changes::check(t, tenant, (0, 0))?.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match first_behind(t, tenant, &streams, middle)? {
            // What stands between is before the instant, too.
            Some((position, stored)) if stored < sought => low = position.min(high),
            Some(_) | None => high = middle,
        }
    }
    changes::check(t, tenant, (low.cast_unsigned(), 0))?;
    Ok(low)
}

/// The first thing behind a position: where it stands and when it was stored.
fn first_behind(
    t: &Tx<'_>,
    tenant: &TenantId,
    streams: &[(String, String)],
    position: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    let read = |row: &Row<'_>| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?));
    let sql = "SELECT position, updated_at FROM hub_imports WHERE tenant = ? AND position > ? \
               ORDER BY position LIMIT 1";
    let mut first = t.one(sql, (tenant.as_str(), position), read)?;
    let mut nearer = |found: Option<(i64, i64)>| {
        first = [first, found].into_iter().flatten().min();
    };
    for (company, dataset) in streams {
        let sql = format!(
            "SELECT _position, updated_at FROM \"{dataset}\" WHERE tenant = ? AND company = ? AND _position > ? \
             ORDER BY _position LIMIT 1"
        );
        nearer(t.one(&sql, (tenant.as_str(), company, position), read)?);
        let sql = "SELECT position, deleted_at FROM hub_tombstones WHERE tenant = ? AND company = ? \
                   AND dataset = ? AND position > ? ORDER BY position LIMIT 1";
        nearer(t.one(sql, (tenant.as_str(), company, dataset, position), read)?);
    }
    Ok(first)
}
