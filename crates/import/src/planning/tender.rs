//! How money is named in Sage: its type and its reference.

use model::Tender;
use values::Hash;

use super::findings::{Findings, problem};
use super::{Context, Knowledge, PaymentTypeFacts};

/// Hex digits of a hash, and the sign before them.
const HASHED: usize = 17;

/// The payment type in Sage. None when the tender brings none, or a problem was added.
pub(super) fn payment_type<K: Knowledge>(
    tender: &Tender,
    prefix: &str,
    context: &Context<'_>,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<Option<(String, PaymentTypeFacts)>, K::Error> {
    let Some(sent) = &tender.payment_type else {
        return Ok(None);
    };
    let code = context.settings.payments.payment_types.get(sent).unwrap_or(sent);
    let facts = knowledge.payment_type(code)?;
    if facts.is_none() {
        findings.refuse(problem(
            "payment_type_unknown",
            &format!("{prefix}payment_type"),
            sent,
            format!("Sage has no payment type {code}"),
            "map it to one of Sage's in the configuration's payment types, or set it up in Payment Type Maintenance; then retry",
        ));
    }
    Ok(facts.map(|facts| (code.clone(), facts)))
}

/// The gateway's id, else the reference, as it stands in a column of so many characters:
/// itself where it fits, else its beginning, `#` and a hash of the whole, the same each time.
pub(super) fn reference_text(tender: &Tender, width: usize, findings: &mut Findings) -> Option<String> {
    let whole = tender
        .gateway_transaction_id
        .as_ref()
        .or(tender.reference.as_ref())?;
    if let (Some(_), Some(reference)) = (&tender.gateway_transaction_id, &tender.reference)
        && reference != whole
    {
        findings.warn(
            "reference_left_out",
            format!("the payment's reference {reference} is not in Sage, where the gateway's id stands"),
        );
    }
    if whole.chars().count() <= width {
        return Some(whole.clone());
    }
    let hash = Hash::of_bytes(whole.as_bytes()).to_string();
    let mut short: String = whole.chars().take(width.saturating_sub(HASHED)).collect();
    short.push('#');
    short.push_str(&hash);
    let short: String = short.chars().take(width).collect();
    findings.warn(
        "reference_shortened",
        format!("the payment's reference {whole} is longer than Sage's column and stands there as {short}"),
    );
    Some(short)
}
