//! A web order, parsed. All problems of a request are found at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use values::{Date, Decimal, DecimalError, parse_date};

use crate::Problem;

/// Lines of one order: Sage's line key has six digits, no web shop needs more than this,
/// and one order must fit into one message.
const MAX_LINES: usize = 5_000;
/// Longest text taken for one field; the ERP's own widths are checked when it is entered.
const MAX_TEXT: usize = 2_000;
/// Decimals of quantities and prices in Sage.
const SCALE: u8 = 6;

/// An order as the web team sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesOrder {
    /// Who ordered.
    pub customer: CustomerRef,
    /// The buyer's number.
    pub customer_po_no: Option<String>,
    /// None means the day on which it is entered.
    pub order_date: Option<Date>,
    /// When it should ship.
    pub ship_expire_date: Option<Date>,
    /// Carrier, as Sage names it.
    pub ship_via: Option<String>,
    /// None means the customer's own.
    pub ship_to: Option<ShipTo>,
    /// Warehouse of the header.
    pub warehouse_code: Option<String>,
    /// Comment of the header.
    pub comment: Option<String>,
    /// Who confirmed.
    pub confirm_to: Option<String>,
    /// For the order's mail.
    pub email_address: Option<String>,
    /// Freight charged.
    pub freight_amt: Option<Decimal>,
    /// At least one.
    pub lines: Vec<OrderLine>,
    /// User-defined fields of the header, by API name without `udf_`.
    pub udf: BTreeMap<String, UdfValue>,
}

/// A customer that Sage has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRef {
    /// Two characters.
    pub ar_division_no: String,
    /// Unique inside the division.
    pub customer_no: String,
}

/// Where the goods go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipTo {
    /// A ship-to address that Sage has.
    Code(String),
    /// An address on this order only.
    Address(Address),
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Name on the parcel.
    pub ship_to_name: Option<String>,
    /// First line.
    pub ship_to_address1: Option<String>,
    /// Second line.
    pub ship_to_address2: Option<String>,
    /// Third line.
    pub ship_to_address3: Option<String>,
    /// City.
    pub ship_to_city: Option<String>,
    /// State, two letters in the United States.
    pub ship_to_state: Option<String>,
    /// ZIP or postal code.
    pub ship_to_zip_code: Option<String>,
    /// Three letters.
    pub ship_to_country_code: Option<String>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Item, charge (`/…`) or comment code.
    pub item_code: String,
    /// More than zero.
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
}

/// A user-defined field's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UdfValue {
    /// Text or date.
    Text(String),
}

impl SalesOrder {
    /// Reads a request body (the whole JSON object of `POST /v1/sales_orders`).
    ///
    /// # Errors
    /// Every problem that can be seen without the ERP, each with its field.
    pub fn parse(body: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let Some(object) = body.as_object() else {
            return Err(vec![Problem::new(
                "wrong_type",
                "",
                "the body is not a JSON object",
                "send a JSON object",
            )]);
        };
        let order = {
            let mut fields = Fields::new(object, "", &mut problems);
            fields.ignore("company");
            let customer_po_no = fields.text("customer_po_no");
            let order_date = fields.date("order_date");
            let ship_expire_date = fields.date("ship_expire_date");
            let ship_via = fields.text("ship_via");
            let warehouse_code = fields.text("warehouse_code");
            let comment = fields.text("comment");
            let confirm_to = fields.text("confirm_to");
            let email_address = fields.text("email_address");
            let freight_amt = fields.decimal("freight_amt", 2);
            let customer = fields.object("customer");
            let ship_to = fields.object("ship_to");
            let udf = fields.object("udf");
            let lines = fields.array("lines");
            fields.refuse_unknown();

            let customer = match customer {
                Some(customer) => parse_customer(customer, &mut problems),
                None => {
                    missing(&mut problems, "customer");
                    None
                }
            };
            let ship_to = ship_to.and_then(|s| parse_ship_to(s, &mut problems));
            let udf = parse_udf(udf, &mut problems);
            let lines = parse_lines(lines, &mut problems);
            customer.map(|customer| Self {
                customer,
                customer_po_no,
                order_date,
                ship_expire_date,
                ship_via,
                ship_to,
                warehouse_code,
                comment,
                confirm_to,
                email_address,
                freight_amt,
                lines,
                udf,
            })
        };
        match order {
            Some(order) if problems.is_empty() => Ok(order),
            Some(_) | None => Err(problems),
        }
    }
}

