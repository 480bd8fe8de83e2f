//! How an order or an invoice was paid. Card data has no place here: a reference of the
//! gateway and the last four digits are all that is taken.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use values::{Date, Decimal};

use crate::Problem;
use crate::fields::Fields;

/// Money that was taken by the web shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tender {
    /// Code of a payment type of Sage, or of the platform where the site maps it.
    pub payment_type: Option<String>,
    /// What was captured (or authorised), in the company's currency.
    pub amount: Decimal,
    /// The gateway's id of the transaction: unique per tenant across orders and payments.
    pub gateway_transaction_id: Option<String>,
    /// What a person finds it by (a check number, an authorisation).
    pub reference: Option<String>,
    /// Last four digits of card or account.
    pub last_4: Option<String>,
    /// The day the money was captured, in the site's time; none means the day it is entered.
    pub captured_on: Option<Date>,
    /// The gateway's settlement, where deposits are made per settlement.
    pub settlement_id: Option<String>,
}

const MONEY_SCALE: u8 = 2;

/// Longest id of a gateway's transaction in bytes.
const MAX_TRANSACTION_ID: usize = 255;

pub(crate) fn parse_tender(
    object: &Map<String, Value>,
    prefix: &str,
    problems: &mut Vec<Problem>,
) -> Option<Tender> {
    let mut fields = Fields::new(object, prefix, "a payment", problems);
    let tender = tender(&mut fields);
    fields.refuse_unknown();
    tender
}

/// The fields of a tender among others.
pub(crate) fn tender(fields: &mut Fields<'_, '_>) -> Option<Tender> {
    let before = fields.problems.len();
    let amount = fields.positive("amount", MONEY_SCALE);
    if amount.is_none() && fields.problems.len() == before {
        fields.missing("amount");
    }
    let last_4 = fields.text("last_4");
    if let Some(digits) = &last_4
        && (digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()))
    {
        // The value is not repeated: it may be a card number.
        let field = fields.path("last_4");
        fields.problems.push(Problem::new(
            "card_data",
            field,
            "last_4 is not exactly four digits",
            "send the last four digits only; card numbers must never be sent",
        ));
    }
    let gateway_transaction_id = fields.reference("gateway_transaction_id");
    if gateway_transaction_id
        .as_ref()
        .is_some_and(|id| id.len() > MAX_TRANSACTION_ID)
    {
        fields.out_of_range(
            "gateway_transaction_id",
            "it is longer than 255 bytes",
            "send the gateway's own id of the transaction",
        );
    }
    let reference = fields.reference("reference");
    // Every field is asked for before the amount decides, so that none counts as unknown.
    let payment_type = fields.text("payment_type");
    let captured_on = fields.date("captured_on");
    let settlement_id = fields.text("settlement_id");
    Some(Tender {
        payment_type,
        amount: amount?,
        gateway_transaction_id,
        reference,
        last_4,
        captured_on,
        settlement_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_amount_makes_no_other_field_unknown() {
        let body =
            serde_json::json!({"captured_on": "2026-05-06", "settlement_id": "s1", "payment_type": "VISA"});
        let mut problems = Vec::new();
        parse_tender(body.as_object().unwrap(), "payment.", &mut problems);
        assert_eq!(
            problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(),
            ["payment.amount"]
        );
    }

    #[test]
    fn card_data_is_refused_and_not_repeated() {
        let body = serde_json::json!({"amount": "10.00", "last_4": "4111111111111111", "reference": "4111111111111111"});
        let mut problems = Vec::new();
        parse_tender(body.as_object().unwrap(), "payment.", &mut problems);
        assert_eq!(
            problems.iter().map(|p| p.code.as_str()).collect::<Vec<_>>(),
            ["card_data", "card_data"]
        );
        assert!(
            problems
                .iter()
                .all(|p| !format!("{p:?}").contains("4111111111111111"))
        );
    }
}
