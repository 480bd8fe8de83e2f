//! `[company.imports.customers]` and `[company.imports.ship_tos]`.

use std::collections::BTreeMap;

use import::planning::{DefaultField, customer_defaults};
use import::settings::{CustomerSettings, GuestPolicy, Numbering, ShipToSettings, UpdatePolicy};
use model::UPDATABLE;
use toml::Value;

use super::typed;
use crate::config::mistake::Mistake;
use crate::config::place::Place;
use crate::config::section::{Section, wrong};

const POLICY: [(&str, UpdatePolicy); 3] = [
    ("propose", UpdatePolicy::Propose),
    ("sage", UpdatePolicy::SageWins),
    ("web", UpdatePolicy::WebWins),
];
/// Digits of the counter.
const MOST_DIGITS: u8 = 12;
const EXAMPLE: &str = "{ terms_code = \"30\" }";

pub(super) fn read(section: &Section<'_>) -> Result<CustomerSettings, Mistake> {
    typed::only_known(section, "customers")?;
    let mut customers = CustomerSettings::default();
    typed::flag(section, "create", &mut customers.create)?;
    if let Some(division) = typed::DIVISION.optional(section, "ar_division_no")? {
        customers.ar_division_no = division;
    }
    if let Some((value, place)) = section.get("numbering") {
        customers.numbering = numbering(value, place)?;
    }
    if let Some((value, place)) = section.get("guest") {
        customers.guest = guest(value, place)?;
    }
    let known: Vec<DefaultField> = customer_defaults().collect();
    if let Some(section) = typed::below(section, "defaults", &format!("defaults = {EXAMPLE}"))? {
        customers.defaults = typed::defaults(&section, "customers", &known)?;
    }
    if let Some(classes) = typed::below(section, "class", &format!("class.wholesale = {EXAMPLE}"))? {
        for (name, value, place) in classes.entries() {
            let section = Section::of(value, place, &format!("class.{name} = {EXAMPLE}"))?;
            let defaults = typed::defaults(&section, "customers", &known)?;
            customers.class_defaults.insert(name.to_owned(), defaults);
        }
    }
    typed::choice(section, "update", &POLICY, &mut customers.update)?;
    if let Some(section) = typed::below(section, "updates", "updates = { email_address = \"web\" }")? {
        customers.updates = updates(&section)?;
    }
    Ok(customers)
}

pub(super) fn ship_tos(section: &Section<'_>) -> Result<ShipToSettings, Mistake> {
    typed::only_known(section, "ship_tos")?;
    let mut new = ShipToSettings::default();
    let words = [
        ("on_order", ShipToSettings::OnOrder),
        ("create", ShipToSettings::Create),
    ];
    typed::choice(section, "new", &words, &mut new)?;
    Ok(new)
}

fn numbering(value: &Value, place: Place) -> Result<Numbering, Mistake> {
    let table = match (value.as_str(), value.as_table()) {
        (Some("sage"), _) => return Ok(Numbering::SageNext),
        (Some("platform"), _) => return Ok(Numbering::Platform),
        (None, Some(table)) => table,
        (Some(_) | None, _) => return Err(typed::neither(value, &place, "customers", "numbering")),
    };
    let section = Section::new(table, place);
    section.only_keys(&["prefix", "digits"], "")?;
    let prefix = typed::COUNTER_PREFIX.required(&section, "prefix")?;
    let Some((value, place)) = section.get("digits") else {
        return Err(typed::missing(&section, "digits", "6"));
    };
    let Some(number) = value.as_integer() else {
        return Err(wrong(value, &place, "a whole number", "digits = 6"));
    };
    let digits = u8::try_from(number)
        .ok()
        .filter(|n| (1..=MOST_DIGITS).contains(n));
    let digits = digits.ok_or_else(|| {
        Mistake::new(
            &place,
            format!("a counter of {number} digits is not possible"),
            format!("write a number from 1 to {MOST_DIGITS}, like digits = 6"),
        )
    })?;
    let length = prefix.len().saturating_add(usize::from(digits));
    if length > 20 {
        return Err(Mistake::new(
            &place,
            format!("{prefix} and {digits} digits are {length} characters, and a customer number has 20"),
            "shorten the prefix or take fewer digits",
        ));
    }
    Ok(Numbering::Counter { prefix, digits })
}

fn guest(value: &Value, place: Place) -> Result<GuestPolicy, Mistake> {
    let table = match (value.as_str(), value.as_table()) {
        (Some("each"), _) => return Ok(GuestPolicy::Each),
        (Some("refuse"), _) => return Ok(GuestPolicy::Refuse),
        (None, Some(table)) => table,
        (Some(_) | None, _) => return Err(typed::neither(value, &place, "customers", "guest")),
    };
    let section = Section::new(table, place);
    section.only_keys(&["ar_division_no", "customer_no"], "")?;
    Ok(GuestPolicy::Shared {
        ar_division_no: typed::DIVISION.required(&section, "ar_division_no")?,
        customer_no: typed::CUSTOMER_NO.required(&section, "customer_no")?,
    })
}

fn updates(section: &Section<'_>) -> Result<BTreeMap<String, UpdatePolicy>, Mistake> {
    let mut found = BTreeMap::new();
    for (name, value, place) in section.entries() {
        if name == "udf" {
            let own = Section::of(value, place, "udf.portal = \"web\"")?;
            for (name, value, place) in own.entries() {
                typed::user_field(name, &place)?;
                found.insert(format!("udf.{name}"), typed::word(value, &place, &POLICY)?);
            }
            continue;
        }
        if let Some(name) = name.strip_prefix("udf.") {
            typed::user_field(name, &place)?;
        } else if !UPDATABLE.contains(&name) {
            return Err(Mistake::new(
                &place,
                format!("{name:?} of a customer is not changed by documents"),
                format!("use one of {}, or udf.NAME", UPDATABLE.join(", ")),
            ));
        }
        found.insert(name.to_owned(), typed::word(value, &place, &POLICY)?);
    }
    Ok(found)
}
