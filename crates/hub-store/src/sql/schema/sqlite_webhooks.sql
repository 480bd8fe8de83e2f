ALTER TABLE hub_imports ADD COLUMN position INTEGER;
CREATE INDEX hub_imports_position ON hub_imports (tenant, position);
CREATE TABLE hub_webhooks (
    tenant TEXT NOT NULL REFERENCES hub_tenants, id TEXT NOT NULL, url TEXT NOT NULL, description TEXT NOT NULL,
    events TEXT NOT NULL, datasets TEXT, companies TEXT, classes TEXT NOT NULL,
    secret TEXT NOT NULL, former_secret TEXT, former_until INTEGER, reason TEXT, since INTEGER NOT NULL,
    position INTEGER NOT NULL, begun INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER, pauses INTEGER NOT NULL DEFAULT 0, resume_at INTEGER NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT '', lease_until INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE TABLE hub_webhook_events (
    tenant TEXT NOT NULL, webhook TEXT NOT NULL, topic TEXT NOT NULL, company TEXT NOT NULL, key TEXT NOT NULL,
    at INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL, next_attempt_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, webhook, topic, company, key)
) STRICT;
CREATE INDEX hub_webhook_events_due ON hub_webhook_events (tenant, webhook, next_attempt_at);
CREATE TABLE hub_webhook_deliveries (
    tenant TEXT NOT NULL, webhook TEXT NOT NULL, number INTEGER NOT NULL, message TEXT NOT NULL, event TEXT NOT NULL,
    topic TEXT NOT NULL, company TEXT NOT NULL, key TEXT NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL,
    took_ms INTEGER NOT NULL, status INTEGER, outcome TEXT NOT NULL,
    PRIMARY KEY (tenant, webhook, number)
) STRICT;
