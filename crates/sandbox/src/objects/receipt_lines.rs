//! `oLines` of a cash receipt: what the money is for. A line pays an open invoice, is a
//! prepayment (type `PP`, which needs no invoice) or goes to an account (kept with type
//! `GL`): one prepayment without a number and one account at most, as the key of the
//! table, a guess, has it.

use std::sync::Arc;

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::{Date, Decimal};

use super::input::{accept, code, done, refused};
use super::keyed::{filled, value_of};
use super::receipt_tables::LINE;
use super::record::{Cell, Layout, Record, StoreError};
use super::rules;

/// Money without an invoice: it becomes a credit of the customer.
pub(crate) const PREPAYMENT: &str = "PP";
/// Money to an account.
pub(crate) const ACCOUNT: &str = "GL";
/// Types of open invoices that a line may name.
const TYPES: [&str; 7] = ["IN", "CM", "DM", "FC", "AD", "XD", PREPAYMENT];
/// Width of an invoice's number.
const WIDTH: usize = 7;

/// Whose receipt it is.
pub(crate) struct Payer<'a> {
    /// Division.
    pub(crate) division: &'a str,
    /// Number in the division.
    pub(crate) customer: &'a str,
    /// Day of the deposit, for discounts.
    pub(crate) date: Option<Date>,
}

/// The lines under work.
#[derive(Debug)]
pub(crate) struct ReceiptLines {
    layout: Arc<Layout>,
    /// The lines as they would be written.
    pub(crate) rows: Vec<Record>,
    draft: Option<Draft>,
    cursor: usize,
}

#[derive(Debug)]
struct Draft {
    line: Record,
    /// Place of the line that it replaces; none for a new one.
    replaces: Option<usize>,
    /// The type was asked for, not found with the number.
    is_typed: bool,
}

impl ReceiptLines {
    /// None yet.
    pub(crate) fn open(db: &Connection) -> Result<Self, StoreError> {
        Ok(Self {
            layout: Layout::read(db, LINE)?,
            rows: Vec::new(),
            draft: None,
            cursor: 0,
        })
    }

    /// Takes the stored lines under the receipt's key in place of what was there.
    pub(crate) fn load(&mut self, db: &Connection, key: &[(&str, &str)]) -> Result<(), StoreError> {
        self.clear();
        self.rows = Record::read_all(db, &self.layout, key)?;
        Ok(())
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.draft = None;
        self.cursor = 0;
    }

    /// What the lines come to.
    pub(crate) fn sum(&self) -> Result<Decimal, StoreError> {
        let mut sum = Decimal::zero(2);
        for row in &self.rows {
            sum = sum.checked_add(row.number("AmountPosted"))?;
        }
        Ok(sum)
    }

    /// `nAddLine` under the receipt's key.
    pub(crate) fn add(&mut self, key: &[(&str, &str)]) -> Return {
        let mut line = Record::blank(&self.layout);
        for (column, value) in key {
            line.put_text(column, value);
        }
        self.draft = Some(Draft {
            line,
            replaces: None,
            is_typed: false,
        });
        code(2)
    }

    /// `nMoveFirst` and `nMoveNext`.
    pub(crate) fn move_to(&mut self, first: bool) -> Return {
        self.cursor = if first { 0 } else { self.cursor.wrapping_add(1) };
        self.draft = self.rows.get(self.cursor).map(|line| Draft {
            line: line.clone(),
            replaces: Some(self.cursor),
            is_typed: false,
        });
        if self.draft.is_some() {
            done()
        } else {
            refused("There are no more lines.")
        }
    }

    /// `nGetValue`.
    pub(crate) fn get(&self, column: &str) -> Return {
        match &self.draft {
            Some(draft) => value_of(&draft.line, column),
            None => value_of(&Record::blank(&self.layout), column),
        }
    }

    /// `nSetValue`.
    pub(crate) fn set(
        &mut self,
        db: &Connection,
        payer: &Payer<'_>,
        column: &str,
        value: &Scalar,
    ) -> Result<Return, StoreError> {
        let Some(draft) = &mut self.draft else {
            return Ok(refused("There is no current line."));
        };
        let line = &mut draft.line;
        let (name, cell) = match accept(&self.layout, column, value) {
            Ok((field, cell)) => (field.name.clone(), cell),
            Err(message) => return Ok(refused(message)),
        };
        match (name.as_str(), &cell) {
            ("InvoiceNo", Cell::Text(text)) => set_invoice(db, payer, line, draft.is_typed, text),
            ("InvoiceType", Cell::Text(text)) => {
                let answer = set_type(db, payer, line, text)?;
                draft.is_typed |= !answer.is_refused();
                Ok(answer)
            }
            ("AccountKey", Cell::Text(text)) => set_account(db, line, text),
            ("AmountPosted" | "DiscountAmt", Cell::Number(number)) => {
                let mut changed = line.clone();
                changed.put_number(&name, *number)?;
                if let Some(refusal) = amount_refusal(db, payer, &changed)? {
                    return Ok(refusal);
                }
                *line = changed;
                Ok(done())
            }
            _ if self.layout.field(&name).is_some_and(|field| field.is_key) => {
                Ok(refused(format!("The {name} cannot be changed.")))
            }
            (_, Cell::Text(text)) => {
                line.put_text(&name, text);
                Ok(done())
            }
            (_, Cell::Number(number)) => {
                line.put_number(&name, *number)?;
                Ok(done())
            }
            (_, Cell::Date(date)) => {
                line.put_date(&name, *date);
                Ok(done())
            }
        }
    }

