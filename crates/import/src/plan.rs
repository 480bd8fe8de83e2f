//! What a document becomes: an ordered list of writes, each one record in Sage with an
//! identity of its own.
//!
//! A plan is made once, from document, settings and the ERP's master data, and journaled
//! before anything is reserved. What is entered, and what is looked for afterwards, comes
//! from the plan alone: later changes of settings or master data do not reach a document
//! on its way.

use std::collections::BTreeMap;

use model::{CustomerRef, OrderType, Problem};
use sage::Scalar;
use serde::{Deserialize, Serialize};
use values::{Date, Decimal, ImportId};

/// The writes of a document, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// At least one.
    pub writes: Vec<Write>,
    /// What a person should know, found while planning.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// No other document may be on its way beside it, whatever its writes say: it hangs on how
    /// much there is of an item.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_alone: bool,
}

/// What planning comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// Go.
    Ready(Plan),
    /// Nothing is to be written in Sage: what was asked for is so already.
    Nothing {
        /// Numbers of the records that are there already.
        numbers: model::Numbers,
        /// What a person should know.
        warnings: Vec<String>,
    },
    /// All problems; at least one is more than a matter of a person's word.
    Refused(Vec<Problem>),
    /// All problems; a person's word would let each pass.
    Held(Vec<Problem>),
}

/// One record in Sage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "write")]
pub enum Write {
    /// A new customer.
    Customer(CustomerWrite),
    /// Changes to a customer.
    CustomerChange(CustomerChange),
    /// A new ship-to address.
    ShipTo(ShipToWrite),
    /// A sales order or quote.
    SalesOrder(OrderWrite),
    /// A cash receipt.
    Receipt(ReceiptWrite),
}

impl Write {
    /// What its identity is called between driver and hub.
    #[must_use]
    pub const fn identity_name(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer_no",
            Self::CustomerChange(_) => "customer_change",
            Self::ShipTo(_) => "ship_to_code",
            Self::SalesOrder(_) => "sales_order_no",
            Self::Receipt(_) => "receipt",
        }
    }

    /// The same for people.
    #[must_use]
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::CustomerChange(_) => "change of a customer",
            Self::ShipTo(_) => "ship-to address",
            Self::SalesOrder(_) => "sales order",
            Self::Receipt(_) => "cash receipt",
        }
    }

    /// Is it handed over as a file, so that no session is needed?
    #[must_use]
    pub const fn is_filed(&self) -> bool {
        match self {
            Self::Receipt(receipt) => receipt.is_filed,
            Self::Customer(_) | Self::CustomerChange(_) | Self::ShipTo(_) | Self::SalesOrder(_) => false,
        }
    }

    /// Module, task and object of Sage that make it.
    #[must_use]
    pub const fn program(&self) -> Program {
        match self {
            Self::Customer(_) | Self::CustomerChange(_) => Program {
                module: "A/R",
                task: "AR_Customer_ui",
                object: "AR_Customer_bus",
            },
            Self::ShipTo(_) => Program {
                module: "S/O",
                task: "SO_ShipToAddress_ui",
                object: "SO_ShipToAddress_bus",
            },
            Self::SalesOrder(_) => Program {
                module: "S/O",
                task: "SO_SalesOrder_ui",
                object: "SO_SalesOrder_bus",
            },
            Self::Receipt(_) => Program {
                module: "A/R",
                task: "AR_CashReceipts_ui",
                object: "AR_CashReceipts_bus",
            },
        }
    }
}

/// Where in Sage a record is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// `S/O`, `A/R`.
    pub module: &'static str,
    /// The task whose permission is needed.
    pub task: &'static str,
    /// The business object.
    pub object: &'static str,
}

/// A column that is set, and where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// With Sage's suffix (`ShipVia$`, `FreightAmt`).
    pub column: String,
    /// The value.
    pub value: Scalar,
    /// Path of the field in the document, for a refusal; empty when the site set it.
    pub field: String,
}

impl Setting {
    /// A text column, named without its suffix.
    pub fn text(column: &str, value: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            column: format!("{column}$"),
            value: Scalar::Text(value.into()),
            field: field.into(),
        }
    }

    /// A numeric column.
    pub fn number(column: &str, value: Decimal, field: impl Into<String>) -> Self {
        Self {
            column: column.to_owned(),
            value: Scalar::Number(value),
            field: field.into(),
        }
    }

    /// A date column, named without its suffix.
    #[must_use]
    pub fn date(column: &str, date: Date, field: impl Into<String>) -> Self {
        let compact = format!("{:04}{:02}{:02}", date.year(), date.month(), date.day());
        Self::text(column, compact, field)
    }
}

/// The customer of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerSource {
    /// One that Sage has.
    Known(CustomerRef),
    /// The one that an earlier write of the plan made.
    Write(u32),
}

