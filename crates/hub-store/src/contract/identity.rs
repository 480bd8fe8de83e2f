//! Tenants, codes, agents and companies.

use values::{AgentId, CompanyId, Secret, TenantId};

use super::{Site, Stream, add_agent, enroll_request, later, now, refused};
use crate::{AgentRole, AuditAction, AuditQuery, Store};

pub(super) fn check(store: &dyn Store) {
    let site = Site::new(store, "identity");
    refused(
        store.add_tenant(
            &TenantId::new("t_other"),
            "identity",
            &crate::Actor::command_line(),
            now(),
        ),
        "tenant_exists",
    );
    assert_eq!(store.find_tenant("identity").unwrap(), site.tenant);
    assert_eq!(store.find_tenant("t_identity").unwrap(), site.tenant);
    refused(store.find_tenant("nobody"), "tenant_unknown");
    let listed = store.tenants().unwrap();
    let own = listed.iter().find(|listed| listed.name == "identity").unwrap();
    assert_eq!((&own.tenant, own.created_at), (&site.tenant, now()));
    assert!(listed.is_sorted_by_key(|listed| &listed.name), "{listed:?}");
    codes(store, &site);
    code_list(store);
    agent_tokens(store, &site);
    companies(store, &site);
}

fn codes(store: &dyn Store, site: &Site) {
    let agent = AgentId::new("a_late");
    refused(
        store.enroll(&enroll_request("guess"), &agent, None, now()),
        "code_unknown",
    );
    let code = Secret::new("short");
    store
        .add_enrolment_code(
            &site.tenant,
            &code,
            AgentRole::QueryManager,
            later(60),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    refused(
        store.enroll(&enroll_request("short"), &agent, None, later(60)),
        "code_expired",
    );
    let enrolled = store
        .enroll(&enroll_request("short"), &agent, None, later(59))
        .unwrap();
    assert_eq!(
        (enrolled.tenant, enrolled.tenant_name.as_str()),
        (site.tenant.clone(), "identity")
    );
    refused(
        store.enroll(&enroll_request("short"), &AgentId::new("a_x"), None, later(59)),
        "code_used",
    );
    let listed = store.agents(&site.tenant).unwrap();
    assert_eq!(
        listed.iter().map(|a| a.agent.as_str()).collect::<Vec<_>>(),
        ["a_identity", "a_late"]
    );
    assert_eq!(listed.last().map(|a| a.role), Some(AgentRole::QueryManager));
}

fn code_list(store: &dyn Store) {
    let site = Site::new(store, "codes");
    let (tenant, by) = (&site.tenant, crate::Actor::command_line());
    let add = |code: &str, at: i64| {
        let code = Secret::new(code);
        store
            .add_enrolment_code(tenant, &code, AgentRole::Driver, later(at + 60), &by, later(at))
            .unwrap();
    };
    add("mailed", 10);
    add("wanted", 20);
    let list = || store.enrolment_codes(tenant).unwrap();
    let [wanted, mailed, used] = list().try_into().unwrap();
    assert_eq!(
        (wanted.created_at, wanted.expires_at, wanted.used_at),
        (later(20), later(80), None)
    );
    assert_eq!((used.role, used.used_at), (AgentRole::Driver, Some(now())));
    assert!(!mailed.id.is_empty() && mailed.id != wanted.id);
    let revoke = |code: &str| store.revoke_enrolment_code(tenant, code, &by, later(30));
    refused(revoke("none"), "code_unknown");
    refused(revoke(&used.id), "code_used");
    let other = TenantId::new("t_identity");
    refused(
        store.revoke_enrolment_code(&other, &mailed.id, &by, later(30)),
        "code_unknown",
    );
    revoke(&mailed.id).unwrap();
    refused(
        store.enroll(&enroll_request("mailed"), &AgentId::new("a_y"), None, later(30)),
        "code_unknown",
    );
    refused(revoke(&mailed.id), "code_unknown");
    revoke("wanted").unwrap();
    assert_eq!(list(), [used]);
    let query = AuditQuery {
        action: Some(AuditAction::CodeRevoked),
        limit: 10,
        ..AuditQuery::default()
    };
    let told = store.audit(tenant, &query).unwrap().data;
    assert_eq!(
        (told.len(), told[1].details["id"].as_str()),
        (2, Some(mailed.id.as_str()))
    );
}

fn agent_tokens(store: &dyn Store, site: &Site) {
    let agent = site.agent.agent();
    let issue = |nonce: &str, token: &str, at| {
        store.issue_agent_token(
            agent,
            nonce,
            "1.0.1",
            &Secret::new(token),
            later(at + 900),
            later(at),
        )
    };
    issue("n1", "one", 0).unwrap();
    refused(issue("n1", "two", 1), "nonce_used");
    refused(
        store.authenticate_agent(&Secret::new("two"), now()),
        "token_invalid",
    );
    let known = store.authenticate_agent(&Secret::new("one"), later(899)).unwrap();
    assert_eq!(
        (known.agent(), known.tenant(), known.role()),
        (agent, &site.tenant, AgentRole::Driver)
    );
    refused(
        store.authenticate_agent(&Secret::new("one"), later(900)),
        "token_invalid",
    );
    let contact = store
        .agents(&site.tenant)
        .unwrap()
        .first()
        .and_then(|a| a.last_contact_at);
    assert_eq!(contact, Some(later(899)), "a contact is recorded");

    let lost = add_agent(store, &site.tenant, "a_lost");
    assert!(!store.agent_key(lost.agent()).unwrap().revoked);
    store
        .revoke_agent(
            &site.tenant,
            lost.agent(),
            &crate::Actor::command_line(),
            later(5),
        )
        .unwrap();
    store
        .revoke_agent(
            &site.tenant,
            lost.agent(),
            &crate::Actor::command_line(),
            later(9),
        )
        .unwrap();
    refused(
        store.authenticate_agent(&Secret::new("token of a_lost"), later(6)),
        "agent_revoked",
    );
    let again = store.issue_agent_token(lost.agent(), "n9", "1", &Secret::new("x"), later(900), later(6));
    refused(again, "agent_revoked");
    assert!(store.agent_key(lost.agent()).unwrap().revoked);
    refused(store.agent_key(&AgentId::new("a_none")), "agent_unknown");
    refused(
        store.revoke_agent(
            &TenantId::new("t_none"),
            agent,
            &crate::Actor::command_line(),
            now(),
        ),
        "agent_unknown",
    );
}

fn companies(store: &dyn Store, site: &Site) {
    let second = add_agent(store, &site.tenant, "a_second");
    let stream = Stream::new(store, &site.agent, "ABC", "items");
    assert!(store.companies(&site.tenant).unwrap().is_empty());
    stream.reset(1).unwrap();
    let foreign = Stream::new(store, &second, "ABC", "items");
    let reset = foreign.reset_from(&stream.state(), 2);
    refused(store.reset_stream(&second, &reset, now()), "company_claimed");
    let company = CompanyId::new("ABC");
    refused(
        store.move_company(
            &site.tenant,
            &CompanyId::new("XYZ"),
            second.agent(),
            &crate::Actor::command_line(),
            now(),
        ),
        "company_unknown",
    );
    refused(
        store.move_company(
            &site.tenant,
            &company,
            &AgentId::new("a_none"),
            &crate::Actor::command_line(),
            now(),
        ),
        "agent_unknown",
    );
    refused(
        store.move_company(
            &site.tenant,
            &company,
            &AgentId::new("a_lost"),
            &crate::Actor::command_line(),
            now(),
        ),
        "agent_revoked",
    );
    store
        .move_company(
            &site.tenant,
            &company,
            second.agent(),
            &crate::Actor::command_line(),
            now(),
        )
        .unwrap();
    store.reset_stream(&second, &reset, now()).unwrap();
    let back = stream.header(2, 1, values::Hash(0));
    refused(
        stream.send(&back, &stream.dataset.empty_batch()),
        "company_claimed",
    );
}
