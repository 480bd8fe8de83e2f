//! What customers owe: open invoices, less what has been received and not posted.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{ByKey, Param, Tx};
use catalog::{Catalog, Child, Dataset, Field};
use jiff::Timestamp;
use model::{Customer, ImportState, Payment, PaymentKind};
use serde_json::{Map, Value as Json};
use values::{CompanyId, Date, Decimal, Key, TenantId, days_from_date, parse_date};

use super::{Amount, QUEUED, scale, shown, too_large};
use crate::StoreError;
use crate::sql::documents::Documents;
use crate::sql::tables::child_table;
use crate::sql::view::View;
use crate::sql::{feed, micros};

const OPEN_INVOICES: &str = "open_invoices";
const UNPOSTED_RECEIPTS: &str = "unposted_receipts";
const INVOICE_KEY: [&str; 4] = ["ARDivisionNo", "CustomerNo", "InvoiceNo", "InvoiceType"];
/// Last day past due of each bucket but the last, and its name.
const BUCKETS: [(i32, &str); 4] = [
    (0, "current"),
    (30, "days_1_30"),
    (60, "days_31_60"),
    (90, "days_61_90"),
];
const LAST_BUCKET: &str = "over_90";

/// Received for each invoice and not posted, or on its way into the ERP.
pub(super) fn pending(received: Option<&Received>, documents: &Documents) -> Result<Vec<Json>, StoreError> {
    let Some(received) = received else {
        return Ok(Vec::new());
    };
    let amounts = documents.keys.iter().map(|key| received.of(key).map(shown));
    amounts.collect()
}

/// What is left to pay on each invoice: never below zero where something is owed.
pub(super) fn payable(
    view: &View<'_>,
    received: Option<&Received>,
    documents: &Documents,
) -> Result<Vec<Json>, StoreError> {
    let (Some(received), Some(balance)) = (received, Amount::of(view.dataset, "Balance")) else {
        return Ok(Vec::new());
    };
    let mut amounts = Vec::with_capacity(documents.keys.len());
    for (row, key) in documents.keys.iter().enumerate() {
        let balance = balance.value(documents, row);
        let left = balance.checked_sub(received.of(key)?).map_err(too_large)?;
        let overpaid = !balance.is_negative() && left.is_negative();
        amounts.push(shown(if overpaid {
            Decimal::zero(left.scale())
        } else {
            left
        }));
    }
    Ok(amounts)
}

/// Each customer's open items by days past due.
pub(super) fn ageing(t: &Tx<'_>, view: &View<'_>, documents: &Documents) -> Result<Vec<Json>, StoreError> {
    let Some(invoices) = view.catalog.get(OPEN_INVOICES) else {
        return Ok(Vec::new());
    };
    let due = invoices.field_of_column("InvoiceDueDate");
    let (Some(balance), Some((_, due))) = (Amount::of(invoices, "Balance"), due) else {
        return Ok(Vec::new());
    };
    if !invoices.key.starts_with(&view.dataset.key) {
        return Ok(Vec::new());
    }
    // The key of an invoice begins with its customer's, so a page's customers share a range.
    let from = documents.keys.iter().map(|k| format!("{k}:")).min();
    let to = documents.keys.iter().map(|k| format!("{k};")).max();
    let sql = format!(
        "SELECT key, \"{}\", \"{}\" FROM \"{OPEN_INVOICES}\" WHERE tenant = ? AND company = ? \
         AND key >= ? AND key < ? AND _purged_at IS NULL",
        due.name, balance.name
    );
    let mut by_customer: HashMap<&str, Buckets> = documents
        .keys
        .iter()
        .map(|k| (k.as_str(), Buckets::empty(balance.scale)))
        .collect();
    let today = view.today();
    t.each(
        &sql,
        (view.scope.tenant().as_str(), view.company.as_str(), from, to),
        |row| {
            let key: String = row.get(0)?;
            let Some(buckets) = by_customer.get_mut(first_parts(&key, view.dataset.key.len())) else {
                return Ok(());
            };
            let due = row.get::<Option<String>>(1)?.unwrap_or_default();
            let due = parse_date(&due).map_err(|_| StoreError::corrupt(format!("the date {due}")))?;
            buckets.add(due, today, Decimal::new(row.get(2)?, balance.scale))?;
            Ok(())
        },
    )?;
    let customers = documents.keys.iter();
    Ok(customers
        .map(|key| {
            by_customer
                .get(key.as_str())
                .map_or(Json::Null, |b| b.show(today))
        })
        .collect())
}

