//! A customer on its own: a new account, or changes to one that Sage has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields::{Fields, UdfValue, body_object};
use crate::party::{parse_customer_ref, parse_profile};
use crate::{CustomerProfile, CustomerRef, Problem};

/// What `POST /v1/customers` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerRequest {
    /// An approved account: matched with Sage's, and created when there is none like it.
    Create(Box<CustomerProfile>),
    /// New values for a customer that Sage has; each goes by the site's policy for its field.
    Update {
        /// Which.
        customer: CustomerRef,
        /// New values, by API name; user-defined fields under `udf.`.
        changes: BTreeMap<String, String>,
    },
}

/// Fields that may be sent for an existing customer: name, address, contact and e-mail.
pub const UPDATABLE: [&str; 12] = [
    "customer_name",
    "address_line1",
    "address_line2",
    "address_line3",
    "city",
    "state",
    "zip_code",
    "country_code",
    "telephone_no",
    "telephone_ext",
    "email_address",
    "tax_exempt_no",
];

impl CustomerRequest {
    /// Reads a request body (the whole JSON object of `POST /v1/customers`): `{company,
    /// new: {…}}` or `{company, customer: {ar_division_no, customer_no}, changes: {…}}`.
    ///
    /// # Errors
    /// Every problem that can be seen without the ERP, each with its field.
    pub fn parse(body: &Value) -> Result<Self, Vec<Problem>> {
        let object = body_object(body)?;
        let mut problems = Vec::new();
        let mut fields = Fields::new(object, "", "a customer request", &mut problems);
        fields.ignore("company");
        let new = fields.object("new");
        let customer = fields.object("customer");
        let changes = fields.object("changes");
        fields.refuse_unknown();
        let request = match (new, customer) {
            (Some(new), None) => {
                if changes.is_some() {
                    problems.push(Problem::new(
                        "contradiction",
                        "changes",
                        "changes were sent with a new customer",
                        "send changes only with customer",
                    ));
                }
                parse_profile(new, "new.", &mut problems).map(|profile| Self::Create(Box::new(profile)))
            }
            (None, Some(customer)) => {
                let customer = parse_customer_ref(customer, "customer.", &mut problems);
                let changes = parse_changes(changes, &mut problems);
                customer.map(|customer| Self::Update { customer, changes })
            }
            (Some(_), Some(_)) => {
                problems.push(Problem::new(
                    "contradiction",
                    "",
                    "both new and customer were sent",
                    "send new for a new account, or customer and changes for one that Sage has",
                ));
                None
            }
            (None, None) => {
                crate::fields::missing(&mut problems, "new");
                None
            }
        };
        match request {
            Some(request) if problems.is_empty() => Ok(request),
            Some(_) | None => Err(problems),
        }
    }
}

fn parse_changes(
    changes: Option<&serde_json::Map<String, Value>>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut parsed = BTreeMap::new();
    let Some(changes) = changes else {
        crate::fields::missing(problems, "changes");
        return parsed;
    };
    let mut fields = Fields::new(changes, "changes.", "changes of a customer", problems);
    for name in UPDATABLE {
        // Blank is a value here: it empties the field.
        let is_blank = changes.get(name).and_then(Value::as_str) == Some("");
        if let Some(text) = fields.text(name) {
            parsed.insert(name.to_owned(), text);
        } else if is_blank {
            parsed.insert(name.to_owned(), String::new());
        }
    }
    for (name, UdfValue::Text(text)) in fields.udf() {
        parsed.insert(format!("udf.{name}"), text);
    }
    fields.refuse_unknown();
    if parsed.is_empty() && problems.is_empty() {
        problems.push(Problem::new(
            "required",
            "changes",
            "there is no change",
            "send at least one field under changes",
        ));
    }
    parsed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_or_changes() {
        let new = json!({"company": "ABC", "new": {"customer_name": "Harbor Supply", "email_address": "ap@harbor.example"}});
        assert!(matches!(
            CustomerRequest::parse(&new),
            Ok(CustomerRequest::Create(_))
        ));
        let changes = json!({"company": "ABC", "customer": {"ar_division_no": "01", "customer_no": "ABF"},
            "changes": {"city": "Racine", "address_line2": "", "udf": {"portal": "Y"}}});
        let Ok(CustomerRequest::Update { changes, .. }) = CustomerRequest::parse(&changes) else {
            panic!("no update");
        };
        assert_eq!(changes["address_line2"], "");
        assert_eq!(changes["udf.portal"], "Y");
    }

    #[test]
    fn what_may_not_be_changed_is_named() {
        let body = json!({"customer": {"ar_division_no": "01", "customer_no": "ABF"}, "changes": {"credit_limit": "1000000"}});
        let problems = CustomerRequest::parse(&body).unwrap_err();
        assert!(
            problems
                .iter()
                .any(|p| p.code == "unknown_field" && p.field == "changes.credit_limit")
        );
        let body = json!({"new": {"email_address": "555-1234"}});
        let problems = CustomerRequest::parse(&body).unwrap_err();
        assert!(problems.iter().any(|p| p.field == "new.customer_name"));
        assert!(problems.iter().any(|p| p.field == "new.email_address"));
    }
}
