//! What the API answers, besides records.

use model::{ImportKind, ImportState};
use serde_json::{Map, Value, json};

use super::schema::{
    count, date, decimal, described, instant, list, map_of, nullable, object, one_of, reference, text, whole,
    word_like,
};

const STATES: [ImportState; 9] = [
    ImportState::Received,
    ImportState::Validated,
    ImportState::Waiting,
    ImportState::Writing,
    ImportState::Written,
    ImportState::Held,
    ImportState::InDoubt,
    ImportState::Refused,
    ImportState::Discarded,
];

/// Words of the states; later versions may know more.
pub(crate) fn states() -> [&'static str; 9] {
    STATES.map(ImportState::as_str)
}

/// Words of the kinds.
pub(crate) fn kinds() -> [&'static str; 3] {
    ImportKind::ALL.map(ImportKind::as_str)
}

/// All of them, by name.
pub(crate) fn schemas() -> Map<String, Value> {
    let mut all = Map::new();
    for (name, schema) in problems()
        .into_iter()
        .chain(imports())
        .chain(money())
        .chain(sites())
    {
        all.insert(name.to_owned(), schema);
    }
    all
}

fn problems() -> [(&'static str, Value); 2] {
    let document_problem = object(
        [
            ("code", described(text(), "Stable; see docs/errors.md.")),
            (
                "field",
                described(
                    text(),
                    "Path in the request, like `lines[0].item_code`; empty for the whole.",
                ),
            ),
            ("value", described(text(), "What was found there, cut to a line.")),
            (
                "message",
                described(
                    text(),
                    "What is wrong. Like the value it is withheld from tokens that do not read its class.",
                ),
            ),
            ("remedy", text()),
        ],
        &["code", "field", "message", "remedy"],
    );
    let problem = object(
        [
            (
                "type",
                described(text(), "Address of the code's page on this hub."),
            ),
            ("title", text()),
            (
                "status",
                json!({ "type": "integer", "minimum": 400, "maximum": 599 }),
            ),
            ("code", described(text(), "Stable; programs act on it.")),
            ("detail", text()),
            ("remedy", described(text(), "What to do.")),
            (
                "problems",
                described(
                    list(reference("DocumentProblem")),
                    "Everything that is wrong with a document.",
                ),
            ),
            ("deleted_at", described(instant(), "With `record_deleted`.")),
            ("reason", one_of(&["deleted", "filtered", "moved", "settled"])),
        ],
        &["type", "title", "status", "code", "detail", "remedy"],
    );
    [("DocumentProblem", document_problem), ("Problem", problem)]
}

fn imports() -> [(&'static str, Value); 9] {
    let state = word_like(&states());
    let attempt = whole([
        ("at", text()),
        ("step", text()),
        ("detail", text()),
        ("revision", count()),
    ]);
    let decision = object([("accept", list(text())), ("why", text())], &[]);
    let request_decision = json!({
        "type": "object",
        "properties": {
            "accept": described(list(text()), "Codes of problems with which it shall go in all the same."),
            "why": described(text(), "For the record; needed for a document in doubt and for a discard."),
        },
        "additionalProperties": false,
    });
    let order = whole([
        (
            "status",
            word_like(&[
                "open",
                "on_hold",
                "partly_shipped",
                "shipped",
                "invoiced",
                "completed",
                "cancelled",
                "deleted",
                "unknown",
            ]),
        ),
        ("order_status", nullable(text())),
        (
            "invoices",
            list(whole([
                ("invoice_no", text()),
                ("invoice_date", nullable(text())),
            ])),
        ),
        ("tracking", list(text())),
        ("last_seen_at", nullable(instant())),
    ]);
    let import = object(
        [
            ("id", text()),
            ("kind", one_of(&kinds())),
            ("company", text()),
            ("revision", count()),
            (
                "state",
                described(state.clone(), "Accept states that you do not know."),
            ),
            (
                "customer",
                described(nullable(text()), "The customer's key, as far as it is known."),
            ),
            (
                "sales_order_no",
                described(nullable(text()), "Sage's number of an order."),
            ),
            ("ar_division_no", text()),
            ("customer_no", text()),
            ("ship_to_code", text()),
            ("batch_no", text()),
            ("deposit_no", text()),
            ("check_no", text()),
            ("decision", nullable(reference("DecisionTaken"))),
            ("totals", described(map_of(text()), "As Sage computed them.")),
            ("warnings", described(list(text()), "Each begins with its code.")),
            ("problems", list(reference("DocumentProblem"))),
            ("attempts", list(reference("Attempt"))),
            ("created_at", instant()),
            ("updated_at", instant()),
            (
                "redacted_at",
                described(instant(), "When its body was forgotten."),
            ),
            ("order", reference("OrderThread")),
            (
                "request",
                described(json!({ "type": ["object", "null"] }), "With `include=request`."),
            ),
        ],
        &[
            "id",
            "kind",
            "company",
            "revision",
            "state",
            "customer",
            "decision",
            "totals",
            "warnings",
            "problems",
            "attempts",
            "created_at",
            "updated_at",
        ],
    );
    let accepted = whole([("id", text()), ("state", state.clone())]);
    let page = whole([
        ("data", list(reference("Import"))),
        ("next_cursor", described(nullable(text()), "Null at the end.")),
    ]);
    let line = whole([
        ("item_code", text()),
        ("unit_price", nullable(text())),
        ("extension_amt", nullable(text())),
    ]);
    let preview = object(
        [
            ("id", text()),
            ("state", described(state, "`validated` when it would be written.")),
            ("totals", map_of(text())),
            ("lines", list(line)),
            ("warnings", described(list(text()), "Each begins with its code.")),
            ("problems", list(reference("DocumentProblem"))),
        ],
        &["id"],
    );
    [
        ("Attempt", described(attempt, "One step that was tried.")),
        ("DecisionTaken", decision),
        ("Decision", request_decision),
        (
            "OrderThread",
            described(order, "What became of a written order in Sage."),
        ),
        ("Import", described(import, "A document on its way into Sage.")),
        ("ImportAccepted", accepted),
        ("ImportPage", page),
        (
            "Preview",
            described(preview, "What Sage would say; the id alone while it is asked."),
        ),
        (
            "MergePatch",
            json!({
                "type": "object",
                "description": "RFC 7396: members replace those of the document, null takes one out, lists are replaced whole.",
            }),
        ),
    ]
}

fn money() -> [(&'static str, Value); 3] {
    let sum = || reference("Sum");
    let sums = whole([
        ("captured", sum()),
        ("queued", sum()),
        ("held", sum()),
        ("in_doubt", sum()),
        ("refused", sum()),
        ("entered", sum()),
        ("with_order", sum()),
        ("unposted", sum()),
        ("posted", sum()),
        ("given_back", sum()),
    ]);
    let by_type = json!({ "allOf": [reference("TieOutSums"), whole([("payment_type", nullable(text()))])] });
    let deposit = json!({ "allOf": [sum(), whole([("batch_no", text()), ("deposit_no", text()), ("bank_code", text())])] });
    let difference = whole([
        ("import", text()),
        ("state", text()),
        ("code", word_like(&["not_entered", "amount_differs", "not_found"])),
        ("payment_type", nullable(text())),
        ("amount", decimal(2)),
        ("erp_amount", nullable(decimal(2))),
        ("remedy", text()),
    ]);
    let tie_out = whole([
        ("company", text()),
        ("date", date()),
        ("total", reference("TieOutSums")),
        ("payment_types", list(by_type)),
        ("deposits", list(deposit)),
        ("differences", list(difference)),
        ("sources", list(text())),
    ]);
    [
        ("Sum", whole([("sum", decimal(2)), ("count", count())])),
        ("TieOutSums", sums),
        ("TieOut", tie_out),
    ]
}

fn sites() -> [(&'static str, Value); 5] {
    let problem = || nullable(reference("SiteProblem"));
    let agent = object(
        [
            ("agent", text()),
            ("role", text()),
            ("host", text()),
            ("version", text()),
            ("enrolled_at", instant()),
            ("last_contact_at", nullable(instant())),
            ("revoked_at", nullable(instant())),
            ("clock_offset_s", nullable(json!({ "type": "integer" }))),
            ("status_at", nullable(instant())),
            ("status_age_s", nullable(count())),
        ],
        &["agent", "role", "host", "version", "enrolled_at"],
    );
    let company = object(
        [
            ("company", text()),
            ("agent", text()),
            ("time_zone", nullable(text())),
            ("lease", count()),
            ("problem", problem()),
            ("paused", json!({ "type": ["object", "null"] })),
            (
                "imports",
                described(
                    json!({ "type": ["object", "null"] }),
                    "How its documents go in, and what they wait for.",
                ),
            ),
        ],
        &["company", "agent"],
    );
    let dataset = object(
        [
            ("company", text()),
            ("dataset", text()),
            ("records", described(count(), "Live records at the hub.")),
            ("epoch", count()),
            ("sequence", count()),
            ("updated_at", nullable(instant())),
            (
                "state",
                nullable(word_like(&[
                    "never", "loading", "synced", "held", "failing", "absent",
                ])),
            ),
            ("documents", nullable(count())),
            ("passes", list(json!({ "type": "object" }))),
            ("progress", json!({ "type": ["object", "null"] })),
            (
                "lag_s",
                described(
                    nullable(count()),
                    "Age of the oldest change that may not be here yet.",
                ),
            ),
            ("watermark", nullable(text())),
            ("next_run_at", nullable(text())),
            ("findings", list(json!({ "type": "object" }))),
            ("held", json!({ "type": ["object", "null"] })),
            ("problem", problem()),
        ],
        &["company", "dataset", "records", "epoch", "sequence"],
    );
    let all = whole([
        ("agents", list(reference("AgentSite"))),
        ("companies", list(reference("CompanySite"))),
        ("datasets", list(reference("DatasetSite"))),
        ("next_cursor", described(nullable(text()), "Null at the end.")),
    ]);
    [
        (
            "SiteProblem",
            whole([("code", text()), ("message", text()), ("remedy", text())]),
        ),
        ("AgentSite", agent),
        ("CompanySite", company),
        ("DatasetSite", dataset),
        ("Sites", all),
    ]
}

/// An import as examples show it.
pub(crate) fn example_import() -> Value {
    json!({
        "id": "9f2c4e1a7b3d5f60", "kind": "sales_order", "company": "ABC", "revision": 1, "state": "written",
        "customer": "01:ABF", "sales_order_no": "0000186", "decision": null, "totals": { "order_total": "159.00" },
        "warnings": [], "problems": [],
        "attempts": [{ "at": "2026-05-06T10:00:01Z", "step": "reserved", "detail": "0000186", "revision": 1 }],
        "created_at": "2026-05-06T10:00:00Z", "updated_at": "2026-05-06T10:00:03Z",
    })
}
