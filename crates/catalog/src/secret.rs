//! Columns that no one outside the ERP may ever see, known by their names.

/// Parts of names, in lower case without underscores.
const TELLING: [&str; 21] = [
    "password",
    "passwd",
    "passphrase",
    "encrypted",
    "guid",
    "creditcardno",
    "creditcardid",
    "creditcardnumber",
    "creditcardtrackingid",
    "last4",
    "cardexpir",
    "expirationdateyear",
    "expirationdatemonth",
    "cvv",
    "securitycode",
    "bankaccountno",
    "bankaccountnumber",
    "bankrouting",
    "socialsecurity",
    "secretkey",
    "accesstoken",
];

/// Does the column's name say that it holds a password, a card or an account number, or a
/// reference to one? Such a column is no field of any dataset, and is not to be offered
/// where columns are found at run time.
#[must_use]
pub fn looks_secret(column: &str) -> bool {
    let plain: String = column
        .chars()
        .filter(|c| *c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    TELLING.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, Field};

    #[test]
    fn names_tell() {
        for column in [
            "Password",
            "UDF_WEB_PASSWORD",
            "EncryptedVals",
            "CreditCardGUID",
            "EncryptedCreditCardNo",
            "Last4BankAccountNos",
            "BankAccountNo",
            "ExpirationDateYear",
        ] {
            assert!(looks_secret(column), "{column}");
        }
        for column in [
            "RoutingNo",
            "BankCode",
            "CreditCardTransactionID",
            "ExpirationDate",
            "CheckNo",
        ] {
            assert!(!looks_secret(column), "{column}");
        }
    }

    #[test]
    fn no_secret_column_can_be_selected() {
        let catalog = Catalog::standard().unwrap();
        let mut withheld_columns = 0;
        let mut check = |place: &str, fields: &[Field], withheld: &[String]| {
            withheld_columns += withheld.len();
            for field in fields {
                assert!(!looks_secret(&field.column), "{place}: {}", field.column);
                assert!(!looks_secret(&field.name), "{place}: {}", field.name);
                assert!(
                    field.join.is_some() || !withheld.contains(&field.column),
                    "{place}: {} is withheld and selected",
                    field.column
                );
            }
        };
        for dataset in catalog.datasets() {
            check(dataset.name.as_str(), &dataset.fields, &dataset.withheld);
            for child in &dataset.children {
                let place = format!("{}.{}", dataset.name, child.name);
                check(&place, &child.fields, &child.withheld);
            }
        }
        assert!(withheld_columns > 30, "{withheld_columns} columns are withheld");
    }
}
