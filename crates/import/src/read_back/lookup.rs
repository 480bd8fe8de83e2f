//! What is read from the ERP's tables, and how rows become sightings.

use std::collections::{BTreeMap, BTreeSet};

use sage::{Column, Comparison, Literal, Select, Where};
use values::{Decimal, Kind, Stamp};

use super::{SightedInvoice, SightedLine, SightedOrder, Sightings, totals_of};
use crate::marker::MARKER_COLUMN;
use crate::rows::Row;

/// The columns that a site has, by table. A table without columns does not exist.
pub type Columns = BTreeMap<String, BTreeSet<String>>;

/// Where a record may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `SO_SalesOrderHeader`.
    Open,
    /// `SO_SalesOrderDetail`.
    OpenLines,
    /// `SO_SalesOrderHistoryHeader`.
    History,
    /// `SO_SalesOrderHistoryDetail`.
    HistoryLines,
    /// `SO_InvoiceHeader`.
    InvoiceEntry,
    /// `AR_InvoiceHistoryHeader`.
    InvoiceHistory,
    /// `AR_Customer`.
    Customer,
    /// `SO_ShipToAddress`.
    ShipTo,
    /// `AR_CashReceiptsHeader`.
    Receipt,
    /// `AR_CashReceiptsDetail`.
    ReceiptLines,
    /// `AR_CashReceiptsHistory`.
    ReceiptHistory,
    /// `AR_TransactionPaymentHistory`.
    PaymentHistory,
}

/// All tables that are looked at.
pub const TABLES: [&str; 12] = [
    "SO_SalesOrderHeader",
    "SO_SalesOrderDetail",
    "SO_SalesOrderHistoryHeader",
    "SO_SalesOrderHistoryDetail",
    "SO_InvoiceHeader",
    "AR_InvoiceHistoryHeader",
    "AR_Customer",
    "SO_ShipToAddress",
    "AR_CashReceiptsHeader",
    "AR_CashReceiptsDetail",
    "AR_CashReceiptsHistory",
    "AR_TransactionPaymentHistory",
];

impl Place {
    /// Its table.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Open => TABLES[0],
            Self::OpenLines => TABLES[1],
            Self::History => TABLES[2],
            Self::HistoryLines => TABLES[3],
            Self::InvoiceEntry => TABLES[4],
            Self::InvoiceHistory => TABLES[5],
            Self::Customer => TABLES[6],
            Self::ShipTo => TABLES[7],
            Self::Receipt => TABLES[8],
            Self::ReceiptLines => TABLES[9],
            Self::ReceiptHistory => TABLES[10],
            Self::PaymentHistory => TABLES[11],
        }
    }

    const fn columns(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Open | Self::History => &HEADER,
            Self::OpenLines => &LINES,
            Self::HistoryLines => &HISTORY_LINES,
            Self::InvoiceEntry | Self::InvoiceHistory => &INVOICE,
            // These are read by what is looked for in them.
            Self::Customer
            | Self::ShipTo
            | Self::Receipt
            | Self::ReceiptLines
            | Self::ReceiptHistory
            | Self::PaymentHistory => &[],
        }
    }
}

const AMOUNT: Kind = Kind::Decimal { scale: 2 };
const QUANTITY: Kind = Kind::Decimal { scale: 6 };

const HEADER: [(&str, Kind); 15] = [
    ("SalesOrderNo", Kind::Text),
    (MARKER_COLUMN, Kind::Text),
    ("OrderStatus", Kind::Text),
    ("ARDivisionNo", Kind::Text),
    ("CustomerNo", Kind::Text),
    ("CustomerPONo", Kind::Text),
    ("UserCreatedKey", Kind::Text),
    ("DateCreated", Kind::Date),
    ("TimeCreated", Kind::Text),
    ("TaxableAmt", AMOUNT),
    ("NonTaxableAmt", AMOUNT),
    ("DiscountAmt", AMOUNT),
    ("FreightAmt", AMOUNT),
    ("SalesTaxAmt", AMOUNT),
    ("DepositAmt", AMOUNT),
];

const LINES: [(&str, Kind); 7] = [
    ("SalesOrderNo", Kind::Text),
    ("ItemCode", Kind::Text),
    ("AliasItemNo", Kind::Text),
    ("ItemType", Kind::Text),
    ("SalesKitLineKey", Kind::Text),
    ("QuantityOrdered", QUANTITY),
    ("ExtensionAmt", AMOUNT),
];

const HISTORY_LINES: [(&str, Kind); 7] = [
    ("SalesOrderNo", Kind::Text),
    ("ItemCode", Kind::Text),
    ("AliasItemNo", Kind::Text),
    ("ItemType", Kind::Text),
    ("SalesKitLineKey", Kind::Text),
    ("OriginalLine", Kind::Text),
    ("QuantityOrderedOriginal", QUANTITY),
];

const INVOICE: [(&str, Kind); 14] = [
    ("SalesOrderNo", Kind::Text),
    (MARKER_COLUMN, Kind::Text),
    ("ARDivisionNo", Kind::Text),
    ("CustomerNo", Kind::Text),
    ("CustomerPONo", Kind::Text),
    ("InvoiceDate", Kind::Date),
    ("TaxableAmt", AMOUNT),
    ("NonTaxableAmt", AMOUNT),
    ("TaxableSalesAmt", AMOUNT),
    ("NonTaxableSalesAmt", AMOUNT),
    ("DiscountAmt", AMOUNT),
    ("FreightAmt", AMOUNT),
    ("SalesTaxAmt", AMOUNT),
    ("DepositAmt", AMOUNT),
];

