//! Documents as they are posted. The parsers in [`model`] decide what is taken; a test
//! holds these tables to them, in both directions.

use model::ImportKind;
use serde_json::{Map, Value, json};

use super::schema::{described, list, nullable, one_of, pascal, reference, text};

/// Where users read about it all; its examples are those of the document.
const PAGE: &str = include_str!("../../../../docs/api.md");
/// Bytes of a text.
const MAX_TEXT: u32 = 2000;

/// A JSON object that is taken: every field that it may have.
struct Part {
    /// The schema's name.
    name: &'static str,
    /// What it is.
    doc: &'static str,
    fields: &'static [Row],
}

/// A field: name, whether it must be there, what it holds, what it means.
type Row = (&'static str, bool, Holds, &'static str);

enum Holds {
    Text,
    Words(&'static [&'static str]),
    Day,
    Flag,
    /// Any decimal of this scale.
    Decimal(u8),
    /// One that is not below zero.
    Amount(u8),
    /// The company's user-defined fields by name.
    Udf,
    /// A part.
    One(&'static Part),
    /// One of several parts.
    Either(&'static [&'static Part]),
    /// From so many to so many parts.
    List(u16, u16, &'static Part),
}
use Holds::{Amount, Day, Decimal, Either, Flag, List, One, Text, Udf, Words};

const CUSTOMER: Part = Part {
    name: "CustomerReference",
    doc: "A customer that Sage has.",
    fields: &[
        (
            "ar_division_no",
            true,
            Text,
            "The division, `00` where divisions are off.",
        ),
        ("customer_no", true, Text, "Unique inside its division."),
    ],
};

const PROFILE: Part = Part {
    name: "CustomerProfile",
    doc: "What is known of a customer outside Sage.",
    fields: &[
        ("customer_name", true, Text, ""),
        ("address_line1", false, Text, ""),
        ("address_line2", false, Text, ""),
        ("address_line3", false, Text, ""),
        ("city", false, Text, ""),
        ("state", false, Text, "Two letters in the United States."),
        ("zip_code", false, Text, ""),
        ("country_code", false, Text, "Three letters."),
        ("telephone_no", false, Text, ""),
        ("telephone_ext", false, Text, ""),
        ("email_address", false, Text, ""),
        (
            "contact_name",
            false,
            Text,
            "Taken and not entered: Sage keeps contacts apart from customers.",
        ),
        ("tax_exempt_no", false, Text, "The surest sign in matching."),
        (
            "ar_division_no",
            false,
            Text,
            "When it is not the site's usual one.",
        ),
        (
            "customer_no",
            false,
            Text,
            "Where the platform numbers customers.",
        ),
        (
            "customer_class",
            false,
            Text,
            "A class of the site, which selects defaults.",
        ),
        ("udf", false, Udf, ""),
    ],
};

const NEW_CUSTOMER: Part = Part {
    name: "NewCustomer",
    doc: "An account: matched with Sage's, and created when there is none like it.",
    fields: &[("new", true, One(&PROFILE), "")],
};

const GUEST: Part = Part {
    name: "GuestCustomer",
    doc: "A buyer without an account, treated as the site says.",
    fields: &[("guest", true, One(&PROFILE), "")],
};

const BILL_TO: Part = Part {
    name: "BillTo",
    doc: "The address of the invoice.",
    fields: &[
        ("bill_to_name", false, Text, ""),
        ("bill_to_address1", false, Text, ""),
        ("bill_to_address2", false, Text, ""),
        ("bill_to_address3", false, Text, ""),
        ("bill_to_city", false, Text, ""),
        ("bill_to_state", false, Text, ""),
        ("bill_to_zip_code", false, Text, ""),
        ("bill_to_country_code", false, Text, ""),
    ],
};

const SHIP_TO: Part = Part {
    name: "ShipTo",
    doc: "Where the goods go: a code of Sage, or an address.",
    fields: &[
        (
            "ship_to_code",
            false,
            Text,
            "Of an address that Sage has; then no other field.",
        ),
        ("ship_to_name", false, Text, ""),
        ("ship_to_address1", false, Text, ""),
        ("ship_to_address2", false, Text, ""),
        ("ship_to_address3", false, Text, ""),
        ("ship_to_city", false, Text, ""),
        ("ship_to_state", false, Text, ""),
        ("ship_to_zip_code", false, Text, ""),
        ("ship_to_country_code", false, Text, ""),
    ],
};

