//! `[company.imports]`: how documents are entered, with mappings and special rules.

mod customers;
#[cfg(test)]
mod document;
pub(crate) mod keys;
mod named;
mod named_in_rules;
mod orders;
mod payments;
mod profile;
mod shown;
#[cfg(test)]
mod tests;
mod typed;

use std::path::Path;
use std::sync::Arc;

use import::rules::{Rules, Vocabulary};
use import::settings::{Capabilities, ReceiptWriter, Settings};
use toml::{Table, Value};
use values::Date;

use super::import_rules;
use super::mistake::Mistake;
use super::place::Place;
use super::section::{Section, wrong};

pub(crate) use named::{Named, Noun};
pub(super) use profile::load as load_profile;
pub use profile::{Profile, profile_path};
pub(crate) use shown::Effective;

/// How a company's documents are entered.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// Policies and defaults, with what a conformance run has shown.
    pub settings: Arc<Settings>,
    /// Mappings and special rules.
    pub rules: Arc<Rules>,
    /// What was written; empty without a section.
    written: Table,
    /// Where it was written.
    place: Place,
    /// What a conformance run has shown.
    profile: Option<Profile>,
}

impl Imports {
    /// Every key with the value that holds, and where it comes from.
    pub(crate) fn effective(&self) -> Vec<Effective> {
        shown::effective(&self.written, self.profile.as_ref())
    }

    /// What the section names of Sage's data, with its lines in the file's text.
    pub(crate) fn named(&self, text: Option<&str>) -> Vec<Named> {
        let folder = match &self.settings.payments.writer {
            ReceiptWriter::Objects => None,
            ReceiptWriter::VisualIntegrator { folder, .. } | ReceiptWriter::File { folder } => Some(folder),
        };
        named::all(&self.written, &self.place, text, folder.map(String::as_str))
    }

    /// Keys of new customers that are left to their defaults.
    pub(crate) fn unwritten_customer_keys(&self) -> Vec<&'static str> {
        let section = |name: &str| self.written.get(name).and_then(Value::as_table);
        let customers = section("customers");
        let has = |table: Option<&Table>, key: &str| table.is_some_and(|table| table.contains_key(key));
        let defaults = |table: Option<&Table>, key: &str| {
            let below = table.and_then(|table| table.get("defaults"));
            has(below.and_then(Value::as_table), key)
        };
        let mut keys = Vec::new();
        if !has(customers, "ar_division_no") {
            keys.push("ar_division_no");
        }
        if !defaults(customers, "terms_code") && !defaults(section("orders"), "terms_code") {
            keys.push("terms_code");
        }
        if !defaults(customers, "tax_schedule") {
            keys.push("tax_schedule");
        }
        keys
    }

    /// The same with what a conformance run has shown; the file's own word wins.
    #[must_use]
    pub(super) fn with_profile(mut self, profile: Profile) -> Self {
        let mut settings = (*self.settings).clone();
        let written = self.written.get("capabilities").and_then(Value::as_table);
        for key in keys::of("capabilities") {
            let shown = profile.capabilities.get(key.name).copied();
            if let Some(shown) = shown.filter(|_| !written.is_some_and(|w| w.contains_key(key.name)))
                && let Some(capability) = capability(&mut settings.capabilities, key.name)
            {
                *capability = shown;
            }
        }
        self.settings = Arc::new(settings);
        self.profile = Some(profile);
        self
    }
}

/// Reads and checks the section, which stands at `place`. Folders are relative to `base`.
pub(super) fn read(
    written: Option<Table>,
    base: &Path,
    place: &Place,
    words: &Vocabulary,
) -> Result<Imports, Mistake> {
    let written = written.unwrap_or_default();
    let section = Section::new(&written, place.clone());
    let mut known: Vec<&str> = keys::SECTIONS
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect();
    known.extend(keys::of("").map(|key| key.name));
    known.extend(import_rules::KEYS);
    section.only_keys(&known, "")?;
    let mut settings = Settings {
        closed_through: closed_through(&section)?,
        ..Settings::default()
    };
    if let Some(section) = typed::below(&section, "orders", "[company.imports.orders]")? {
        settings.orders = orders::read(&section, words)?;
    }
    if let Some(section) = typed::below(&section, "customers", "[company.imports.customers]")? {
        settings.customers = customers::read(&section)?;
    }
    if let Some(section) = typed::below(&section, "ship_tos", "[company.imports.ship_tos]")? {
        settings.ship_tos = customers::ship_tos(&section)?;
    }
    if let Some(section) = typed::below(&section, "payments", "[company.imports.payments]")? {
        settings.payments = payments::read(&section, base)?;
    }
    if let Some(section) = typed::below(&section, "capabilities", "[company.imports.capabilities]")? {
        typed::only_known(&section, "capabilities")?;
        for key in keys::of("capabilities") {
            if let Some(capability) = capability(&mut settings.capabilities, key.name) {
                typed::flag(&section, key.name, capability)?;
            }
        }
    }
    let rules = import_rules::read(&written, place, words)?;
    Ok(Imports {
        settings: Arc::new(settings),
        rules: Arc::new(rules),
        profile: None,
        place: place.clone(),
        written,
    })
}

fn capability<'a>(capabilities: &'a mut Capabilities, name: &str) -> Option<&'a mut bool> {
    match name {
        "receipts" => Some(&mut capabilities.receipts),
        "prompting_kits" => Some(&mut capabilities.prompting_kits),
        "tax_before_write" => Some(&mut capabilities.tax_before_write),
        "kits_explode" => Some(&mut capabilities.kits_explode),
        _ => None,
    }
}

fn closed_through(section: &Section<'_>) -> Result<Option<Date>, Mistake> {
    let Some((value, place)) = section.get("closed_through") else {
        return Ok(None);
    };
    let example = "closed_through = \"2026-04-30\"";
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Datetime(date) => date.to_string(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_) => {
            return Err(wrong(value, &place, "a date", example));
        }
    };
    let date = values::parse_date(&text).ok().flatten();
    date.map(Some).ok_or_else(|| {
        Mistake::new(
            &place,
            format!("{text:?} is no date"),
            format!("write the last closed day, like {example}"),
        )
    })
}
