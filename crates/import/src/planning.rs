//! From a document to its plan: everything that can be decided before Sage is asked to
//! enter anything, with all problems of the document at once.

mod checks;
mod codes;
mod columns;
mod customers;
mod findings;
mod knowledge;
mod lines;
mod matching;
mod orders;
mod payments;
mod sheet;
mod ship_tos;
mod tender;
#[cfg(test)]
mod tests;

use model::{CustomerRequest, ImportKind, Numbers, Payment, SalesOrder};
use values::Date;

use crate::plan::Planned;
use crate::record::{Document, Done, Reserved, Verdict};
use crate::settings::Settings;
use findings::Findings;

pub use columns::{DefaultField, customer_defaults, order_defaults};
pub use knowledge::{
    CodeList, CustomerFacts, ItemFacts, Knowledge, OpenInvoiceFacts, PaymentTypeFacts, ShipToFacts, Widths,
};

/// What is known when a document is planned.
#[derive(Debug)]
pub struct Context<'a> {
    /// How the site wants it.
    pub settings: &'a Settings,
    /// The site's day.
    pub today: Date,
    /// What was done for the document before.
    pub past: Past<'a>,
}

/// What was done for a document before it is planned (again).
#[derive(Clone, Copy, Debug, Default)]
pub struct Past<'a> {
    /// Writes that are in Sage.
    pub done: &'a [Done],
    /// Identities under which a write may be in Sage.
    pub reservations: &'a [Reserved],
}

impl<'a> Past<'a> {
    /// The identity under which the write of this name is in Sage.
    #[must_use]
    pub fn done(&self, name: &str) -> Option<&'a str> {
        let done = self.done.iter().find(|done| done.name == name)?;
        Some(done.identity.as_str())
    }

    /// May the write of this name be in Sage? Then it has to be planned again, so that it is
    /// looked for.
    #[must_use]
    pub fn may_be_there(&self, name: &str) -> bool {
        self.reservations
            .iter()
            .any(|r| r.name == name && r.verdict == Verdict::Open)
    }
}

/// Plans a document. Its body is taken as the site's rules left it.
///
/// Every problem of the document is in the answer: it is refused when one of them is more than
/// a matter of a person's word, else held when one is not accepted by the document's decision.
///
/// # Errors
/// When the ERP's master data could not be asked; nothing is known then.
pub fn plan<K: Knowledge>(
    document: &Document,
    context: &Context<'_>,
    knowledge: &mut K,
) -> Result<Planned, K::Error> {
    let mut findings = Findings::new(&document.decision);
    let planned = match document.kind {
        ImportKind::SalesOrder => match SalesOrder::parse(&document.body) {
            Ok(order) => orders::plan(&order, document, context, knowledge, &mut findings)?,
            Err(problems) => return Ok(Planned::Refused(problems)),
        },
        ImportKind::Customer => match CustomerRequest::parse(&document.body) {
            Ok(request) => {
                customers::plan_request(&request, &document.id, context, knowledge, &mut findings)?
            }
            Err(problems) => return Ok(Planned::Refused(problems)),
        },
        ImportKind::Payment => match Payment::parse(&document.body) {
            Ok(payment) => {
                let writes = payments::plan_payment(&payment, document, context, knowledge, &mut findings)?;
                (writes, Numbers::new())
            }
            Err(problems) => return Ok(Planned::Refused(problems)),
        },
    };
    let (writes, numbers) = planned;
    Ok(findings.into_planned(writes, numbers))
}
