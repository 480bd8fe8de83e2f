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