    /// `nWrite`: keeps the line in the receipt.
    pub(crate) fn keep(&mut self, db: &Connection, payer: &Payer<'_>) -> Result<Return, StoreError> {
        let Some(draft) = &self.draft else {
            return Ok(refused("There is no current line."));
        };
        if let Some(refusal) = line_refusal(db, payer, &draft.line)? {
            return Ok(refusal);
        }
        let name = |line: &Record| {
            (
                line.text("InvoiceNo").to_owned(),
                line.text("InvoiceType").to_owned(),
            )
        };
        let ours = name(&draft.line);
        let is_double = (0..)
            .zip(&self.rows)
            .any(|(place, row)| Some(place) != draft.replaces && name(row) == ours);
        if is_double {
            return Ok(refused(format!(
                "{} is already on this receipt.",
                named(&draft.line)
            )));
        }
        let Some(draft) = self.draft.take() else {
            return Ok(refused("There is no current line."));
        };
        match draft.replaces {
            Some(place) if place < self.rows.len() => self.rows[place] = draft.line,
            Some(_) | None => self.rows.push(draft.line),
        }
        Ok(done())
    }

    /// `nDelete`.
    pub(crate) fn delete(&mut self) -> Return {
        match self.draft.take().map(|draft| draft.replaces) {
            Some(Some(place)) if place < self.rows.len() => {
                self.rows.remove(place);
                // `nMoveNext` goes on with the line that moved up.
                self.cursor = place.wrapping_sub(1);
                done()
            }
            Some(Some(_) | None) | None => refused("There is no stored line to delete."),
        }
    }
}

/// What messages call a line.
fn named(line: &Record) -> String {
    match line.text("InvoiceType") {
        ACCOUNT => "A line to an account".to_owned(),
        PREPAYMENT if line.text("InvoiceNo").is_empty() => "A prepayment".to_owned(),
        kind => format!("Invoice {}-{kind}", line.text("InvoiceNo")),
    }
}

fn set_invoice(
    db: &Connection,
    payer: &Payer<'_>,
    line: &mut Record,
    is_typed: bool,
    text: &str,
) -> Result<Return, StoreError> {
    if !line.text("AccountKey").is_empty() {
        return Ok(refused("The line goes to an account and takes no InvoiceNo."));
    }
    let number = filled(text, WIDTH);
    if text.is_empty() || line.text("InvoiceType") == PREPAYMENT {
        line.put_text("InvoiceNo", if text.is_empty() { "" } else { &number });
        return Ok(done());
    }
    let kind = if is_typed { line.text("InvoiceType") } else { "" }.to_owned();
    let Some(found) = invoice_of(db, payer, &number, &kind)? else {
        return unknown_invoice(db, payer, &number, &kind);
    };
    line.put_text("InvoiceNo", &number);
    line.copy_column("InvoiceType", &found, "InvoiceType")?;
    clear_amounts(line)
}

fn set_type(db: &Connection, payer: &Payer<'_>, line: &mut Record, text: &str) -> Result<Return, StoreError> {
    if !TYPES.contains(&text) {
        return Ok(refused(format!("The InvoiceType {text} is not valid.")));
    }
    if !line.text("AccountKey").is_empty() {
        return Ok(refused("The line goes to an account and takes no InvoiceType."));
    }
    let number = line.text("InvoiceNo").to_owned();
    if text != PREPAYMENT && !number.is_empty() && invoice_of(db, payer, &number, text)?.is_none() {
        return unknown_invoice(db, payer, &number, text);
    }
    if line.text("InvoiceType") != text {
        line.put_text("InvoiceType", text);
        return clear_amounts(line);
    }
    Ok(done())
}

fn set_account(db: &Connection, line: &mut Record, text: &str) -> Result<Return, StoreError> {
    if text.is_empty() {
        line.put_text("AccountKey", "");
        line.put_text("InvoiceType", "");
        return Ok(done());
    }
    if !line.text("InvoiceNo").is_empty() || line.text("InvoiceType") == PREPAYMENT {
        return Ok(refused("The line pays an invoice and takes no AccountKey."));
    }
    let key = [("AccountKey", text)];
    if let Some(refusal) = rules::unknown_code(db, "AccountKey", text, "GL_Account", &key)? {
        return Ok(refusal);
    }
    line.put_text("AccountKey", text);
    line.put_text("InvoiceType", ACCOUNT);
    Ok(done())
}

