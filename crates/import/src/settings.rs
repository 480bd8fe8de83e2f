//! How a site wants its documents entered. Every value has a default; the reason for it
//! stands in the configuration's reference.

use std::collections::{BTreeMap, BTreeSet};

use values::{Date, Decimal};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Sales orders.
    pub orders: OrderSettings,
    /// Customers.
    pub customers: CustomerSettings,
    /// Ship-to addresses.
    pub ship_tos: ShipToSettings,
    /// Payments and what is prepaid.
    pub payments: PaymentSettings,
    /// What a conformance run has shown of this site's Sage.
    pub capabilities: Capabilities,
    /// Periods up to this day are closed: no table of Sage is known that says so for sure.
    pub closed_through: Option<Date>,
}

/// What is done with a difference or a state that a person may want to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDoubt {
    /// The document is held until a person decides; nothing is entered.
    Hold,
    /// An order is entered with Sage's hold status, and nothing is printed for picking.
    EnterOnHold,
    /// It is entered, with a warning.
    Warn,
}

/// Sales orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSettings {
    /// Whose price a line gets.
    pub price: PricePolicy,
    /// Per unit: a smaller difference between Sage's price and the web's is rounding.
    pub price_tolerance: Decimal,
    /// Order amount: differences of Sage's tax to the web's estimate, and of Sage's total to
    /// what was captured, up to this are rounding.
    pub tax_tolerance: Decimal,
    /// What is done beyond it.
    pub on_tax_difference: OnDoubt,
    /// Customer on credit hold, or over the limit with this order.
    pub on_credit: OnDoubt,
    /// The order's date lies in a closed period.
    pub on_closed_period: OnDoubt,
    /// The buyer's number is on another open order of the customer.
    pub on_duplicate_po: OnDoubt,
    /// Allow the discounts that the document brings.
    pub take_discounts: bool,
    /// What a coupon becomes.
    pub coupon: CouponPolicy,
    /// Header fields that every order gets where it brings none, by API name.
    pub defaults: BTreeMap<String, String>,
    /// Names of header fields that a document must bring, by API name.
    pub required: BTreeSet<String>,
    /// Seconds for one call that may ask an outside tax service.
    pub tax_call_limit_s: u64,
    /// Tax schedules that ask an outside service.
    pub tax_service_schedules: BTreeSet<String>,
}

impl Default for OrderSettings {
    fn default() -> Self {
        Self {
            price: PricePolicy::Sage,
            price_tolerance: Decimal::new(10_000, 6),
            tax_tolerance: Decimal::new(5, 2),
            on_tax_difference: OnDoubt::Warn,
            on_credit: OnDoubt::Hold,
            on_closed_period: OnDoubt::Hold,
            on_duplicate_po: OnDoubt::Warn,
            take_discounts: true,
            coupon: CouponPolicy::OrderDiscount,
            defaults: BTreeMap::new(),
            required: BTreeSet::new(),
            tax_call_limit_s: 90,
            tax_service_schedules: BTreeSet::from([String::from("AVATAX")]),
        }
    }
}

/// Whose price a line gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PricePolicy {
    /// Sage's; a different one of the web is told as a warning.
    Sage,
    /// The web's when it differs from Sage's by no more than the tolerance, else held.
    WebWithinTolerance,
    /// The web's, always.
    Web,
}

/// What a coupon becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouponPolicy {
    /// Part of the order's trade discount.
    OrderDiscount,
    /// A line with this charge code, at minus the coupon's amount.
    Charge(String),
    /// Not taken: the document is refused.
    Refuse,
}

/// Customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerSettings {
    /// May customers be created at all?
    pub create: bool,
    /// Division of new customers.
    pub ar_division_no: String,
    /// How they are numbered.
    pub numbering: Numbering,
    /// What becomes of a guest.
    pub guest: GuestPolicy,
    /// Columns that every new customer gets, by API name (`terms_code`, `tax_schedule`, …).
    pub defaults: BTreeMap<String, String>,
    /// The same by class of customer; they win over `defaults`.
    pub class_defaults: BTreeMap<String, BTreeMap<String, String>>,
    /// Who wins when a field of an existing customer is changed, by API name.
    pub updates: BTreeMap<String, UpdatePolicy>,
    /// The same for fields not named there.
    pub update: UpdatePolicy,
}

impl Default for CustomerSettings {
    fn default() -> Self {
        Self {
            create: true,
            ar_division_no: String::from("00"),
            numbering: Numbering::SageNext,
            guest: GuestPolicy::Each,
            defaults: BTreeMap::new(),
            class_defaults: BTreeMap::new(),
            updates: BTreeMap::new(),
            update: UpdatePolicy::Propose,
        }
    }
}

