//! API tokens.

use catalog::Class;
use values::{CompanyId, Secret, TenantId};

use super::{Site, later, now, refused, scope};
use crate::{Permission, Store, TokenGrant, TokenQuery, TokenScope, TokenUse, parse_network};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "tokens");
    grants(store, &site);
    revoking(store, &site);
    expiring(store, &site);
    uses(store, &site);
    paged(store);
}

fn grants(store: &dyn Store, site: &Site) {
    let abc = CompanyId::new("ABC");
    let companies = Some(vec![abc.clone()]);
    let read = scope(
        store,
        &site.tenant,
        "erp_tokens-one",
        TokenScope::Read,
        companies,
        &[Class::Public],
    );
    assert!(read.may(Permission::Read) && !read.may(Permission::Write));
    assert!(read.sees(&abc) && !read.sees(&CompanyId::new("XYZ")));
    assert!(read.reads(Class::Public) && !read.reads(Class::Cost));
    assert_eq!(read.prefix(), "erp_tokens-o");
    for permission in Permission::ALL {
        assert!(site.all.may(permission), "{permission:?}");
    }
    assert!(site.all.sees(&CompanyId::new("XYZ")) && site.all.reads(Class::Credit));
    refused(
        store.authenticate(&Secret::new("erp_tokens-on"), now()),
        "token_invalid",
    );

    let grant = TokenGrant {
        name: "the shop".to_owned(),
        scope: TokenScope::Write,
        companies: Some(vec![abc]),
        classes: vec![Class::Public, Class::Credit],
        addresses: vec![
            parse_network("203.0.113.0/24").unwrap(),
            parse_network("2001:db8::1").unwrap(),
        ],
        expires_at: Some(later(100)),
    };
    let token = Secret::new("erp_tokens2-whole");
    store
        .add_api_token(
            &site.tenant,
            &token,
            &grant,
            &crate::Actor::command_line(),
            later(1),
        )
        .unwrap();
    for name in ["erp_tokens2-", "erp_tokens2-whole"] {
        let info = store.api_token(&site.tenant, name).unwrap();
        assert_eq!(
            (info.prefix.as_str(), info.name.as_str()),
            ("erp_tokens2-", "the shop")
        );
        assert_eq!((info.scope, &info.companies), (grant.scope, &grant.companies));
        assert_eq!(info.classes, ["public", "credit"]);
        assert_eq!(info.addresses, grant.addresses);
        assert_eq!((info.created_at, info.expires_at), (later(1), grant.expires_at));
        assert_eq!((info.last_used_at, info.revoked_at), (None, None));
        assert_eq!(
            store.api_tokens(&site.tenant).unwrap().last(),
            Some(&info),
            "the oldest comes first"
        );
    }
    let unknown = store.api_token(&site.tenant, "erp_tokens3-a-secret-that-is-none");
    let said = unknown.as_ref().unwrap_err().to_string();
    assert!(
        said.contains("erp_tokens3-") && !said.contains("secret"),
        "{said}"
    );
    refused(unknown, "token_unknown");
    refused(
        store.api_token(&TenantId::new("t_none"), "erp_tokens2-"),
        "token_unknown",
    );

    let whole = store.authenticate(&token, now()).unwrap();
    let from = |address: &str| whole.admits(Some(address.parse().unwrap()));
    assert!(from("203.0.113.200") && from("2001:db8::1"));
    assert!(!from("203.0.114.1") && !from("2001:db8::2") && !whole.admits(None));
    assert!(site.all.admits(None), "from anywhere");
}

