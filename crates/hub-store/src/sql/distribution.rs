//! Every table and every statement keeps what distributing the tables by tenant asks for
//! (`docs/scale.md`).

use std::collections::BTreeSet;

use catalog::Catalog;
use jiff::Timestamp;
use values::StoreId;

use crate::contract::check_store;
use crate::engine::statements_of;
use crate::{SqlStore, Store};

/// Statements that do not name a tenant: how they are told, and why they may.
const EXCEPTIONS: [(&str, &str); 17] = [
    ("FROM hub_store", "the store itself; a table of one row"),
    ("INTO hub_store", "the same"),
    ("UPDATE hub_store SET id", "the same"),
    ("hub_enrolment_codes WHERE hash = ?", "who it is is not known yet"),
    ("WHERE c.hash = ?", "who it is is not known yet"),
    ("FROM hub_agents WHERE agent = ?", "who it is is not known yet"),
    ("WHERE k.hash = ?", "who it is is not known yet"),
    ("FROM hub_api_tokens WHERE hash = ?", "who it is is not known yet"),
    ("FROM hub_tenants WHERE name = ?1", "by the tenant's name"),
    ("FROM hub_tenants ORDER BY name", "the list of tenants"),
    (
        "FROM hub_tenants n WHERE EXISTS",
        "the list of tenants in which something is due",
    ),
    ("FROM hub_tenants WHERE EXISTS", "the same"),
    (
        "UPDATE hub_tenants SET head =",
        "all feeds of a store that was put back",
    ),
    ("hub_previews WHERE asked_at < ?", "housekeeping over all tenants"),
    (
        "FROM hub_webhooks w JOIN hub_tenants n",
        "the list of webhooks that are due; their tables are small",
    ),
    (
        "FROM hub_webhooks w JOIN hub_webhook_events e",
        "metrics over all tenants",
    ),
    ("FROM hub_webhooks WHERE reason <>", "the same"),
];
/// The same of the engine's own: catalogs, and what is made when the store is opened.
const OWN: [&str; 11] = [
    "UPDATE hub_store SET version",
    "pg_catalog.",
    "sqlite_master",
    "pg_advisory",
    "pg_notify",
    "DISTINCT dataset FROM hub_streams WHERE dataset LIKE",
    "FROM hub_streams WHERE records IS NULL",
    // Migrations.
    "SET tombstone_floor = feed_floor",
    "SET former_secrets = '[['",
    "SET settled_at = updated_at WHERE state IN",
    "json_set(json_remove(",
];
/// Indexes that do not begin with the tenant, for the exceptions above.
const INDEXES: [&str; 5] = [
    "hub_enrolment_codes_hash",
    "hub_agents_agent",
    "hub_agent_tokens_hash",
    "hub_api_tokens_hash",
    "hub_previews_asked",
];

#[test]
fn files_keep_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    check(&|| {
        let catalog = Catalog::standard().unwrap();
        Box::new(SqlStore::sqlite(&path, catalog, &StoreId::new("s"), Timestamp::UNIX_EPOCH).unwrap())
    });
}

#[test]
fn databases_keep_the_rules() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let address = server.database();
    check(&|| {
        let catalog = Catalog::standard().unwrap();
        let id = StoreId::new("s");
        Box::new(SqlStore::postgres(&address, None, catalog, &id, Timestamp::UNIX_EPOCH).unwrap())
    });
}

fn check(open: &dyn Fn() -> Box<dyn Store>) {
    let statements = statements_of(|| check_store(open));
    assert!(
        statements.len() > 300,
        "{} statements were seen",
        statements.len()
    );
    let single: BTreeSet<String> = statements.iter().flat_map(|s| s.split(";\n")).map(flat).collect();
    let tables: BTreeSet<&str> = single.iter().filter_map(|s| table_of(s)).collect();
    assert!(tables.len() > 40, "{tables:?}");
    let mut used = BTreeSet::new();
    for sql in &single {
        check_definition(sql);
        let exception = EXCEPTIONS.iter().find(|(part, _)| sql.contains(part));
        used.extend(exception.map(|(part, _)| *part));
        if exception.is_none() && !OWN.iter().any(|part| sql.contains(part)) {
            check_statement(sql, &tables);
        }
    }
    for (part, reason) in EXCEPTIONS {
        // The contract does not look tenants up by everything that a command line does.
        let seen = used.contains(part) || part.starts_with("FROM hub_tenants");
        assert!(seen, "no statement needs the exception {part:?} ({reason})");
    }
}

/// On one line, without quotes.
fn flat(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    words.join(" ").replace(['"', ';'], "").trim().to_owned()
}

fn table_of(sql: &str) -> Option<&str> {
    sql.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next()
}

/// Keys and unique indexes begin with the tenant, and so do other indexes.
fn check_definition(sql: &str) {
    if let Some(table) = table_of(sql).filter(|table| *table != "hub_store") {
        let inside = sql.split_once('(').map_or("", |(_, inside)| inside).trim();
        assert!(
            inside.starts_with("tenant "),
            "{table} begins with its tenant: {sql}"
        );
        let key = sql.contains("PRIMARY KEY (tenant, ") || table == "hub_tenants";
        assert!(key, "the key of {table} begins with its tenant: {sql}");
        let unique = sql.matches(" UNIQUE").count();
        assert!(
            unique == 0 || table == "hub_tenants",
            "a unique column spans tenants: {sql}"
        );
    }
    let index = sql
        .strip_prefix("CREATE UNIQUE INDEX ")
        .or_else(|| sql.strip_prefix("CREATE INDEX "));
    if let Some((name, on)) = index.and_then(|index| index.split_once(" ON ")) {
        let begins = on.contains(" (tenant, ");
        let may = INDEXES.contains(&name) && !sql.contains("UNIQUE");
        assert!(begins || may, "the index {name} begins with the tenant: {sql}");
    }
}

/// A statement names the tenant for each table that it touches.
fn check_statement(sql: &str, tables: &BTreeSet<&str>) {
    let words: Vec<&str> = sql
        .split([' ', '(', ')', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let touched = words.windows(2).filter(|pair| {
        let [before, table] = pair else { return false };
        ["FROM", "JOIN", "UPDATE"].contains(before) && tables.contains(table)
    });
    let named = words.windows(2).filter(|pair| {
        let [column, is] = pair else { return false };
        (*column == "tenant" || column.ends_with(".tenant")) && *is == "="
    });
    let (touched, named) = (touched.count(), named.count());
    assert!(named >= touched, "{touched} tables and {named} tenants: {sql}");
    if let Some((_, target)) = sql.split_once("ON CONFLICT (") {
        assert!(
            target.starts_with("tenant, "),
            "a conflict is one within a tenant: {sql}"
        );
    }
}