struct Buckets {
    sums: [Decimal; BUCKETS.len() + 1],
}

impl Buckets {
    const fn empty(scale: u8) -> Self {
        Self {
            sums: [Decimal::zero(scale); BUCKETS.len() + 1],
        }
    }

    fn add(&mut self, due: Option<Date>, today: Date, balance: Decimal) -> Result<(), StoreError> {
        let late = due.map_or(0, |due| days_from_date(today) - days_from_date(due));
        let place = BUCKETS.iter().position(|(most, _)| late <= *most);
        if let Some(sum) = self.sums.get_mut(place.unwrap_or(BUCKETS.len())) {
            *sum = sum.checked_add(balance).map_err(too_large)?;
        }
        Ok(())
    }

    fn show(&self, as_of: Date) -> Json {
        let names = BUCKETS.iter().map(|(_, name)| *name).chain([LAST_BUCKET]);
        let mut object: Map<String, Json> = names
            .zip(self.sums)
            .map(|(name, sum)| (name.to_owned(), shown(sum)))
            .collect();
        let mut sums = self.sums.iter();
        let first = sums.next().copied();
        let total = first.and_then(|f| sums.try_fold(f, |a, b| a.checked_add(*b).ok()));
        object.insert("total".to_owned(), total.map_or(Json::Null, shown));
        object.insert("as_of".to_owned(), as_of.to_string().into());
        object.into()
    }
}

/// Receipts that are not posted and payments that wait to be entered, by the key of their invoice (without its type where a
/// receipt does not name one).
pub(super) struct Received {
    amounts: HashMap<Key, Decimal>,
    scale: u8,
}

impl Received {
    /// All receipts of the company's, a clerk's batches of a day or two, so that one reading serves
    /// a page; of what waits in the queue that for the page's invoices.
    pub(super) fn load(
        t: &Tx<'_>,
        view: &View<'_>,
        documents: &Documents,
    ) -> Result<Option<Self>, StoreError> {
        if !view.dataset.key.iter().eq(INVOICE_KEY) {
            return Ok(None);
        }
        let Some(layout) = Layout::of(view.catalog) else {
            return Ok(None);
        };
        let (tenant, company) = (view.scope.tenant(), view.company);
        let mut received = Self {
            amounts: HashMap::new(),
            scale: layout.scale,
        };
        let lines = layout.lines(t, tenant, company, None)?;
        let queued = queued(t, (tenant, company), &documents.keys, layout.scale)?;
        for (invoice, amount) in lines.into_iter().chain(queued) {
            let sum = received
                .amounts
                .entry(invoice)
                .or_insert(Decimal::zero(layout.scale));
            *sum = sum.checked_add(amount).map_err(too_large)?;
        }
        Ok(Some(received))
    }

    fn of(&self, invoice: &Key) -> Result<Decimal, StoreError> {
        let zero = Decimal::zero(self.scale);
        let untyped = untyped(invoice);
        let amount = |key: &Key| self.amounts.get(key).copied().unwrap_or(zero);
        amount(invoice).checked_add(amount(&untyped)).map_err(too_large)
    }
}

/// Does a document in this state wait to be entered?
pub(in crate::sql) const fn is_queued(state: ImportState) -> bool {
    match state {
        ImportState::Received
        | ImportState::Validated
        | ImportState::Waiting
        | ImportState::Writing
        | ImportState::Held => true,
        ImportState::Written | ImportState::InDoubt | ImportState::Refused | ImportState::Discarded => false,
    }
}

