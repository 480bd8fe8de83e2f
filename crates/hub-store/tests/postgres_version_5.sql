-- What came with version 5: a webhook whose secret was rotated.
ALTER TABLE hub_imports ADD COLUMN position BIGINT;
CREATE INDEX hub_imports_position ON hub_imports (tenant, position);
CREATE TABLE hub_webhooks (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES hub_tenants, id TEXT COLLATE "C" NOT NULL, url TEXT COLLATE "C" NOT NULL, description TEXT COLLATE "C" NOT NULL,
    events TEXT COLLATE "C" NOT NULL, datasets TEXT COLLATE "C", companies TEXT COLLATE "C", classes TEXT COLLATE "C" NOT NULL,
    secret TEXT COLLATE "C" NOT NULL, former_secret TEXT COLLATE "C", former_until BIGINT, reason TEXT COLLATE "C", since BIGINT NOT NULL,
    position BIGINT NOT NULL, begun BIGINT NOT NULL DEFAULT 0, epoch BIGINT NOT NULL DEFAULT 0,
    failing_since BIGINT, pauses BIGINT NOT NULL DEFAULT 0, resume_at BIGINT NOT NULL DEFAULT 0,
    owner TEXT COLLATE "C" NOT NULL DEFAULT '', lease_until BIGINT NOT NULL DEFAULT 0,
    deliveries BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE TABLE hub_webhook_events (
    tenant TEXT COLLATE "C" NOT NULL, webhook TEXT COLLATE "C" NOT NULL, topic TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL, position BIGINT NOT NULL, attempts BIGINT NOT NULL, next_attempt_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, webhook, topic, company, key)
);
CREATE INDEX hub_webhook_events_due ON hub_webhook_events (tenant, webhook, next_attempt_at);
CREATE TABLE hub_webhook_deliveries (
    tenant TEXT COLLATE "C" NOT NULL, webhook TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, message TEXT COLLATE "C" NOT NULL, event TEXT COLLATE "C" NOT NULL,
    topic TEXT COLLATE "C" NOT NULL, company TEXT COLLATE "C" NOT NULL, key TEXT COLLATE "C" NOT NULL, attempt BIGINT NOT NULL, at BIGINT NOT NULL,
    took_ms BIGINT NOT NULL, status BIGINT, outcome TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, webhook, number)
);
INSERT INTO hub_webhooks (tenant, id, url, description, events, classes, secret, former_secret, former_until, since, position, created_at, updated_at)
    VALUES ('t_old', 'wh_old', 'https://shop.example/', '', '["record.changed"]', '["public"]', 'whsec_second', 'whsec_first',
    1700000060000000, 1700000000000000, 1, 1700000000000000, 1700000000000000);
UPDATE hub_store SET version = 5;
