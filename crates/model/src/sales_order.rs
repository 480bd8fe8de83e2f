//! A web order, parsed. All problems of a request are found at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use values::{Date, Decimal};

use crate::fields::{Fields, UdfValue, body_object, missing};
use crate::money::{Tender, parse_tender};
use crate::party::{parse_bill_to, parse_ship_to, required_customer};
use crate::{Address, Customer, Problem, ShipTo};

/// Lines of one order: Sage's line key has six digits, no web shop needs more than this,
/// and one order must fit into one message.
const MAX_LINES: usize = 5_000;
/// Coupons of one order.
const MAX_COUPONS: usize = 50;
/// Decimals of quantities and prices in Sage.
const SCALE: u8 = 6;

/// What is entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderType {
    /// A standard order (`S`).
    #[default]
    Standard,
    /// A back order (`B`).
    BackOrder,
    /// A quote (`Q`).
    Quote,
}

impl OrderType {
    /// Sage's letter.
    #[must_use]
    pub const fn as_sage(self) -> &'static str {
        match self {
            Self::Standard => "S",
            Self::BackOrder => "B",
            Self::Quote => "Q",
        }
    }

    /// From Sage's letter.
    #[must_use]
    pub fn from_sage(letter: &str) -> Option<Self> {
        [Self::Standard, Self::BackOrder, Self::Quote]
            .into_iter()
            .find(|kind| kind.as_sage() == letter)
    }
}

/// An order as the web team sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesOrder {
    /// Who ordered.
    pub customer: Customer,
    /// Standard order, back order or quote.
    #[serde(default)]
    pub order_type: OrderType,
    /// The buyer's number.
    pub customer_po_no: Option<String>,
    /// None means the day on which it is entered.
    pub order_date: Option<Date>,
    /// When it should ship.
    pub ship_expire_date: Option<Date>,
    /// Carrier, as Sage names it.
    pub ship_via: Option<String>,
    /// Where ownership passes.
    pub fob: Option<String>,
    /// None means the customer's own.
    pub bill_to: Option<Address>,
    /// None means the customer's own.
    pub ship_to: Option<ShipTo>,
    /// Warehouse of the header.
    pub warehouse_code: Option<String>,
    /// Terms, when they are not the customer's.
    pub terms_code: Option<String>,
    /// Comment of the header.
    pub comment: Option<String>,
    /// Who confirmed.
    pub confirm_to: Option<String>,
    /// For the order's mail.
    pub email_address: Option<String>,
    /// Freight charged.
    pub freight_amt: Option<Decimal>,
    /// Trade discount of the order, as an amount.
    pub discount_amt: Option<Decimal>,
    /// Trade discount of the order, percent.
    pub discount_rate: Option<Decimal>,
    /// Coupons, entered as the site maps them.
    #[serde(default)]
    pub coupons: Vec<Coupon>,
    /// Entered on hold, with this reason.
    pub hold: Option<Hold>,
    /// Print the order when Sage prints orders.
    pub print_sales_orders: Option<bool>,
    /// Print the picking sheet; never for an order on hold.
    pub print_picking_sheets: Option<bool>,
    /// How it was paid.
    pub payment: Option<Tender>,
    /// What the web showed the buyer; compared with what Sage computes.
    #[serde(default)]
    pub expected: Expected,
    /// At least one.
    pub lines: Vec<OrderLine>,
    /// User-defined fields of the header, by API name without `udf_`.
    #[serde(default)]
    pub udf: BTreeMap<String, UdfValue>,
}

/// A coupon that the buyer used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    /// The web's code.
    pub code: String,
    /// What it takes off, more than zero.
    pub amount: Decimal,
}

/// An order that is entered on hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// A reason code of Sage's.
    pub reason_code: Option<String>,
    /// For people; goes into the comment when the order has none.
    pub reason: Option<String>,
}

/// What the web showed the buyer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Its estimate of the tax.
    pub sales_tax_amt: Option<Decimal>,
    /// What the order comes to.
    pub order_total: Option<Decimal>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Item, charge (`/…`), comment (`/C`) or special item (`*…`).
    pub item_code: String,
    /// More than zero; 1 when a comment or a charge was sent without.
    pub quantity_ordered: Decimal,
    /// None means the item's or the header's.
    pub warehouse_code: Option<String>,
    /// None lets Sage price the line.
    pub unit_price: Option<Decimal>,
    /// Percent, none lets Sage decide.
    pub line_discount_percent: Option<Decimal>,
    /// Unit of measure, none means the item's sales unit.
    pub unit_of_measure: Option<String>,
    /// Replaces the item's description.
    pub item_code_desc: Option<String>,
    /// Long text under the line.
    pub comment_text: Option<String>,
    /// When it is promised.
    pub promise_date: Option<Date>,
    /// Ship from the vendor to the customer.
    pub drop_ship: Option<bool>,
    /// Take the item's first alternate that is in stock when the item is not.
    #[serde(default)]
    pub take_alternate: bool,
    /// User-defined fields of the line, by API name without `udf_`.
    #[serde(default)]
    pub udf: BTreeMap<String, UdfValue>,
}

