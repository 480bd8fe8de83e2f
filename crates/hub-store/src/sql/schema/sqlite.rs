//! The fixed tables in a file.

use super::Migration;
use crate::sql::imports;

pub(super) const MIGRATIONS: [Migration; 10] = [
    Migration {
        sql: "
CREATE TABLE hub_store (id TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE hub_tenants (
    tenant TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    head INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE hub_enrolment_codes (
    tenant TEXT NOT NULL REFERENCES hub_tenants, hash BLOB NOT NULL, role TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER,
    PRIMARY KEY (tenant, hash)
) STRICT;
CREATE INDEX hub_enrolment_codes_hash ON hub_enrolment_codes (hash);
CREATE TABLE hub_agents (
    tenant TEXT NOT NULL REFERENCES hub_tenants, agent TEXT NOT NULL, role TEXT NOT NULL, public_key TEXT NOT NULL,
    host TEXT NOT NULL, version TEXT NOT NULL, enrolled_at INTEGER NOT NULL,
    last_contact_at INTEGER, revoked_at INTEGER,
    PRIMARY KEY (tenant, agent)
) STRICT;
CREATE INDEX hub_agents_agent ON hub_agents (agent);
CREATE TABLE hub_agent_tokens (
    tenant TEXT NOT NULL, hash BLOB NOT NULL, agent TEXT NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, hash)
) STRICT;
CREATE INDEX hub_agent_tokens_hash ON hub_agent_tokens (hash);
CREATE TABLE hub_agent_nonces (
    tenant TEXT NOT NULL, agent TEXT NOT NULL, nonce TEXT NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, agent, nonce)
) STRICT;
CREATE TABLE hub_api_tokens (
    tenant TEXT NOT NULL REFERENCES hub_tenants, hash BLOB NOT NULL, prefix TEXT NOT NULL, scope TEXT NOT NULL,
    companies TEXT, classes TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER,
    PRIMARY KEY (tenant, hash)
) STRICT;
CREATE INDEX hub_api_tokens_hash ON hub_api_tokens (hash);
CREATE TABLE hub_companies (
    tenant TEXT NOT NULL REFERENCES hub_tenants, company TEXT NOT NULL, agent TEXT NOT NULL, time_zone TEXT,
    lease INTEGER NOT NULL DEFAULT 0, journal TEXT, claimed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, company)
) STRICT;
CREATE TABLE hub_streams (
    tenant TEXT NOT NULL, company TEXT NOT NULL, dataset TEXT NOT NULL,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, digest INTEGER NOT NULL, previous INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, company, dataset)
) STRICT;
CREATE TABLE hub_imports (
    tenant TEXT NOT NULL REFERENCES hub_tenants, id TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, company TEXT NOT NULL, body TEXT NOT NULL, body_hash BLOB NOT NULL,
    revision INTEGER NOT NULL, accepted INTEGER, state TEXT NOT NULL, report TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX hub_imports_number ON hub_imports (tenant, number);
CREATE INDEX hub_imports_state ON hub_imports (tenant, company, state, number);
CREATE TABLE hub_reservations (
    tenant TEXT NOT NULL, company TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    import TEXT NOT NULL, number INTEGER NOT NULL, write INTEGER NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (tenant, company, name, value)
) STRICT;
CREATE INDEX hub_reservations_import ON hub_reservations (tenant, import, number);
",
        after: None,
    },
    Migration {
        sql: "
CREATE TABLE hub_tombstones (
    tenant TEXT NOT NULL, company TEXT NOT NULL, dataset TEXT NOT NULL, key TEXT NOT NULL,
    position INTEGER NOT NULL, deleted_at INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (tenant, company, dataset, key)
) STRICT;
CREATE INDEX hub_tombstones_position ON hub_tombstones (tenant, company, dataset, position);
CREATE TABLE hub_removals (
    tenant TEXT NOT NULL, company TEXT NOT NULL, dataset TEXT NOT NULL, at INTEGER NOT NULL,
    unexplained INTEGER NOT NULL,
    PRIMARY KEY (tenant, company, dataset, at)
) STRICT;
CREATE TABLE hub_agent_status (
    tenant TEXT NOT NULL, agent TEXT NOT NULL, reported_at INTEGER NOT NULL, status TEXT NOT NULL,
    PRIMARY KEY (tenant, agent)
) STRICT;
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_imports ADD COLUMN customer TEXT;
ALTER TABLE hub_imports ADD COLUMN decision TEXT;
ALTER TABLE hub_imports ADD COLUMN settled_at INTEGER;
ALTER TABLE hub_imports ADD COLUMN redacted_at INTEGER;
UPDATE hub_imports SET settled_at = updated_at WHERE state IN ('written', 'refused', 'discarded');
UPDATE hub_imports SET report = json_set(json_remove(report, '$.sales_order_no'), '$.numbers',
    json_object('sales_order_no', json_extract(report, '$.sales_order_no')))
    WHERE json_extract(report, '$.sales_order_no') IS NOT NULL;
CREATE INDEX hub_imports_by_state ON hub_imports (tenant, state, number);
CREATE INDEX hub_imports_by_customer ON hub_imports (tenant, customer, number);
CREATE INDEX hub_imports_settled ON hub_imports (tenant, settled_at)
    WHERE settled_at IS NOT NULL AND redacted_at IS NULL;
CREATE TABLE hub_import_revisions (
    tenant TEXT NOT NULL, import TEXT NOT NULL, revision INTEGER NOT NULL, state TEXT NOT NULL, report TEXT,
    decision TEXT, ended_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, import, revision)
) STRICT;
CREATE TABLE hub_tenders (
    tenant TEXT NOT NULL, import TEXT NOT NULL, company TEXT NOT NULL, kind TEXT NOT NULL, payment_type TEXT,
    amount TEXT NOT NULL, gateway_transaction TEXT, day TEXT NOT NULL, claims INTEGER NOT NULL,
    PRIMARY KEY (tenant, import)
) STRICT;
CREATE UNIQUE INDEX hub_tenders_transaction ON hub_tenders (tenant, gateway_transaction, kind)
    WHERE gateway_transaction IS NOT NULL AND claims = 1;
