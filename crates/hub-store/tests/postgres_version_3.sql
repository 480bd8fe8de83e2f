-- What came with version 3: a token that has a name.
ALTER TABLE hub_api_tokens ADD COLUMN name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE hub_api_tokens ADD COLUMN addresses TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE hub_api_tokens ADD COLUMN expires_at BIGINT;
ALTER TABLE hub_api_tokens ADD COLUMN last_used_at BIGINT;
UPDATE hub_api_tokens SET name = 'the shop', addresses = '203.0.113.0/24', expires_at = 1800000000000000;
UPDATE hub_store SET version = 3;
