//! Is there a record under an identity of ours, and is it ours?
//!
//! What is here is about orders; [`customer`] and [`ship_to`] are about the others. An order that was written may by now be open, in the order history, in invoice entry or
//! in the invoice history. [`order_selects`] and [`invoice_selects`] say what to read,
//! [`Sightings`] is what was found, and [`classify`] decides. Only what is proven counts:
//! whatever speaks for two readings is [`Finding::Unclear`].

pub mod customer;
mod lookup;
mod master;
pub mod receipt;
pub mod ship_to;
mod whose;

use model::{CustomerRef, Numbers, Totals};
use values::{Date, Decimal, Stamp, days_from_date};

pub(crate) use lookup::ORDER_TOTALS;
pub use lookup::{Columns, Place, TABLES, invoice_selects, order_selects};

use crate::plan::OrderWrite;
use crate::rows::Row;
use whose::Mark;

/// Numbers come round again, so an invoice from long before the reservation is about an older
/// order. How long: clerks date invoices back into the month before, and clocks go wrong.
const MAX_DAYS_BACK: i32 = 60;

/// What our order would look like.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// As it was planned.
    pub order: &'a OrderWrite,
    /// Its customer, the planned one or the one that an earlier write made.
    pub customer: &'a CustomerRef,
    /// Its mark; compared wherever the site has the column.
    pub marker: &'a str,
    /// `UserKey` of our Sage user, where it is known.
    pub user_key: Option<&'a str>,
    /// When the number was reserved, in the site's time, less what its clocks may be off.
    pub since: Stamp,
    /// Sum of the lines as Sage showed them while they were entered.
    pub extension: Option<Decimal>,
}

/// What was found, place by place.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    /// `SO_SalesOrderHeader` and its lines.
    pub open: Option<SightedOrder>,
    /// `SO_SalesOrderHistoryHeader` and its lines.
    pub history: Option<SightedOrder>,
    /// `SO_InvoiceHeader` and `AR_InvoiceHistoryHeader`.
    pub invoices: Vec<SightedInvoice>,
    /// Through the business objects; none when they were not asked.
    pub objects: Option<Option<SightedOrder>>,
}

/// An order that stands under the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightedOrder {
    /// The mark; none when the place has no such column.
    pub marker: Option<String>,
    /// Customer's division.
    pub ar_division_no: String,
    /// Customer.
    pub customer_no: String,
    /// The buyer's number.
    pub customer_po_no: String,
    /// `UserCreatedKey`; blank when the place does not tell.
    pub created_by: String,
    /// When it was created, in the site's time; none when the place does not tell.
    pub created: Option<Stamp>,
    /// Its lines without kit components; none when they were not read.
    pub lines: Option<Vec<SightedLine>>,
    /// Its amounts.
    pub totals: Totals,
    /// It was deleted since (history only).
    pub is_deleted: bool,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightedLine {
    /// Item, charge or comment.
    pub item_code: String,
    /// The other code under which it was entered; blank when there is none.
    pub alias_item_no: String,
    /// `ItemType`: charges (`3`) and comments (`4`) have no quantity.
    pub item_type: String,
    /// As ordered.
    pub quantity: Decimal,
    /// What it comes to.
    pub extension: Option<Decimal>,
}

/// An invoice of an order under the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightedInvoice {
    /// The mark; none when the place has no such column.
    pub marker: Option<String>,
    /// Customer's division.
    pub ar_division_no: String,
    /// Customer.
    pub customer_no: String,
    /// The buyer's number.
    pub customer_po_no: String,
    /// Its date.
    pub date: Option<Date>,
    /// Its amounts.
    pub totals: Totals,
}

/// What is known of the order now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is there, and it is ours.
    Ours {
        /// As found.
        totals: Totals,
        /// Numbers besides those in the identity.
        numbers: Numbers,
        /// What a person should know.
        notes: Vec<String>,
    },
    /// Somebody else's stands there.
    Foreign {
        /// Whose, in words.
        whose: String,
    },
    /// Nothing stands there, in no place.
    Absent,
    /// Ours, but not whole.
    Partial {
        /// What is missing.
        what: String,
    },
    /// Neither is proven.
    Unclear {
        /// Why.
        why: String,
    },
    /// What stood there has been deleted since, and it was not ours and whole for sure.
    Removed {
        /// What it was.
        was: Box<Finding>,
    },
}

impl SightedOrder {
    fn as_ours(&self) -> Finding {
        Finding::Ours {
            totals: self.totals.clone(),
            numbers: Numbers::new(),
            notes: Vec::new(),
        }
    }
}

/// Decides from everything that was found.
#[must_use]
pub fn classify(expected: &Expected<'_>, sightings: &Sightings) -> Finding {
    match (&sightings.open, &sightings.history) {
        (Some(open), history) => {
            let finding = whose::judge(expected, open, Place::Open);
            let hides_ours = matches!(finding, Finding::Foreign { .. })
                && history.as_ref().is_some_and(|history| {
                    matches!(
                        whose::judge(expected, history, Place::History),
                        Finding::Ours { .. }
                    )
                });
            if hides_ours {
                return Finding::Unclear {
                    why:
                        "the open order under this number is somebody else's, but the one in history is ours"
                            .into(),
                };
            }
            finding
        }
        (None, Some(history)) => {
            let finding = whose::judge(expected, history, Place::History);
            match finding {
                Finding::Ours {
                    totals,
                    numbers,
                    mut notes,
                } if history.is_deleted => {
                    notes.push(
                        "order_deleted: the order was written and has been deleted in Sage since".into(),
                    );
                    Finding::Ours {
                        totals,
                        numbers,
                        notes,
                    }
                }
                Finding::Partial { .. } | Finding::Unclear { .. } if history.is_deleted => Finding::Removed {
                    was: Box::new(finding),
                },
                Finding::Ours { .. }
                | Finding::Foreign { .. }
                | Finding::Absent
                | Finding::Partial { .. }
                | Finding::Unclear { .. }
                | Finding::Removed { .. } => finding,
            }
        }
        (None, None) => judge_invoices(expected, sightings),
    }
}