CREATE INDEX hub_tenders_day ON hub_tenders (tenant, company, day);
CREATE TABLE hub_previews (
    tenant TEXT NOT NULL, id TEXT NOT NULL, company TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    asked_at INTEGER NOT NULL, given_at INTEGER, report TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX hub_previews_waiting ON hub_previews (tenant, company, asked_at) WHERE report IS NULL;
CREATE INDEX hub_previews_asked ON hub_previews (asked_at);
",
        // Documents got customers and tenders.
        after: Some(imports::fill_in),
    },
    Migration {
        sql: "
ALTER TABLE hub_tenants ADD COLUMN feed_floor INTEGER NOT NULL DEFAULT 0;
CREATE INDEX hub_tombstones_deleted ON hub_tombstones (tenant, deleted_at);
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_api_tokens ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_api_tokens ADD COLUMN addresses TEXT NOT NULL DEFAULT '';
ALTER TABLE hub_api_tokens ADD COLUMN expires_at INTEGER;
ALTER TABLE hub_api_tokens ADD COLUMN last_used_at INTEGER;
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_tenants ADD COLUMN audited INTEGER NOT NULL DEFAULT 0;
CREATE TABLE hub_audit (
    tenant TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
    address TEXT, action TEXT NOT NULL, subject TEXT NOT NULL, company TEXT, details TEXT,
    PRIMARY KEY (tenant, number)
) STRICT;
CREATE INDEX hub_audit_at ON hub_audit (tenant, at);
CREATE INDEX hub_audit_subject ON hub_audit (tenant, subject, number);
CREATE INDEX hub_audit_action ON hub_audit (tenant, action, number);
",
        after: None,
    },
    Migration {
        sql: include_str!("sqlite_webhooks.sql"),
        after: None,
    },
    Migration {
        sql: "ALTER TABLE hub_companies ADD COLUMN price_options TEXT;",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_webhook_events ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hub_webhooks ADD COLUMN former_secrets TEXT NOT NULL DEFAULT '[]';
UPDATE hub_webhooks SET former_secrets = '[[\"' || former_secret || '\",' || former_until || ']]'
    WHERE former_secret IS NOT NULL;
ALTER TABLE hub_webhooks DROP COLUMN former_secret;
ALTER TABLE hub_webhooks DROP COLUMN former_until;
ALTER TABLE hub_tenants ADD COLUMN tombstone_floor INTEGER NOT NULL DEFAULT 0;
UPDATE hub_tenants SET tombstone_floor = feed_floor;
",
        after: None,
    },
    Migration {
        sql: "
ALTER TABLE hub_streams ADD COLUMN records INTEGER;
CREATE TABLE hub_queued (
    tenant TEXT NOT NULL, import TEXT NOT NULL, place INTEGER NOT NULL, company TEXT NOT NULL, key TEXT NOT NULL,
    warehouse TEXT NOT NULL, amount TEXT NOT NULL,
    PRIMARY KEY (tenant, import, place)
) STRICT;
CREATE INDEX hub_queued_key ON hub_queued (tenant, company, key);
",
        after: Some(imports::fill_queue),
    },
];
