//! Stores of earlier versions on PostgreSQL gain what is new and keep what is there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use catalog::Catalog;
use hub_store::{
    AuditQuery, ChangeQuery, ImportQuery, NewImport, Page, Record, RecordQuery, SqlStore, Store as _,
    StoreError, TenantScope, Webhooks as _,
};
use jiff::Timestamp;
use model::{ImportKind, ImportState};
use values::{CompanyId, ImportId, Key, Secret, StoreId};

/// What each version brought, with a row or two.
const VERSIONS: [&str; 7] = [
    include_str!("postgres_version_1.sql"),
    include_str!("postgres_version_2.sql"),
    include_str!("postgres_version_3.sql"),
    include_str!("postgres_version_4.sql"),
    include_str!("postgres_version_5.sql"),
    include_str!("postgres_version_6.sql"),
    include_str!("postgres_version_7.sql"),
];

/// Everything that a schema says of tables, columns and indexes, in one order.
const SCHEMA: &str = "SELECT string_agg(said, E'\\n' ORDER BY said) FROM ( \
    SELECT format('%s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), l.collname, \
        a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS said \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation \
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace \
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
    UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint \
    WHERE connamespace = 'public'::regnamespace) said";

fn open(address: &str) -> SqlStore {
    let catalog = Catalog::standard().unwrap();
    SqlStore::postgres(address, None, catalog, &StoreId::new("fresh"), now()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_777_777_777).unwrap()
}

#[test]
fn a_store_of_each_version_gains_what_is_new_and_keeps_what_is_there() {
    let Some(server) = test_tier::postgres() else {
        return;
    };
    let fresh = server.database();
    drop(open(&fresh));
    let wanted = server.ask(&fresh, SCHEMA);
    let current = server
        .ask(&fresh, "SELECT version FROM hub_store")
        .parse::<usize>();
    assert_eq!(
        current.unwrap(),
        VERSIONS.len() + 1,
        "the last version but the current one belongs here, too"
    );
    for version in 1..=VERSIONS.len() {
        let address = server.database();
        for script in &VERSIONS[..version] {
            server.execute(&address, script);
        }
        for _ in 0..2 {
            let store = open(&address);
            assert_eq!(store.id().as_str(), "old-store", "version {version}");
        }
        for (found, wanted) in server.ask(&address, SCHEMA).lines().zip(wanted.lines()) {
            assert_eq!(found, wanted, "version {version}");
        }
        assert_eq!(server.ask(&address, SCHEMA), wanted, "version {version}");
        is_kept(&open(&address), version);
    }
}

/// What the scripts put there is there, and works.
fn is_kept(store: &SqlStore, version: usize) {
    let abc = CompanyId::new("ABC");
    let tenant = store.find_tenant("old").unwrap();
    assert_eq!(store.companies(&tenant).unwrap()[0].company, abc);
    let scope = store
        .authenticate(&Secret::new("erp_old-token-00"), now())
        .unwrap();
    let token = store.api_token(&tenant, "erp_old-toke").unwrap();
    let named = if version < 3 { "" } else { "the shop" };
    assert_eq!(token.name, named);
    assert_eq!(
        (token.addresses.len(), token.expires_at.is_some()),
        if version < 3 { (0, false) } else { (1, true) }
    );

    let items = records(store, &scope, "items", Page::Key(None));
    assert_eq!(items.len(), 2);
    assert_eq!(
        (
            &items[0]["item_code"],
            &items[0]["standard_unit_price"],
            &items[0]["last_sold_date"]
        ),
        (&"A".into(), &"79.500000".into(), &"2023-11-14".into())
    );
    let orders = records(store, &scope, "sales_orders", Page::Key(None));
    assert_eq!(orders[0]["lines"][0]["line_key"], "000001");
    assert!(records(store, &scope, "customers", Page::Key(None)).is_empty());
    let after = |position| ChangeQuery {
        after: position,
        limit: 10,
        ..ChangeQuery::default()
    };
    let changes = store.changes(&scope, &after(0), now()).unwrap();
    let positions: Vec<u64> = changes.data.iter().map(|change| change.position).collect();
    assert_eq!(positions, [1, 2, 3, 4]);
    let followed = store
        .changes(&scope, &after(1), now())
        .map(|page| page.data.len());
    if version < 2 {
        assert_eq!(followed.unwrap(), 3, "two records and a tombstone");
    } else {
        assert_eq!(followed.unwrap_err().code(), "cursor_expired");
    }

    let written = store.import(&scope, &ImportId::new("i1")).unwrap();
    assert_eq!(
        (written.state, written.customer),
        (ImportState::Written, Some(Key::from_parts(["01", "ABF"])))
    );
    assert_eq!(written.report.unwrap().numbers["sales_order_no"], "0000186");
    let received = ImportQuery {
        state: Some(ImportState::Received),
        limit: 10,
        ..ImportQuery::default()
    };
    assert_eq!(
        store.imports(&scope, &received).unwrap().data[0].id.as_str(),
        "i2"
    );
    let new = NewImport {
        kind: ImportKind::SalesOrder,
        idempotency_key: "web-3".into(),
        company: abc.clone(),
        body: serde_json::json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "payment": { "amount": "10.00", "gateway_transaction_id": "ch_1" },
            "lines": [{ "item_code": "A", "quantity_ordered": "1" }],
        }),
        body_hash: vec![1],
    };
    match store.add_import(&scope, &new, now()) {
        Err(StoreError::TransactionUsed { by, .. }) => assert_eq!(by.as_str(), "i1"),
        other => panic!("{other:?}"),
    }
    let day = "2023-11-14".parse().unwrap();
    let tie_out = store.tie_out(&scope, &abc, day).unwrap();
    assert_eq!(tie_out.total.captured.sum.to_string(), "10.00");
    assert_eq!(store.webhooks(&scope).unwrap().len(), usize::from(version >= 5));
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    let acts = store.audit(&tenant, &query).unwrap().data;
    assert_eq!(acts.len(), usize::from(version >= 4));
    if version >= 5 {
        rotated_secret_is_kept(store, &tenant);
    }
}

fn rotated_secret_is_kept(store: &SqlStore, tenant: &values::TenantId) {
    let webhook = hub_store::WebhookId::new("wh_old");
    let claim = hub_store::Claim {
        tenant: tenant.clone(),
        webhook,
        owner: "p1".into(),
    };
    let until = now() + jiff::SignedDuration::from_secs(20);
    assert!(store.claim_webhook(&claim, until, now()).unwrap());
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let error = store.webhook_work(&claim, 10, at).unwrap_err();
    assert_eq!(error.code(), "cursor_expired", "tombstones were forgotten");
    let scope = store.operator(tenant);
    store
        .replay_webhook(&scope, &claim.webhook, hub_store::ReplayFrom::Now, at)
        .unwrap();
    let secrets = store.webhook_work(&claim, 10, at).unwrap().unwrap().secrets;
    let secrets: Vec<&str> = secrets.iter().map(Secret::reveal).collect();
    assert_eq!(secrets, ["whsec_second", "whsec_first"]);
}

fn records(store: &SqlStore, scope: &TenantScope, dataset: &str, page: Page) -> Vec<serde_json::Value> {
    let dataset = store.dataset(scope, dataset).unwrap();
    let query = RecordQuery {
        fields: None,
        dataset: &dataset,
        company: CompanyId::new("ABC"),
        page,
        limit: 10,
        filters: Vec::new(),
    };
    let page = store.records(scope, &query, now()).unwrap();
    page.data.iter().map(Record::json).collect()
}