fn paged(store: &dyn Store) {
    let site = Site::new(store, "tokens-pages");
    let by = crate::Actor::command_line();
    let token = |n: u8| Secret::new(format!("erp_page{n}-00-a-secret"));
    for (n, at) in [(3, 10), (1, 10), (2, 20)] {
        store
            .add_api_token(&site.tenant, &token(n), &TokenGrant::default(), &by, later(at))
            .unwrap();
    }
    store
        .revoke_api_token(&site.tenant, token(1).reveal(), &by, later(30))
        .unwrap();
    let walk = |revoked: bool| {
        let mut query = TokenQuery {
            revoked,
            limit: 2,
            ..TokenQuery::default()
        };
        let mut pages = Vec::new();
        loop {
            let page = store.api_token_page(&site.tenant, &query).unwrap();
            let Some(last) = page.last() else {
                return pages;
            };
            query.after = Some((last.created_at, last.prefix.clone()));
            pages.push(page.iter().map(|t| t.prefix.clone()).collect::<Vec<_>>());
        }
    };
    let (all, one, two, three) = ("erp_tokens-p", "erp_page1-00", "erp_page2-00", "erp_page3-00");
    assert_eq!(walk(true), [[all, one], [three, two]]);
    assert_eq!(walk(false), [vec![all, three], vec![two]]);
}

fn revoking(store: &dyn Store, site: &Site) {
    let one = Secret::new("erp_tokens-one");
    refused(
        store.revoke_api_token(
            &TenantId::new("t_none"),
            "erp_tokens-one",
            &crate::Actor::command_line(),
            now(),
        ),
        "token_unknown",
    );
    let before = store.commit_mark().unwrap();
    assert_eq!(store.commit_mark().unwrap(), before, "nothing was committed");
    let info = store
        .revoke_api_token(
            &site.tenant,
            "erp_tokens-one",
            &crate::Actor::command_line(),
            later(1),
        )
        .unwrap();
    assert_eq!(
        (info.prefix.as_str(), info.revoked_at),
        ("erp_tokens-o", Some(later(1)))
    );
    let after = store.commit_mark().unwrap();
    assert!(before.is_none() || before != after, "{before:?} and {after:?}");
    refused(store.authenticate(&one, now()), "token_invalid");
    let again = store
        .revoke_api_token(
            &site.tenant,
            "erp_tokens-o",
            &crate::Actor::command_line(),
            later(9),
        )
        .unwrap();
    assert_eq!(again.revoked_at, Some(later(1)), "it was revoked then");
    let all = store.api_tokens(&site.tenant).unwrap();
    let revoked = all.iter().filter(|t| t.revoked_at.is_some()).count();
    assert_eq!(revoked, 1, "only the token that was meant is revoked");
}

fn expiring(store: &dyn Store, site: &Site) {
    let token = Secret::new("erp_tokens4-short");
    let grant = TokenGrant {
        expires_at: Some(later(60)),
        ..TokenGrant::default()
    };
    store
        .add_api_token(&site.tenant, &token, &grant, &crate::Actor::command_line(), now())
        .unwrap();
    let scope = store.authenticate(&token, later(59)).unwrap();
    refused(store.authenticate(&token, later(60)), "token_expired");
    scope.check_time(later(59)).unwrap();
    refused(scope.check_time(later(60)), "token_expired");
}

fn uses(store: &dyn Store, site: &Site) {
    let token = Secret::new("erp_tokens5-used");
    store
        .add_api_token(
            &site.tenant,
            &token,
            &TokenGrant::default(),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    let mut hash = [0; 32];
    hash.copy_from_slice(&crate::digest::hash_secret(&token));
    let mut used = TokenUse {
        tenant: site.tenant.clone(),
        token: hash,
        at: later(30),
    };
    let last = || {
        store
            .api_token(&site.tenant, "erp_tokens5-")
            .unwrap()
            .last_used_at
    };
    store.note_token_uses(std::slice::from_ref(&used)).unwrap();
    assert_eq!(last(), Some(later(30)));
    // Two processes tell in any order.
    used.at = later(20);
    store.note_token_uses(std::slice::from_ref(&used)).unwrap();
    assert_eq!(last(), Some(later(30)));
    used.at = later(90);
    used.tenant = TenantId::new("t_none");
    store.note_token_uses(&[used]).unwrap();
    assert_eq!(last(), Some(later(30)), "another tenant's");
    let others = store.api_tokens(&site.tenant).unwrap();
    assert_eq!(others.iter().filter(|t| t.last_used_at.is_some()).count(), 1);
}
