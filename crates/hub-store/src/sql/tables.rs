//! Tables of datasets: they come from the catalog and only ever gain columns.

use crate::engine::{Column, Inventory, Tx};
use std::cell::RefCell;

use catalog::{Catalog, Dataset, Field, USER_DEFINED_PREFIX};
use values::{CompanyId, DatasetName, TenantId};

use crate::{StoreError, TenantScope};

/// Each such table costs every tenant a little when the store is opened and planned over;
/// a site that wants more of them syncs tables by mistake.
const MAX_USER_DEFINED: i64 = 200;

/// Columns that every record has besides its fields.
const RECORD: [(&str, Column); 6] = [
    ("company", Column::Text),
    ("key", Column::Text),
    ("_hash", Column::Integer),
    ("_position", Column::Integer),
    ("updated_at", Column::Integer),
    (PURGED_AT, Column::IntegerOrNull),
];
/// Came with version 2 of the store.
const PURGED_AT: &str = "_purged_at";
/// The same of a row of a record's children.
const CHILD: [(&str, Column); 3] = [
    ("company", Column::Text),
    ("key", Column::Text),
    ("_ordinal", Column::Integer),
];

/// The catalog's tables, and those of datasets that sites have brought.
pub(super) fn ensure_all(t: &Tx<'_>, catalog: &Catalog) -> Result<(), StoreError> {
    let tables = Tables::found(t)?;
    for dataset in catalog.datasets() {
        tables.ensure(dataset);
    }
    let sql = "SELECT DISTINCT dataset FROM hub_streams WHERE dataset LIKE ? || '%' ORDER BY dataset";
    let names = t.all(sql, [USER_DEFINED_PREFIX], |row| row.get::<String>(0))?;
    for dataset in names.iter().filter_map(|name| catalog.resolve(name)) {
        tables.ensure(&dataset);
    }
    tables.make()
}

/// The table of a dataset that a site brings with its first stream.
pub(super) fn admit(t: &Tx<'_>, dataset: &Dataset, tenant: &TenantId) -> Result<(), StoreError> {
    if exists(t, dataset, tenant)? {
        return Ok(());
    }
    let sql = "SELECT count(DISTINCT dataset) FROM hub_streams WHERE tenant = ? AND dataset LIKE ? || '%'";
    let have: i64 = t.row(sql, (tenant.as_str(), USER_DEFINED_PREFIX), |row| row.get(0))?;
    if have >= MAX_USER_DEFINED {
        return Err(StoreError::DatasetsTooMany {
            dataset: dataset.name.clone(),
            most: MAX_USER_DEFINED,
        });
    }
    t.lock_schema()?;
    let tables = Tables::found(t)?;
    tables.ensure(dataset);
    tables.make()
}

/// Has the dataset a table? A site's own has one from its tenant's first stream on.
pub(super) fn exists(t: &Tx<'_>, dataset: &Dataset, tenant: &TenantId) -> Result<bool, StoreError> {
    if !dataset.user_defined {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM hub_streams WHERE tenant = ? AND dataset = ? LIMIT 1";
    t.exists(sql, (tenant.as_str(), dataset.name.as_str()))
}

/// Has a company that the token sees brought this dataset?
pub(super) fn is_seen(t: &Tx<'_>, scope: &TenantScope, name: &DatasetName) -> Result<bool, StoreError> {
    let sql = "SELECT company FROM hub_streams WHERE tenant = ? AND dataset = ?";
    let companies = t.all(sql, (scope.tenant().as_str(), name.as_str()), |row| {
        Ok(CompanyId::new(row.get::<String>(0)?))
    })?;
    Ok(companies.iter().any(|company| scope.sees(company)))
}

/// Live records: those that are in the ERP.
pub(super) fn count_live(
    t: &Tx<'_>,
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
        t.row(&sql, (tenant.as_str(), company.as_str()), |row| row.get(0))
    };
    let live = count("")? - count(" AND _purged_at IS NOT NULL")?;
    Ok(live.cast_unsigned())
}

/// The table of a kind of child.
pub(crate) fn child_table(dataset: &str, child: &str) -> String {
    format!("{dataset}__{child}")
}

/// The fields' columns, quoted: `"a", "b"`.
pub(crate) fn column_list(fields: &[Field]) -> String {
    fields
        .iter()
        .map(|f| format!("\"{}\"", f.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The tables that there are, and what makes those that are missing. Names of tables and
/// columns come from the catalog, which allows a-z, 0-9 and _ only.
struct Tables<'a> {
    t: &'a Tx<'a>,
    have: Inventory,
    /// What is to be done, so that it is sent at once.
    todo: RefCell<String>,
}

impl<'a> Tables<'a> {
    fn found(t: &'a Tx<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            t,
            have: t.inventory()?,
            todo: RefCell::default(),
        })
    }

    fn ensure(&self, dataset: &Dataset) {
        let name = dataset.name.as_str();
        self.ensure_table(name, &RECORD, &dataset.fields, "company, key");
        self.ensure_index(&format!("{name}__by__position"), name, "company, _position", "");
        self.ensure_index(
            &format!("{name}__purged"),
            name,
            "company",
            " WHERE _purged_at IS NOT NULL",
        );
        for field in dataset.fields.iter().filter(|f| f.indexed && !f.is_udf()) {
            let columns = format!("company, \"{}\"", field.name);
            self.ensure_index(&format!("{name}__by_{}", field.name), name, &columns, "");
        }
        for child in &dataset.children {
            let table = child_table(name, &child.name);
            self.ensure_table(&table, &CHILD, &child.fields, "company, key, _ordinal");
        }
    }

    fn ensure_table(&self, name: &str, own: &[(&str, Column)], fields: &[Field], key: &str) {
        let define = |name: &str, column: Column| format!("\"{name}\" {}", self.t.definition(column));
        let mut columns = vec![("tenant", Column::Text)];
        columns.extend(own);
        columns.extend(fields.iter().map(|f| (f.name.as_str(), Column::of(f.kind))));
        let Some(have) = self.have.tables.get(name) else {
            let columns: Vec<_> = columns
                .iter()
                .map(|(name, column)| define(name, *column))
                .collect();
            let sql = format!(
                "CREATE TABLE \"{name}\" ({}, PRIMARY KEY (tenant, {key})){}",
                columns.join(", "),
                self.t.table_options()
            );
            self.todo(&sql);
            return;
        };
        for (column, kind) in columns.iter().filter(|(column, _)| !have.contains(*column)) {
            let definition = define(column, *kind);
            self.todo(&format!("ALTER TABLE \"{name}\" ADD COLUMN {definition}"));
        }
    }

    fn ensure_index(&self, name: &str, table: &str, columns: &str, condition: &str) {
        let name = self.t.index_name(name);
        if self.have.indexes.contains(name.as_ref()) {
            return;
        }
        let sql = format!("CREATE INDEX \"{name}\" ON \"{table}\" (tenant, {columns}){condition}");
        self.todo(&sql);
    }

    fn todo(&self, sql: &str) {
        let mut todo = self.todo.borrow_mut();
        todo.push_str(sql);
        todo.push_str(";\n");
    }

    fn make(self) -> Result<(), StoreError> {
        let todo = self.todo.into_inner();
        if todo.is_empty() {
            Ok(())
        } else {
            self.t.batch(&todo)
        }
    }
}