impl OrderLine {
    /// Is it a comment line?
    #[must_use]
    pub fn is_comment(&self) -> bool {
        self.item_code == "/C"
    }
}

impl SalesOrder {
    /// Reads a request body (the whole JSON object of `POST /v1/sales_orders`).
    ///
    /// # Errors
    /// Every problem that can be seen without the ERP, each with its field.
    pub fn parse(body: &Value) -> Result<Self, Vec<Problem>> {
        let object = body_object(body)?;
        let mut problems = Vec::new();
        let mut fields = Fields::new(object, "", "an order", &mut problems);
        fields.ignore("company");
        let order_type = fields
            .word("order_type", "S, B, Q", OrderType::from_sage)
            .unwrap_or_default();
        let customer_po_no = fields.text("customer_po_no");
        let order_date = fields.date("order_date");
        let ship_expire_date = fields.date("ship_expire_date");
        let ship_via = fields.text("ship_via");
        let fob = fields.text("fob");
        let warehouse_code = fields.text("warehouse_code");
        let terms_code = fields.text("terms_code");
        let comment = fields.text("comment");
        let confirm_to = fields.text("confirm_to");
        let email_address = fields.text("email_address");
        let freight_amt = fields.amount("freight_amt", 2);
        let discount_amt = fields.amount("discount_amt", 2);
        let discount_rate = percent(&mut fields, "discount_rate");
        if discount_amt.is_some() && discount_rate.is_some() {
            fields.problems.push(Problem::new(
                "contradiction",
                "discount_rate",
                "both discount_amt and discount_rate were sent",
                "send one of them",
            ));
        }
        let print_sales_orders = fields.flag("print_sales_orders");
        let print_picking_sheets = fields.flag("print_picking_sheets");
        let customer = fields.object("customer");
        let bill_to = fields.object("bill_to");
        let ship_to = fields.object("ship_to");
        let hold = fields.object("hold");
        let payment = fields.object("payment");
        let expected = fields.object("expected");
        let coupons = fields.array("coupons");
        let udf = fields.udf();
        let lines = fields.array("lines");
        fields.refuse_unknown();

        let customer = required_customer(customer, &mut problems);
        let bill_to = bill_to.and_then(|b| parse_bill_to(b, &mut problems));
        let ship_to = ship_to.and_then(|s| parse_ship_to(s, &mut problems));
        let payment = payment.and_then(|p| parse_tender(p, "payment.", &mut problems));
        let hold = hold.map(|hold| {
            let mut fields = Fields::new(hold, "hold.", "a hold", &mut problems);
            let hold = Hold {
                reason_code: fields.text("reason_code"),
                reason: fields.text("reason"),
            };
            fields.refuse_unknown();
            hold
        });
        let expected = expected.map_or_else(Expected::default, |expected| {
            let mut fields = Fields::new(expected, "expected.", "what the buyer was shown", &mut problems);
            let expected = Expected {
                sales_tax_amt: fields.amount("sales_tax_amt", 2),
                order_total: fields.amount("order_total", 2),
            };
            fields.refuse_unknown();
            expected
        });
        let coupons = parse_coupons(coupons, &mut problems);
        let lines = parse_lines(lines, &mut problems);
        match customer {
            Some(customer) if problems.is_empty() => Ok(Self {
                customer,
                order_type,
                customer_po_no,
                order_date,
                ship_expire_date,
                ship_via,
                fob,
                bill_to,
                ship_to,
                warehouse_code,
                terms_code,
                comment,
                confirm_to,
                email_address,
                freight_amt,
                discount_amt,
                discount_rate,
                coupons,
                hold,
                print_sales_orders,
                print_picking_sheets,
                payment,
                expected,
                lines,
                udf,
            }),
            Some(_) | None => Err(problems),
        }
    }
}

