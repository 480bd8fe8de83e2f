//! The question and its answer.

use catalog::Class;
use hub_store::TenantScope;
use model::Problem;
use pricing::{Buyer, Considered, Line, Order, PriceError, Priced};
use serde::Deserialize;
use serde_json::{Value, json};
use values::{CompanyId, Date, Decimal, Key, parse_date};

use super::books::Kept;

/// As many as an order may have.
pub(super) const MOST_LINES: usize = 1_000;
/// Decimals of a quantity.
pub(super) const QUANTITY_SCALE: u8 = 6;
/// Unreadable records that an answer names.
const MOST_UNREADABLE: usize = 20;

/// The question as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    company: CompanyId,
    #[serde(default)]
    customer: Option<AskedCustomer>,
    #[serde(default)]
    ship_to_code: Option<String>,
    date: String,
    lines: Vec<AskedLine>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedCustomer {
    ar_division_no: String,
    customer_no: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedLine {
    item_code: String,
    quantity: Quantity,
    #[serde(default)]
    unit_of_measure: Option<String>,
    #[serde(default)]
    price_level: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a decimal as a string, or a whole number")]
enum Quantity {
    Text(String),
    Whole(i64),
}

/// The question, understood.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) company: CompanyId,
    customer: Option<AskedCustomer>,
    ship_to_code: String,
    day: Date,
    lines: Vec<(AskedLine, Decimal)>,
}

impl Asked {
    /// Reads it, or tells all that is wrong with it.
    pub(super) fn check(self) -> Result<Question, Vec<Problem>> {
        let mut problems = Vec::new();
        let day = parse_date(&self.date)
            .ok()
            .flatten()
            .filter(|day| day.to_string() == self.date);
        if day.is_none() {
            let message = format!("{:?} is no date", self.date);
            problems.push(Problem::new(
                "wrong_type",
                "date",
                message,
                "send it as YYYY-MM-DD",
            ));
        }
        if self.lines.is_empty() {
            let remedy = "send at least one line";
            problems.push(Problem::new("required", "lines", "there is no line", remedy));
        }
        if self.lines.len() > MOST_LINES {
            let message = format!("{} lines are more than {MOST_LINES}", self.lines.len());
            problems.push(Problem::new("too_many", "lines", message, "ask several times"));
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for (place, line) in self.lines.into_iter().enumerate() {
            match line.quantity.read() {
                Some(quantity) => lines.push((line, quantity)),
                None => {
                    let message = format!("{} is no quantity", line.quantity.text());
                    let remedy = "send digits with a point and at most six decimals, as a string";
                    let field = format!("lines[{place}].quantity");
                    problems.push(Problem::new("wrong_type", field, message, remedy));
                }
            }
        }
        match day {
            Some(day) if problems.is_empty() => Ok(Question {
                company: self.company,
                customer: self.customer,
                ship_to_code: self.ship_to_code.unwrap_or_default(),
                day,
                lines,
            }),
            Some(_) | None => Err(problems),
        }
    }
}

impl Quantity {
    fn read(&self) -> Option<Decimal> {
        let text = self.text();
        let begins = text
            .strip_prefix('-')
            .unwrap_or(&text)
            .as_bytes()
            .first()
            .copied();
        begins.filter(u8::is_ascii_digit)?;
        let decimal = Decimal::parse(&text, QUANTITY_SCALE).ok();
        decimal.filter(|_| !text.ends_with(['-', ' ']))
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(number) => number.to_string(),
        }
    }
}

impl Question {
    /// The prices of its lines; or why there can be none.
    pub(super) fn answer(&self, kept: &Kept, scope: &TenantScope) -> Result<Value, Vec<Problem>> {
        let customer = self.customer.as_ref().map(|customer| Buyer {
            division: &customer.ar_division_no,
            customer_no: &customer.customer_no,
        });
        let order = Order {
            customer,
            ship_to_code: &self.ship_to_code,
            day: self.day,
        };
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|(line, quantity)| Line {
                item_code: &line.item_code,
                unit: line.unit_of_measure.as_deref().unwrap_or_default(),
                quantity: *quantity,
                price_level: line.price_level.as_deref(),
            })
            .collect();
        let reads_cost = scope.reads(Class::Cost);
        let mut shown = Vec::with_capacity(lines.len());
        for (place, (line, priced)) in lines
            .iter()
            .zip(kept.book.price_order(&order, &lines))
            .enumerate()
        {
            let priced = match priced {
                Err(error @ PriceError::UnknownCustomer(_)) => {
                    return Err(vec![problem(kept, place, &error)]);
                }
                _ if kept.inactive.contains(line.item_code) => Err(inactive(line, place)),
                Err(error) => Err(problem(kept, place, &error)),
                Ok(priced) => show(&priced, line, place, reads_cost),
            };
            shown.push(priced.unwrap_or_else(|problem| without_price(line, &[problem])));
        }
        let unreadable = kept.unreadable.iter().take(MOST_UNREADABLE);
        let unreadable: Vec<_> = unreadable
            .map(|(dataset, key)| json!({ "dataset": dataset, "key": key }))
            .collect();
        Ok(json!({
            "company": self.company,
            "date": self.day.to_string(),
            "lines": shown,
            "unreadable_records": unreadable,
        }))
    }
}

