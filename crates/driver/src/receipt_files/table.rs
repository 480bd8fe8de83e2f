//! A receipt as rows of text.

use import::plan::{ReceiptLine, ReceiptTarget, ReceiptWrite, Setting};
use sage::Scalar;
use values::Decimal;

const COLUMNS: [&str; 20] = [
    "BatchComment",
    "BankCode",
    "DepositDate",
    "DepositType",
    "DepositKey",
    "ARDivisionNo",
    "CustomerNo",
    "CheckNo",
    "AmountReceived",
    "PaymentType",
    "OtherPaymentTypeRefNo",
    "Last4UnencryptedCreditCardNos",
    "Comment",
    "LineType",
    "InvoiceNo",
    "InvoiceType",
    "AccountKey",
    "AmountPosted",
    "DiscountAmt",
    "UserFields",
];

/// What Windows-1252 has beyond Latin-1, from 0x80 on; a blank is a place without a sign.
const BEYOND_LATIN_1: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// The whole file.
pub(super) fn rendered(write: &ReceiptWrite, division: &str, customer_no: &str) -> Vec<u8> {
    let mut text = COLUMNS.join(",");
    text.push_str("\r\n");
    for line in &write.lines {
        let row = row(write, line, division, customer_no);
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text.chars().map(byte).collect()
}

fn row(write: &ReceiptWrite, line: &ReceiptLine, division: &str, customer_no: &str) -> Vec<String> {
    let setting = |column: &str| {
        let name = format!("{column}$");
        let found = write.settings.iter().find(|setting| setting.column == name);
        quoted(found.and_then(|s| s.value.as_text()).unwrap_or_default())
    };
    let (line_type, invoice_no, invoice_type, account_key) = match &line.target {
        ReceiptTarget::Invoice {
            invoice_no,
            invoice_type,
        } => ("I", invoice_no.as_str(), invoice_type.as_str(), ""),
        ReceiptTarget::Prepayment { invoice_no } => ("P", invoice_no.as_str(), "PP", ""),
        ReceiptTarget::Account { account_key } => ("G", "", "", account_key.as_str()),
    };
    let date = write.deposit_date;
    vec![
        quoted(&write.batch_comment),
        quoted(&write.bank_code),
        format!("{:04}{:02}{:02}", date.year(), date.month(), date.day()),
        quoted(&write.deposit_type),
        quoted(&write.deposit_key),
        quoted(division),
        quoted(customer_no),
        quoted(&write.check_no),
        write.amount.to_string(),
        setting("PaymentType"),
        setting("OtherPaymentTypeRefNo"),
        setting("Last4UnencryptedCreditCardNos"),
        setting("Comment"),
        quoted(line_type),
        quoted(invoice_no),
        quoted(invoice_type),
        quoted(account_key),
        line.amount.to_string(),
        line.discount.unwrap_or(Decimal::zero(2)).to_string(),
        quoted(&user_fields(&write.settings)),
    ]
}

fn user_fields(settings: &[Setting]) -> String {
    let fields: Vec<String> = settings
        .iter()
        .filter(|setting| setting.column.starts_with("UDF_"))
        .map(|setting| {
            let value = match &setting.value {
                Scalar::Text(text) => text.clone(),
                Scalar::Number(number) => number.to_string(),
            };
            format!("{}={value}", setting.column.trim_end_matches('$'))
        })
        .collect();
    fields.join(";")
}

/// In quotes, on one line.
fn quoted(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("\"{}\"", line.replace('"', "\"\""))
}

/// A character in Windows-1252. Planning has refused what it does not have.
fn byte(c: char) -> u8 {
    if let Ok(byte) = u8::try_from(u32::from(c))
        && !(0x80..0xa0).contains(&byte)
    {
        return byte;
    }
    (0x80..0xa0_u8)
        .zip(BEYOND_LATIN_1.chars())
        .find(|(_, sign)| *sign == c)
        .map_or(b'?', |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_windows_1252() {
        assert_eq!(BEYOND_LATIN_1.chars().count(), 32);
        for (sign, wanted) in [
            ('A', b'A'),
            ('é', 0xe9),
            ('€', 0x80),
            ('‚', 0x82),
            ('Ž', 0x8e),
            ('‘', 0x91),
            ('ž', 0x9e),
            ('Ÿ', 0x9f),
            ('😀', b'?'),
        ] {
            assert_eq!(byte(sign), wanted, "{sign}");
        }
    }

    #[test]
    fn quotes_and_line_breaks_do_not_break_a_row() {
        assert_eq!(quoted("5\" pipe\r\n=1+1"), "\"5\"\" pipe  =1+1\"");
    }
}
