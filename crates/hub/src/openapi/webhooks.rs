//! Webhooks in the description: requests, answers and what each endpoint says of itself.

use catalog::Class;
use hub_store::WebhookEvent;
use serde_json::{Map, Value, json};

use super::schema::{
    count, described, flag, instant, list as list_of, nullable, object, one_of, reference, text, whole,
    word_like,
};
use super::{JSON, Operation};
use crate::webhooks::Outcome;

/// All schemas, by name.
pub(crate) fn schemas() -> Map<String, Value> {
    let all = [
        ("NewWebhook", posted(&["url"])),
        ("WebhookEdit", posted(&[])),
        ("WebhookReplay", replay_from()),
        ("Webhook", webhook()),
        ("WebhookWithSecret", with_secret()),
        ("Webhooks", whole([("data", list_of(reference("Webhook")))])),
        ("WebhookTest", whole([("test", text())])),
        ("WebhookDelivery", delivery()),
        (
            "WebhookDeliveries",
            whole([("data", list_of(reference("WebhookDelivery")))]),
        ),
    ];
    all.into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn events() -> Value {
    list_of(one_of(&WebhookEvent::CHOICES.map(WebhookEvent::as_str)))
}

fn classes() -> Value {
    list_of(one_of(&Class::ALL.map(Class::as_str)))
}

fn posted(required: &[&str]) -> Value {
    let url = json!({ "type": "string", "maxLength": 2048 });
    let description = json!({ "type": "string", "maxLength": 500 });
    let mut schema = object(
        [
            (
                "url",
                described(
                    url,
                    "Where messages go: `https://`, a public address, no user or password.",
                ),
            ),
            ("description", described(description, "For people.")),
            (
                "events",
                described(events(), "Kinds of events; left out: all of them."),
            ),
            (
                "datasets",
                described(
                    nullable(list_of(text())),
                    "Datasets whose records it is told of; null: all.",
                ),
            ),
            (
                "companies",
                described(nullable(list_of(text())), "Companies; null: all of the token's."),
            ),
            (
                "classes",
                described(classes(), "Classes of fields in messages; left out: `public`."),
            ),
            (
                "active",
                described(flag(), "Switches it on or off; a new one is on."),
            ),
        ],
        required,
    );
    schema["additionalProperties"] = false.into();
    schema
}

fn replay_from() -> Value {
    let mut schema = object(
        [
            (
                "since",
                described(
                    text(),
                    "Behind this cursor of `GET /v1/changes`; blank: from the very start.",
                ),
            ),
            (
                "time",
                described(instant(), "What the hub stored at this instant or later."),
            ),
            (
                "skip",
                described(
                    flag(),
                    "True: nothing of what is behind; it goes on with what comes from now on.",
                ),
            ),
        ],
        &[],
    );
    schema["additionalProperties"] = false.into();
    schema["minProperties"] = 1.into();
    schema["maxProperties"] = 1.into();
    schema
}

fn webhook_members() -> [(&'static str, Value); 18] {
    [
        ("id", text()),
        ("url", text()),
        ("description", text()),
        ("events", events()),
        ("datasets", nullable(list_of(text()))),
        ("companies", nullable(list_of(text()))),
        ("classes", classes()),
        (
            "state",
            described(
                word_like(&["active", "failing", "disabled"]),
                "`failing`: nothing has got through since `failing_since`.",
            ),
        ),
        (
            "reason",
            described(
                nullable(word_like(&["requested", "gone", "failing", "cursor_expired"])),
                "Why it is disabled.",
            ),
        ),
        (
            "since",
            described(instant(), "Since when it is disabled, or is not."),
        ),
        ("failing_since", nullable(instant())),
        (
            "paused_until",
            described(nullable(instant()), "Nothing is sent before."),
        ),
        (
            "caught_up",
            described(flag(), "It has been told everything that there is."),
        ),
        (
            "waiting",
            described(
                count(),
                "Events that were sent in vain and wait to be sent again.",
            ),
        ),
        ("oldest_waiting_at", nullable(instant())),
        (
            "cursor",
            described(
                text(),
                "Where it stands in the feed, as a cursor of `GET /v1/changes`.",
            ),
        ),
        (
            "former_secret_until",
            described(
                nullable(instant()),
                "The secret before the last rotation signs, too, until then.",
            ),
        ),
        ("created_at", instant()),
    ]
}

fn webhook() -> Value {
    let mut schema = whole(webhook_members());
    schema["properties"]["updated_at"] = instant();
    schema
}

fn with_secret() -> Value {
    json!({
        "allOf": [
            reference("Webhook"),
            whole([("secret", described(text(), "Shown once: `whsec_` and base64."))]),
        ],
    })
}

fn delivery() -> Value {
    whole([
        (
            "message",
            described(text(), "The header `webhook-id`: the same at every repetition."),
        ),
        (
            "event",
            word_like(&["record.changed", "record.deleted", "import.state_changed"]),
        ),
        (
            "topic",
            described(text(), "The dataset; `import` or `test` where it is none."),
        ),
        ("company", text()),
        ("key", text()),
        ("attempt", count()),
        ("at", instant()),
        ("took_ms", count()),
        ("status", nullable(count())),
        ("outcome", word_like(&Outcome::ALL.map(Outcome::as_str))),
    ])
}

fn example() -> Value {
    json!({
        "id": "wh_0123456789abcdef", "url": "https://shop.example/hooks/erp", "description": "the shop",
        "events": ["record.changed", "record.deleted"], "datasets": ["items", "inventory"], "companies": null,
        "classes": ["public"], "state": "active", "reason": null, "since": "2026-05-06T10:00:00Z",
        "failing_since": null, "paused_until": null, "caught_up": true, "waiting": 0, "oldest_waiting_at": null,
        "cursor": "ZgpzMQp0XzEKNw", "former_secret_until": null, "created_at": "2026-05-06T10:00:00Z",
        "updated_at": "2026-05-06T10:00:00Z",
    })
}

fn example_with_secret() -> Value {
    let mut example = example();
    example["secret"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
    example
}

fn operation(id: &'static str, words: &'static str) -> Operation {
    Operation::new(id, "Webhooks", words)
}

fn of_one(id: &'static str, words: &'static str) -> Operation {
    operation(id, words)
        .in_path("id", text(), "As POST returned it.", "wh_0123456789abcdef")
        .refuses(&["webhook_unknown"])
}

fn changes_one(id: &'static str, words: &'static str) -> Operation {
    of_one(id, words).refuses(&["permission_missing"])
}

const WANTED: [&str; 6] = [
    "company_unknown",
    "permission_missing",
    "webhook_address_private",
    "webhook_beyond_token",
    "webhook_event_unknown",
    "webhook_url_invalid",
];

pub(crate) fn list() -> Operation {
    operation("list_webhooks", "Webhooks")
        .described("Those that read no more than the token, oldest first.")
        .answers(
            200,
            "All of them.",
            reference("Webhooks"),
            json!({ "data": [example()] }),
        )
        .conditional()
}

pub(crate) fn add() -> Operation {
    let body = json!({
        "url": "https://shop.example/hooks/erp", "events": ["record.changed", "record.deleted"],
        "datasets": ["items", "inventory"],
    });
    operation("add_webhook", "Makes a webhook")
        .described(
            "It is told what comes from now on; `replay` sends what is there. Messages are signed after the convention \
             Standard Webhooks with the secret of the answer, which is not shown again.",
        )
        .body(JSON, reference("NewWebhook"), vec![("stock".to_owned(), body)])
        .answers(201, "The webhook.", reference("WebhookWithSecret"), example_with_secret())
        .refuses(&WANTED)
        .refuses(&["webhooks_too_many"])
}

pub(crate) fn get() -> Operation {
    of_one("get_webhook", "A webhook and how it stands")
        .answers(200, "The webhook.", reference("Webhook"), example())
        .conditional()
}

pub(crate) fn edit() -> Operation {
    let off = vec![("off".to_owned(), json!({ "active": false }))];
    of_one("edit_webhook", "Changes a webhook, switches it on or off")
        .described(
            "What is left out stays. One that is switched on goes on where it stood; where that is too long ago, \
             `replay` says from where.",
        )
        .body(JSON, reference("WebhookEdit"), off)
        .answers(200, "As it is now.", reference("Webhook"), example())
        .refuses(&WANTED)
        .refuses(&["cursor_expired"])
}

pub(crate) fn remove() -> Operation {
    changes_one("remove_webhook", "Removes a webhook").answers(
        200,
        "As it was.",
        reference("Webhook"),
        example(),
    )
}

pub(crate) fn rotate() -> Operation {
    changes_one("rotate_webhook_secret", "Gives a webhook another secret")
        .described("The present one signs, too, for 24 hours.")
        .answers(
            200,
            "The webhook and its new secret.",
            reference("WebhookWithSecret"),
            example_with_secret(),
        )
}

pub(crate) fn test() -> Operation {
    changes_one("test_webhook", "Sends a test")
        .described(
            "An event `webhook.test`, soon. What came of it stands in its deliveries, with this `key`.",
        )
        .answers(
            202,
            "It is on its way.",
            reference("WebhookTest"),
            json!({ "test": "0123456789abcdef" }),
        )
        .refuses(&["webhook_disabled"])
}

pub(crate) fn replay() -> Operation {
    let all = vec![
        ("everything".to_owned(), json!({ "since": "" })),
        ("since".to_owned(), json!({ "time": "2026-05-06T00:00:00Z" })),
    ];
    changes_one("replay_webhook", "Sends again, from a place in the feed")
        .described(
            "Every record at its latest position, as `GET /v1/changes` from there has it. Messages that were sent before \
             come under the same ids.",
        )
        .body(JSON, reference("WebhookReplay"), all)
        .answers(200, "As it is now.", reference("Webhook"), example())
        .refuses(&["cursor_expired", "cursor_invalid", "replay_invalid"])
}

pub(crate) fn deliveries((default, most): (u32, u32)) -> Operation {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": default });
    let sent = json!({
        "message": "msg_c2da5bf918dac1ddf80e0a1314fbf360", "event": "record.changed", "topic": "items", "company": "ABC",
        "key": "1001-HON-H252", "attempt": 1, "at": "2026-05-06T10:00:01Z", "took_ms": 12, "status": 200,
        "outcome": "delivered",
    });
    of_one(
        "list_webhook_deliveries",
        "What was sent lately, the newest first",
    )
    .takes("limit", limit, "At most so many; 200 are remembered.")
    .answers(
        200,
        "What was sent.",
        reference("WebhookDeliveries"),
        json!({ "data": [sent] }),
    )
    .conditional()
}
