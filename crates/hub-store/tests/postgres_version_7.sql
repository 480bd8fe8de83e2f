-- What came with version 7: all secrets of a webhook's last day, and when an event failed first.
ALTER TABLE hub_webhook_events ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE hub_webhooks ADD COLUMN former_secrets TEXT COLLATE "C" NOT NULL DEFAULT '[]';
UPDATE hub_webhooks SET former_secrets = '[["' || former_secret || '",' || former_until || ']]'
    WHERE former_secret IS NOT NULL;
ALTER TABLE hub_webhooks DROP COLUMN former_secret;
ALTER TABLE hub_webhooks DROP COLUMN former_until;
ALTER TABLE hub_tenants ADD COLUMN tombstone_floor BIGINT NOT NULL DEFAULT 0;
UPDATE hub_tenants SET tombstone_floor = feed_floor;
UPDATE hub_store SET version = 7;