/// With our mark further lines are no harm (exploded kits, a clerk's addition); without it
/// the lines are part of the proof and must be equal.
fn judge_lines(expected: &Expected<'_>, found: &SightedOrder, exactly: bool) -> Finding {
    let Some(lines) = &found.lines else {
        return if exactly {
            Finding::Unclear {
                why: "its lines could not be read".into(),
            }
        } else {
            found.as_ours()
        };
    };
    let mut rest: Vec<&SightedLine> = lines.iter().collect();
    let mut missing = 0_usize;
    for wanted in &expected.order.lines {
        let code = wanted.item_code.trim_end();
        let place = rest.iter().position(|line| {
            (line.item_code == code || line.alias_item_no == code)
                && (matches!(line.item_type.as_str(), "3" | "4") || line.quantity == wanted.quantity)
        });
        match place {
            Some(place) => {
                rest.remove(place);
            }
            None => missing += 1,
        }
    }
    if missing > 0 {
        let wanted = expected.order.lines.len();
        return Finding::Partial {
            what: format!("{missing} of its {wanted} lines are missing or differ"),
        };
    }
    if !rest.is_empty() && exactly {
        return Finding::Unclear {
            why: format!(
                "it has {} that we did not send",
                crate::counted(rest.len(), "line")
            ),
        };
    }
    if let Some(entered) = expected.extension
        && rest.is_empty()
        && let Some(stored) = sum(lines)
        && stored != entered
    {
        return Finding::Partial {
            what: format!("its lines come to {stored}, but were entered as {entered}"),
        };
    }
    found.as_ours()
}

fn sum(lines: &[SightedLine]) -> Option<Decimal> {
    lines.iter().try_fold(Decimal::zero(2), |sum, line| {
        sum.checked_add(line.extension?).ok()
    })
}

fn judge_invoices(expected: &Expected<'_>, sightings: &Sightings) -> Finding {
    let order = expected.order;
    let day = expected.since.date();
    let is_ancient = |invoice: &SightedInvoice| {
        invoice.date.is_some_and(|date| {
            days_from_date(date).saturating_add(MAX_DAYS_BACK) < days_from_date(day)
                && Mark::of(invoice.marker.as_deref(), expected.marker) != Mark::Ours
        })
    };
    let recent: Vec<_> = sightings.invoices.iter().filter(|i| !is_ancient(i)).collect();
    if recent.is_empty() {
        return match &sightings.objects {
            Some(Some(_)) => Finding::Unclear {
                why: "Sage's objects find it, its tables do not yet".into(),
            },
            Some(None) | None => Finding::Absent,
        };
    }
    let po = order.customer_po_no.trim_end();
    let is_ours = |invoice: &SightedInvoice| match Mark::of(invoice.marker.as_deref(), expected.marker) {
        Mark::Ours => true,
        Mark::Another => false,
        Mark::Cut | Mark::Blank | Mark::NoColumn => {
            !po.is_empty()
                && invoice.customer_po_no == po
                && invoice.ar_division_no == expected.customer.ar_division_no
                && invoice.customer_no == expected.customer.customer_no
                && invoice.date.is_none_or(|date| date >= day)
        }
    };
    if recent.iter().all(|invoice| is_ours(invoice)) {
        // The amounts of several invoices are parts of the order's.
        let totals = if let [only] = recent.as_slice() {
            only.totals.clone()
        } else {
            Totals::new()
        };
        return Finding::Ours {
            totals,
            numbers: Numbers::new(),
            notes: vec!["order_invoiced: the order has been invoiced since".into()],
        };
    }
    Finding::Unclear {
        why: "an invoice of an order under this number is there, and whose it is cannot be told".into(),
    }
}

/// The totals of an order from Sage's columns, by API name.
#[must_use]
pub fn totals_of(row: &Row, columns: &[(&str, &str)]) -> Totals {
    let mut totals: Totals = columns
        .iter()
        .filter_map(|(name, column)| Some(((*name).to_owned(), row.number(column)?)))
        .collect();
    add_order_total(&mut totals);
    totals
}

/// What the order comes to, where all parts of it are told.
pub(crate) fn add_order_total(totals: &mut Totals) {
    let tax = totals.get("sales_tax_amt").copied();
    if let Some(total) = net_total(totals)
        .zip(tax)
        .and_then(|(net, tax)| net.checked_add(tax).ok())
    {
        totals.insert("order_total".into(), total);
    }
}

/// The same without tax: the amounts are before the trade discount.
pub(crate) fn net_total(totals: &Totals) -> Option<Decimal> {
    let amount = |name: &str| totals.get(name).copied();
    let goods = amount("taxable_amt")?.checked_add(amount("non_taxable_amt")?);
    let net = goods.ok()?.checked_add(amount("freight_amt")?).ok()?;
    net.checked_sub(amount("discount_amt")?).ok()
}

#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
