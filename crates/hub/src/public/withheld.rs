//! What a token may be told of a document's problems and warnings. Their words and values repeat
//! what stands in the ERP and in the document, so they are of a class, as fields are: decided
//! here and nowhere else, by the code and by the field. Code, field and remedy are for everybody.

use std::borrow::Cow;

use catalog::{Catalog, Class, Field};
use hub_store::TenantScope;
use model::{Attempt, ImportKind, Problem, Totals};

/// Codes whose words say more than the field that they are about.
const OF_CODES: [(&str, Class); 15] = [
    // Limits, balances and what is owed.
    ("credit_hold", Class::Credit),
    ("credit_limit", Class::Credit),
    ("credit_not_checked", Class::Credit),
    ("above_balance", Class::Credit),
    ("overpayment", Class::Credit),
    // Sage's own words about the whole, which may be about any of that.
    ("customer_refused", Class::Credit),
    ("order_refused", Class::Credit),
    ("receipt_refused", Class::Credit),
    // Who shares a tax number or an address with whom; values of the document and of Sage.
    ("customer_like", Class::Personal),
    ("customer_matched", Class::Personal),
    ("sage_wins", Class::Personal),
    ("hold_reason_left_out", Class::Personal),
    ("reference_left_out", Class::Personal),
    ("reference_shortened", Class::Personal),
    ("rule_failed", Class::Personal),
];

/// Codes of warnings, which name no field, that everybody may read: items, stock, prices,
/// numbers of records, and what the site has set.
const PUBLIC_WARNINGS: [&str; 39] = [
    "alternate_taken",
    "batch_processing_off",
    "class_without_defaults",
    "contact_left_out",
    "customer_inactive",
    "deposit_not_counted",
    "deposit_period_closed",
    "description_left_out",
    "discount_expired",
    "discount_too_large",
    "duplicate_po",
    "fact_unknown",
    "invoice_of_another_customer",
    "invoice_type_missing",
    "invoice_unknown",
    "item_discontinued",
    "kit_unproven",
    "left_in_sage",
    "no_picking_sheet",
    "number_left_out",
    "order_deleted",
    "order_entered",
    "order_invoiced",
    "period_closed",
    "price_differs",
    "quantity_large",
    "receipt_not_asked",
    "receipt_posted",
    "repeated",
    "rule_hold",
    "rule_warning",
    "stock_short",
    "tax_differs",
    "tax_not_checked",
    "tax_not_set",
    "tax_schedule_missing",
    "total_differs",
    "total_not_checked",
    "wrong_sign",
];

/// What documents say and the catalog does not have under that name; the rest is of persons.
const PUBLIC_FIELDS: [&str; 26] = [
    "amount",
    "bill_to",
    "captured_on",
    "changes",
    "code",
    "company",
    "coupons",
    "customer",
    "customer_class",
    "discount_amount",
    "discount_rate",
    "expected",
    "guest",
    "hold",
    "invoices",
    "kind",
    "lines",
    "new",
    "order_total",
    "payment",
    "payment_type",
    "reason_code",
    "sales_tax_amt",
    "settlement_id",
    "ship_to",
    "take_alternate",
];

/// Steps of an attempt whose detail repeats words of Sage's or of the rules.
const SAYING: [&str; 5] = ["faulted", "handed_over", "held", "refused", "waiting"];

/// A warning without a code that is known: what it says, nobody can tell.
const UNKNOWN: [Class; 2] = [Class::Personal, Class::Credit];

/// What a token is told of documents of a kind.
pub(super) struct Told<'a> {
    pub(super) scope: &'a TenantScope,
    pub(super) catalog: &'a Catalog,
    pub(super) kind: ImportKind,
}

