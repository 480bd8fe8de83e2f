//! Tables of datasets: they come from the catalog and only ever gain columns.

use std::collections::HashSet;
use std::fmt::Write as _;

use catalog::{Catalog, Dataset, Field, USER_DEFINED_PREFIX};
use rusqlite::{OptionalExtension as _, Transaction};
use values::{CompanyId, DatasetName, Kind, TenantId};

use crate::{StoreError, TenantScope};

/// Each such table costs every tenant a little when the store is opened and planned over;
/// a site that wants more of them syncs tables by mistake.
const MAX_USER_DEFINED: i64 = 200;

/// What every record has besides its fields.
const RECORD: &str = "company TEXT NOT NULL, key TEXT NOT NULL, _hash INTEGER NOT NULL, _position INTEGER NOT NULL, \
                      updated_at INTEGER NOT NULL, _purged_at INTEGER";
/// Came with version 2 of the store.
const PURGED_AT: &str = "_purged_at";
const CHILD: &str = "company TEXT NOT NULL, key TEXT NOT NULL, _ordinal INTEGER NOT NULL";

/// The catalog's tables, and those of datasets that sites have brought.
pub(super) fn ensure_all(t: &Transaction<'_>, catalog: &Catalog) -> Result<(), StoreError> {
    for dataset in catalog.datasets() {
        ensure(t, dataset)?;
    }
    let sql = "SELECT DISTINCT dataset FROM hub_streams WHERE dataset LIKE ? || '%' ORDER BY dataset";
    let mut statement = t.prepare(sql)?;
    let names: Vec<String> = statement
        .query_map([USER_DEFINED_PREFIX], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for dataset in names.iter().filter_map(|name| catalog.resolve(name)) {
        ensure(t, &dataset)?;
    }
    Ok(())
}

/// The table of a dataset that a site brings with its first stream.
pub(super) fn admit(t: &Transaction<'_>, dataset: &Dataset, tenant: &TenantId) -> Result<(), StoreError> {
    let sql = "SELECT count(DISTINCT dataset), coalesce(max(dataset = ?2), 0) FROM hub_streams \
               WHERE tenant = ?1 AND dataset LIKE ?3 || '%'";
    let (have, known): (i64, bool) = t.prepare_cached(sql)?.query_row(
        (tenant.as_str(), dataset.name.as_str(), USER_DEFINED_PREFIX),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if known {
        return Ok(());
    }
    if have >= MAX_USER_DEFINED {
        return Err(StoreError::DatasetsTooMany {
            dataset: dataset.name.clone(),
            most: MAX_USER_DEFINED,
        });
    }
    ensure(t, dataset)
}

/// Has the dataset a table? A site's own has one from its tenant's first stream on.
pub(super) fn exists(t: &Transaction<'_>, dataset: &Dataset, tenant: &TenantId) -> Result<bool, StoreError> {
    if !dataset.user_defined {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM hub_streams WHERE tenant = ? AND dataset = ? LIMIT 1";
    let found = t
        .prepare_cached(sql)?
        .query_row((tenant.as_str(), dataset.name.as_str()), |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Has a company that the token sees brought this dataset?
pub(super) fn is_seen(
    t: &Transaction<'_>,
    scope: &TenantScope,
    name: &DatasetName,
) -> Result<bool, StoreError> {
    let sql = "SELECT company FROM hub_streams WHERE tenant = ? AND dataset = ?";
    let mut statement = t.prepare_cached(sql)?;
    let mut rows = statement.query((scope.tenant().as_str(), name.as_str()))?;
    while let Some(row) = rows.next()? {
        if scope.sees(&CompanyId::new(row.get::<_, String>(0)?)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Live records: those that are in the ERP.
pub(super) fn count_live(
    t: &Transaction<'_>,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
) -> Result<u64, StoreError> {
    if !exists(t, dataset, tenant)? {
        return Ok(0);
    }
    // Both counts go over an index, the second over one that is nearly empty.
    let count = |condition: &str| -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT count(*) FROM \"{}\" WHERE tenant = ? AND company = ?{condition}",
            dataset.name
        );
        let mut statement = t.prepare_cached(&sql)?;
        Ok(statement.query_row((tenant.as_str(), company.as_str()), |row| row.get(0))?)
    };
    let live = count("")? - count(" AND _purged_at IS NOT NULL")?;
    Ok(live.cast_unsigned())
}

fn ensure(t: &Transaction<'_>, dataset: &Dataset) -> Result<(), StoreError> {
    let name = dataset.name.as_str();
    ensure_table(t, name, RECORD, &dataset.fields, "company, key")?;
    ensure_index(t, name, "_position")?;
    let sql = format!(
        "CREATE INDEX IF NOT EXISTS \"{name}__purged\" ON \"{name}\" (tenant, company) WHERE _purged_at IS NOT NULL"
    );
    t.execute(&sql, [])?;
    for field in dataset.fields.iter().filter(|f| f.indexed && !f.is_udf()) {
        ensure_index(t, name, &field.name)?;
    }
    for child in &dataset.children {
        let table = child_table(name, &child.name);
        ensure_table(t, &table, CHILD, &child.fields, "company, key, _ordinal")?;
    }
    Ok(())
}

/// The table of a kind of child.
pub(super) fn child_table(dataset: &str, child: &str) -> String {
    format!("{dataset}__{child}")
}

/// The fields' columns, quoted: `"a", "b"`.
pub(super) fn column_list(fields: &[Field]) -> String {
    fields
        .iter()
        .map(|f| format!("\"{}\"", f.name))
        .collect::<Vec<_>>()
        .join(", ")
}

// Names of tables and columns come from the catalog, which allows a-z, 0-9 and _ only.
fn ensure_table(
    transaction: &Transaction<'_>,
    name: &str,
    own: &str,
    fields: &[Field],
    key: &str,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare("SELECT name FROM pragma_table_info(?)")?;
    let have: HashSet<String> = statement
        .query_map([name], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if have.is_empty() {
        let mut sql = format!("CREATE TABLE \"{name}\" (tenant TEXT NOT NULL, {own}");
        for field in fields {
            write!(sql, ", {}", definition(field)).map_err(|e| StoreError::corrupt(e.to_string()))?;
        }
        sql.push_str(&format!(", PRIMARY KEY (tenant, {key})) STRICT"));
        transaction.execute(&sql, [])?;
        return Ok(());
    }
    let mut missing: Vec<_> = fields
        .iter()
        .filter(|f| !have.contains(&f.name))
        .map(definition)
        .collect();
    if own.contains(PURGED_AT) && !have.contains(PURGED_AT) {
        missing.push(format!("{PURGED_AT} INTEGER"));
    }
    for column in missing {
        transaction.execute(&format!("ALTER TABLE \"{name}\" ADD COLUMN {column}"), [])?;
    }
    Ok(())
}

fn ensure_index(transaction: &Transaction<'_>, table: &str, column: &str) -> Result<(), StoreError> {
    let sql = format!(
        "CREATE INDEX IF NOT EXISTS \"{table}__by_{column}\" ON \"{table}\" (tenant, company, \"{column}\")"
    );
    transaction.execute(&sql, [])?;
    Ok(())
}

fn definition(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text | Kind::Json => "TEXT NOT NULL DEFAULT ''",
        Kind::Decimal { .. } => "INTEGER NOT NULL DEFAULT 0",
        Kind::Date => "TEXT",
    };
    format!("\"{}\" {kind}", field.name)
}
