//! Codes that must be in one of Sage's lists.

use super::findings::{Findings, problem};
use super::{CodeList, Knowledge};

/// Refuses a code that Sage's list does not have. Nothing is said where the site has no list.
pub(super) fn check<K: Knowledge>(
    list: CodeList,
    code: &str,
    field: &str,
    knowledge: &mut K,
    findings: &mut Findings,
) -> Result<bool, K::Error> {
    if code.is_empty() || knowledge.has_code(list, code)? != Some(false) {
        return Ok(true);
    }
    let (stable, noun, place) = words(list);
    findings.refuse(problem(
        stable,
        field,
        code,
        format!("Sage has no {noun} {code}"),
        format!("edit it by PATCH to one that Sage has, or set it up in {place}; then retry"),
    ));
    Ok(false)
}

const fn words(list: CodeList) -> (&'static str, &'static str, &'static str) {
    match list {
        CodeList::Warehouse => ("warehouse_unknown", "warehouse", "Warehouse Code Maintenance"),
        CodeList::Terms => ("terms_unknown", "terms code", "Terms Code Maintenance"),
        CodeList::ShipVia => ("ship_via_unknown", "shipping code", "Shipping Rate Maintenance"),
        CodeList::TaxSchedule => (
            "tax_schedule_unknown",
            "tax schedule",
            "Sales Tax Schedule Maintenance",
        ),
        CodeList::Reason => (
            "reason_unknown",
            "cancel and hold reason",
            "Cancel Reason Code Maintenance",
        ),
        CodeList::Bank => ("bank_unknown", "bank code", "Bank Code Maintenance"),
        CodeList::Division => ("division_unknown", "division", "Division Maintenance"),
        CodeList::Salesperson => ("salesperson_unknown", "salesperson", "Salesperson Maintenance"),
    }
}
