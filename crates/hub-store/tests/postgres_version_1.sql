-- A store as version 1 made it on PostgreSQL, with two of its datasets, narrower, and a row or two in each table
-- of interest. Versions of files are counted apart.
CREATE TABLE hub_store (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, created_at BIGINT NOT NULL, version BIGINT NOT NULL);
CREATE TABLE hub_tenants (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE,
    head BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL
);
CREATE TABLE hub_enrolment_codes (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES hub_tenants, hash BYTEA NOT NULL, role TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX hub_enrolment_codes_hash ON hub_enrolment_codes (hash);
CREATE TABLE hub_agents (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES hub_tenants, agent TEXT COLLATE "C" NOT NULL, role TEXT COLLATE "C" NOT NULL, public_key TEXT COLLATE "C" NOT NULL,
    host TEXT COLLATE "C" NOT NULL, version TEXT COLLATE "C" NOT NULL, enrolled_at BIGINT NOT NULL,
    last_contact_at BIGINT, revoked_at BIGINT,
    PRIMARY KEY (tenant, agent)
);
CREATE INDEX hub_agents_agent ON hub_agents (agent);
CREATE TABLE hub_agent_tokens (
    tenant TEXT COLLATE "C" NOT NULL, hash BYTEA NOT NULL, agent TEXT COLLATE "C" NOT NULL, expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX hub_agent_tokens_hash ON hub_agent_tokens (hash);
CREATE TABLE hub_agent_nonces (
    tenant TEXT COLLATE "C" NOT NULL, agent TEXT COLLATE "C" NOT NULL, nonce TEXT COLLATE "C" NOT NULL, expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, agent, nonce)
);
CREATE TABLE hub_api_tokens (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES hub_tenants, hash BYTEA NOT NULL, prefix TEXT COLLATE "C" NOT NULL, scope TEXT COLLATE "C" NOT NULL,
    companies TEXT COLLATE "C", classes TEXT COLLATE "C" NOT NULL, created_at BIGINT NOT NULL, revoked_at BIGINT,
    PRIMARY KEY (tenant, hash)
);
CREATE INDEX hub_api_tokens_hash ON hub_api_tokens (hash);
CREATE TABLE hub_companies (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES hub_tenants, company TEXT COLLATE "C" NOT NULL, agent TEXT COLLATE "C" NOT NULL, time_zone TEXT COLLATE "C",
    lease BIGINT NOT NULL DEFAULT 0, journal TEXT COLLATE "C", claimed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, company)
);
CREATE TABLE hub_streams (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, dataset TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL, sequence BIGINT NOT NULL, digest BIGINT NOT NULL, previous BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, company, dataset)
);
CREATE TABLE hub_imports (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES hub_tenants, id TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, kind TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, body TEXT COLLATE "C" NOT NULL, body_hash BYTEA NOT NULL,
    revision BIGINT NOT NULL, accepted BIGINT, state TEXT COLLATE "C" NOT NULL, report TEXT COLLATE "C",
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, customer TEXT COLLATE "C", decision TEXT COLLATE "C",
    settled_at BIGINT, redacted_at BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX hub_imports_number ON hub_imports (tenant, number);
CREATE INDEX hub_imports_state ON hub_imports (tenant, company, state, number);
CREATE TABLE hub_reservations (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, value TEXT COLLATE "C" NOT NULL,
    import TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, write BIGINT NOT NULL, at TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, company, name, value)
);
CREATE INDEX hub_reservations_import ON hub_reservations (tenant, import, number);
CREATE TABLE hub_tombstones (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, dataset TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL, deleted_at BIGINT NOT NULL, reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, company, dataset, key)
);
CREATE INDEX hub_tombstones_position ON hub_tombstones (tenant, company, dataset, position);
CREATE TABLE hub_removals (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, dataset TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL,
    unexplained BIGINT NOT NULL,
    PRIMARY KEY (tenant, company, dataset, at)
);
CREATE TABLE hub_agent_status (
    tenant TEXT COLLATE "C" NOT NULL, agent TEXT COLLATE "C" NOT NULL, reported_at BIGINT NOT NULL, status TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, agent)
);
CREATE INDEX hub_imports_by_state ON hub_imports (tenant, state, number);
CREATE INDEX hub_imports_by_customer ON hub_imports (tenant, customer, number);
CREATE INDEX hub_imports_settled ON hub_imports (tenant, settled_at)
    WHERE settled_at IS NOT NULL AND redacted_at IS NULL;
