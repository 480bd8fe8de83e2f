-- What came with version 2, and a place of the feed that is forgotten.
ALTER TABLE hub_tenants ADD COLUMN feed_floor BIGINT NOT NULL DEFAULT 0;
CREATE INDEX hub_tombstones_deleted ON hub_tombstones (tenant, deleted_at);
UPDATE hub_tenants SET feed_floor = 2;
UPDATE hub_store SET version = 2;