fn show(priced: &Priced<'_>, line: &Line<'_>, place: usize, reads_cost: bool) -> Result<Value, Problem> {
    let field = format!("lines[{place}]");
    let extension = priced.extension(line.quantity).map_err(|error| {
        Problem::new(
            "number_too_large",
            &field,
            error.to_string(),
            "ask for less at a time",
        )
    })?;
    let is_withheld = |one: &Considered<'_>| !reads_cost && one.is_from_cost();
    let decided = |one: &Considered<'_>| one.rule == Some(priced.rule);
    let hides_price = priced.considered().any(|one| decided(&one) && is_withheld(&one));
    let considered: Vec<_> = priced
        .considered()
        .map(|one| {
            let price = one.price.filter(|_| !is_withheld(&one));
            json!({
                "dataset": one.dataset().name(), "key": one.key(), "rule": one.rule, "outcome": one.outcome,
                "price": price.map(|price| price.to_string()),
            })
        })
        .collect();
    let mut shown = json!({
        "item_code": line.item_code,
        "quantity": line.quantity.to_string(),
        "unit_of_measure": priced.unit,
        "unit_factor": priced.unit_factor.to_string(),
        "unit_price": priced.unit_price.to_string(),
        "extension_amt": extension.to_string(),
        "rule": priced.rule,
        "price_level": priced.price_level,
        "break_quantity": priced.break_quantity.to_string(),
        "line_discount_percent": priced.line_discount_percent.to_string(),
        "trade_discount_percent": priced.trade_discount_percent.to_string(),
        "considered": considered,
        "problems": [],
    });
    if hides_price {
        shown["unit_price"] = Value::Null;
        shown["extension_amt"] = Value::Null;
        let message = "the price is made from a cost, and the token does not read the class cost";
        let remedy = "ask with a token of class cost";
        shown["problems"] = json!([Problem::new("price_from_cost", field, message, remedy)]);
    }
    Ok(shown)
}

fn without_price(line: &Line<'_>, problems: &[Problem]) -> Value {
    json!({
        "item_code": line.item_code,
        "quantity": line.quantity.to_string(),
        "unit_of_measure": line.unit,
        "unit_price": null,
        "extension_amt": null,
        "rule": null,
        "considered": [],
        "problems": problems,
    })
}

fn inactive(line: &Line<'_>, place: usize) -> Problem {
    let field = format!("lines[{place}].item_code");
    let message = format!("item {} is inactive", line.item_code);
    let remedy = "take another item, or make it active in Sage";
    Problem::new("item_inactive", field, message, remedy)
}

fn problem(kept: &Kept, place: usize, error: &PriceError) -> Problem {
    let at = |field: &str| format!("lines[{place}].{field}");
    let words = error.to_string();
    match error {
        PriceError::UnknownItem(item) => {
            let record = ("items", Key::from_parts([item]));
            if kept.unreadable.contains(&record) {
                let message = format!("{words}: its record cannot be read");
                let remedy = "correct the item in Sage; the hub's log names field and value";
                return Problem::new("item_unknown", at("item_code"), message, remedy);
            }
            let remedy = "send a code of GET /v1/items";
            Problem::new("item_unknown", at("item_code"), words, remedy)
        }
        PriceError::UnknownCustomer(_) => {
            let remedy = "send division and number of GET /v1/customers, or none for what everybody pays";
            Problem::new("customer_unknown", "customer", words, remedy)
        }
        PriceError::UnknownUnit { .. } => {
            let remedy = "send the item's standard, sales or purchase unit, or none for the sales unit";
            Problem::new("unit_unknown", at("unit_of_measure"), words, remedy)
        }
        PriceError::NotPriced(_) => {
            let remedy = "leave the line out: its amount is entered on the order";
            Problem::new("item_not_priced", at("item_code"), words, remedy)
        }
        PriceError::TotalsUnknown(_) => {
            let remedy = "choose total_by or total_quantity of the company's prices: PATCH /v1/prices/options, or `erp-hub company prices`";
            Problem::new("total_quantity_unknown", "lines", words, remedy)
        }
        PriceError::TooLarge => {
            let remedy = "ask for less at a time";
            Problem::new("number_too_large", at("quantity"), words, remedy)
        }
    }
}