const COUPON: Part = Part {
    name: "Coupon",
    doc: "A coupon that the buyer used.",
    fields: &[
        ("code", true, Text, ""),
        ("amount", true, Amount(2), "What it takes off, more than zero."),
    ],
};

const HOLD: Part = Part {
    name: "Hold",
    doc: "Enters the order on hold.",
    fields: &[
        ("reason_code", false, Text, "A reason code of Sage."),
        ("reason", false, Text, "For people."),
    ],
};

const EXPECTED: Part = Part {
    name: "Expected",
    doc: "What the buyer was shown; compared with what Sage computes.",
    fields: &[
        ("sales_tax_amt", false, Amount(2), ""),
        ("order_total", false, Amount(2), ""),
    ],
};

const TENDER: Part = Part {
    name: "Tender",
    doc: "How an order was paid. Card data is refused.",
    fields: &[
        ("amount", true, Amount(2), "What was captured, more than zero."),
        ("payment_type", false, Text, "The platform's or Sage's."),
        (
            "gateway_transaction_id",
            false,
            Text,
            "Unique per kind in all orders and payments.",
        ),
        ("reference", false, Text, "What a person finds it by."),
        ("last_4", false, Text, "Exactly four digits of card or account."),
        ("captured_on", false, Day, "In the site's time."),
        (
            "settlement_id",
            false,
            Text,
            "Where deposits are made per settlement.",
        ),
    ],
};

const LINE: Part = Part {
    name: "OrderLine",
    doc: "An item, a charge (`/…`), a comment (`/C`) or a special item (`*…`).",
    fields: &[
        ("item_code", true, Text, ""),
        (
            "quantity_ordered",
            false,
            Amount(6),
            "More than zero; needed by all but charges and comments.",
        ),
        (
            "warehouse_code",
            false,
            Text,
            "The item's or the order's when left out.",
        ),
        (
            "unit_price",
            false,
            Decimal(6),
            "Left out, Sage prices the line. A charge's amount may be below zero.",
        ),
        ("line_discount_percent", false, Amount(3), "0 to 100."),
        (
            "unit_of_measure",
            false,
            Text,
            "The item's sales unit when left out.",
        ),
        ("item_code_desc", false, Text, "Replaces the item's description."),
        ("comment_text", false, Text, "Text under the line."),
        ("promise_date", false, Day, ""),
        ("drop_ship", false, Flag, "Ship from the vendor to the customer."),
        (
            "take_alternate",
            false,
            Flag,
            "Take the item's first alternate in stock when it is not.",
        ),
        ("udf", false, Udf, ""),
    ],
};

const SALES_ORDER: Part = Part {
    name: "SalesOrder",
    doc: "An order as the web team sends it.",
    fields: &[
        ("company", true, Text, "Of `GET /v1/sites`."),
        (
            "customer",
            true,
            Either(&[&CUSTOMER, &NEW_CUSTOMER, &GUEST]),
            "Who ordered.",
        ),
        ("lines", true, List(1, 5000, &LINE), ""),
        (
            "order_type",
            false,
            Words(&["S", "B", "Q"]),
            "`S` standard (default), `B` back order, `Q` quote.",
        ),
        ("customer_po_no", false, Text, "The buyer's number."),
        (
            "order_date",
            false,
            Day,
            "The day on which it is entered when left out.",
        ),
        ("ship_expire_date", false, Day, "When it should ship."),
        ("ship_via", false, Text, "Carrier, as Sage names it."),
        ("fob", false, Text, ""),
        (
            "bill_to",
            false,
            One(&BILL_TO),
            "The customer's own when left out.",
        ),
        (
            "ship_to",
            false,
            One(&SHIP_TO),
            "The customer's own when left out.",
        ),
        ("warehouse_code", false, Text, ""),
        ("terms_code", false, Text, "When they are not the customer's."),
        ("comment", false, Text, ""),
        ("confirm_to", false, Text, ""),
        ("email_address", false, Text, "For the order's mail."),
        ("freight_amt", false, Amount(2), ""),
        (
            "discount_amt",
            false,
            Amount(2),
            "Trade discount as an amount; not with `discount_rate`.",
        ),
        (
            "discount_rate",
            false,
            Amount(3),
            "Trade discount in percent, 0 to 100.",
        ),
        (
            "coupons",
            false,
            List(0, 50, &COUPON),
            "Entered as the site maps them.",
        ),
        ("hold", false, One(&HOLD), ""),
        ("print_sales_orders", false, Flag, ""),
        ("print_picking_sheets", false, Flag, "Never for an order on hold."),
        ("payment", false, One(&TENDER), "How it was paid."),
        ("expected", false, One(&EXPECTED), ""),
        ("udf", false, Udf, "Of the header."),
    ],
};