impl Told<'_> {
    pub(super) fn problems(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let told = problems.into_iter().map(|problem| {
            let class =
                of_code(&problem.code).unwrap_or_else(|| of_field(self.catalog, self.kind, &problem.field));
            if self.scope.reads(class) {
                return problem;
            }
            Problem {
                value: String::new(),
                message: instead(&[class]),
                ..problem
            }
        });
        told.collect()
    }

    pub(super) fn warnings(&self, warnings: Vec<String>) -> Vec<String> {
        warnings.into_iter().map(|warning| self.words(warning)).collect()
    }

    /// What was paid is of the class that amounts of receipts are of.
    pub(super) fn totals(&self, totals: Totals) -> Totals {
        if self.kind == ImportKind::Payment && !self.scope.reads(Class::Credit) {
            return Totals::new();
        }
        totals
    }

    /// What was tried. Of most steps it says what the driver did; of these, what Sage or the
    /// rules said.
    pub(super) fn attempt(&self, attempt: Attempt) -> Attempt {
        if !SAYING.contains(&attempt.step.as_str()) {
            return attempt;
        }
        Attempt {
            detail: self.words(attempt.detail),
            ..attempt
        }
    }

    /// Words that begin with a code: it stays, whatever is withheld.
    fn words(&self, words: String) -> String {
        let code = words.split_once(": ").map_or("", |(code, _)| code);
        let classes: Cow<'_, [Class]> = match of_code(code) {
            Some(class) => vec![class].into(),
            None if PUBLIC_WARNINGS.contains(&code) => Cow::Borrowed(&[Class::Public]),
            None => Cow::Borrowed(&UNKNOWN),
        };
        if words.is_empty() || classes.iter().all(|class| self.scope.reads(*class)) {
            return words;
        }
        let instead = instead(&classes);
        let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_code {
            format!("{code}: {instead}")
        } else {
            instead
        }
    }
}

fn instead(classes: &[Class]) -> String {
    let names: Vec<_> = classes.iter().map(|class| class.as_str()).collect();
    match names.as_slice() {
        [one] => format!("withheld from this token: it needs the class {one}"),
        several => format!(
            "withheld from this token: it needs the classes {}",
            several.join(" and ")
        ),
    }
}

fn of_code(code: &str) -> Option<Class> {
    OF_CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, class)| *class)
}

/// The class of what stands at this path of a document: that of the ERP's field of the same
/// name, for what it becomes there.
fn of_field(catalog: &Catalog, kind: ImportKind, path: &str) -> Class {
    let parts: Vec<&str> = path
        .split('.')
        .map(|part| part.split('[').next().unwrap_or_default())
        .collect();
    let Some(name) = parts.last().filter(|name| !name.is_empty()) else {
        // About the document as a whole.
        return Class::Public;
    };
    if parts.contains(&"udf") {
        return Class::Personal;
    }
    let record = match (kind, parts.as_slice()) {
        (_, ["lines", ..]) => ("sales_orders", Some("lines")),
        (_, ["customer", ..]) | (ImportKind::Customer, _) => ("customers", None),
        (_, ["ship_to", ..]) => ("ship_to_addresses", None),
        (_, ["invoices", ..]) => ("open_invoices", None),
        (_, ["payment", ..]) | (ImportKind::Payment, _) => ("unposted_receipts", None),
        (ImportKind::SalesOrder, _) => ("sales_orders", None),
    };
    let known = fields(catalog, record).and_then(|fields| fields.iter().find(|field| field.name == *name));
    match known {
        Some(field) => field.class,
        None if PUBLIC_FIELDS.contains(name) => Class::Public,
        None => Class::Personal,
    }
}

fn fields<'c>(catalog: &'c Catalog, (dataset, child): (&str, Option<&str>)) -> Option<&'c [Field]> {
    let dataset = catalog.get(dataset)?;
    match child {
        None => Some(&dataset.fields),
        Some(name) => dataset
            .children
            .iter()
            .find(|child| child.name == name)
            .map(|child| child.fields.as_slice()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::requests;

    #[test]
    fn fields_of_documents_are_of_the_classes_of_what_they_become() {
        let catalog = Catalog::standard().unwrap();
        let mut closed = Vec::new();
        for kind in ImportKind::ALL {
            for path in requests::paths(kind) {
                let class = of_field(&catalog, kind, &path);
                if class != Class::Public {
                    closed.push(format!("{} {path} {}", kind.as_str(), class.as_str()));
                }
            }
        }
        closed.sort();
        insta::assert_snapshot!(closed.join("\n"));
    }

    #[test]
    fn lists_are_in_order() {
        assert!(PUBLIC_WARNINGS.is_sorted() && PUBLIC_FIELDS.is_sorted());
        assert!(OF_CODES.iter().all(|(code, _)| !PUBLIC_WARNINGS.contains(code)));
    }
}