/// The ship-to record of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipToSource {
    /// One that Sage has.
    Code(String),
    /// The one that an earlier write of the plan made.
    Write(u32),
}

/// A new customer. Its identity is `division-number`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerWrite {
    /// Division.
    pub ar_division_no: String,
    /// Where the number comes from.
    pub number: NumberSource,
    /// Columns in the order in which they are set.
    pub settings: Vec<Setting>,
}

/// Where a customer's number comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberSource {
    /// Sage's next.
    SageNext,
    /// The next of a counter that is free.
    Counter {
        /// Upper case.
        prefix: String,
        /// Zero-filled.
        digits: u8,
    },
    /// This one, or none.
    Given {
        /// Upper case.
        customer_no: String,
        /// Path of the field in the document.
        field: String,
    },
}

/// Changes to a customer. Its identity is `division-number` and a hash of the changes and of the
/// document that asks for them: what was changed to and fro is changed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerChange {
    /// Which.
    pub customer: CustomerRef,
    /// The document; missing in plans that were made before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<ImportId>,
    /// Columns in the order in which they are set.
    pub settings: Vec<Setting>,
}

/// A new ship-to address. Its identity is `division-number-code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipToWrite {
    /// Whose.
    pub customer: CustomerSource,
    /// Columns in the order in which they are set.
    pub settings: Vec<Setting>,
}

/// A sales order or quote. Its identity is its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWrite {
    /// Whose.
    pub customer: CustomerSource,
    /// The ship-to record, if there is one; an address of the order is in `header`.
    pub ship_to: Option<ShipToSource>,
    /// Standard order, back order or quote.
    pub order_type: OrderType,
    /// The buyer's number; blank when there is none.
    pub customer_po_no: String,
    /// None means the day on which it is entered.
    pub order_date: Option<Date>,
    /// Columns of the header that are set after the customer, in order.
    pub header: Vec<Setting>,
    /// Lines, in order.
    pub lines: Vec<LineWrite>,
    /// Columns of the header that are set after the lines (freight, discount, deposit, hold).
    pub closing: Vec<Setting>,
    /// What is compared with what Sage computed.
    pub checks: OrderChecks,
    /// Mark of the document's content that the order is made from.
    #[serde(default)]
    pub made_from: String,
}

impl OrderWrite {
    /// What the order will come to as far as the web told: its total, else the sum of the
    /// lines with a price.
    #[must_use]
    pub fn reckoned_total(&self) -> Decimal {
        if let Some(total) = self.checks.order_total {
            return total;
        }
        let mut amounts = self.lines.iter().filter_map(|line| {
            let price = match line.price {
                LinePrice::Sage { web, .. } => web?,
                LinePrice::WebWithin { web, .. } | LinePrice::Web(web) => web,
            };
            price.multiply(line.quantity, 2).ok()
        });
        amounts
            .try_fold(Decimal::zero(2), Decimal::checked_add)
            .unwrap_or(Decimal::zero(2))
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineWrite {
    /// Its place in the document's `lines`; none when the site added it (a coupon's charge).
    pub place: Option<u32>,
    /// Path in the document (`lines[0]`), for refusals.
    pub field: String,
    /// Item, charge, comment or special item.
    pub item_code: String,
    /// As ordered.
    pub quantity: Decimal,
    /// Columns that are set between item and quantity (warehouse, unit, texts, dates, UDFs).
    pub settings: Vec<Setting>,
    /// The price.
    pub price: LinePrice,
    /// Percent; none lets Sage decide.
    pub discount_percent: Option<Decimal>,
}

/// The price of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinePrice {
    /// Sage's; the web's is compared and told.
    Sage {
        /// The web's.
        web: Option<Decimal>,
        /// A smaller difference is not told.
        tolerance: Decimal,
    },
    /// The web's if it is near Sage's, else the order is held.
    WebWithin {
        /// The web's.
        web: Decimal,
        /// How near.
        tolerance: Decimal,
    },
    /// The web's.
    Web(Decimal),
}

/// What is compared with what Sage computed, before the order is written where Sage tells
/// it so early, else after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChecks {
    /// The web's estimate of the tax.
    pub sales_tax_amt: Option<Decimal>,
    /// What the buyer was shown.
    pub order_total: Option<Decimal>,
    /// What was captured.
    pub captured_amt: Option<Decimal>,
    /// Differences up to this are rounding.
    pub tolerance: Decimal,
    /// Differences beyond it hold the document; else they are told as warnings.
    pub hold: bool,
    /// Differences beyond it that are known before the write put the order on hold in Sage.
    #[serde(default)]
    pub enter_on_hold: bool,
    /// A person has seen and accepted these codes (`price_differs`, `tax_differs`, …).
    pub accepted: Vec<String>,
    /// This build of Sage is known to tell the tax before the write: then none is none.
    #[serde(default)]
    pub tax_before_write: bool,
    /// The customer's credit; none where there is no limit or a person let the order go beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<CreditCheck>,
}