const INVOICE: Part = Part {
    name: "PaidInvoice",
    doc: "A part of a payment.",
    fields: &[
        (
            "invoice_no",
            true,
            Text,
            "Seven characters, zero-filled when numeric.",
        ),
        ("amount", true, Decimal(2), "Negative for a credit that is used."),
        (
            "invoice_type",
            false,
            Text,
            "As in `open_invoices`; `IN` when left out, or the only one.",
        ),
        ("discount_amount", false, Amount(2), "Discount taken with it."),
    ],
};

const PAYMENT: Part = Part {
    name: "Payment",
    doc: "A payment of invoices, or on account. Card data is refused.",
    fields: &[
        ("company", true, Text, "Of `GET /v1/sites`."),
        ("customer", true, One(&CUSTOMER), "Who paid."),
        ("amount", true, Amount(2), "What was paid, more than zero."),
        (
            "kind",
            false,
            Words(&["payment", "refund", "void", "returned"]),
            "The last three are told, never entered.",
        ),
        ("payment_type", false, Text, "The platform's or Sage's."),
        (
            "gateway_transaction_id",
            false,
            Text,
            "Unique per kind in all orders and payments.",
        ),
        ("reference", false, Text, "What a person finds it by."),
        ("last_4", false, Text, "Exactly four digits of card or account."),
        ("captured_on", false, Day, "In the site's time."),
        (
            "settlement_id",
            false,
            Text,
            "Where deposits are made per settlement.",
        ),
        (
            "invoices",
            false,
            List(0, 1000, &INVOICE),
            "Together no more than `amount`.",
        ),
        ("comment", false, Text, ""),
        ("udf", false, Udf, ""),
    ],
};

const CHANGES: Part = Part {
    name: "CustomerChanges",
    doc: "New values; a blank text empties a field.",
    fields: &[
        ("customer_name", false, Text, ""),
        ("address_line1", false, Text, ""),
        ("address_line2", false, Text, ""),
        ("address_line3", false, Text, ""),
        ("city", false, Text, ""),
        ("state", false, Text, ""),
        ("zip_code", false, Text, ""),
        ("country_code", false, Text, ""),
        ("telephone_no", false, Text, ""),
        ("telephone_ext", false, Text, ""),
        ("email_address", false, Text, ""),
        ("tax_exempt_no", false, Text, ""),
        ("udf", false, Udf, ""),
    ],
};

const CUSTOMER_REQUEST: Part = Part {
    name: "CustomerRequest",
    doc: "An account (`new`), or `changes` to a `customer` that Sage has.",
    fields: &[
        ("company", true, Text, "Of `GET /v1/sites`."),
        ("new", false, One(&PROFILE), "Not with `customer`."),
        ("customer", false, One(&CUSTOMER), "Whose fields change."),
        ("changes", false, One(&CHANGES), "With `customer` only."),
    ],
};

const fn part(kind: ImportKind) -> &'static Part {
    match kind {
        ImportKind::SalesOrder => &SALES_ORDER,
        ImportKind::Payment => &PAYMENT,
        ImportKind::Customer => &CUSTOMER_REQUEST,
    }
}

/// The schema of a document's body.
pub(crate) fn body(kind: ImportKind) -> Value {
    reference(part(kind).name)
}

/// The examples of `docs/api.md` in fences of this kind (`sales_order`, `decision`, …).
pub(crate) fn examples(kind: &str) -> Vec<(String, Value)> {
    let fence = format!("```json {kind}\n");
    let texts = PAGE.split(fence.as_str()).skip(1);
    texts
        .filter_map(|text| serde_json::from_str(text.split("```").next()?).ok())
        .enumerate()
        .map(|(place, example)| (format!("{kind}_{}", place + 1), example))
        .collect()
}