fn missing(problems: &mut Vec<Problem>, field: &str) {
    problems.push(Problem::new(
        "required",
        field,
        format!("{field} is missing"),
        format!("send {field}"),
    ));
}

fn parse_customer(object: &Map<String, Value>, problems: &mut Vec<Problem>) -> Option<CustomerRef> {
    if object.contains_key("new") {
        problems.push(Problem::new(
            "not_supported",
            "customer.new",
            "new customers cannot be created with an order yet",
            "create the customer in Sage and name ar_division_no and customer_no",
        ));
        return None;
    }
    let mut fields = Fields::new(object, "customer.", problems);
    let division = fields.required_text("ar_division_no");
    let number = fields.required_text("customer_no");
    fields.refuse_unknown();
    Some(CustomerRef {
        ar_division_no: division?,
        customer_no: number?,
    })
}

fn parse_ship_to(object: &Map<String, Value>, problems: &mut Vec<Problem>) -> Option<ShipTo> {
    let mut fields = Fields::new(object, "ship_to.", problems);
    let code = fields.text("ship_to_code");
    let address = Address {
        ship_to_name: fields.text("ship_to_name"),
        ship_to_address1: fields.text("ship_to_address1"),
        ship_to_address2: fields.text("ship_to_address2"),
        ship_to_address3: fields.text("ship_to_address3"),
        ship_to_city: fields.text("ship_to_city"),
        ship_to_state: fields.text("ship_to_state"),
        ship_to_zip_code: fields.text("ship_to_zip_code"),
        ship_to_country_code: fields.text("ship_to_country_code"),
    };
    fields.refuse_unknown();
    match (code, address == Address::default()) {
        (Some(code), true) => Some(ShipTo::Code(code)),
        (None, false) => Some(ShipTo::Address(address)),
        (None, true) => None,
        (Some(_), false) => {
            problems.push(Problem::new(
                "contradiction",
                "ship_to",
                "both a ship_to_code and an address were sent",
                "send one of them: the code for an address that Sage has, or the address for this order only",
            ));
            None
        }
    }
}

fn parse_udf(object: Option<&Map<String, Value>>, problems: &mut Vec<Problem>) -> BTreeMap<String, UdfValue> {
    let mut udf = BTreeMap::new();
    for (name, value) in object.into_iter().flatten() {
        match value.as_str() {
            Some(text) if text.len() <= MAX_TEXT => {
                udf.insert(name.clone(), UdfValue::Text(text.to_owned()));
            }
            Some(_) | None => problems.push(Problem::new(
                "wrong_type",
                format!("udf.{name}"),
                "a user-defined field is a text",
                format!("send a string of at most {MAX_TEXT} bytes"),
            )),
        }
    }
    udf
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
    let prefix = format!("lines[{place}].");
    let Some(object) = line.as_object() else {
        problems.push(Problem::new(
            "wrong_type",
            format!("lines[{place}]"),
            "a line is a JSON object",
            "send an object",
        ));
        return None;
    };
    let mut fields = Fields::new(object, &prefix, problems);
    let item_code = fields.required_text("item_code");
    let quantity = fields.decimal("quantity_ordered", SCALE);
    let had_quantity = object.contains_key("quantity_ordered");
    let warehouse_code = fields.text("warehouse_code");
    let unit_price = fields.decimal("unit_price", SCALE);
    let line_discount_percent = fields.decimal("line_discount_percent", 3);
    let unit_of_measure = fields.text("unit_of_measure");
    let item_code_desc = fields.text("item_code_desc");
    let comment_text = fields.text("comment_text");
    fields.refuse_unknown();
    let field = format!("{prefix}quantity_ordered");
    match quantity {
        None if !had_quantity => missing(problems, &field),
        Some(quantity) if quantity.is_negative() || quantity.is_zero() => problems.push(Problem::new(
            "out_of_range",
            field,
            format!("{quantity} is not more than zero"),
            "send a positive quantity; returns are not orders",
        )),
        Some(_) | None => {}
    }
    if let Some(price) = unit_price.filter(|p| p.is_negative()) {
        problems.push(Problem::new(
            "out_of_range",
            format!("{prefix}unit_price"),
            format!("{price} is below zero"),
            "send zero or more, or leave it out so that Sage prices the line",
        ));
    }
    Some(OrderLine {
        item_code: item_code?,
        quantity_ordered: quantity?,
        warehouse_code,
        unit_price,
        line_discount_percent,
        unit_of_measure,
        item_code_desc,
        comment_text,
    })
}