/// How new customers are numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Sage's own next number.
    SageNext,
    /// A prefix and a counter of so many digits (`W000123`).
    Counter {
        /// Upper case.
        prefix: String,
        /// Zero-filled.
        digits: u8,
    },
    /// The platform's number, which the document brings.
    Platform,
}

/// What becomes of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestPolicy {
    /// A customer of their own, matched like any new one.
    Each,
    /// One shared customer; name and address stand on the order.
    Shared {
        /// Division.
        ar_division_no: String,
        /// Number.
        customer_no: String,
    },
    /// Not taken.
    Refuse,
}

/// Who wins when web and Sage differ about a field of an existing customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdatePolicy {
    /// The document is held with old and new value; a person accepts or discards it.
    Propose,
    /// Sage's value stays.
    SageWins,
    /// The web's value is entered.
    WebWins,
}

/// Ship-to addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShipToSettings {
    /// The address stands on the order only.
    #[default]
    OnOrder,
    /// A ship-to record is created when the customer has none like it.
    Create,
}

/// Payments and what is prepaid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentSettings {
    /// Who enters cash receipts.
    pub writer: ReceiptWriter,
    /// Which receipts share a batch.
    pub batch: BatchScheme,
    /// In front of the batch's comment.
    pub batch_prefix: String,
    /// Which receipts share a deposit.
    pub deposit: DepositScheme,
    /// Bank code of deposits; required for payments.
    pub bank_code: Option<String>,
    /// Bank code by payment type, where it differs.
    pub bank_codes: BTreeMap<String, String>,
    /// Sage's payment type by the platform's.
    pub payment_types: BTreeMap<String, String>,
    /// Payment types whose deposits are Sage's credit card deposits.
    pub card_types: BTreeSet<String>,
    /// What is paid beyond the invoices.
    pub overpayment: Overpayment,
    /// What becomes of money that was taken with an order.
    pub prepaid: Prepaid,
    /// The site keeps posted receipts: one that is found nowhere was not entered.
    pub history_kept: bool,
    /// `AccountKey` of the customer-deposit account, for [`Prepaid::DepositAndReceipt`].
    pub deposit_account_key: Option<String>,
}

impl Default for PaymentSettings {
    fn default() -> Self {
        Self {
            writer: ReceiptWriter::Objects,
            batch: BatchScheme::DayAndType,
            batch_prefix: String::from("WEB"),
            deposit: DepositScheme::Day,
            bank_code: None,
            bank_codes: BTreeMap::new(),
            payment_types: BTreeMap::new(),
            card_types: BTreeSet::new(),
            overpayment: Overpayment::Hold,
            prepaid: Prepaid::None,
            history_kept: false,
            deposit_account_key: None,
        }
    }
}

/// Who enters cash receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptWriter {
    /// Sage's business objects.
    Objects,
    /// A Visual Integrator job that is run over a file.
    VisualIntegrator {
        /// Name of the job (`VIWI0A`).
        job: String,
        /// Folder of the file.
        folder: String,
        /// The command that runs the job, with its arguments; `{file}` and `{job}` are put in.
        command: Vec<String>,
    },
    /// A file that a person imports.
    File {
        /// Folder of the files.
        folder: String,
    },
}

/// Which receipts share a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchScheme {
    /// Those of one local day and payment type.
    DayAndType,
    /// Those of one local day.
    Day,
    /// Those entered in one session.
    Run,
    /// Those of one settlement.
    Settlement,
}

/// Which receipts share a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositScheme {
    /// Those of one local day in the batch.
    Day,
    /// Those of one settlement.
    Settlement,
    /// None: each has its own.
    Payment,
}

/// What is paid beyond the invoices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overpayment {
    /// The payment is held.
    Hold,
    /// The rest becomes a prepayment of the customer.
    Prepayment,
}

/// What becomes of money that was taken with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepaid {
    /// Payment type and reference stand on the order, nothing else.
    None,
    /// Deposit on the order, and a receipt to the customer-deposit account.
    DepositAndReceipt,
    /// A receipt as a prepayment of the customer.
    Prepayment,
}

/// What is known of this build of Sage, and what is only assumed: off until a conformance
/// run in a copied company has shown it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Cash receipts can be entered through the business objects.
    pub receipts: bool,
    /// A kit that asks on the screen is answered without one.
    pub prompting_kits: bool,
    /// The tax is known before the order's final write.
    pub tax_before_write: bool,
    /// Kits are exploded by the objects as the item says.
    pub kits_explode: bool,
}