CREATE TABLE hub_import_revisions (
    tenant TEXT COLLATE "C" NOT NULL, import TEXT COLLATE "C" NOT NULL, revision BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, report TEXT COLLATE "C",
    decision TEXT COLLATE "C", ended_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, import, revision)
);
CREATE TABLE hub_tenders (
    tenant TEXT COLLATE "C" NOT NULL, import TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, payment_type TEXT COLLATE "C",
    amount TEXT COLLATE "C" NOT NULL, gateway_transaction TEXT COLLATE "C", day TEXT COLLATE "C" NOT NULL, claims BIGINT NOT NULL,
    PRIMARY KEY (tenant, import)
);
CREATE UNIQUE INDEX hub_tenders_transaction ON hub_tenders (tenant, gateway_transaction, kind)
    WHERE gateway_transaction IS NOT NULL AND claims = 1;
CREATE INDEX hub_tenders_day ON hub_tenders (tenant, company, day);
CREATE TABLE hub_previews (
    tenant TEXT COLLATE "C" NOT NULL, id TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, body TEXT COLLATE "C" NOT NULL,
    asked_at BIGINT NOT NULL, given_at BIGINT, report TEXT COLLATE "C",
    PRIMARY KEY (tenant, id)
);
CREATE INDEX hub_previews_waiting ON hub_previews (tenant, company, asked_at) WHERE report IS NULL;
CREATE INDEX hub_previews_asked ON hub_previews (asked_at);
CREATE TABLE items (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL,
    _hash BIGINT NOT NULL, _position BIGINT NOT NULL, updated_at BIGINT NOT NULL, _purged_at BIGINT,
    item_code TEXT COLLATE "C" NOT NULL DEFAULT '', standard_unit_price BIGINT NOT NULL DEFAULT 0, last_sold_date DATE,
    PRIMARY KEY (tenant, company, key)
);
CREATE INDEX items__by__position ON items (tenant, company, _position);
CREATE TABLE sales_orders (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL,
    _hash BIGINT NOT NULL, _position BIGINT NOT NULL, updated_at BIGINT NOT NULL, _purged_at BIGINT,
    sales_order_no TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, company, key)
);
CREATE TABLE sales_orders__lines (
    tenant TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL,
    _ordinal BIGINT NOT NULL, line_key TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, company, key, _ordinal)
);
INSERT INTO hub_store VALUES ('old-store', 1700000000000000, 1);
INSERT INTO hub_tenants VALUES ('t_old', 'old', 4, 1700000000000000);
INSERT INTO hub_agents VALUES ('t_old', 'a_old', 'driver', '00', 'SAGE01', '0.9.0', 1700000000000000, 1700000000000000, NULL);
INSERT INTO hub_api_tokens VALUES ('t_old', sha256('erp_old-token-00'), 'erp_old-toke', 'write', NULL, 'public', 1700000000000000, NULL);
INSERT INTO hub_companies VALUES ('t_old', 'ABC', 'a_old', 'America/New_York', 1, 'j1', 1700000000000000);
INSERT INTO hub_streams VALUES ('t_old', 'ABC', 'items', 1, 1, 5, 0, 7, 1700000000000000);
INSERT INTO hub_streams VALUES ('t_old', 'ABC', 'sales_orders', 1, 1, 6, 0, 8, 1700000000000000);
INSERT INTO items VALUES ('t_old', 'ABC', 'A', 11, 1, 1700000000000000, NULL, 'A', 79500000, '2023-11-14');
INSERT INTO items VALUES ('t_old', 'ABC', 'B', 12, 2, 1700000000000000, NULL, 'B');
INSERT INTO sales_orders VALUES ('t_old', 'ABC', '1', 13, 3, 1700000000000000, NULL, '1');
INSERT INTO sales_orders__lines VALUES ('t_old', 'ABC', '1', 0, '000001');
INSERT INTO hub_tombstones VALUES ('t_old', 'ABC', 'items', 'C', 4, 1700000000000000, 'deleted');
INSERT INTO hub_imports VALUES ('t_old', 'i1', 1, 'sales_order', 'web-1', 'ABC',
    '{"company":"ABC","customer":{"ar_division_no":"01","customer_no":"ABF"},"lines":[{"item_code":"A","quantity_ordered":"1"}],"payment":{"amount":"10.00","gateway_transaction_id":"ch_1"}}',
    '\x00', 1, 1, 'written',
    '{"state":"written","numbers":{"sales_order_no":"0000186"},"totals":{},"warnings":[],"problems":[],"attempts":[]}',
    1700000000000000, 1700000000000000, '01:ABF', NULL, 1700000000000000, NULL);
INSERT INTO hub_imports VALUES ('t_old', 'i2', 2, 'sales_order', 'web-2', 'ABC', '{"company":"ABC"}', '\x01', 1, NULL,
    'received', NULL, 1700000000000000, 1700000000000000, NULL, NULL, NULL, NULL);
INSERT INTO hub_reservations VALUES ('t_old', 'ABC', 'sales_order_no', '0000186', 'i1', 1, 0, '2023-11-14T22:13:20Z');
INSERT INTO hub_tenders VALUES ('t_old', 'i1', 'ABC', 'payment', NULL, '10.00', 'ch_1', '2023-11-14', 1);