/// Invoices that a posted payment pays, without their type where it names none. Money that
/// was given back, and payments of customers who are not in the ERP, pay nothing.
pub(in crate::sql) fn paid_invoices(body: &Json) -> Vec<(Key, Decimal)> {
    let Ok(payment) = Payment::parse(body) else {
        return Vec::new();
    };
    let Customer::Known(customer) = &payment.customer else {
        return Vec::new();
    };
    if payment.kind != PaymentKind::Payment {
        return Vec::new();
    }
    let paid = payment.invoices.iter().map(|invoice| {
        let number = as_stored(&invoice.invoice_no);
        let mut parts = vec![
            customer.ar_division_no.as_str(),
            customer.customer_no.as_str(),
            &number,
        ];
        parts.extend(invoice.invoice_type.as_deref());
        (Key::from_parts(parts), invoice.amount)
    });
    paid.collect()
}

/// The ERP fills numbers of invoices with zeros to seven digits.
fn as_stored(number: &str) -> String {
    if number.bytes().all(|b| b.is_ascii_digit()) {
        format!("{number:0>7}")
    } else {
        number.to_owned()
    }
}

/// The key of all invoices of that number.
fn untyped(invoice: &Key) -> Key {
    Key::from_stored(first_parts(invoice.as_str(), INVOICE_KEY.len() - 1).to_owned())
}

/// Invoice and amount of each payment that waits to be entered for one of these.
fn queued(
    t: &Tx<'_>,
    (tenant, company): (&TenantId, &CompanyId),
    invoices: &[Key],
    scale: u8,
) -> Result<Vec<(Key, Decimal)>, StoreError> {
    let by_key = ByKey {
        table: QUEUED,
        columns: "key, amount",
        order: "import, place",
    };
    let keys: BTreeSet<Key> = invoices
        .iter()
        .flat_map(|invoice| [invoice.clone(), untyped(invoice)])
        .collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let mut lines = Vec::new();
    t.each_by_key(
        &[by_key],
        tenant.as_str(),
        company.as_str(),
        &keys,
        |_, _, row| {
            let text: String = row.get(1)?;
            let amount: Decimal = text
                .parse()
                .map_err(|_| StoreError::corrupt(format!("the amount {text}")))?;
            lines.push((
                Key::from_stored(row.get::<String>(0)?),
                amount.rescale(scale).map_err(too_large)?,
            ));
            Ok(())
        },
    )?;
    Ok(lines)
}

/// Where the catalog has what a receipt says of an invoice.
struct Layout<'a> {
    receipts: &'a Dataset,
    lines: &'a Child,
    /// Division, customer, invoice and, where there is one, type, as SQL.
    invoice: Vec<String>,
    amount: String,
    scale: u8,
}

impl<'a> Layout<'a> {
    fn of(catalog: &'a Catalog) -> Option<Self> {
        let receipts = catalog.get(UNPOSTED_RECEIPTS)?;
        let has = |fields: &'a [Field], column: &str| fields.iter().find(|f| f.column == column);
        let lines = receipts
            .children
            .iter()
            .find(|c| has(&c.fields, "AmountPosted").is_some())?;
        let place = |column: &str| {
            let of_line = has(&lines.fields, column).map(|f| format!("l.\"{}\"", f.name));
            of_line.or_else(|| has(&receipts.fields, column).map(|f| format!("r.\"{}\"", f.name)))
        };
        let [division, customer, number, kind] = INVOICE_KEY.map(place);
        let mut invoice = vec![division?, customer?, number?];
        invoice.extend(kind);
        let amount = has(&lines.fields, "AmountPosted")?;
        Some(Self {
            receipts,
            lines,
            invoice,
            amount: format!("l.\"{}\"", amount.name),
            scale: scale(amount)?,
        })
    }

