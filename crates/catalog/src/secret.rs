//! Columns that no one outside the ERP may ever see, known by their names.

/// Parts of names, in lower case without underscores.
const TELLING: [&str; 66] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "pswd",
    "credential",
    "encrypted",
    "creditcardno",
    "creditcardid",
    "creditcardnumber",
    "creditcardtrackingid",
    "cardno",
    "cardnum",
    "last4",
    "cardexp",
    "expirationdateyear",
    "expirationdatemonth",
    "cvv",
    "cvc2",
    "securitycode",
    "bankaccountno",
    "bankaccountnum",
    "bankaccountid",
    "bankacctno",
    "bankacctnum",
    "bankacctid",
    "bankacno",
    "checkingacct",
    "checkingaccount",
    "savingsacct",
    "savingsaccount",
    "directdeposit",
    "bankrouting",
    "routingnum",
    "routingtransit",
    "abano",
    "abanum",
    "abarout",
    "achrout",
    "achacc",
    "ibanno",
    "ibannum",
    "transitno",
    "transitnum",
    "socialsec",
    "taxidno",
    "taxidnum",
    "federaltaxid",
    "taxpayerid",
    "driverlicen",
    "driverslicen",
    "passport",
    "secretkey",
    "clientsecret",
    "apisecret",
    "sharedsecret",
    "token",
    "merchantkey",
    "merchantid",
    "vendorkey",
    "vaultid",
    "vaultkey",
    "apikey",
    "privatekey",
    "accesskey",
];

/// What is too short, or part of too many other words, to be looked for inside of one.
const TELLING_WORDS: [&str; 10] = [
    "aba", "ach", "cvc", "guid", "iban", "secret", "ssn", "swift", "taxid", "cvn",
];

/// What a name ends with.
const TELLING_ENDS: [&str; 8] = [
    "guid",
    "bankaccount",
    "bankacct",
    "iban",
    "bankacc",
    "federalid",
    "ccnum",
    "ssn",
];

/// The item's work ticket routing, which is no bank's.
const ITEM_ROUTING: &str = "routingno";

/// Does the column's name say that it holds a password, a card or an account number, or a
/// reference to one? Such a column is no field of any dataset, and is not to be offered
/// where columns are found at run time.
#[must_use]
pub fn looks_secret(column: &str) -> bool {
    let words = words(column);
    let plain = words.concat();
    TELLING.iter().any(|part| plain.contains(part))
        || words.iter().any(|word| TELLING_WORDS.contains(&word.as_str()))
        || TELLING_ENDS.iter().any(|end| plain.ends_with(end))
        || (plain.contains(ITEM_ROUTING) && plain != ITEM_ROUTING)
        || is_pin(&words)
}

/// `PIN`, `CardPinCode`, but not `PinNumberOfLines`.
fn is_pin(words: &[String]) -> bool {
    let Some(place) = words.iter().rposition(|word| word == "pin") else {
        return false;
    };
    let mut rest = words.iter().skip(place + 1);
    rest.all(|word| ["no", "num", "number", "code", "hash"].contains(&word.as_str()))
}

/// The words of a name, in lower case: `ACHBankAcct_No` is `ach`, `bank`, `acct`, `no`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|b| letters.get(b));
        let after = letters.get(place + 1);
        let begins = letter.is_ascii_uppercase()
            && (before.is_some_and(|b| !b.is_ascii_uppercase())
                || after.is_some_and(|a| a.is_ascii_lowercase()));
        if begins || !letter.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphanumeric()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
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
            "UserPwd",
            "UDF_WEBPWD",
            "Passcode",
            "EncryptedVals",
            "CreditCardGUID",
            "UDF_CCGUID",
            "EncryptedCreditCardNo",
            "CardNo",
            "card_number",
            "CardExpDate",
            "CVV",
            "CVV2Code",
            "UDF_CVC",
            "Last4BankAccountNos",
            "BankAccountNo",
            "BankAcctNo",
            "BankAcct",
            "bankacct",
            "BANK_ACCT_NO",
            "UDF_BANKACCTNO",
            "CheckingAcctNo",
            "BankRoutingNo",
            "ABARoutingNo",
            "ACHRoutingNo",
            "UDF_ROUTING_NO",
            "RoutingNumber",
            "TransitNo",
            "ABA",
            "ABANo",
            "IBAN",
            "VendorIBAN",
            "UDF_IBAN",
            "ACHAcct",
            "UDF_ACH",
            "SwiftCode",
            "MerchantKey",
            "MerchantID",
            "VendorKey",
            "VaultID",
            "API_KEY",
            "AccessToken",
            "UDF_TOKEN",
            "Secret",
            "UDF_SECRET",
            "ClientSecret",
            "PIN",
            "UDF_PIN",
            "CardPinCode",
            "PinNumber",
            "SSN",
            "EmployeeSSN",
            "SocialSecurityNo",
            "TaxIDNo",
            "FederalTaxID",
            "TaxPayerID",
            "DriversLicenseNo",
            "ExpirationDateYear",
        ] {
            assert!(looks_secret(column), "{column}");
        }
        for column in [
            "RoutingNo",
            "BankCode",
            "BankName",
            "BankAccountType",
            "BankAcctKey",
            "BankAcctDesc",
            "AccountDesc",
            "SalesAcctKey",
            "CashAcctKey",
            "AssetAcctKey",
            "PinNumberOfLines",
            "ShippingCode",
            "SpinRate",
            "UDF_SPIN",
            "CreditCardTransactionID",
            "CreditCardAuthorizationNo",
            "CreditCardEntryNo",
            "CardType",
            "ExpirationDate",
            "CheckNo",
            "UDF_GUIDE_RAIL",
            "UDF_SECRETARY",
            "EachPrice",
            "UDF_ACHIEVED",
            "MachineNo",
            "DiscontinuedAbandoned",
            "AlternateTaxIdentifier",
            "TaxExemptNo",
            "PassThroughCost",
            "VendorNo",
            "LineKey",
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

    #[test]
    fn what_lies_near_money_is_not_taken_unasked() {
        let catalog = Catalog::standard().unwrap();
        for name in ["bank_codes", "payment_types", "company_options"] {
            let dataset = catalog.get(name).unwrap();
            assert!(dataset.guess.is_some() && !dataset.discover, "{name}");
        }
        let found = catalog.get("divisions").unwrap();
        assert!(found.guess.is_some() && found.discover);
        let known = catalog.get("salespersons").unwrap();
        assert!(known.guess.is_none() && !known.discover);
    }
}
