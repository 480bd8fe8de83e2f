//! What planning asks of the ERP's tables.

use std::collections::BTreeMap;

use model::CustomerRef;
use values::{Date, Decimal};

/// What a table's columns have room for, by Sage column, where the ERP tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Widths {
    /// Characters of what is no number; 0 for any length.
    pub texts: BTreeMap<String, usize>,
    /// Decimals of numbers.
    pub numbers: BTreeMap<String, u8>,
}

impl Widths {
    /// Only these columns, and all of them text.
    #[must_use]
    pub fn of_texts(widths: &[(&str, usize)]) -> Self {
        Self {
            texts: widths
                .iter()
                .map(|(column, width)| ((*column).to_owned(), *width))
                .collect(),
            numbers: BTreeMap::new(),
        }
    }

    /// Does the ERP tell nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.numbers.is_empty()
    }

    /// Has the table the column?
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.texts.contains_key(column) || self.numbers.contains_key(column)
    }
}

/// The ERP's master data, as far as documents need it. Every answer is read from the ERP's
/// tables, not from a copy that may be old.
pub trait Knowledge {
    /// Why it could not be asked.
    type Error;

    /// The item of this code, if there is one.
    ///
    /// # Errors
    /// When it could not be asked (so for all of these).
    fn item(&mut self, item_code: &str) -> Result<Option<ItemFacts>, Self::Error>;

    /// The customer, if there is one.
    ///
    /// # Errors
    /// When it could not be asked.
    fn customer(&mut self, customer: &CustomerRef) -> Result<Option<CustomerFacts>, Self::Error>;

    /// All customers, as far as matching needs them. May be up to a few minutes old.
    ///
    /// # Errors
    /// When they could not be asked.
    fn customers(&mut self) -> Result<&[CustomerFacts], Self::Error>;

    /// Ship-to addresses of a customer.
    ///
    /// # Errors
    /// When they could not be asked.
    fn ship_tos(&mut self, customer: &CustomerRef) -> Result<Vec<ShipToFacts>, Self::Error>;

    /// Is there such a code in one of Sage's code tables? None when the site has no such
    /// table, so that nothing can be said.
    ///
    /// # Errors
    /// When it could not be asked.
    fn has_code(&mut self, list: CodeList, code: &str) -> Result<Option<bool>, Self::Error>;

    /// The payment type, if there is one.
    ///
    /// # Errors
    /// When it could not be asked.
    fn payment_type(&mut self, code: &str) -> Result<Option<PaymentTypeFacts>, Self::Error>;

    /// Open invoices and credits of a customer with this number, of every type.
    ///
    /// # Errors
    /// When they could not be asked.
    fn open_invoices(
        &mut self,
        customer: &CustomerRef,
        invoice_no: &str,
    ) -> Result<Vec<OpenInvoiceFacts>, Self::Error>;

    /// Whose invoice is it, when it is not this customer's? None when nobody's.
    ///
    /// # Errors
    /// When it could not be asked.
    fn invoice_owner(&mut self, invoice_no: &str) -> Result<Option<CustomerRef>, Self::Error>;

    /// Numbers of the customer's open orders that carry this purchase order number.
    ///
    /// # Errors
    /// When they could not be asked.
    fn open_orders_with_po(
        &mut self,
        customer: &CustomerRef,
        customer_po_no: &str,
    ) -> Result<Vec<String>, Self::Error>;

    /// What documents of this driver that are not in Sage yet come to for the customer.
    ///
    /// # Errors
    /// When it could not be asked.
    fn queued_amount(&mut self, customer: &CustomerRef) -> Result<Decimal, Self::Error>;

    /// Alternates of an item, by priority.
    ///
    /// # Errors
    /// When they could not be asked.
    fn alternates(&mut self, item_code: &str) -> Result<Vec<String>, Self::Error>;

    /// Is the date in a period that is closed for the module (`S/O`, `A/R`)? None when the
    /// site does not tell.
    ///
    /// # Errors
    /// When it could not be asked.
    fn is_period_closed(&mut self, module: &str, date: Date) -> Result<Option<bool>, Self::Error>;

    /// What the columns of a table have room for.
    ///
    /// # Errors
    /// When they could not be asked.
    fn widths(&mut self, table: &str) -> Result<Widths, Self::Error>;

