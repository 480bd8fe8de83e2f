//! The fixed tables: they move by numbered migrations, never edited once released.
//!
//! Every key begins with the tenant, so that tables can be distributed by it. Fixed tables
//! are called `hub_…`: a dataset's name can never be one of theirs.

mod sqlite;

use catalog::Catalog;
use jiff::Timestamp;
use serde_json::json;
use values::StoreId;

use super::audit::{self, Act};
use super::{imports, micros, people, sites, tables};
use crate::engine::{Engine, Kind, Tx};
use crate::{Actor, AuditAction, StoreError, TenantInfo};

type After = fn(&Tx<'_>) -> Result<(), StoreError>;

/// From one version of the store to the next.
struct Migration {
    sql: &'static str,
    /// What SQL cannot do; not asked of a new store.
    after: Option<After>,
}

/// PostgreSQL came when files were at version 3, and begins with the same tables.
const POSTGRES: [Migration; 8] = [
    Migration {
        sql: include_str!("schema/postgres.sql"),
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_tenants ADD COLUMN feed_floor BIGINT NOT NULL DEFAULT 0;
CREATE INDEX hub_tombstones_deleted ON hub_tombstones (tenant, deleted_at);
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_api_tokens ADD COLUMN name TEXT COLLATE \"C\" NOT NULL DEFAULT '';
ALTER TABLE hub_api_tokens ADD COLUMN addresses TEXT COLLATE \"C\" NOT NULL DEFAULT '';
ALTER TABLE hub_api_tokens ADD COLUMN expires_at BIGINT;
ALTER TABLE hub_api_tokens ADD COLUMN last_used_at BIGINT;
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_tenants ADD COLUMN audited BIGINT NOT NULL DEFAULT 0;
CREATE TABLE hub_audit (
    tenant TEXT COLLATE \"C\" NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT COLLATE \"C\" NOT NULL,
    address TEXT COLLATE \"C\", action TEXT COLLATE \"C\" NOT NULL, subject TEXT COLLATE \"C\" NOT NULL,
    company TEXT COLLATE \"C\", details TEXT COLLATE \"C\",
    PRIMARY KEY (tenant, number)
);
CREATE INDEX hub_audit_at ON hub_audit (tenant, at);
CREATE INDEX hub_audit_subject ON hub_audit (tenant, subject, number);
CREATE INDEX hub_audit_action ON hub_audit (tenant, action, number);
",
        after: None,
    },
    Migration {
        sql: include_str!("schema/postgres_webhooks.sql"),
        after: None,
    },
    Migration {
        sql: "ALTER TABLE hub_companies ADD COLUMN price_options TEXT COLLATE \"C\";",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_webhook_events ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE hub_webhooks ADD COLUMN former_secrets TEXT COLLATE \"C\" NOT NULL DEFAULT '[]';
UPDATE hub_webhooks SET former_secrets = '[[\"' || former_secret || '\",' || former_until || ']]'
    WHERE former_secret IS NOT NULL;
ALTER TABLE hub_webhooks DROP COLUMN former_secret;
ALTER TABLE hub_webhooks DROP COLUMN former_until;
ALTER TABLE hub_tenants ADD COLUMN tombstone_floor BIGINT NOT NULL DEFAULT 0;
UPDATE hub_tenants SET tombstone_floor = feed_floor;
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_streams ADD COLUMN records BIGINT;
CREATE TABLE hub_queued (
    tenant TEXT COLLATE \"C\" NOT NULL, import TEXT COLLATE \"C\" NOT NULL, place BIGINT NOT NULL,
    company TEXT COLLATE \"C\" NOT NULL, key TEXT COLLATE \"C\" NOT NULL,
    warehouse TEXT COLLATE \"C\" NOT NULL, amount TEXT COLLATE \"C\" NOT NULL,
    PRIMARY KEY (tenant, import, place)
);
CREATE INDEX hub_queued_key ON hub_queued (tenant, company, key);
",
        after: Some(imports::fill_queue),
    },
];

/// The version that files have after [`migrate`].
pub(crate) fn sqlite_version() -> i64 {
    i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// A new identity for the store, and so a new epoch of all feeds. The store may be an earlier
/// state of itself: feeds go on behind every position that may have been taken since. None
/// has ever taken more than one a microsecond.
pub(super) fn start_epoch(
    t: &Tx<'_>,
    fresh_id: &StoreId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before: String = t.row("SELECT id FROM hub_store", (), |row| row.get(0))?;
    t.execute("UPDATE hub_store SET id = ?", [fresh_id.as_str()])?;
    t.execute("UPDATE hub_tenants SET head = ?1 WHERE head < ?1", [micros(now)])?;
    for TenantInfo { tenant, .. } in people::tenants(t)? {
        let act = Act {
            action: AuditAction::StoreRestored,
            subject: fresh_id.as_str(),
            company: None,
            details: json!({ "store": { "old": before, "new": fresh_id } }),
        };
        audit::note(t, &tenant, by, act, now)?;
    }
    Ok(())
}

/// Tells all tenants that the store was copied to a file of this name.
pub(super) fn note_copy(t: &Tx<'_>, name: &str, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let store: String = t.row("SELECT id FROM hub_store", (), |row| row.get(0))?;
    for TenantInfo { tenant, .. } in people::tenants(t)? {
        let act = Act {
            action: AuditAction::StoreCopied,
            subject: &store,
            company: None,
            details: json!({ "file": name }),
        };
        audit::note(t, &tenant, by, act, now)?;
    }
    Ok(())
}

/// Brings the store to this version and returns its id. Two processes may do so at once.
pub(super) fn migrate(
    engine: &Engine,
    catalog: &Catalog,
    fresh_id: &StoreId,
    now: Timestamp,
) -> Result<StoreId, StoreError> {
    engine.write(
        None,
        |t| t.lock_schema(),
        |t| {
            let migrations: &[Migration] = match t.kind() {
                Kind::Sqlite => &sqlite::MIGRATIONS,
                Kind::Postgres => &POSTGRES,
            };
            let found = t.version()?;
            let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
            if found > known {
                return Err(StoreError::TooNew { found, known });
            }
            for migration in migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
                t.batch(migration.sql)?;
                if let Some(after) = migration.after.filter(|_| found > 0) {
                    after(t)?;
                }
            }
            if found == 0 {
                t.make_store(fresh_id.as_str(), micros(now))?;
            }
            t.set_version(known)?;
            tables::ensure_all(t, catalog)?;
            if found < known {
                sites::count_uncounted(t, catalog)?;
            }
            t.row("SELECT id FROM hub_store", (), |row| {
                Ok(StoreId::new(row.get::<String>(0)?))
            })
        },
    )
}