/// A customer's credit, against which an order counts with what Sage computes it to come to: the
/// lines that the web did not price, too. Amounts are in the company's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditCheck {
    /// Division and number, for people.
    pub customer: String,
    /// `CreditLimit`.
    pub limit: Decimal,
    /// Balance, open orders and what is on its way, without this order; none beyond reckoning.
    pub owed: Option<Decimal>,
    /// What is paid with the order.
    pub paid: Decimal,
    /// An order beyond the limit holds the document.
    pub hold: bool,
    /// An order beyond the limit is put on hold in Sage; else it is told as a warning.
    pub enter_on_hold: bool,
}

impl CreditCheck {
    /// Why an order of this total, none beyond reckoning, is beyond the limit.
    #[must_use]
    pub fn problem(&self, total: Option<Decimal>) -> Option<Problem> {
        let new = total.and_then(|total| total.checked_sub(self.paid).ok());
        let new = new.map(|new| new.max(Decimal::zero(2)));
        let together = self.owed.zip(new);
        let together = together.and_then(|(owed, new)| owed.checked_add(new).ok());
        if together.is_some_and(|together| together <= self.limit) {
            return None;
        }
        let shown = |amount: Option<Decimal>| {
            amount.map_or_else(
                || String::from("an amount beyond reckoning"),
                |amount| amount.to_string(),
            )
        };
        let (owed, together) = (shown(self.owed), shown(together));
        let Self { customer, limit, .. } = self;
        Some(
            Problem::new(
                "credit_limit",
                "customer",
                format!("customer {customer} owes and has on order {owed}; with this order it is {together}, over the credit limit of {limit}"),
                "raise the credit limit in Customer Maintenance or wait for payment and retry, or accept credit_limit",
            )
            .with_value(customer.clone()),
        )
    }
}

impl Default for OrderChecks {
    /// Nothing is compared.
    fn default() -> Self {
        Self {
            sales_tax_amt: None,
            order_total: None,
            captured_amt: None,
            tolerance: Decimal::zero(2),
            hold: false,
            enter_on_hold: false,
            accepted: Vec::new(),
            tax_before_write: false,
            credit: None,
        }
    }
}

/// A cash receipt. Its identity is `batch/bank/deposit/division-customer/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptWrite {
    /// Who paid.
    pub customer: CustomerSource,
    /// Ten characters derived from the import's id: finds the receipt wherever it is moved.
    pub check_no: String,
    /// Receipts with the same key share a batch (`2026-05-06 VISA`); a batch that was posted
    /// or is in use is left, and another one opened under the same key.
    pub batch_key: String,
    /// What a person reads in the list of batches; 30 characters.
    pub batch_comment: String,
    /// Receipts of one batch with the same key share a deposit.
    pub deposit_key: String,
    /// One character.
    pub bank_code: String,
    /// `C` cash, `R` credit card.
    pub deposit_type: String,
    /// The deposit's date, in the site's time.
    pub deposit_date: Date,
    /// What was received.
    pub amount: Decimal,
    /// Columns of the receipt (payment type, reference, last four digits, comment, UDFs).
    pub settings: Vec<Setting>,
    /// What it is for; the amounts add up to `amount`.
    pub lines: Vec<ReceiptLine>,
    /// It is handed over as a file instead of being entered through the business objects.
    #[serde(default)]
    pub is_filed: bool,
}

/// A line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// Path in the document (`invoices[0]`), for refusals.
    pub field: String,
    /// What it is for.
    pub target: ReceiptTarget,
    /// Negative for a credit that is used.
    pub amount: Decimal,
    /// Discount taken.
    pub discount: Option<Decimal>,
}

impl ReceiptLine {
    /// Is it the payment of an invoice, or a credit that is used?
    #[must_use]
    pub const fn is_of_invoice(&self) -> bool {
        matches!(self.target, ReceiptTarget::Invoice { .. })
    }
}

/// What a line of a receipt is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptTarget {
    /// An open invoice or credit.
    Invoice {
        /// Its number.
        invoice_no: String,
        /// Its type (`IN`, `CM`, …).
        invoice_type: String,
    },
    /// A prepayment of the customer (`PP`).
    Prepayment {
        /// The number that the prepayment gets (seven characters).
        invoice_no: String,
    },
    /// An account of the general ledger (the customer-deposit account).
    Account {
        /// `AccountKey`.
        account_key: String,
    },
}

/// What earlier writes of a document became, by place in the plan.
pub type Identities = BTreeMap<u32, String>;
