//! What a receipt, its batch and its deposit are called.

use model::Tender;
use values::{Date, Hash, ImportId};

use crate::settings::{BatchScheme, DepositScheme, PaymentSettings};

/// Sage's width of a check number.
pub(super) const CHECK_NO_WIDTH: usize = 10;

/// Sage's width of a batch's comment.
const BATCH_COMMENT_WIDTH: usize = 30;

/// Base 32 without the letters that are read as digits or as each other (I, L, O, U).
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The first sign is a letter, so that Sage does not zero-fill a number.
const LETTERS: &[u8; 16] = b"ABCDEFGHJKMNPQRS";

/// The check number of an import: the same whenever it is asked, and never seen by a bank.
///
/// It carries 49 bits of a hash of the import's id. Only receipts of one customer are ever
/// compared, and the amount must agree, too: among ten thousand payments of one customer two
/// have the same check number with a chance of about one in ten million.
pub(super) fn check_no(id: &ImportId) -> String {
    signs(Hash::of_bytes(id.as_str().as_bytes()), CHECK_NO_WIDTH - 1)
}

/// The number that a prepayment of an import gets: seven characters.
pub(super) fn prepayment_no(id: &ImportId) -> String {
    let text = signs(
        Hash::of_bytes(format!("prepayment {}", id.as_str()).as_bytes()),
        5,
    );
    format!("P{text}")
}

/// A letter, and so many signs after it (up to 12).
fn signs(hash: Hash, count: usize) -> String {
    let mut rest = hash.0;
    let mut text = String::with_capacity(count + 1);
    text.push(sign(LETTERS, rest & 15));
    rest >>= 4;
    for _ in 0..count {
        text.push(sign(SIGNS, rest & 31));
        rest >>= 5;
    }
    text
}

fn sign(signs: &[u8], place: u64) -> char {
    usize::try_from(place)
        .ok()
        .and_then(|place| signs.get(place))
        .map_or('0', |sign| char::from(*sign))
}

/// Batch and deposit of a receipt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Naming {
    pub(super) batch_key: String,
    pub(super) batch_comment: String,
    pub(super) deposit_key: String,
}

/// The scheme asks for a settlement, and the document has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SettlementMissing;

/// How batch and deposit of a receipt are called. `day` is the day of the money, in the
/// site's time.
pub(super) fn naming(
    settings: &PaymentSettings,
    tender: &Tender,
    payment_type: &str,
    deposit_type: &str,
    day: Date,
    check_no: &str,
) -> Result<Naming, SettlementMissing> {
    let settlement = || tender.settlement_id.as_deref().ok_or(SettlementMissing);
    let batch_key = match settings.batch {
        BatchScheme::DayAndType => format!("{day} {payment_type}"),
        BatchScheme::Day => day.to_string(),
        // The run is known only when the receipt is entered; it is put in there.
        BatchScheme::Run => String::from(crate::batches::RUN),
        BatchScheme::Settlement => settlement()?.to_owned(),
    };
    let what = match settings.batch {
        BatchScheme::DayAndType | BatchScheme::Day | BatchScheme::Settlement => batch_key.as_str(),
        BatchScheme::Run => "",
    };
    // Cash and cards are different deposits to Sage.
    let deposit_key = match settings.deposit {
        DepositScheme::Day => format!("{day} {deposit_type}"),
        DepositScheme::Settlement => format!("{} {deposit_type}", settlement()?),
        DepositScheme::Payment => check_no.to_owned(),
    };
    let comment = format!("{} {what}", settings.batch_prefix);
    Ok(Naming {
        batch_comment: comment.trim().chars().take(BATCH_COMMENT_WIDTH).collect(),
        batch_key,
        deposit_key,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn check_numbers_are_stable_and_never_numeric() {
        assert_eq!(
            check_no(&ImportId::new("imp_1")),
            check_no(&ImportId::new("imp_1"))
        );
        let all: BTreeSet<String> = (0..20_000)
            .map(|n| check_no(&ImportId::new(format!("imp_{n}"))))
            .collect();
        assert_eq!(all.len(), 20_000);
        for number in &all {
            assert_eq!(number.len(), CHECK_NO_WIDTH);
            assert!(number.starts_with(|c: char| c.is_ascii_uppercase()), "{number}");
            assert!(!number.contains(['I', 'L', 'O', 'U']), "{number}");
        }
    }

    #[test]
    fn prepayment_numbers_fit() {
        let number = prepayment_no(&ImportId::new("imp_1"));
        assert_eq!((number.len(), number.starts_with('P')), (7, true));
    }
}
