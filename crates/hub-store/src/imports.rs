//! What the store says of documents on their way into the ERP.

use jiff::Timestamp;
use model::{Attempt, Decision, ImportKind, ImportReport, ImportState, PricedLine, Problem, Totals};
use serde::Serialize;
use values::{CompanyId, Date, Decimal, ImportId, Key};

/// A document that somebody posted.
#[derive(Clone, Debug)]
pub struct NewImport {
    /// What kind.
    pub kind: ImportKind,
    /// The caller's key.
    pub idempotency_key: String,
    /// For which company.
    pub company: CompanyId,
    /// The body as it was sent.
    pub body: serde_json::Value,
    /// [`crate::hash_body`] of its canonical form.
    pub body_hash: Vec<u8>,
}

/// An import as the hub knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// What kind.
    pub kind: ImportKind,
    /// For which company.
    pub company: CompanyId,
    /// Grows when it is edited or decided upon.
    pub revision: u32,
    /// Where it stands.
    pub state: ImportState,
    /// The customer's key in the ERP, as far as it is known.
    pub customer: Option<Key>,
    /// The driver's latest report on this revision.
    pub report: Option<ImportReport>,
    /// What a person decided about this revision.
    pub decision: Option<Decision>,
    /// Everything that was tried, with the revision that it was tried with, oldest first.
    pub attempts: Vec<(u32, Attempt)>,
    /// The request's body as it is now, where it was asked for and is still kept.
    pub body: Option<serde_json::Value>,
    /// When what the body said of people was forgotten.
    pub redacted_at: Option<Timestamp>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Asks for imports, the newest first.
#[derive(Clone, Debug, Default)]
pub struct ImportQuery {
    /// In this state.
    pub state: Option<ImportState>,
    /// Of this kind.
    pub kind: Option<ImportKind>,
    /// Of this company.
    pub company: Option<CompanyId>,
    /// Of the customer with this key.
    pub customer: Option<Key>,
    /// Only those before this place, as [`ImportPage::next`] gave it.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// With their bodies.
    pub with_body: bool,
}

/// A page of imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPage {
    /// The newest first.
    pub data: Vec<Import>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}

/// A document of which somebody asks what the ERP would say to it.
#[derive(Clone, Debug)]
pub struct NewPreview {
    /// Random.
    pub id: ImportId,
    /// What kind.
    pub kind: ImportKind,
    /// For which company.
    pub company: CompanyId,
    /// The body as it was sent.
    pub body: serde_json::Value,
}

/// What the ERP says to a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PreviewResult {
    /// `validated` when it would be written, else why not.
    pub state: ImportState,
    /// As the ERP computes them.
    pub totals: Totals,
    /// As the ERP prices them.
    pub lines: Vec<PricedLine>,
    /// The ERP's words for what it would take with a warning.
    pub warnings: Vec<String>,
    /// Why it would not be written.
    pub problems: Vec<Problem>,
}

/// What became of a written order in the ERP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// To be shipped.
    Open,
    /// Stopped in the ERP.
    OnHold,
    /// A part is shipped or invoiced, the rest is open.
    PartlyShipped,
    /// Everything is shipped and not yet invoiced.
    Shipped,
    /// It went into invoices, and the ERP keeps no more of it.
    Invoiced,
    /// The ERP's history says that it is done.
    Completed,
    /// Deleted in the ERP with a reason for the cancellation.
    Cancelled,
    /// Deleted in the ERP. It is never entered again by us.
    Deleted,
    /// It has not come by in what was synced so far, or left for a reason that tells nothing.
    Unknown,
}

/// An invoice of an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OrderInvoice {
    /// Its number.
    pub invoice_no: String,
    /// Its day.
    pub invoice_date: Option<String>,
}

/// A written order's later life, from what was synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderThread {
    /// In one word.
    pub status: OrderStatus,
    /// The ERP's own letter, of the order or of its history.
    pub order_status: Option<String>,
    /// Posted invoices.
    pub invoices: Vec<OrderInvoice>,
    /// Numbers of the carriers, of shipments and invoices.
    pub tracking: Vec<String>,
    /// When it was last known to be in the ERP.
    pub last_seen_at: Option<Timestamp>,
}

/// A sum of money and over how many documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Exact.
    pub sum: Decimal,
    /// Documents.
    pub count: u32,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            sum: Decimal::zero(2),
            count: 0,
        }
    }
}

/// Where the money of a day stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TieOutSums {
    /// Taken by the gateway, as the documents say.
    pub captured: Sum,
    /// On its way into the ERP.
    pub queued: Sum,
    /// Stopped until a person decides.
    pub held: Sum,
    /// In doubt: a person has to look.
    pub in_doubt: Sum,
    /// Refused or given up: not in the ERP through us.
    pub refused: Sum,
    /// In the ERP as cash receipts, proven when they were written.
    pub entered: Sum,
    /// In the ERP as part of an order, without a receipt of its own.
    pub with_order: Sum,
    /// Of what was entered: found among unposted receipts.
    pub unposted: Sum,
    /// Of what was entered: found among posted payments.
    pub posted: Sum,
    /// Refunds, voids and returned payments: told, and never entered by us.
    pub given_back: Sum,
}

/// What one payment type did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TieOutType {
    /// As the documents name it; none when they do not.
    pub payment_type: Option<String>,
    /// Its sums.
    #[serde(flatten)]
    pub sums: TieOutSums,
}

/// What was entered in one deposit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TieOutDeposit {
    /// Blank where batches are off.
    pub batch_no: String,
    /// The deposit.
    pub deposit_no: String,
    /// The bank.
    pub bank_code: String,
    /// What went in.
    #[serde(flatten)]
    pub entered: Sum,
}

/// A document that does not tie out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TieOutDifference {
    /// Which.
    pub import: ImportId,
    /// Where it stands.
    pub state: ImportState,
    /// `not_entered`, `amount_differs` or `not_found`.
    pub code: &'static str,
    /// As the document names it.
    pub payment_type: Option<String>,
    /// What was captured.
    pub amount: Decimal,
    /// What the ERP has for it, when it has something.
    pub erp_amount: Option<Decimal>,
    /// What to do.
    pub remedy: &'static str,
}

/// The money of one company's local day: from the gateway to the posted payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TieOut {
    /// Whose.
    pub company: CompanyId,
    /// Which day, in the company's time.
    pub date: Date,
    /// Of all payment types.
    pub total: TieOutSums,
    /// By payment type.
    pub payment_types: Vec<TieOutType>,
    /// By batch, deposit and bank.
    pub deposits: Vec<TieOutDeposit>,
    /// What does not tie out.
    pub differences: Vec<TieOutDifference>,
    /// Datasets that were looked into; without one of them, what would be found there is
    /// neither counted nor missed.
    pub sources: Vec<&'static str>,
}