/// Schemas of all parts.
pub(crate) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for kind in ImportKind::ALL {
        add(part(kind), &mut schemas);
    }
    schemas
}

fn add(part: &Part, schemas: &mut Map<String, Value>) {
    if schemas.contains_key(part.name) {
        return;
    }
    debug_assert!(pascal(part.name) == part.name, "{}", part.name);
    let mut properties = Map::new();
    for (name, required, holds, doc) in part.fields {
        let schema = holds.schema();
        // What may be left out may be null as well.
        let schema = if *required { schema } else { nullable(schema) };
        properties.insert((*name).to_owned(), described(schema, doc));
    }
    let required: Vec<_> = part.fields.iter().filter(|f| f.1).map(|f| f.0).collect();
    let schema = json!({
        "type": "object", "description": part.doc, "properties": properties, "required": required,
        "additionalProperties": false,
    });
    schemas.insert(part.name.to_owned(), schema);
    for (_, _, holds, _) in part.fields {
        for inner in holds.parts() {
            add(inner, schemas);
        }
    }
}

impl Holds {
    fn schema(&self) -> Value {
        match self {
            Self::Text => json!({ "type": "string", "maxLength": MAX_TEXT }),
            Self::Words(words) => one_of(words),
            Self::Day => super::schema::date(),
            Self::Flag => super::schema::flag(),
            Self::Decimal(scale) => number(*scale, "-?"),
            Self::Amount(scale) => {
                let mut schema = number(*scale, "");
                schema["minimum"] = 0.into();
                schema
            }
            Self::Udf => json!({
                "type": "object",
                "description": "User-defined fields by name without `UDF_`.",
                "propertyNames": { "pattern": "^[A-Za-z0-9_]{1,60}$" },
                "additionalProperties": { "type": ["string", "integer", "boolean", "null"], "maxLength": MAX_TEXT },
            }),
            Self::One(part) => reference(part.name),
            Self::Either(parts) => {
                json!({ "anyOf": parts.iter().map(|part| reference(part.name)).collect::<Vec<_>>() })
            }
            Self::List(least, most, part) => {
                let mut schema = list(reference(part.name));
                schema["minItems"] = (*least).into();
                schema["maxItems"] = (*most).into();
                schema
            }
        }
    }

    fn parts(&self) -> Vec<&'static Part> {
        match self {
            Self::One(part) | Self::List(_, _, part) => vec![part],
            Self::Either(parts) => parts.to_vec(),
            Self::Text
            | Self::Words(_)
            | Self::Day
            | Self::Flag
            | Self::Decimal(_)
            | Self::Amount(_)
            | Self::Udf => Vec::new(),
        }
    }
}

/// A string with at most so many decimals, or a whole number.
fn number(scale: u8, sign: &str) -> Value {
    let mut schema = text();
    schema["type"] = json!(["string", "integer"]);
    schema["format"] = "decimal".into();
    schema["pattern"] = format!(r"^{sign}\d{{1,9}}(\.\d{{1,{scale}}})?$").into();
    schema
}

