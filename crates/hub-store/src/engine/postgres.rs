//! A PostgreSQL database, 15 or later. Calls block; the connections themselves live on
//! threads of their own, so that a call may come from anywhere.
//!
//! A read is one snapshot. A write of a tenant begins with its row in `hub_tenants`: it is
//! the tenant's one writer until it ends, others go on. A statement is sent together with
//! what opens its transaction, and the end of a read is not waited for.

mod address;
mod bulk;
mod listen;
mod pool;
mod session;
mod statistics;
mod tls;
mod turns;
mod types;
mod wait;

use std::collections::HashSet;

use values::{Key, TenantId};

use super::{ByKey, Row, Tx};
use crate::StoreError;

pub(crate) use address::Address;
pub(super) use bulk::{put_documents, stage};
pub(crate) use pool::Pool as Postgres;
use pool::Use;
use session::Argument;
pub(crate) use session::Session;
pub(super) use types::value;
use types::{Bound, Texts};

/// Reads see one state of the database.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Each statement sees what was committed before it, so that what stands behind the
/// tenant's lock is seen once it is held.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const LOCK_TENANT: &str = "SELECT 1 FROM hub_tenants WHERE tenant = ? FOR NO KEY UPDATE";

impl Postgres {
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let session = Session::new(self, Use::Read, Some(BEGIN_READ))?;
        work(&Tx::Postgres(&session))
    }

    /// For one statement: it is a transaction of its own.
    pub(crate) fn look<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let session = Session::new(self, Use::Look, None)?;
        work(&Tx::Postgres(&session))
    }

    pub(crate) fn write<T>(
        &self,
        tenant: Option<&TenantId>,
        prepare: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let turn = tenant.map(|tenant| self.turn(tenant)).transpose()?;
        let session = Session::new(self, Use::Write, Some(BEGIN_WRITE))?;
        let t = Tx::Postgres(&session);
        prepare(&t)?;
        if let Some(tenant) = tenant {
            t.lock(tenant)?;
        }
        let done = work(&t)?;
        let grown = session.grown.take();
        session.commit()?;
        drop(turn);
        self.look_at(grown);
        Ok(done)
    }
}

/// Makes the transaction the tenant's one writer.
pub(super) fn lock(session: &Session<'_>, tenant: &TenantId) -> Result<(), StoreError> {
    session.query(LOCK_TENANT, &[&Bound(super::Param::Text(tenant.as_str()))])?;
    Ok(())
}

/// All tables are asked at once: they cost one way to the server and back.
pub(super) fn each_by_key(
    session: &Session<'_>,
    tables: &[ByKey<'_>],
    tenant: &str,
    company: &str,
    keys: &[Key],
    work: &mut dyn FnMut(usize, u32, &Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let asked = tables.iter().map(|by_key| {
        let ByKey {
            table,
            columns,
            order,
        } = by_key;
        // The keys' places come last, so that the caller's columns keep theirs.
        match keys {
            // Of one key the planner knows that it is one.
            [_] => format!(
                "SELECT {columns}, CAST(1 AS BIGINT) FROM \"{table}\" \
                 WHERE tenant = ?1 AND company = ?2 AND key = ?3 ORDER BY {order}"
            ),
            _ => format!(
                "SELECT {columns}, _k._place FROM \"{table}\" \
                 JOIN unnest(CAST(?3 AS TEXT[])) WITH ORDINALITY AS _k (_key, _place) ON key = _k._key \
                 WHERE tenant = ?1 AND company = ?2 ORDER BY _k._place, {order}"
            ),
        }
    });
    let asked: Vec<String> = asked.collect();
    let texts = Texts::of(keys);
    let [tenant, company] = [tenant, company].map(|text| Bound(super::Param::Text(text)));
    let one = keys.first().map(|key| Bound(super::Param::Text(key.as_str())));
    let wanted: Argument<'_> = match &one {
        Some(one) if keys.len() == 1 => one,
        Some(_) | None => &texts,
    };
    let answers = session.query_all(&asked, &[&tenant, &company, wanted])?;
    for (of, rows) in answers.iter().enumerate() {
        for row in rows {
            let last = row.len().saturating_sub(1);
            let row = Row::Postgres(row);
            let place: i64 = row.get(last)?;
            work(of, u32::try_from(place - 1).unwrap_or(u32::MAX), &row)?;
        }
    }
    Ok(())
}

pub(super) fn delete_by_key(
    session: &Session<'_>,
    table: &str,
    own: &[(&str, &str)],
    keys: &[Key],
) -> Result<(), StoreError> {
    let conditions: Vec<_> = own.iter().map(|(column, _)| format!("{column} = ?")).collect();
    let sql = format!(
        "DELETE FROM \"{table}\" WHERE {} AND key = ANY(CAST(? AS TEXT[]))",
        conditions.join(" AND ")
    );
    let own: Vec<_> = own
        .iter()
        .map(|(_, value)| Bound(super::Param::Text(value)))
        .collect();
    let texts = Texts::of(keys);
    let mut parameters: Vec<session::Argument<'_>> = own.iter().map(|b| b as session::Argument<'_>).collect();
    parameters.push(&texts);
    session.execute(&sql, &parameters)?;
    Ok(())
}

/// Connections remember which staging tables they have.
type Staged = HashSet<String>;

/// The store's version, once it is known that the schema holds nothing of somebody else's.
pub(super) fn version(t: &Tx<'_>) -> Result<i64, StoreError> {
    let own = "SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace \
               AND relname = 'hub_store'";
    if t.exists(own, ())? {
        return t.row("SELECT version FROM hub_store", (), |row| row.get(0));
    }
    let foreign = "SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = current_schema()::regnamespace \
                   AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d \
                   WHERE d.objid = c.oid AND d.deptype = 'e') LIMIT 1";
    if t.exists(foreign, ())? {
        return Err(StoreError::NoStore);
    }
    Ok(0)
}
