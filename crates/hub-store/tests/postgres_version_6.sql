-- What came with version 6: options of a company's prices.
ALTER TABLE hub_companies ADD COLUMN price_options TEXT COLLATE "C";
UPDATE hub_store SET version = 6;
