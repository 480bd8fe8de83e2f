//! Lines of an order.

use std::collections::BTreeMap;

use model::{OrderLine, SalesOrder};
use values::Decimal;

use super::findings::{Findings, problem};
use super::sheet::{Sheet, check_size, check_text};
use super::{CodeList, Context, ItemFacts, Knowledge, Widths, codes};
use crate::plan::{LinePrice, LineWrite};
use crate::settings::{CouponPolicy, OrderSettings, PricePolicy};

/// The table of lines.
const TABLE: &str = "SO_SalesOrderDetail";
/// From seven digits on a quantity is taken for a slip of the keyboard.
const LARGE: i64 = 1_000_000;
/// Types of items in `ItemType`.
const CHARGE: &str = "3";
const COMMENT: &str = "4";

/// Lines of the document, then those that coupons become.
pub(super) fn of_order<K: Knowledge>(
    order: &SalesOrder,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Vec<LineWrite>, K::Error> {
    let widths = knowledge.widths(TABLE)?;
    let mut shelf = Shelf {
        context,
        widths: &widths,
        items: BTreeMap::new(),
        taken: BTreeMap::new(),
        alternates: BTreeMap::new(),
    };
    let mut lines = Vec::with_capacity(order.lines.len());
    for (place, line) in order.lines.iter().enumerate() {
        let mut write = shelf.line(line, &format!("lines[{place}]"), knowledge, findings)?;
        write.place = u32::try_from(place).ok();
        lines.push(write);
    }
    if let CouponPolicy::Charge(code) = &context.settings.orders.coupon {
        for (place, coupon) in order.coupons.iter().enumerate() {
            let field = format!("coupons[{place}]");
            let write = shelf.coupon(code, &coupon.code, coupon.amount, &field, knowledge, findings)?;
            lines.push(write);
        }
    }
    Ok(lines)
}

struct Shelf<'a> {
    context: &'a Context<'a>,
    widths: &'a Widths,
    items: BTreeMap<String, Option<ItemFacts>>,
    /// What earlier lines take.
    taken: BTreeMap<String, Decimal>,
    alternates: BTreeMap<String, Vec<String>>,
}

