//! What the API's document says of prices.

use pricing::{
    AboveLastBreak, BlankLevel, BlankMethod, BreaksCount, CustomerDiscount, LevelByCustomer, LevelOrder,
    MarkupBase, NegativePrice, PricesPer, PromotionSource, Rounding, Rule, TotalBlank, TotalBy,
    TotalQuantity, ZeroBound, ZeroPromotion,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{MOST_LINES, QUANTITY_SCALE};
use super::options::as_they_hold;
use crate::openapi::requests::examples;
use crate::openapi::schema::{
    count, date, decimal, described, list, nullable, object, reference, text, whole, word_like,
};
use crate::openapi::{JSON, Operation};

const RULES: [Rule; 7] = [
    Rule::Promotion,
    Rule::CustomerItem,
    Rule::ItemLevel,
    Rule::ItemStandard,
    Rule::PriceCodeLevel,
    Rule::PriceCodeStandard,
    Rule::StandardPrice,
];
const OUTCOMES: [&str; 6] = [
    "decided",
    "gave_level",
    "overruled",
    "not_in_force",
    "not_lower",
    "no_price",
];

pub(super) fn operation() -> Operation {
    let example = examples("prices_answer").pop().map(|(_, value)| value);
    Operation::new("ask_prices", "Prices", "What Sage would ask for items")
        .described(
            "Worked out by the hub from what was synced, with everything that was acknowledged before the question. \
             Nothing is stored. A line without a price says why in its `problems`; the others have theirs.",
        )
        .body(JSON, question(), examples("prices"))
        .answers(200, "The prices, line by line.", answer(), example.unwrap_or_default())
        .refuses(&["company_unknown", "document_refused"])
}

/// The options' names and what they may be.
pub(super) fn choices() -> [(&'static str, Value); 18] {
    let mut decimals = count();
    decimals["maximum"] = 6.into();
    [
        ("markup_base", words(MarkupBase::ALL)),
        ("prices_per", words(PricesPer::ALL)),
        ("breaks_count", words(BreaksCount::ALL)),
        ("zero_bound", words(ZeroBound::ALL)),
        ("above_last_break", words(AboveLastBreak::ALL)),
        ("blank_method", words(BlankMethod::ALL)),
        ("rounding", words(Rounding::ALL)),
        ("price_decimals", decimals),
        ("negative_price", words(NegativePrice::ALL)),
        ("promotion_source", words(PromotionSource::ALL)),
        ("zero_promotion", words(ZeroPromotion::ALL)),
        ("level_by_customer", words(LevelByCustomer::ALL)),
        ("level_order", words(LevelOrder::ALL)),
        ("blank_level", words(BlankLevel::ALL)),
        ("total_quantity", words(TotalQuantity::ALL)),
        ("total_by", words(TotalBy::ALL)),
        ("total_blank", words(TotalBlank::ALL)),
        ("customer_discount", words(CustomerDiscount::ALL)),
    ]
}

/// The choices, the first one of which holds unless another is made.
fn words<T: Serialize>(all: &[T]) -> Value {
    let all: Vec<Value> = all
        .iter()
        .filter_map(|one| serde_json::to_value(one).ok())
        .collect();
    json!({ "type": "string", "enum": all })
}

pub(super) fn options() -> Operation {
    Operation::new(
        "get_price_options",
        "Prices",
        "What a company's prices are worked out by",
    )
    .described("What is not known of Sage, or differs from site to site: docs/prices.md has what each means.")
    .takes("company", text(), "Needed where the token sees several.")
    .answers(200, "All options, and which were chosen.", chosen(), example())
    .conditional()
    .refuses(&["company_required", "company_unknown"])
}

pub(super) fn choosing() -> Operation {
    let changes = choices().map(|(name, schema)| (name, nullable(schema)));
    let changes = described(
        closed(object(changes, &[])),
        "Null takes a choice back; what is not named stays.",
    );
    let sent = json!({ "markup_base": "standard_price", "total_by": null });
    Operation::new(
        "choose_price_options",
        "Prices",
        "Chooses what a company's prices are worked out by",
    )
    .described(
        "They count from the next question on, at all hubs over the same store. The audit log tells of it.",
    )
    .takes("company", text(), "Needed where the token sees several.")
    .body(JSON, changes, vec![("chooses".to_owned(), sent)])
    .answers(200, "All options as they hold now.", chosen(), example())
    .refuses(&["company_required", "company_unknown", "permission_missing"])
}

fn chosen() -> Value {
    whole([
        ("company", text()),
        ("options", described(whole(choices()), "As they hold.")),
        (
            "chosen",
            described(object(choices(), &[]), "Those that were chosen for this company."),
        ),
    ])
}

fn example() -> Value {
    let chosen = json!({ "markup_base": "standard_price" });
    let held = chosen.as_object().and_then(|chosen| as_they_hold(chosen).ok());
    json!({ "company": "ABC", "options": held, "chosen": chosen })
}

fn question() -> Value {
    let pattern = format!(r"^-?\d{{1,9}}(\.\d{{1,{QUANTITY_SCALE}}})?$");
    let quantity = json!({ "type": ["string", "integer"], "format": "decimal", "pattern": pattern });
    let customer = closed(whole([("ar_division_no", text()), ("customer_no", text())]));
    let line = closed(object(
        [
            ("item_code", text()),
            ("quantity", described(quantity, "In the line's unit.")),
            (
                "unit_of_measure",
                described(nullable(text()), "The item's sales unit when left out or blank."),
            ),
            (
                "price_level",
                described(nullable(text()), "Instead of the customer's."),
            ),
        ],
        &["item_code", "quantity"],
    ));
    let mut lines = list(line);
    lines["minItems"] = 1.into();
    lines["maxItems"] = MOST_LINES.into();
    closed(object(
        [
            ("company", described(text(), "Of `GET /v1/sites`.")),
            (
                "customer",
                described(nullable(customer), "Without one: what everybody pays."),
            ),
            (
                "ship_to_code",
                described(nullable(text()), "Price levels may go by it."),
            ),
            (
                "date",
                described(date(), "The order's: promotions and price levels go by it."),
            ),
            (
                "lines",
                described(lines, "Quantities count together where the company does so."),
            ),
        ],
        &["company", "date", "lines"],
    ))
}

fn answer() -> Value {
    let considered = whole([
        ("dataset", text()),
        ("key", text()),
        ("rule", nullable(rule())),
        ("outcome", word_like(&OUTCOMES)),
        (
            "price",
            described(
                nullable(decimal(6)),
                "What it would make, where that was worked out and the token may see it.",
            ),
        ),
    ]);
    let line = object(
        [
            ("item_code", text()),
            ("quantity", decimal(QUANTITY_SCALE)),
            ("unit_of_measure", text()),
            ("unit_factor", described(decimal(4), "Standard units in it.")),
            (
                "unit_price",
                described(
                    nullable(decimal(6)),
                    "Of one in the line's unit, before discounts.",
                ),
            ),
            (
                "extension_amt",
                described(nullable(decimal(2)), "Of all of them, less the line's discount."),
            ),
            ("rule", nullable(rule())),
            ("price_level", described(text(), "Blank is the standard level.")),
            (
                "break_quantity",
                described(decimal(6), "What was held against the bounds."),
            ),
            ("line_discount_percent", decimal(6)),
            (
                "trade_discount_percent",
                described(decimal(6), "Through the order's trade discount."),
            ),
            (
                "considered",
                described(list(considered), "The highest rule first."),
            ),
            ("problems", list(reference("DocumentProblem"))),
        ],
        &[
            "item_code",
            "quantity",
            "unit_of_measure",
            "unit_price",
            "extension_amt",
            "rule",
            "considered",
            "problems",
        ],
    );
    let unreadable = list(whole([("dataset", text()), ("key", text())]));
    whole([
        ("company", text()),
        ("date", date()),
        ("lines", list(line)),
        (
            "unreadable_records",
            described(unreadable, "Of which no price can be made; the first 20."),
        ),
    ])
}

fn rule() -> Value {
    word_like(&RULES.map(Rule::as_str))
}

/// Nothing else may be sent.
fn closed(mut schema: Value) -> Value {
    schema["additionalProperties"] = false.into();
    schema
}
