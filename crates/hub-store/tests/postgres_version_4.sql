-- What came with version 4: an act in the audit log.
ALTER TABLE hub_tenants ADD COLUMN audited BIGINT NOT NULL DEFAULT 0;
CREATE TABLE hub_audit (
    tenant TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C", action TEXT COLLATE "C" NOT NULL, subject TEXT COLLATE "C" NOT NULL,
    company TEXT COLLATE "C", details TEXT COLLATE "C",
    PRIMARY KEY (tenant, number)
);
CREATE INDEX hub_audit_at ON hub_audit (tenant, at);
CREATE INDEX hub_audit_subject ON hub_audit (tenant, subject, number);
CREATE INDEX hub_audit_action ON hub_audit (tenant, action, number);
INSERT INTO hub_audit VALUES ('t_old', 1, 1700000000000000, 'command line', NULL, 'token.added', 'erp_old-toke', NULL, NULL);
UPDATE hub_tenants SET audited = 1;
UPDATE hub_store SET version = 4;