impl Shelf<'_> {
    fn orders(&self) -> &OrderSettings {
        &self.context.settings.orders
    }

    fn item<K: Knowledge>(&mut self, code: &str, knowledge: &mut K) -> Result<Option<ItemFacts>, K::Error> {
        if let Some(facts) = self.items.get(code) {
            return Ok(facts.clone());
        }
        let facts = knowledge.item(code)?;
        self.items.insert(code.to_owned(), facts.clone());
        Ok(facts)
    }

    fn line<K: Knowledge>(
        &mut self,
        line: &OrderLine,
        field: &str,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<LineWrite, K::Error> {
        let (item_code, facts) = self.chosen(line, field, knowledge, findings)?;
        let is_special = item_code.starts_with('*') && facts.is_none();
        let is_comment = line.is_comment() || facts.as_ref().is_some_and(|f| f.item_type == COMMENT);
        let item_field = format!("{field}.item_code");
        self.check_item(&item_code, facts.as_ref(), line, &item_field, findings);
        let quantity_field = format!("{field}.quantity_ordered");
        check_quantity(line.quantity_ordered, &quantity_field, findings);
        check_text(TABLE, "ItemCode", &item_code, &item_field, self.widths, findings);
        if is_comment {
            check_comment(line, field, findings);
        }
        if is_special && line.item_code_desc.is_none() {
            findings.refuse(problem(
                "required",
                &format!("{field}.item_code_desc"),
                "",
                format!("special item {item_code} has no description"),
                "add item_code_desc by PATCH: Sage knows nothing about a special item",
            ));
        }
        let is_charge = facts.as_ref().is_some_and(|f| f.item_type == CHARGE) || item_code == "/M";
        if (is_special || is_charge) && line.unit_price.is_none() {
            findings.refuse(problem(
                "required",
                &format!("{field}.unit_price"),
                "",
                format!("{item_code} has no price of its own in Sage, and none was sent"),
                "add unit_price (the amount of a charge) by PATCH",
            ));
        }
        if let Some(price) = line.unit_price {
            check_size(price, &format!("{field}.unit_price"), findings);
            check_extension(line.quantity_ordered, price, &quantity_field, findings);
        }
        let settings = self.settings(line, field, &item_code, facts.as_ref(), knowledge, findings)?;
        if let Some(percent) = line.line_discount_percent.filter(|p| !p.is_zero())
            && !self.orders().take_discounts
        {
            refuse_discount(&format!("{field}.line_discount_percent"), percent, findings);
        }
        let has_own_price = is_special || item_code.starts_with('/');
        Ok(LineWrite {
            place: None,
            field: field.to_owned(),
            price: self.price(line.unit_price, has_own_price),
            item_code,
            quantity: line.quantity_ordered,
            settings,
            discount_percent: line.line_discount_percent,
        })
    }

    /// The item of the line, or the alternate that is taken for it.
    fn chosen<K: Knowledge>(
        &mut self,
        line: &OrderLine,
        field: &str,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<(String, Option<ItemFacts>), K::Error> {
        let facts = self.item(&line.item_code, knowledge)?;
        let wanted = line.quantity_ordered;
        let is_short = facts
            .as_ref()
            .is_some_and(|facts| facts.is_inactive || self.is_short(&line.item_code, facts, wanted));
        if line.take_alternate && is_short {
            if !self.alternates.contains_key(&line.item_code) {
                let codes = knowledge.alternates(&line.item_code)?;
                self.alternates.insert(line.item_code.clone(), codes);
            }
            for code in self.alternates.get(&line.item_code).cloned().unwrap_or_default() {
                let Some(other) = self.item(&code, knowledge)? else {
                    continue;
                };
                let is_short = other.available.is_none() || self.is_short(&code, &other, wanted);
                if other.is_inactive || is_short || !suits(&other, line) {
                    continue;
                }
                findings.warn(
                    "alternate_taken",
                    format!(
                        "{field}: alternate {code} was taken for {}, which is short",
                        line.item_code
                    ),
                );
                self.take(&code, wanted);
                return Ok((code, Some(other)));
            }
            findings.warn(
                "stock_short",
                format!(
                    "{field}: {} is short and no alternate is in stock",
                    line.item_code
                ),
            );
        }
        self.take(&line.item_code, wanted);
        Ok((line.item_code.clone(), facts))
    }

    /// Is less to be had than the line wants, after the lines before it?
    fn is_short(&self, code: &str, facts: &ItemFacts, wanted: Decimal) -> bool {
        let Some(available) = facts.available else {
            return false;
        };
        let taken = self.taken.get(code).copied().unwrap_or(Decimal::zero(6));
        taken
            .checked_add(wanted)
            .map_or(true, |together| together > available)
    }

    fn take(&mut self, code: &str, wanted: Decimal) {
        let taken = self.taken.entry(code.to_owned()).or_insert(Decimal::zero(6));
        *taken = taken.checked_add(wanted).unwrap_or(*taken);
    }

    fn check_item(
        &self,
        code: &str,
        facts: Option<&ItemFacts>,
        line: &OrderLine,
        field: &str,
        findings: &mut Findings,
    ) {
        let Some(facts) = facts else {
            // Special items are made up as they are entered; `/C` and `/M` are Sage's own.
            if !code.starts_with('*') && code != "/C" && code != "/M" {
                findings.refuse(problem(
                    "item_unknown",
                    field,
                    code,
                    format!("Sage has no item {code}"),
                    "edit the code by PATCH to what Sage has (case and blanks count), or create the item in Sage and retry",
                ));
            }
            return;
        };
        if facts.is_inactive {
            findings.refuse(problem(
                "item_inactive",
                field,
                code,
                format!("item {code} is inactive in Sage"),
                "make the item active in Item Maintenance and retry, or edit the line by PATCH for another one",
            ));
        }
        if facts.columns.get("use_in_so").is_some_and(|use_in| use_in == "N") {
            findings.refuse(problem(
                "item_not_sold",
                field,
                code,
                format!("item {code} is not used in Sales Order"),
                "let Sales Order use the item in Item Maintenance and retry, or edit the line by PATCH for another one",
            ));
        }
        if facts.product_type == "D" {
            let message = format!("item {code} is discontinued in Sage");
            // The line itself is among what is taken by now.
            if facts.available.is_some() && !self.is_short(code, facts, Decimal::zero(6)) {
                findings.warn(
                    "item_discontinued",
                    format!("{field}: {message}; what is left is enough"),
                );
            } else {
                findings.hold(problem(
                    "item_discontinued",
                    field,
                    code,
                    format!("{message}, and what is left does not cover the order"),
                    "edit the line by PATCH for another item, or accept item_discontinued to enter it all the same",
                ));
            }
        }
        if facts.product_type == "K" {
            self.check_kit(code, facts, field, findings);
        }
        if let Some(unit) = &line.unit_of_measure
            && !facts.units.is_empty()
            && !facts.units.contains(unit)
        {
            findings.refuse(problem(
                "unit_unknown",
                &field.replace(".item_code", ".unit_of_measure"),
                unit,
                format!("item {code} has no unit of measure {unit}; it has {}", facts.units.join(", ")),
                "edit the unit by PATCH to one of the item's, leave it out for its sales unit, or set it up in Item Maintenance and retry",
            ));
        }
    }

    fn check_kit(&self, code: &str, facts: &ItemFacts, field: &str, findings: &mut Findings) {
        let capabilities = &self.context.settings.capabilities;
        match facts.explode_kit_items.as_str() {
            "P" if !capabilities.prompting_kits => findings.refuse(problem(
                "kit_prompts",
                field,
                code,
                format!("item {code} is a kit that asks on the screen whether to explode it"),
                "set Explode Kit Items to Always or Never for the item in Sage, then retry",
            )),
            "A" if !capabilities.kits_explode => findings.hold(problem(
                "kit_unproven",
                field,
                code,
                format!("item {code} is a kit that Sage explodes; not yet proven here is that it does so without its screen"),
                "prove it in a copied company with the conformance run and retry, or accept kit_unproven and look at the entered order",
            )),
            _ => {}
        }
    }

    fn settings<K: Knowledge>(
        &self,
        line: &OrderLine,
        field: &str,
        item_code: &str,
        facts: Option<&ItemFacts>,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<Vec<crate::plan::Setting>, K::Error> {
        let mut sheet = Sheet::new(TABLE, self.widths);
        let at = |name: &str| format!("{field}.{name}");
        if let Some(warehouse) = &line.warehouse_code {
            let field = at("warehouse_code");
            let is_known = codes::check(CodeList::Warehouse, warehouse, &field, knowledge, findings)?;
            let has = facts.map_or(&[][..], |facts| &facts.warehouses);
            if is_known && !has.is_empty() && !has.contains(warehouse) {
                findings.refuse(problem(
                    "item_not_in_warehouse",
                    &field,
                    warehouse,
                    format!("item {item_code} is not in warehouse {warehouse}; it is in {}", has.join(", ")),
                    "edit the warehouse by PATCH, leave it out for the item's own, or add the item to the warehouse in Sage and retry",
                ));
            }
            sheet.text("WarehouseCode", warehouse, &field, findings);
        }
        sheet.optional(
            "UnitOfMeasure",
            line.unit_of_measure.as_ref(),
            &at("unit_of_measure"),
            findings,
        );
        if item_code != line.item_code && line.item_code_desc.is_some() {
            findings.warn(
                "description_left_out",
                format!(
                    "{field}: the description sent is of {}, so the alternate keeps its own",
                    line.item_code
                ),
            );
        } else {
            sheet.optional(
                "ItemCodeDesc",
                line.item_code_desc.as_ref(),
                &at("item_code_desc"),
                findings,
            );
        }
        sheet.optional(
            "CommentText",
            line.comment_text.as_ref(),
            &at("comment_text"),
            findings,
        );
        if let Some(date) = line.promise_date {
            sheet.date("PromiseDate", date, &at("promise_date"));
        }
        if let Some(drop_ship) = line.drop_ship {
            sheet.flag("DropShip", drop_ship, &at("drop_ship"));
        }
        sheet.udf(&line.udf, &at("udf."), findings);
        Ok(sheet.into_settings())
    }

    /// Whose price: charges and special items have none in Sage.
    fn price(&self, web: Option<Decimal>, has_own_price: bool) -> LinePrice {
        let orders = self.orders();
        let tolerance = orders.price_tolerance;
        match (web, orders.price) {
            (None, _) => LinePrice::Sage { web, tolerance },
            (Some(web), _) if has_own_price => LinePrice::Web(web),
            (Some(_), PricePolicy::Sage) => LinePrice::Sage { web, tolerance },
            (Some(web), PricePolicy::WebWithinTolerance) => LinePrice::WebWithin { web, tolerance },
            (Some(web), PricePolicy::Web) => LinePrice::Web(web),
        }
    }

    fn coupon<K: Knowledge>(
        &mut self,
        item_code: &str,
        coupon: &str,
        amount: Decimal,
        field: &str,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<LineWrite, K::Error> {
        if self.item(item_code, knowledge)?.is_none() {
            findings.refuse(problem(
                "item_unknown",
                field,
                item_code,
                format!("coupons are entered as charge {item_code}, which Sage does not have"),
                "set the charge up in Sage, or correct the coupons' charge in the configuration; then retry",
            ));
        }
        check_size(amount, &format!("{field}.amount"), findings);
        let mut sheet = Sheet::new(TABLE, self.widths);
        sheet.text("ItemCodeDesc", coupon, &format!("{field}.code"), findings);
        Ok(LineWrite {
            place: None,
            field: field.to_owned(),
            item_code: item_code.to_owned(),
            quantity: Decimal::new(1_000_000, 6),
            settings: sheet.into_settings(),
            price: LinePrice::Web(-amount),
            discount_percent: None,
        })
    }
}

/// Can the alternate come from the line's warehouse, in its unit?
fn suits(other: &ItemFacts, line: &OrderLine) -> bool {
    let is_in = |list: &[String], wanted: Option<&String>| {
        wanted.is_none_or(|wanted| list.is_empty() || list.contains(wanted))
    };
    is_in(&other.warehouses, line.warehouse_code.as_ref())
        && is_in(&other.units, line.unit_of_measure.as_ref())
}

fn check_quantity(quantity: Decimal, field: &str, findings: &mut Findings) {
    if quantity.is_zero() || quantity.is_negative() {
        findings.refuse(problem(
            "out_of_range",
            field,
            &quantity.to_string(),
            format!("{quantity} is not more than zero"),
            "edit the quantity by PATCH; returns are not orders",
        ));
    } else if check_size(quantity, field, findings) && quantity >= Decimal::new(LARGE, 0) {
        findings.hold(problem(
            "quantity_large",
            field,
            &quantity.to_string(),
            format!("a quantity of {quantity} has seven digits or more"),
            "if it is a slip, edit it by PATCH; if it is meant, accept quantity_large",
        ));
    }
}

/// Amounts of a line have a narrower mask than price and quantity.
fn check_extension(quantity: Decimal, price: Decimal, field: &str, findings: &mut Findings) {
    let extension = quantity.multiply(price, 2);
    let limit = Decimal::new(100_000_000, 0);
    if extension.is_err() || extension.is_ok_and(|amount| amount >= limit || amount <= -limit) {
        findings.refuse(problem(
            "number_too_large",
            field,
            &quantity.to_string(),
            format!("{quantity} at {price} is more than a line's amount has room for"),
            "correct quantity or price by PATCH, or split the line",
        ));
    }
}

fn check_comment(line: &OrderLine, field: &str, findings: &mut Findings) {
    if line.comment_text.is_none() {
        findings.refuse(problem(
            "required",
            &format!("{field}.comment_text"),
            "",
            "a comment line has no text",
            "add comment_text by PATCH, or take the line out",
        ));
    }
    if let Some(price) = line.unit_price.filter(|price| !price.is_zero()) {
        findings.refuse(problem(
            "contradiction",
            &format!("{field}.unit_price"),
            &price.to_string(),
            "a comment line has a price",
            "take the price out by PATCH, or send the amount as a charge",
        ));
    }
}

/// The site takes no discounts from the web.
pub(super) fn refuse_discount(field: &str, value: Decimal, findings: &mut Findings) {
    findings.refuse(problem(
        "discount_refused",
        field,
        &value.to_string(),
        "this site takes no discounts from the web",
        "take the discount out by PATCH, or allow discounts in the configuration and retry",
    ));
}
