//! A line of an order.

use model::Problem;
use sage::{Call, ObjectId, Scalar};
use values::Decimal;

use super::checks::{differs, is_accepted};
use crate::plan::{LinePrice, LineWrite, OrderChecks};
use crate::writing::desk::{Desk, Stop};
use model::PricedLine;

/// A line that Sage keeps in the order under work.
pub(super) struct Entered {
    pub(super) priced: PricedLine,
    /// What it comes to, where Sage told it.
    pub(super) amount: Option<Decimal>,
}

/// Path in the document of a line's field. A line that comes from elsewhere in the document
/// (a coupon) has one path for all of it.
pub(super) fn path(line: &LineWrite, name: &str) -> String {
    if line.field.starts_with("lines[") {
        format!("{}.{name}", line.field)
    } else {
        line.field.clone()
    }
}

/// Fills the line that was just added, and keeps it. None when Sage refused a part of it:
/// the order is not written then, so that the rest of the line does not matter.
///
/// The item comes first: it loads price, warehouse and unit. What the line comes to is read
/// before its write, after which the cursor moves.
pub(super) fn enter(
    desk: &mut Desk<'_>,
    object: ObjectId,
    line: &LineWrite,
    checks: &OrderChecks,
) -> Result<Option<Entered>, Stop> {
    let noted = desk.problems.len();
    if !desk.text(object, "ItemCode$", &line.item_code, &path(line, "item_code"))? {
        return Ok(None);
    }
    let item_type = desk.get_text(object, "ItemType$")?.unwrap_or_default();
    desk.settings(object, &line.settings)?;
    match item_type.as_str() {
        "4" => {}
        "3" => charge(desk, object, line)?,
        counted => goods(desk, object, line, counted, checks)?,
    }
    if desk.problems.len() > noted {
        return Ok(None);
    }
    let amount = desk
        .get_number(object, "ExtensionAmt")?
        .and_then(|amount| amount.rescale(2).ok());
    let unit_price = match item_type.as_str() {
        "3" | "4" => None,
        _ => desk.get_number(object, "UnitPrice")?,
    };
    let is_kept = desk.attempt(&Call::Write { object }, "line_refused", &path(line, "item_code"))?;
    Ok(is_kept.then(|| Entered {
        priced: PricedLine {
            item_code: line.item_code.clone(),
            unit_price,
            extension_amt: amount.filter(|_| item_type != "4"),
        },
        amount,
    }))
}

/// A charge has an amount instead of quantity and price. Sage has none of its own, so the
/// web's counts under every policy.
fn charge(desk: &mut Desk<'_>, object: ObjectId, line: &LineWrite) -> Result<(), Stop> {
    let Some(price) = web_price(line.price) else {
        return Ok(());
    };
    let field = path(line, "unit_price");
    match price.multiply(line.quantity, 2) {
        Ok(amount) => desk
            .set(object, "ExtensionAmt", Scalar::Number(amount), &field)
            .map(|_| ()),
        Err(error) => {
            let problem = Problem::new(
                "value_refused",
                field,
                format!("price times quantity of the charge: {error}"),
                "correct price or quantity",
            );
            desk.problems.push(problem.with_value(price.to_string()));
            Ok(())
        }
    }
}

fn goods(
    desk: &mut Desk<'_>,
    object: ObjectId,
    line: &LineWrite,
    item_type: &str,
    checks: &OrderChecks,
) -> Result<(), Stop> {
    let quantity = Scalar::Number(line.quantity);
    let is_counted = desk.set(
        object,
        "QuantityOrdered",
        quantity,
        &path(line, "quantity_ordered"),
    )?;
    // Sage's price depends on the quantity: without it nothing can be compared.
    if is_counted {
        price(desk, object, line, item_type, checks)?;
    }
    if let Some(percent) = line.discount_percent {
        desk.set(
            object,
            "LineDiscountPercent",
            Scalar::Number(percent),
            &path(line, "line_discount_percent"),
        )?;
    }
    Ok(())
}

fn price(
    desk: &mut Desk<'_>,
    object: ObjectId,
    line: &LineWrite,
    item_type: &str,
    checks: &OrderChecks,
) -> Result<(), Stop> {
    let field = path(line, "unit_price");
    let sages = desk.get_number(object, "UnitPrice")?;
    let (web, tolerance) = match line.price {
        LinePrice::Web(web) => return set_price(desk, object, web, &field),
        LinePrice::Sage { web: None, .. } => return Ok(()),
        // Sage has no price for what is not on file.
        LinePrice::Sage { web: Some(web), .. } | LinePrice::WebWithin { web, .. } if item_type == "2" => {
            return set_price(desk, object, web, &field);
        }
        LinePrice::Sage {
            web: Some(web),
            tolerance,
        }
        | LinePrice::WebWithin { web, tolerance } => (web, tolerance),
    };
    let is_near = sages.is_some_and(|sages| !differs(sages, web, tolerance));
    let is_ours = matches!(line.price, LinePrice::WebWithin { .. });
    if is_near {
        // Setting an equal price would mark it as overridden.
        return if is_ours && sages != Some(web) {
            set_price(desk, object, web, &field)
        } else {
            Ok(())
        };
    }
    let sages = sages.map_or_else(|| "none".to_owned(), |price| price.to_string());
    let message = format!(
        "the price of item {} is {web} on the web and {sages} in Sage",
        line.item_code
    );
    if !is_ours {
        desk.warnings
            .push(format!("price_differs: {}: {message}", line.field));
        return Ok(());
    }
    if is_accepted(checks, "price_differs") {
        desk.warnings
            .push(format!("price_differs: {}: {message}", line.field));
        return set_price(desk, object, web, &field);
    }
    desk.holds.push(
        Problem::new(
            "price_differs",
            field.clone(),
            message,
            "correct the price on the web or in Sage, or accept price_differs to enter the order at the web's price",
        )
        .with_value(web.to_string()),
    );
    // What it would come to, for the checks of the whole order.
    set_price(desk, object, web, &field)
}

fn set_price(desk: &mut Desk<'_>, object: ObjectId, price: Decimal, field: &str) -> Result<(), Stop> {
    desk.set(object, "UnitPrice", Scalar::Number(price), field)
        .map(|_| ())
}

const fn web_price(price: LinePrice) -> Option<Decimal> {
    match price {
        LinePrice::Sage { web, .. } => web,
        LinePrice::WebWithin { web, .. } | LinePrice::Web(web) => Some(web),
    }
}
