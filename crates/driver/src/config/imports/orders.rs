//! `[company.imports.orders]`.

use std::collections::{BTreeMap, BTreeSet};

use import::planning::{DefaultField, order_defaults};
use import::rules::{DocumentKind, Vocabulary};
use import::settings::{CouponPolicy, OnDoubt, OrderSettings, PricePolicy};

use super::typed;
use crate::config::mistake::Mistake;
use crate::config::section::Section;

const DOUBT: [(&str, OnDoubt); 3] = [
    ("hold", OnDoubt::Hold),
    ("enter_on_hold", OnDoubt::EnterOnHold),
    ("warn", OnDoubt::Warn),
];
/// Parts of an order that are no fields, and may be required as a whole.
const PARTS: [&str; 8] = [
    "payment", "ship_to", "bill_to", "hold", "expected", "coupons", "udf", "customer",
];

pub(super) fn read(section: &Section<'_>, words: &Vocabulary) -> Result<OrderSettings, Mistake> {
    typed::only_known(section, "orders")?;
    let mut orders = OrderSettings::default();
    let prices = [
        ("sage", PricePolicy::Sage),
        ("web_within_tolerance", PricePolicy::WebWithinTolerance),
        ("web", PricePolicy::Web),
    ];
    typed::choice(section, "price", &prices, &mut orders.price)?;
    typed::amount(section, "price_tolerance", 6, &mut orders.price_tolerance)?;
    typed::amount(section, "tax_tolerance", 2, &mut orders.tax_tolerance)?;
    typed::choice(
        section,
        "on_tax_difference",
        &DOUBT,
        &mut orders.on_tax_difference,
    )?;
    typed::choice(section, "on_credit", &DOUBT, &mut orders.on_credit)?;
    typed::choice(section, "on_closed_period", &DOUBT, &mut orders.on_closed_period)?;
    typed::choice(section, "on_duplicate_po", &DOUBT, &mut orders.on_duplicate_po)?;
    typed::flag(section, "take_discounts", &mut orders.take_discounts)?;
    coupon(section, &mut orders)?;
    orders.defaults = defaults(section)?;
    orders.required = required(section, words)?;
    typed::seconds(section, "tax_call_limit_s", 600, &mut orders.tax_call_limit_s)?;
    if section.get("tax_service_schedules").is_some() {
        orders.tax_service_schedules = typed::TAX_SCHEDULE.set(section, "tax_service_schedules")?;
    }
    Ok(orders)
}

fn coupon(section: &Section<'_>, orders: &mut OrderSettings) -> Result<(), Mistake> {
    let Some((value, place)) = section.get("coupon") else {
        return Ok(());
    };
    orders.coupon = match (value.as_str(), value.as_table()) {
        (Some("discount"), _) => CouponPolicy::OrderDiscount,
        (Some("refuse"), _) => CouponPolicy::Refuse,
        (None, Some(table)) => {
            let section = Section::new(table, place);
            section.only_keys(&["charge"], "")?;
            let code = typed::CHARGE.required(&section, "charge")?;
            if !code.starts_with('/') || code == "/C" {
                return Err(Mistake::new(
                    &section.place.key("charge"),
                    format!("{code:?} is no charge code"),
                    "write the code of a miscellaneous charge with its slash, like \"/COUPON\"",
                ));
            }
            CouponPolicy::Charge(code)
        }
        (Some(_) | None, _) => return Err(typed::neither(value, &place, "orders", "coupon")),
    };
    Ok(())
}

fn defaults(section: &Section<'_>) -> Result<BTreeMap<String, String>, Mistake> {
    let known: Vec<DefaultField> = order_defaults().collect();
    match typed::below(section, "defaults", "defaults = { ship_via = \"UPS BLUE\" }")? {
        Some(section) => typed::defaults(&section, "orders", &known),
        None => Ok(BTreeMap::new()),
    }
}

fn required(section: &Section<'_>, words: &Vocabulary) -> Result<BTreeSet<String>, Mistake> {
    let mut found = BTreeSet::new();
    for (name, place) in typed::elements(section, "required", "required = [\"customer_po_no\"]")? {
        let is_field = words.is_field(DocumentKind::SalesOrder, name) || PARTS.contains(&name);
        // Lines are always there, and what stands in them is not one field.
        if !is_field || name == "lines" || name.starts_with("lines.") {
            return Err(Mistake::new(
                &place,
                format!("{name:?} is no field of an order"),
                "use an API name of the order's header like \"customer_po_no\", \"payment.gateway_transaction_id\" or \"udf.NAME\"",
            ));
        }
        if !found.insert(name.to_owned()) {
            return Err(Mistake::new(
                &place,
                format!("{name} stands twice"),
                "take one of them out",
            ));
        }
    }
    Ok(found)
}