/// Takes fields out of an object and remembers which ones were known.
struct Fields<'a, 'p> {
    object: &'a Map<String, Value>,
    prefix: &'p str,
    known: Vec<&'static str>,
    problems: &'p mut Vec<Problem>,
}

impl<'a, 'p> Fields<'a, 'p> {
    const fn new(object: &'a Map<String, Value>, prefix: &'p str, problems: &'p mut Vec<Problem>) -> Self {
        Self {
            object,
            prefix,
            known: Vec::new(),
            problems,
        }
    }

    fn ignore(&mut self, name: &'static str) {
        self.known.push(name);
    }

    fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object.get(name).filter(|v| !v.is_null())
    }

    fn wrong(&mut self, name: &str, message: &str, remedy: &str) {
        self.problems.push(Problem::new(
            "wrong_type",
            format!("{}{name}", self.prefix),
            message,
            remedy,
        ));
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.get(name)?;
        let Some(text) = value.as_str() else {
            self.wrong(name, &format!("{value} is not a text"), "send a string");
            return None;
        };
        if text.len() > MAX_TEXT
            || text
                .chars()
                .any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t')
        {
            self.wrong(
                name,
                "the text is too long or has control characters",
                "send plain text of at most 2000 bytes",
            );
            return None;
        }
        let text = text.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn required_text(&mut self, name: &'static str) -> Option<String> {
        let before = self.problems.len();
        let text = self.text(name);
        if text.is_none() && self.problems.len() == before {
            missing(self.problems, &format!("{}{name}", self.prefix));
        }
        text
    }

    fn date(&mut self, name: &'static str) -> Option<Date> {
        let value = self.get(name)?;
        let date = value
            .as_str()
            .filter(|t| t.len() == 10)
            .and_then(|t| parse_date(t).ok().flatten());
        if date.is_none() {
            self.wrong(name, &format!("{value} is not a date"), "send YYYY-MM-DD");
        }
        date
    }

    fn decimal(&mut self, name: &'static str, scale: u8) -> Option<Decimal> {
        let value = self.get(name)?;
        let text = match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            // Whole numbers lose nothing on their way through JSON; others might.
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            Value::String(_)
            | Value::Number(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        };
        let decimal = text.map_or(Err(DecimalError::NotANumber), |text| Decimal::parse(&text, scale));
        if let Err(reason) = decimal {
            let remedy = format!("send a string with at most {scale} decimals, like \"79.50\"");
            self.wrong(name, &format!("{value}: {reason}"), &remedy);
        }
        decimal.ok()
    }

    fn object(&mut self, name: &'static str) -> Option<&'a Map<String, Value>> {
        let value = self.get(name)?;
        if value.as_object().is_none() {
            self.wrong(name, &format!("{value} is not an object"), "send a JSON object");
        }
        value.as_object()
    }

    fn array(&mut self, name: &'static str) -> Option<&'a Vec<Value>> {
        let value = self.get(name)?;
        if value.as_array().is_none() {
            self.wrong(name, &format!("{value} is not a list"), "send a JSON array");
        }
        value.as_array()
    }

    fn refuse_unknown(self) {
        for name in self.object.keys().filter(|n| !self.known.contains(&n.as_str())) {
            self.problems.push(Problem::new(
                "unknown_field",
                format!("{}{name}", self.prefix),
                format!("{name} is not a field of an order"),
                "remove it, or see the API reference for the right name",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        assert_eq!(order.customer.customer_no, "ABF");
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
    }

    #[test]
    fn an_order_needs_lines() {
        let mut body = order();
        body["lines"] = json!([]);
        assert_eq!(SalesOrder::parse(&body).unwrap_err()[0].field, "lines");
    }
}