/// Another invoice has another balance.
fn clear_amounts(line: &mut Record) -> Result<Return, StoreError> {
    line.put_number("AmountPosted", Decimal::zero(2))?;
    line.put_number("DiscountAmt", Decimal::zero(2))?;
    Ok(done())
}

/// The customer's open invoice of that number; of whatever type, an invoice first, when
/// `kind` is blank.
fn invoice_of(
    db: &Connection,
    payer: &Payer<'_>,
    number: &str,
    kind: &str,
) -> Result<Option<Record>, StoreError> {
    let mut key = vec![
        ("ARDivisionNo", payer.division),
        ("CustomerNo", payer.customer),
        ("InvoiceNo", number),
    ];
    if !kind.is_empty() {
        key.push(("InvoiceType", kind));
    }
    let Some(layout) = Layout::read_if_any(db, "AR_OpenInvoice")? else {
        return Ok(None);
    };
    let mut found = Record::read_all(db, &layout, &key)?;
    found.sort_by_key(|invoice| invoice.text("InvoiceType") != "IN");
    Ok(found.into_iter().next())
}

fn unknown_invoice(
    db: &Connection,
    payer: &Payer<'_>,
    number: &str,
    kind: &str,
) -> Result<Return, StoreError> {
    let name = if kind.is_empty() {
        number.to_owned()
    } else {
        format!("{number}-{kind}")
    };
    let mut key = vec![("InvoiceNo", number)];
    if !kind.is_empty() {
        key.push(("InvoiceType", kind));
    }
    let (division, customer) = (payer.division, payer.customer);
    Ok(match Record::look_up(db, "AR_OpenInvoice", &key)? {
        Some(other) if other.text("ARDivisionNo") != division || other.text("CustomerNo") != customer => {
            refused(format!(
                "Invoice {name} does not belong to customer {division}-{customer}."
            ))
        }
        Some(_) | None => refused(format!(
            "Invoice {name} is not on file for customer {division}-{customer}."
        )),
    })
}

/// Why the line may not be kept.
fn line_refusal(db: &Connection, payer: &Payer<'_>, line: &Record) -> Result<Option<Return>, StoreError> {
    let kind = line.text("InvoiceType");
    if line.text("InvoiceNo").is_empty() && kind != PREPAYMENT && kind != ACCOUNT {
        return Ok(Some(refused("The InvoiceNo is required.")));
    }
    if line.number("AmountPosted").is_zero() && line.number("DiscountAmt").is_zero() {
        return Ok(Some(refused("The AmountPosted is required.")));
    }
    amount_refusal(db, payer, line)
}

/// Why an invoice does not take the amounts.
fn amount_refusal(db: &Connection, payer: &Payer<'_>, line: &Record) -> Result<Option<Return>, StoreError> {
    let (amount, discount) = (line.number("AmountPosted"), line.number("DiscountAmt"));
    let (number, kind) = (line.text("InvoiceNo"), line.text("InvoiceType"));
    if discount.is_negative() {
        return Ok(Some(refused("The DiscountAmt must not be negative.")));
    }
    if kind == ACCOUNT || kind == PREPAYMENT || number.is_empty() {
        if !discount.is_zero() {
            return Ok(Some(refused("The DiscountAmt is for invoices only.")));
        }
        let is_negative = kind == PREPAYMENT && amount.is_negative();
        return Ok(is_negative.then(|| refused("The AmountPosted of a prepayment must not be negative.")));
    }
    let Some(invoice) = invoice_of(db, payer, number, kind)? else {
        return unknown_invoice(db, payer, number, kind).map(Some);
    };
    if !discount.is_zero() {
        let last_day = invoice.date("InvoiceDiscountDate");
        if last_day.is_none_or(|day| payer.date.is_none_or(|date| date > day)) {
            let until = last_day.map_or_else(|| "never".to_owned(), |day| format!("until {day}"));
            return Ok(Some(refused(format!(
                "The discount of invoice {number}-{kind} is not available: it was allowed {until}."
            ))));
        }
    }
    let balance = invoice.number("Balance");
    let paid = amount.checked_add(discount)?;
    if balance.is_negative() != paid.is_negative() && !paid.is_zero() {
        let sign = if balance.is_negative() {
            "negative: it is a credit"
        } else {
            "positive"
        };
        return Ok(Some(refused(format!(
            "The AmountPosted to invoice {number}-{kind} must be {sign}."
        ))));
    }
    let is_too_much = if balance.is_negative() {
        paid < balance
    } else {
        paid > balance
    };
    Ok(is_too_much.then(|| {
        refused(format!(
            "The AmountPosted with discount ({paid}) is more than the balance {balance} of invoice {number}-{kind}."
        ))
    }))
}
