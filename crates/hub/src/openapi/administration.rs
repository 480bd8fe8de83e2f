//! Schemas and examples of what those see who administer a tenant.

use hub_store::AuditAction;
use serde_json::{Value, json};

use super::schema::{
    count, described, instant, list, nullable, object, one_of, reference, text, whole, word_like,
};

const SCOPES: [&str; 4] = ["read", "write", "support", "admin"];
const CLASSES: [&str; 4] = ["public", "personal", "cost", "credit"];

/// All of them, by name.
pub(crate) fn schemas() -> [(&'static str, Value); 6] {
    let token = whole([
        (
            "prefix",
            described(text(), "First characters: it is known by them."),
        ),
        ("name", text()),
        ("scope", one_of(&SCOPES)),
        (
            "companies",
            described(nullable(list(text())), "Null means all, later ones too."),
        ),
        ("classes", list(one_of(&CLASSES))),
        (
            "addresses",
            described(
                list(text()),
                "Networks from which it is taken; none means from anywhere.",
            ),
        ),
        ("created_at", instant()),
        ("expires_at", nullable(instant())),
        (
            "last_used_at",
            described(nullable(instant()), "To a minute or so."),
        ),
        ("revoked_at", nullable(instant())),
    ]);
    let secret = whole([("token", described(text(), "The secret, shown this once."))]);
    let mut new = object(
        [
            ("scope", one_of(&SCOPES)),
            (
                "name",
                json!({ "type": "string", "maxLength": 100, "description": "Who uses it, for what." }),
            ),
            (
                "companies",
                json!({
                    "type": ["array", "null"], "items": text(), "minItems": 1, "maxItems": 1000,
                    "description": "Left out: all, later ones too.",
                }),
            ),
            (
                "classes",
                described(nullable(list(one_of(&CLASSES))), "Left out: public."),
            ),
            (
                "addresses",
                json!({
                    "type": "array", "items": text(), "maxItems": 50,
                    "description": "Addresses or networks (203.0.113.0/24) from which it is taken. Left out: from anywhere.",
                }),
            ),
            (
                "expires_at",
                described(nullable(instant()), "Left out: for ever."),
            ),
        ],
        &["scope"],
    );
    new["additionalProperties"] = false.into();
    let entry = whole([
        ("number", described(count(), "Its place in the log.")),
        ("at", instant()),
        (
            "actor",
            described(text(), "`command line`, `token PREFIX`, `agent ID` or `hub`."),
        ),
        (
            "address",
            described(nullable(text()), "From where, where that is known."),
        ),
        ("action", word_like(&AuditAction::ALL.map(AuditAction::as_str))),
        (
            "subject",
            described(text(), "To what: an id, a token's first characters, a company."),
        ),
        ("company", nullable(text())),
        (
            "details",
            described(
                json!({ "type": ["object", "null"] }),
                "What it was and what it became.",
            ),
        ),
    ]);
    let page = whole([
        ("data", list(reference("AuditEntry"))),
        ("next_cursor", described(nullable(text()), "Null at the end.")),
    ]);
    [
        ("AuditEntry", entry),
        ("AuditPage", page),
        ("Token", described(token, "What can be shown of a token.")),
        (
            "TokenList",
            whole([
                ("data", list(reference("Token"))),
                ("next_cursor", described(nullable(text()), "Null at the end.")),
            ]),
        ),
        ("TokenMade", json!({ "allOf": [reference("Token"), secret] })),
        ("NewToken", new),
    ]
}

/// A token as examples show it.
pub(crate) fn example_token() -> Value {
    json!({
        "prefix": "erp_0123abcd", "name": "shop", "scope": "write", "companies": ["ABC"], "classes": ["public"],
        "addresses": ["203.0.113.0/24"], "created_at": "2026-05-06T10:00:00Z", "expires_at": "2027-01-31T00:00:00Z",
        "last_used_at": "2026-05-06T10:01:00Z", "revoked_at": null,
    })
}

/// An entry of the audit log as examples show it.
pub(crate) fn example_entry() -> Value {
    json!({
        "number": 7, "at": "2026-05-06T10:00:00Z", "actor": "token erp_0123abcd", "address": "203.0.113.7",
        "action": "import.retried", "subject": "9f2c4e1a7b3d5f60", "company": "ABC",
        "details": { "kind": "sales_order", "state": "held", "revision": { "old": 1, "new": 2 }, "accept": ["credit_hold"] },
    })
}