/// Paths of all that a document may have.
#[cfg(test)]
pub(crate) fn paths(kind: ImportKind) -> Vec<String> {
    fn walk(part: &Part, above: &str, found: &mut Vec<String>) {
        for (name, _, holds, _) in part.fields {
            let path = format!("{above}{name}");
            let below = match holds {
                List(..) => format!("{path}[0]."),
                Udf => {
                    found.push(format!("{path}.COLOUR"));
                    continue;
                }
                Text | Words(_) | Day | Flag | Decimal(_) | Amount(_) | One(_) | Either(_) => {
                    format!("{path}.")
                }
            };
            for inner in holds.parts() {
                walk(inner, &below, found);
            }
            found.push(path);
        }
    }
    let mut found = vec![String::new()];
    walk(part(kind), "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Problem;

    use super::*;

    fn problems_at(kind: ImportKind, body: &Value, field: &str) -> Vec<Problem> {
        let problems = kind.problems_of(body);
        problems.into_iter().filter(|p| p.field == field).collect()
    }

    /// Goes down to every part with the way to put a value there.
    fn walk(
        kind: ImportKind,
        part: &Part,
        path: &str,
        wrap: &dyn Fn(Value) -> Value,
        seen: &mut BTreeSet<String>,
    ) {
        // A part that is chosen by its one field has no list of fields of its own.
        if part.fields.len() == 1 {
            return descend(kind, part, path, wrap, seen);
        }
        // The parser names what it takes when it is sent something else.
        let unknown = format!("{path}no_such_field");
        let found = problems_at(kind, &wrap(json!({ "no_such_field": 1 })), &unknown);
        let [problem] = found.as_slice() else {
            panic!("{path}: {found:?}")
        };
        let names = problem.remedy.rsplit("one of ").next().unwrap_or_default();
        let taken: BTreeSet<_> = names.split(", ").collect();
        let listed: BTreeSet<_> = part.fields.iter().map(|f| f.0).collect();
        assert_eq!(
            listed, taken,
            "the fields of {} and those that are taken differ",
            part.name
        );
        descend(kind, part, path, wrap, seen);
    }

    fn descend(
        kind: ImportKind,
        part: &Part,
        path: &str,
        wrap: &dyn Fn(Value) -> Value,
        seen: &mut BTreeSet<String>,
    ) {
        for (name, required, holds, _) in part.fields {
            let at = format!("{path}{name}");
            // The company is the hub's to read.
            if *name == "company" {
                continue;
            }
            seen.insert(at.clone());
            let with = |value: Value| {
                let mut object = json!({ *name: value });
                // Changes are looked at only where they are somebody's.
                if *name == "changes" {
                    object["customer"] = json!({ "ar_division_no": "01", "customer_no": "ABF" });
                }
                wrap(object)
            };
            if *required && part.fields.len() > 1 {
                let left_out = kind.problems_of(&wrap(json!({})));
                assert!(
                    left_out.iter().any(|p| p.code == "required" && p.field == at),
                    "{at}: {left_out:?}"
                );
            }
            let wrong = match holds {
                Holds::Text | Holds::Words(_) | Holds::Day => json!(1),
                Holds::Decimal(_) | Holds::Amount(_) => json!("x"),
                Holds::Flag | Holds::Udf | Holds::One(_) | Holds::Either(_) | Holds::List(..) => json!("x"),
            };
            let found = problems_at(kind, &with(wrong), &at);
            assert!(found.iter().any(|p| p.code == "wrong_type"), "{at}: {found:?}");
            if let Holds::Decimal(scale) | Holds::Amount(scale) = holds {
                let finest = format!("1.{}", "1".repeat((*scale).into()));
                let finer = format!("{finest}1");
                assert_eq!(problems_at(kind, &with(json!(finest)), &at), [], "{at}");
                assert_ne!(
                    problems_at(kind, &with(json!(finer)), &at),
                    [],
                    "{at} takes {finer}"
                );
            }
            if let Holds::Words(words) = holds {
                assert_ne!(problems_at(kind, &with(json!("no such word")), &at), [], "{at}");
                for word in *words {
                    assert_eq!(problems_at(kind, &with(json!(word)), &at), [], "{at}");
                }
            }
            match holds {
                Holds::One(inner) => walk(kind, inner, &format!("{at}."), &with, seen),
                Holds::Either(parts) => {
                    for inner in *parts {
                        walk(kind, inner, &format!("{at}."), &with, seen);
                    }
                }
                Holds::List(_, most, inner) => {
                    walk(
                        kind,
                        inner,
                        &format!("{at}[0]."),
                        &|value| with(json!([value])),
                        seen,
                    );
                    let many = vec![json!({}); usize::from(*most) + 1];
                    let found = problems_at(kind, &with(json!(many)), &at);
                    assert!(found.iter().any(|p| p.code == "too_many"), "{at}: {found:?}");
                }
                Holds::Text
                | Holds::Words(_)
                | Holds::Day
                | Holds::Flag
                | Holds::Decimal(_)
                | Holds::Amount(_)
                | Holds::Udf => {}
            }
        }
    }

    #[test]
    fn the_tables_are_what_the_parsers_take() {
        let mut seen = BTreeSet::new();
        for kind in ImportKind::ALL {
            walk(kind, part(kind), "", &|value| value, &mut seen);
        }
        assert!(seen.len() > 80, "only {} fields were tried", seen.len());
    }

    #[test]
    fn every_kind_has_its_examples() {
        for kind in ImportKind::ALL {
            assert!(!examples(kind.as_str()).is_empty(), "{}", kind.as_str());
        }
        assert!(!examples("decision").is_empty());
    }
}