/// The totals of an order, by API name and Sage column.
pub(crate) const ORDER_TOTALS: [(&str, &str); 6] = [
    ("taxable_amt", "TaxableAmt"),
    ("non_taxable_amt", "NonTaxableAmt"),
    ("discount_amt", "DiscountAmt"),
    ("freight_amt", "FreightAmt"),
    ("sales_tax_amt", "SalesTaxAmt"),
    ("deposit_amt", "DepositAmt"),
];

const POSTED_TOTALS: [(&str, &str); 6] = [
    ("taxable_amt", "TaxableSalesAmt"),
    ("non_taxable_amt", "NonTaxableSalesAmt"),
    ("discount_amt", "DiscountAmt"),
    ("freight_amt", "FreightAmt"),
    ("sales_tax_amt", "SalesTaxAmt"),
    ("deposit_amt", "DepositAmt"),
];

/// Where an order is first looked for, in this order: an order moves from open to history,
/// so it cannot slip through between two reads.
#[must_use]
pub fn order_selects(number: &str, columns: &Columns) -> Vec<(Place, Select)> {
    let places = [Place::Open, Place::OpenLines, Place::History, Place::HistoryLines];
    places
        .into_iter()
        .filter_map(|place| Some((place, select(place, number, columns)?)))
        .collect()
}

/// Where it is looked for when there is none: these reads use no key and scan the table.
#[must_use]
pub fn invoice_selects(number: &str, columns: &Columns) -> Vec<(Place, Select)> {
    let places = [Place::InvoiceEntry, Place::InvoiceHistory];
    places
        .into_iter()
        .filter_map(|place| Some((place, select(place, number, columns)?)))
        .collect()
}

fn select(place: Place, number: &str, columns: &Columns) -> Option<Select> {
    let has = columns
        .get(place.table())
        .filter(|has| has.contains("SalesOrderNo"))?;
    let wanted = place.columns().iter().filter(|(name, _)| has.contains(*name));
    let wanted = wanted.map(|(name, kind)| Column::new(*name, *kind)).collect();
    Some(by_key(place, wanted, &[("SalesOrderNo", number)]))
}

/// The rows under a key.
pub(super) fn by_key(place: Place, columns: Vec<Column>, key: &[(&str, &str)]) -> Select {
    Select {
        table: place.table().to_owned(),
        columns,
        conditions: key
            .iter()
            .map(|(column, value)| Where {
                column: (*column).to_owned(),
                comparison: Comparison::Equal,
                literal: Literal::Text((*value).to_owned()),
            })
            .collect(),
        order_by: Vec::new(),
    }
}

impl Sightings {
    /// From the rows of each place.
    #[must_use]
    pub fn from_rows(rows: &BTreeMap<Place, Vec<Row>>) -> Self {
        let first = |place| rows.get(&place).and_then(|rows| rows.first());
        let lines = |place| {
            rows.get(&place)
                .map(|rows| rows.iter().filter_map(line_of).collect())
        };
        let invoices = [Place::InvoiceEntry, Place::InvoiceHistory];
        Self {
            open: first(Place::Open).map(|row| order_of(row, lines(Place::OpenLines))),
            history: first(Place::History).map(|row| order_of(row, lines(Place::HistoryLines))),
            invoices: invoices
                .iter()
                .filter_map(|p| rows.get(p))
                .flatten()
                .map(invoice_of)
                .collect(),
            objects: None,
        }
    }
}

fn order_of(row: &Row, lines: Option<Vec<SightedLine>>) -> SightedOrder {
    SightedOrder {
        marker: marker_of(row),
        ar_division_no: row.text("ARDivisionNo").to_owned(),
        customer_no: row.text("CustomerNo").to_owned(),
        customer_po_no: row.text("CustomerPONo").to_owned(),
        created_by: row.text("UserCreatedKey").to_owned(),
        created: created_of(row),
        lines,
        totals: totals_of(row, &ORDER_TOTALS),
        is_deleted: matches!(row.text("OrderStatus"), "X" | "Z"),
    }
}

/// When a row was created, where it tells.
pub(super) fn created_of(row: &Row) -> Option<Stamp> {
    row.date("DateCreated").map(|date| {
        // An odd time is read as the day's end: the date still speaks.
        Stamp::parse(date, row.text("TimeCreated"))
            .or_else(|_| Stamp::parse(date, "24"))
            .unwrap_or_else(|_| Stamp::start_of(date))
    })
}

fn invoice_of(row: &Row) -> SightedInvoice {
    let columns = if row.has("TaxableSalesAmt") {
        &POSTED_TOTALS
    } else {
        &ORDER_TOTALS
    };
    SightedInvoice {
        marker: marker_of(row),
        ar_division_no: row.text("ARDivisionNo").to_owned(),
        customer_no: row.text("CustomerNo").to_owned(),
        customer_po_no: row.text("CustomerPONo").to_owned(),
        date: row.date("InvoiceDate"),
        totals: totals_of(row, columns),
    }
}

pub(super) fn marker_of(row: &Row) -> Option<String> {
    row.has(MARKER_COLUMN).then(|| row.text(MARKER_COLUMN).to_owned())
}

/// Components of a kit, and lines that a clerk added later, are not what was sent.
fn line_of(row: &Row) -> Option<SightedLine> {
    if !row.text("SalesKitLineKey").trim_matches('0').is_empty() || row.text("OriginalLine") == "N" {
        return None;
    }
    let quantity = row
        .number("QuantityOrdered")
        .or_else(|| row.number("QuantityOrderedOriginal"));
    Some(SightedLine {
        item_code: row.text("ItemCode").to_owned(),
        alias_item_no: row.text("AliasItemNo").to_owned(),
        item_type: row.text("ItemType").to_owned(),
        quantity: quantity.unwrap_or(Decimal::zero(6)),
        extension: row.number("ExtensionAmt"),
    })
}