    /// Invoice and amount of each line, of all receipts or of one.
    fn lines(
        &self,
        t: &Tx<'_>,
        tenant: &TenantId,
        company: &CompanyId,
        receipt: Option<&Key>,
    ) -> Result<Vec<(Key, Decimal)>, StoreError> {
        let receipts = self.receipts.name.as_str();
        let sql = format!(
            "SELECT {}, {} FROM \"{receipts}\" r JOIN \"{}\" l \
             ON l.tenant = r.tenant AND l.company = r.company AND l.key = r.key \
             WHERE r.tenant = ?1 AND r.company = ?2 AND r._purged_at IS NULL{}",
            self.amount,
            self.invoice.join(", "),
            child_table(receipts, &self.lines.name),
            receipt.map_or("", |_| " AND r.key = ?3")
        );
        let mut parameters = vec![Param::Text(tenant.as_str()), Param::Text(company.as_str())];
        parameters.extend(receipt.map(|r| Param::Text(r.as_str())));
        t.all(&sql, parameters.as_slice(), |row| {
            let mut parts = Vec::with_capacity(self.invoice.len());
            for place in 0..self.invoice.len() {
                parts.push(row.get::<String>(place + 1)?);
            }
            // A line without a type means the invoice of that number.
            if parts.len() == INVOICE_KEY.len() && parts.last().is_some_and(String::is_empty) {
                parts.pop();
            }
            Ok((Key::from_parts(&parts), Decimal::new(row.get(0)?, self.scale)))
        })
    }
}

/// Invoices for which these receipts, as they are stored now, have lines: nothing when the
/// dataset is another.
pub(in crate::sql) fn touched(
    t: &Tx<'_>,
    catalog: &Catalog,
    dataset: &Dataset,
    tenant: &TenantId,
    company: &CompanyId,
    receipts: &[Key],
) -> Result<BTreeSet<Key>, StoreError> {
    let mut invoices = BTreeSet::new();
    if dataset.name.as_str() != UNPOSTED_RECEIPTS {
        return Ok(invoices);
    }
    let Some(layout) = Layout::of(catalog) else {
        return Ok(invoices);
    };
    for receipt in receipts {
        let lines = layout.lines(t, tenant, company, Some(receipt))?;
        invoices.extend(lines.into_iter().map(|(invoice, _)| invoice));
    }
    Ok(invoices)
}

/// Gives these invoices a new place in the feed: their pending amounts may have changed.
pub(in crate::sql) fn move_up(
    t: &Tx<'_>,
    catalog: &Catalog,
    tenant: &TenantId,
    company: &CompanyId,
    invoices: &BTreeSet<Key>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = catalog.get(OPEN_INVOICES);
    if invoices.is_empty() || !known.is_some_and(|d| d.key.iter().eq(INVOICE_KEY)) {
        return Ok(());
    }
    let sql = format!(
        "SELECT key FROM \"{OPEN_INVOICES}\" WHERE tenant = ? AND company = ? \
         AND (key = ? OR key >= ? AND key < ?)"
    );
    let mut keys: Vec<String> = Vec::new();
    for invoice in invoices {
        let (from, to) = (format!("{invoice}:"), format!("{invoice};"));
        let own = (tenant.as_str(), company.as_str(), invoice.as_str(), from, to);
        keys.extend(t.all(&sql, own, |row| row.get::<String>(0))?);
    }
    keys.sort();
    keys.dedup();
    let mut positions = feed::take(t, tenant, keys.len())?;
    let sql = format!(
        "UPDATE \"{OPEN_INVOICES}\" SET _position = ?, updated_at = ? WHERE tenant = ? AND company = ? AND key = ?"
    );
    for key in keys {
        let position = feed::next(&mut positions)?;
        t.execute(
            &sql,
            (position, micros(now), tenant.as_str(), company.as_str(), key),
        )?;
    }
    Ok(())
}

/// The first parts of an encoded key.
fn first_parts(key: &str, parts: usize) -> &str {
    let ends = key.match_indices(':').map(|(at, _)| at);
    let end = parts.checked_sub(1).and_then(|n| {
        let mut ends = ends;
        ends.nth(n)
    });
    end.map_or(key, |end| key.get(..end).unwrap_or(key))
}
