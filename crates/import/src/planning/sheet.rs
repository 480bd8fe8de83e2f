//! The columns that are set of one record, checked as they are noted down: width, characters
//! that Sage cannot keep, user-defined fields that it does not have.

use std::collections::BTreeMap;

use model::UdfValue;
use values::{Date, Decimal};

use super::columns::{Column, Kind};
use super::findings::{Findings, problem};
use super::{Knowledge, Widths, codes};
use crate::MARKER_COLUMN;
use crate::plan::Setting;

/// Columns that take line breaks.
const MANY_LINES: [&str; 1] = ["CommentText"];

/// Characters beyond Latin-1 that Windows-1252 has. `Š` is missing on purpose: its byte
/// separates fields inside Sage.
const BEYOND_LATIN_1: &str = "€‚ƒ„…†‡ˆ‰‹ŒŽ‘’“”•–—˜™š›œžŸ";

/// Digits before the point that every mask of Sage's for amounts, prices and quantities
/// takes with a sign.
const WHOLE_DIGITS: u32 = 8;

/// Settings of one record, in order.
#[derive(Debug)]
pub(super) struct Sheet<'w> {
    table: &'static str,
    widths: &'w Widths,
    settings: Vec<Setting>,
}

impl<'w> Sheet<'w> {
    pub(super) const fn new(table: &'static str, widths: &'w Widths) -> Self {
        Self {
            table,
            widths,
            settings: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, column: &str, value: &str, field: &str, findings: &mut Findings) {
        if check_text(self.table, column, value, field, self.widths, findings) {
            self.settings.push(Setting::text(column, value, field));
        }
    }

    pub(super) fn optional(
        &mut self,
        column: &str,
        value: Option<&String>,
        field: &str,
        findings: &mut Findings,
    ) {
        if let Some(value) = value {
            self.text(column, value, field, findings);
        }
    }

    pub(super) fn flag(&mut self, column: &str, value: bool, field: &str) {
        self.settings
            .push(Setting::text(column, if value { "Y" } else { "N" }, field));
    }

    pub(super) fn date(&mut self, column: &str, date: Date, field: &str) {
        self.settings.push(Setting::date(column, date, field));
    }

    pub(super) fn amount(&mut self, column: &str, amount: Decimal, field: &str, findings: &mut Findings) {
        if check_size(amount, field, findings) {
            self.settings.push(Setting::number(column, amount, field));
        }
    }

    /// User-defined fields.
    pub(super) fn udf(&mut self, udf: &BTreeMap<String, UdfValue>, prefix: &str, findings: &mut Findings) {
        for (name, UdfValue::Text(value)) in udf {
            self.user_field(name, value, &format!("{prefix}{name}"), findings);
        }
    }

    /// One user-defined field, named with or without `udf_`.
    pub(super) fn user_field(&mut self, name: &str, value: &str, field: &str, findings: &mut Findings) {
        let name = name.to_ascii_uppercase();
        let column = format!("UDF_{}", name.strip_prefix("UDF_").unwrap_or(&name));
        if column == MARKER_COLUMN {
            findings.refuse(problem(
                "udf_reserved",
                field,
                value,
                format!("{column} carries the driver's own mark"),
                "edit the document by PATCH and leave the field out",
            ));
        } else if !self.widths.is_empty() && !self.widths.has(&column) {
            findings.refuse(problem(
                "udf_unknown",
                field,
                value,
                format!("{} has no user-defined field {column}", self.table),
                "edit the name by PATCH, or add the field in Custom Office and retry",
            ));
        } else if self.has(&column) {
            findings.refuse(problem(
                "repeated",
                field,
                value,
                format!("{column} is there twice"),
                "edit the document by PATCH: names of user-defined fields differ by more than case",
            ));
        } else if let Some(scale) = self.widths.numbers.get(&column) {
            match Decimal::parse(value, *scale) {
                Ok(number) => self.amount(&column, number, field, findings),
                Err(reason) => findings.refuse(problem(
                    "udf_not_number",
                    field,
                    value,
                    format!("{}.{column} is a number with {scale} decimals: {reason}", self.table),
                    "send it by PATCH as plain digits with a point, and with no more decimals than the field has",
                )),
            }
        } else {
            self.text(&column, value, field, findings);
        }
    }

    /// A value that the site's configuration gives. Values that the document gave before win.
    pub(super) fn default<K: Knowledge>(
        &mut self,
        columns: &[Column],
        name: &str,
        value: &str,
        knowledge: &mut K,
        findings: &mut Findings,
    ) -> Result<(), K::Error> {
        let field = format!("defaults.{name}");
        if let Some(user_field) = name.strip_prefix("udf.").or_else(|| name.strip_prefix("udf_")) {
            let column = format!("UDF_{}", user_field.to_ascii_uppercase());
            if !self.has(&column) {
                self.user_field(user_field, value, &field, findings);
            }
            return Ok(());
        }
        let Some(column) = columns.iter().find(|column| column.name == name) else {
            findings.refuse(problem(
                "default_unknown",
                &field,
                value,
                format!("the configuration gives a default for {name}, which cannot be set"),
                "correct the name in the configuration's defaults, then retry",
            ));
            return Ok(());
        };
        if self.has(column.column) {
            return Ok(());
        }
        if let Some(list) = column.list {
            codes::check(list, value, &field, knowledge, findings)?;
        }
        match column.kind {
            Kind::Text => self.text(column.column, value, &field, findings),
            Kind::Number(scale) => match Decimal::parse(value, scale) {
                Ok(number) => self.amount(column.column, number, &field, findings),
                Err(reason) => findings.refuse(problem(
                    "default_wrong",
                    &field,
                    value,
                    format!("the configuration's default {value:?} for {name}: {reason}"),
                    "correct the value in the configuration's defaults, then retry",
                )),
            },
        }
        Ok(())
    }

    /// Is the column (without suffix) set already?
    pub(super) fn has(&self, column: &str) -> bool {
        self.settings
            .iter()
            .any(|setting| setting.column.trim_end_matches('$') == column)
    }

    pub(super) fn into_settings(self) -> Vec<Setting> {
        self.settings
    }
}

/// Does Sage take the text? `column` is without suffix.
pub(super) fn check_text(
    table: &str,
    column: &str,
    value: &str,
    field: &str,
    widths: &Widths,
    findings: &mut Findings,
) -> bool {
    let mut fits = true;
    let length = value.chars().count();
    // No width is told of columns that take any length.
    if let Some(width) = widths
        .texts
        .get(column)
        .filter(|width| **width > 0 && length > **width)
    {
        fits = false;
        findings.refuse(problem(
            "too_long",
            field,
            value,
            format!("{length} characters, but {table}.{column} has room for {width}"),
            format!("shorten it by PATCH to at most {width} characters; it is never cut silently"),
        ));
    }
    if let Some(strange) = value.chars().find(|c| !is_representable(*c)) {
        fits = false;
        findings.refuse(problem(
            "not_representable",
            field,
            value,
            format!(
                "Sage cannot keep the character {strange:?} (U+{:04X})",
                u32::from(strange)
            ),
            "replace or remove the character by PATCH: Sage keeps Western European text (Windows-1252)",
        ));
    }
    if !MANY_LINES.contains(&column) && value.contains(['\n', '\r', '\t']) {
        fits = false;
        findings.refuse(problem(
            "line_break",
            field,
            value,
            format!("{table}.{column} takes one line of text, this has a line break or tabulator"),
            "send it as one line by PATCH, or as the comment_text of a line",
        ));
    }
    fits
}

/// Does the number fit into Sage's masks?
pub(super) fn check_size(number: Decimal, field: &str, findings: &mut Findings) -> bool {
    let limit = i64::from(10_u32.pow(WHOLE_DIGITS));
    let size = if number.is_negative() { -number } else { number };
    let fits = size < Decimal::new(limit, 0);
    if !fits {
        findings.refuse(problem(
            "number_too_large",
            field,
            &number.to_string(),
            format!("{number} has more than {WHOLE_DIGITS} digits before the point"),
            "correct it by PATCH; Sage has no room for more",
        ));
    }
    fits
}

/// Has Windows-1252 the character, so that Sage can keep it?
fn is_representable(c: char) -> bool {
    c.is_ascii() || ('\u{a0}'..='\u{ff}').contains(&c) || BEYOND_LATIN_1.contains(c)
}