    /// Are cash receipts entered in batches? None when the site does not tell.
    ///
    /// # Errors
    /// When it could not be asked.
    fn has_receipt_batches(&mut self) -> Result<Option<bool>, Self::Error>;
}

/// Lists of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodeList {
    /// `IM_Warehouse`.
    Warehouse,
    /// `AR_TermsCode`.
    Terms,
    /// `SO_ShippingRateHeader` (`ShippingCode`).
    ShipVia,
    /// `SY_SalesTaxSchedule`.
    TaxSchedule,
    /// `SO_CancelReasonCode` and the like.
    Reason,
    /// `GL_Bank` (`BankCode`).
    Bank,
    /// `AR_Division`.
    Division,
    /// `AR_Salesperson`, as `division:number`.
    Salesperson,
}

/// What is known about an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFacts {
    /// `InactiveItem`.
    pub is_inactive: bool,
    /// `ItemType`: 1 regular, 2 special, 3 charge, 4 comment, 5 miscellaneous.
    pub item_type: String,
    /// `ProductType`: K kit, D discontinued.
    pub product_type: String,
    /// `ExplodeKitItems`: A always, N never, P prompt.
    pub explode_kit_items: String,
    /// Units of measure that it is sold, kept and bought in; empty when not known.
    pub units: Vec<String>,
    /// Pounds of one standard unit.
    pub ship_weight: Option<Decimal>,
    /// Warehouses that hold it; empty when it is not kept in stock.
    pub warehouses: Vec<String>,
    /// Quantity that can be sold in all warehouses, where it is kept in stock.
    pub available: Option<Decimal>,
    /// Further columns of `CI_Item`, for rules, by API name.
    pub columns: BTreeMap<String, String>,
}

/// What is known about a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerFacts {
    /// Division.
    pub ar_division_no: String,
    /// Number.
    pub customer_no: String,
    /// `CustomerStatus` I.
    pub is_inactive: bool,
    /// `CreditHold` Y.
    pub is_on_credit_hold: bool,
    /// Zero means no limit.
    pub credit_limit: Decimal,
    /// Current and aged balances together.
    pub balance: Decimal,
    /// `OpenOrderAmt`.
    pub open_order_amt: Decimal,
    /// `TaxSchedule`.
    pub tax_schedule: String,
    /// Text columns, by API name (`customer_name`, `email_address`, `zip_code`, …).
    pub texts: BTreeMap<String, String>,
}

impl Default for CustomerFacts {
    /// An active customer without a name, a limit or a balance.
    fn default() -> Self {
        Self {
            ar_division_no: String::new(),
            customer_no: String::new(),
            is_inactive: false,
            is_on_credit_hold: false,
            credit_limit: Decimal::zero(2),
            balance: Decimal::zero(2),
            open_order_amt: Decimal::zero(2),
            tax_schedule: String::new(),
            texts: BTreeMap::new(),
        }
    }
}

impl CustomerFacts {
    /// As it is referred to.
    #[must_use]
    pub fn reference(&self) -> CustomerRef {
        CustomerRef {
            ar_division_no: self.ar_division_no.clone(),
            customer_no: self.customer_no.clone(),
        }
    }

    /// A text column; blank when it is not there.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

/// What is known about a ship-to address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShipToFacts {
    /// Its code.
    pub ship_to_code: String,
    /// Text columns, by API name (`ship_to_name`, `ship_to_address1`, …).
    pub texts: BTreeMap<String, String>,
}

impl ShipToFacts {
    /// A text column; blank when it is not there.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

/// What is known about a payment type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentTypeFacts {
    /// `PaymentMethod`: C check, R credit card, D COD, O other; blank when not told.
    pub method: String,
}

/// An open invoice or credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvoiceFacts {
    /// `IN`, `CM`, `PP`, …
    pub invoice_type: String,
    /// Credits are negative.
    pub balance: Decimal,
    /// Already entered against it and not posted (a clerk's receipts, too), or about to be by
    /// another document of ours.
    pub pending: Decimal,
    /// Discount that may be taken.
    pub discount: Decimal,
    /// Until this day.
    pub discount_until: Option<Date>,
}