/// A percentage from 0 to 100.
fn percent(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Decimal> {
    let percent = fields.amount(name, 3)?;
    if percent > Decimal::new(100_000, 3) {
        fields.out_of_range(
            name,
            &format!("{percent} is more than 100 percent"),
            "send 0 to 100",
        );
        return None;
    }
    Some(percent)
}

fn parse_coupons(coupons: Option<&Vec<Value>>, problems: &mut Vec<Problem>) -> Vec<Coupon> {
    let coupons = coupons.map(Vec::as_slice).unwrap_or_default();
    if coupons.len() > MAX_COUPONS {
        problems.push(Problem::new(
            "too_many",
            "coupons",
            format!("{} coupons", coupons.len()),
            format!("send at most {MAX_COUPONS} coupons in one order"),
        ));
        return Vec::new();
    }
    let mut parsed = Vec::new();
    for (place, coupon) in coupons.iter().enumerate() {
        let Some(object) = coupon.as_object() else {
            problems.push(Problem::new(
                "wrong_type",
                format!("coupons[{place}]"),
                "a coupon is a JSON object",
                "send {code, amount}",
            ));
            continue;
        };
        let mut fields = Fields::new(object, format!("coupons[{place}]."), "a coupon", problems);
        let code = fields.required_text("code");
        let had_amount = object.contains_key("amount");
        let amount = fields.positive("amount", 2);
        if !had_amount {
            fields.missing("amount");
        }
        fields.refuse_unknown();
        parsed.extend(code.zip(amount).map(|(code, amount)| Coupon { code, amount }));
    }
    parsed
}

fn parse_lines(lines: Option<&Vec<Value>>, problems: &mut Vec<Problem>) -> Vec<OrderLine> {
    let Some(lines) = lines else {
        missing(problems, "lines");
        return Vec::new();
    };
    if lines.is_empty() {
        problems.push(Problem::new(
            "required",
            "lines",
            "there is no line",
            "send at least one line",
        ));
    }
    if lines.len() > MAX_LINES {
        problems.push(Problem::new(
            "too_many",
            "lines",
            format!("{} lines", lines.len()),
            format!("send at most {MAX_LINES} lines in one order"),
        ));
        return Vec::new();
    }
    lines
        .iter()
        .enumerate()
        .filter_map(|(place, line)| parse_line(place, line, problems))
        .collect()
}

fn parse_line(place: usize, line: &Value, problems: &mut Vec<Problem>) -> Option<OrderLine> {
    let Some(object) = line.as_object() else {
        problems.push(Problem::new(
            "wrong_type",
            format!("lines[{place}]"),
            "a line is a JSON object",
            "send an object",
        ));
        return None;
    };
    let mut fields = Fields::new(object, format!("lines[{place}]."), "an order line", problems);
    let item_code = fields.required_text("item_code");
    let had_quantity = object.get("quantity_ordered").is_some_and(|q| !q.is_null());
    let mut quantity = fields.decimal("quantity_ordered", SCALE);
    // Comments have no quantity, and a charge that is sent as an amount is one of it.
    if !had_quantity && item_code.as_deref().is_some_and(|code| code.starts_with('/')) {
        quantity = Some(Decimal::new(1_000_000, SCALE));
    } else if !had_quantity {
        fields.missing("quantity_ordered");
    }
    if let Some(quantity) = quantity.filter(|q| q.is_negative() || q.is_zero()) {
        fields.out_of_range(
            "quantity_ordered",
            &format!("{quantity} is not more than zero"),
            "send a positive quantity; returns are not orders",
        );
    }
    let line = (|| {
        Some(OrderLine {
            warehouse_code: fields.text("warehouse_code"),
            unit_price: fields.decimal("unit_price", SCALE),
            line_discount_percent: percent(&mut fields, "line_discount_percent"),
            unit_of_measure: fields.text("unit_of_measure"),
            item_code_desc: fields.text("item_code_desc"),
            comment_text: fields.text("comment_text"),
            promise_date: fields.date("promise_date"),
            drop_ship: fields.flag("drop_ship"),
            take_alternate: fields.flag("take_alternate").unwrap_or_default(),
            udf: fields.udf(),
            item_code: item_code?,
            quantity_ordered: quantity?,
        })
    })();
    // A charge may be a deduction, an item may not.
    if let Some(price) = line
        .as_ref()
        .and_then(|l| l.unit_price)
        .filter(|p| p.is_negative())
        && !line.as_ref().is_some_and(|l| l.item_code.starts_with('/'))
    {
        fields.out_of_range(
            "unit_price",
            &format!("{price} is below zero"),
            "send zero or more, or leave it out so that Sage prices the line",
        );
    }
    fields.refuse_unknown();
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::CustomerRef;

    fn order() -> Value {
        json!({
            "company": "ABC",
            "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "customer_po_no": "WEB00001", "order_date": "2026-05-06", "ship_via": "UPS BLUE",
            "ship_to": { "ship_to_code": "2" },
            "lines": [ { "item_code": "1001-HON-H252", "quantity_ordered": "2", "warehouse_code": "000", "unit_price": "79.50" } ],
            "udf": {}
        })
    }

    #[test]
    fn reads_the_example_of_the_surface() {
        let order = SalesOrder::parse(&order()).unwrap();
        assert_eq!(
            order.customer,
            Customer::Known(CustomerRef {
                ar_division_no: "01".into(),
                customer_no: "ABF".into()
            })
        );
        assert_eq!(order.ship_to, Some(ShipTo::Code("2".into())));
        assert_eq!(order.lines[0].unit_price.unwrap().to_string(), "79.500000");
        let back: SalesOrder = serde_json::from_value(serde_json::to_value(&order).unwrap()).unwrap();
        assert_eq!(back, order);
    }

    #[test]
    fn finds_all_problems_at_once() {
        let mut body = order();
        body["customer"] = json!({ "customer_no": 7 });
        body["order_date"] = json!("06/05/2026");
        body["colour"] = json!("red");
        body["lines"] = json!([{ "item_code": "", "quantity_ordered": 1.5 }, { "item_code": "X", "quantity_ordered": "-1" }, 3]);
        let problems = SalesOrder::parse(&body).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|p| (p.code.as_str(), p.field.as_str()))
            .collect();
        for wanted in [
            ("required", "customer.ar_division_no"),
            ("wrong_type", "customer.customer_no"),
            ("wrong_type", "order_date"),
            ("unknown_field", "colour"),
            ("required", "lines[0].item_code"),
            ("wrong_type", "lines[0].quantity_ordered"),
            ("out_of_range", "lines[1].quantity_ordered"),
            ("wrong_type", "lines[2]"),
        ] {
            assert!(found.contains(&wanted), "{wanted:?} not in {found:?}");
        }
        assert!(problems.iter().all(|p| !p.remedy.is_empty()));
        let float = problems.iter().find(|p| p.field == "lines[0].quantity_ordered");
        assert_eq!(
            float.map(|p| p.remedy.as_str()),
            Some("send it as a string: \"1.5\"")
        );
    }

    #[test]
    fn card_numbers_are_refused_in_every_text_and_not_repeated() {
        const CARD: &str = "4111 1111 1111 1111";
        let mut body = order();
        for name in ["comment", "customer_po_no", "confirm_to"] {
            body[name] = json!(format!("paid by {CARD}"));
        }
        body["udf"] = json!({ "GIFT": CARD });
        body["lines"][0]["comment_text"] = json!(CARD);
        // What is a number of the seller's own is none of the buyer's card.
        body["lines"][0]["item_code"] = json!("4111111111111111");
        let problems = SalesOrder::parse(&body).unwrap_err();
        let mut fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "comment",
                "confirm_to",
                "customer_po_no",
                "lines[0].comment_text",
                "udf.GIFT"
            ]
        );
        assert!(problems.iter().all(|p| p.code == "card_data"), "{problems:?}");
        assert!(!format!("{problems:?}").contains("1111"), "{problems:?}");
    }

    #[test]
    fn days_on_which_no_business_is_done_are_refused() {
        for (day, is_taken) in [
            ("0001-01-01", false),
            ("1979-12-31", false),
            ("1980-01-01", true),
            ("2099-12-31", true),
            ("2100-01-01", false),
            ("9999-12-31", false),
        ] {
            let mut body = order();
            body["order_date"] = json!(day);
            let problems = SalesOrder::parse(&body).err().unwrap_or_default();
            let found: Vec<_> = problems
                .iter()
                .map(|p| (p.code.as_str(), p.field.as_str(), p.value.as_str()))
                .collect();
            let refused = [("out_of_range", "order_date", day)];
            assert_eq!(found, if is_taken { &[][..] } else { &refused[..] }, "{day}");
        }
    }

    #[test]
    fn an_order_needs_lines() {
        let mut body = order();
        body["lines"] = json!([]);
        assert_eq!(SalesOrder::parse(&body).unwrap_err()[0].field, "lines");
    }
}
