//! Identities of records in Sage, in one written form.
//!
//! An identity is the record's key, its parts joined as in the API's keys (`01:W000123`,
//! `01:ABF:0002`); a sales order's is just its number.

use model::{CustomerRef, Numbers};
use values::{Hash, Key};

use crate::plan::CustomerChange;

/// The written form of these parts.
pub fn identity<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    Key::from_parts(parts).as_str().to_owned()
}

/// The identity of a customer.
#[must_use]
pub fn customer_identity(customer: &CustomerRef) -> String {
    identity([customer.ar_division_no.as_str(), &customer.customer_no])
}

/// The identity of changes to a customer: the same changes of the same document are the same record.
#[must_use]
pub fn change_identity(change: &CustomerChange) -> String {
    let mut content = serde_json::to_string(&change.settings).unwrap_or_default();
    if let Some(document) = &change.document {
        content.push_str(document.as_str());
    }
    let hash = Hash::of_bytes(content.as_bytes()).to_string();
    let customer = &change.customer;
    identity([customer.ar_division_no.as_str(), &customer.customer_no, &hash])
}

/// The customer that an identity begins with.
#[must_use]
pub fn customer_of(identity: &str) -> Option<CustomerRef> {
    let mut parts = parts(identity).into_iter();
    Some(CustomerRef {
        ar_division_no: parts.next()?,
        customer_no: parts.next()?,
    })
}

/// Its parts.
#[must_use]
pub fn parts(identity: &str) -> Vec<String> {
    Key::parse(identity)
        .ok()
        .and_then(|key| key.parts())
        .unwrap_or_else(|| vec![identity.to_owned()])
}

/// The numbers that people know the record by, from a write's name and identity.
#[must_use]
pub fn numbers_of(name: &str, identity: &str) -> Numbers {
    let names: &[&str] = match name {
        "customer_no" | "customer_change" => &["ar_division_no", "customer_no"],
        "ship_to_code" => &["ar_division_no", "customer_no", "ship_to_code"],
        "receipt" => &[
            "batch_no",
            "bank_code",
            "deposit_no",
            "ar_division_no",
            "customer_no",
            "check_no",
        ],
        _ => return Numbers::from([(name.to_owned(), identity.to_owned())]),
    };
    names
        .iter()
        .zip(parts(identity))
        .filter(|(_, part)| !part.is_empty())
        .map(|(name, part)| ((*name).to_owned(), part))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_come_apart_again() {
        let ship_to = identity(["01", "A:B", "0002"]);
        assert_eq!(parts(&ship_to), ["01", "A:B", "0002"]);
        assert_eq!(customer_of(&ship_to).unwrap().customer_no, "A:B");
        assert_eq!(numbers_of("ship_to_code", &ship_to)["ship_to_code"], "0002");
        assert_eq!(
            numbers_of("sales_order_no", "0000185")["sales_order_no"],
            "0000185"
        );
        assert_eq!(parts(&identity(["", "A", "00001"])), ["", "A", "00001"]);
    }
}
