//! The money of a company's day: what was captured, and what the ERP has of it.
//!
//! What counts as entered is what the driver proved when it wrote: the numbers in its report.
//! What counts as posted rests on the number of the check that a receipt was entered with:
//! it is looked up by customer in `payments` (posted) and in `unposted_receipts`. The sign
//! and the exact meaning of posted amounts are not published, so that only their size is
//! compared.

use std::collections::BTreeMap;

use crate::engine::Tx;
use catalog::Catalog;
use model::{ImportReport, ImportState, Numbers, PaymentKind};
use values::{CompanyId, Date, Decimal, ImportId, TenantId};

use super::imports::{check_company, import_state, parsed};
use crate::{StoreError, Sum, TenantScope, TieOut, TieOutDeposit, TieOutDifference, TieOutSums, TieOutType};

const MONEY_SCALE: u8 = 2;
/// Dataset and the column with a receipt's amount.
const UNPOSTED: (&str, &str) = ("unposted_receipts", "amount_received");
const POSTED: (&str, &str) = ("payments", "transaction_amt");

pub(super) fn tie_out(
    t: &Tx<'_>,
    catalog: &Catalog,
    scope: &TenantScope,
    company: &CompanyId,
    day: Date,
) -> Result<TieOut, StoreError> {
    check_company(t, scope, company)?;
    let tenant = scope.tenant();
    let mut sources = Vec::new();
    for (dataset, amount) in [UNPOSTED, POSTED] {
        if has_fields(catalog, dataset, amount) && is_synced(t, tenant, company, dataset)? {
            sources.push(dataset);
        }
    }
    let erp = Erp {
        t,
        tenant,
        company,
        sources: &sources,
    };
    let mut total = TieOutSums::default();
    let mut types: BTreeMap<Option<String>, TieOutSums> = BTreeMap::new();
    let mut deposits: BTreeMap<[String; 3], Sum> = BTreeMap::new();
    let mut differences = Vec::new();
    for tender in tenders(t, tenant, company, day)? {
        let of_type = types.entry(tender.payment_type.clone()).or_default();
        let place = erp.place(&tender)?;
        for sums in [&mut total, of_type] {
            add_up(sums, &tender, &place)?;
        }
        if let (Place::Receipt { .. }, Some(numbers)) = (&place, tender.numbers()) {
            let number = |name: &str| numbers.get(name).cloned().unwrap_or_default();
            let deposit = [number("batch_no"), number("deposit_no"), number("bank_code")];
            add(deposits.entry(deposit).or_default(), tender.amount)?;
        }
        differences.extend(difference(&tender, &place, &sources));
    }
    Ok(TieOut {
        company: company.clone(),
        date: day,
        total,
        payment_types: types
            .into_iter()
            .map(|(payment_type, sums)| TieOutType { payment_type, sums })
            .collect(),
        deposits: deposits
            .into_iter()
            .map(|([batch_no, deposit_no, bank_code], entered)| TieOutDeposit {
                batch_no,
                deposit_no,
                bank_code,
                entered,
            })
            .collect(),
        differences,
        sources,
    })
}

fn has_fields(catalog: &Catalog, dataset: &str, amount: &str) -> bool {
    let needed = ["ar_division_no", "customer_no", "check_no", amount];
    catalog
        .get(dataset)
        .is_some_and(|d| needed.iter().all(|name| d.fields.iter().any(|f| f.name == *name)))
}

fn is_synced(t: &Tx<'_>, tenant: &TenantId, company: &CompanyId, dataset: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM hub_streams WHERE tenant = ? AND company = ? AND dataset = ? AND sequence > 0";
    let found = t.one(sql, (tenant.as_str(), company.as_str(), dataset), |_| Ok(()))?;
    Ok(found.is_some())
}

/// The money of one document.
struct Tender {
    import: ImportId,
    kind: PaymentKind,
    payment_type: Option<String>,
    amount: Decimal,
    state: ImportState,
    report: Option<ImportReport>,
}

impl Tender {
    fn numbers(&self) -> Option<&Numbers> {
        self.report.as_ref().map(|report| &report.numbers)
    }
}

fn tenders(t: &Tx<'_>, tenant: &TenantId, company: &CompanyId, day: Date) -> Result<Vec<Tender>, StoreError> {
    // Sorted here: an order asked of the database draws it away from the day's index.
    let sql = "SELECT i.id, m.kind, m.payment_type, m.amount, i.state, i.report, i.number FROM hub_tenders m \
               JOIN hub_imports i ON i.tenant = m.tenant AND i.id = m.import \
               WHERE m.tenant = ? AND m.company = ? AND m.day = ?";
    let mut found = Vec::new();
    t.each(sql, (tenant.as_str(), company.as_str(), day.to_string()), |row| {
        let kind: String = row.get(1)?;
        let amount: String = row.get(3)?;
        let report: Option<String> = row.get(5)?;
        let tender = Tender {
            import: ImportId::new(row.get::<String>(0)?),
            kind: PaymentKind::from_name(&kind)
                .ok_or_else(|| StoreError::corrupt(format!("the payment kind {kind}")))?,
            payment_type: row.get(2)?,
            amount: Decimal::parse(&amount, MONEY_SCALE)
                .map_err(|_| StoreError::corrupt(format!("the amount {amount}")))?,
            state: import_state(&row.get::<String>(4)?)?,
            report: report.map(|text| parsed("a report", &text)).transpose()?,
        };
        found.push((row.get::<i64>(6)?, tender));
        Ok(())
    })?;
    found.sort_by_key(|(number, _)| *number);
    Ok(found.into_iter().map(|(_, tender)| tender).collect())
}

/// Where the money is.
enum Place {
    GivenBack,
    Queued,
    Held,
    InDoubt,
    Refused,
    /// In the ERP with an order and without a receipt.
    Order,
    /// In the ERP as a receipt; amounts as the ERP has them, none where it has nothing.
    Receipt {
        unposted: Option<Decimal>,
        posted: Option<Decimal>,
    },
}

struct Erp<'a> {
    t: &'a Tx<'a>,
    tenant: &'a TenantId,
    company: &'a CompanyId,
    sources: &'a [&'static str],
}

impl Erp<'_> {
    fn place(&self, tender: &Tender) -> Result<Place, StoreError> {
        if tender.kind != PaymentKind::Payment {
            return Ok(Place::GivenBack);
        }
        Ok(match tender.state {
            ImportState::Received | ImportState::Validated | ImportState::Waiting | ImportState::Writing => {
                Place::Queued
            }
            ImportState::Held => Place::Held,
            ImportState::InDoubt => Place::InDoubt,
            ImportState::Refused | ImportState::Discarded => Place::Refused,
            ImportState::Written => match tender.numbers() {
                Some(numbers) if numbers.contains_key("check_no") => Place::Receipt {
                    unposted: self.amount(UNPOSTED, numbers)?,
                    posted: self.amount(POSTED, numbers)?,
                },
                Some(_) | None => Place::Order,
            },
        })
    }

    /// What the ERP has under the receipt's check number.
    fn amount(
        &self,
        (dataset, amount): (&str, &str),
        numbers: &Numbers,
    ) -> Result<Option<Decimal>, StoreError> {
        if !self.sources.contains(&dataset) {
            return Ok(None);
        }
        let number = |name: &str| numbers.get(name).map(String::as_str).unwrap_or_default();
        let sql = format!(
            "SELECT CAST(sum(\"{amount}\") AS BIGINT) FROM \"{dataset}\" WHERE tenant = ? AND company = ? AND customer_no = ? \
             AND ar_division_no = ? AND check_no = ? AND _purged_at IS NULL"
        );
        let units: Option<i64> = self.t.row(
            &sql,
            (
                self.tenant.as_str(),
                self.company.as_str(),
                number("customer_no"),
                number("ar_division_no"),
                number("check_no"),
            ),
            |row| row.get(0),
        )?;
        Ok(units.map(|units| Decimal::new(units.saturating_abs(), MONEY_SCALE)))
    }
}

fn add(sum: &mut Sum, amount: Decimal) -> Result<(), StoreError> {
    sum.sum = sum
        .sum
        .checked_add(amount)
        .map_err(|_| StoreError::corrupt("amounts whose sum is out of range"))?;
    sum.count = sum.count.saturating_add(1);
    Ok(())
}

fn add_up(sums: &mut TieOutSums, tender: &Tender, place: &Place) -> Result<(), StoreError> {
    let amount = tender.amount;
    if let Place::GivenBack = place {
        return add(&mut sums.given_back, amount);
    }
    add(&mut sums.captured, amount)?;
    match place {
        Place::GivenBack => Ok(()),
        Place::Queued => add(&mut sums.queued, amount),
        Place::Held => add(&mut sums.held, amount),
        Place::InDoubt => add(&mut sums.in_doubt, amount),
        Place::Refused => add(&mut sums.refused, amount),
        Place::Order => add(&mut sums.with_order, amount),
        Place::Receipt { unposted, posted } => {
            add(&mut sums.entered, amount)?;
            if let Some(unposted) = unposted {
                add(&mut sums.unposted, *unposted)?;
            }
            if let Some(posted) = posted {
                add(&mut sums.posted, *posted)?;
            }
            Ok(())
        }
    }
}

fn difference(tender: &Tender, place: &Place, sources: &[&str]) -> Option<TieOutDifference> {
    let found = |code, erp_amount, remedy| {
        Some(TieOutDifference {
            import: tender.import.clone(),
            state: tender.state,
            code,
            payment_type: tender.payment_type.clone(),
            amount: tender.amount,
            erp_amount,
            remedy,
        })
    };
    match place {
        Place::GivenBack | Place::Queued | Place::Order => None,
        Place::Held | Place::InDoubt | Place::Refused => found(
            "not_entered",
            None,
            "the money was captured and is not in the ERP through us: decide upon the document, or enter it by hand",
        ),
        Place::Receipt {
            unposted: None,
            posted: None,
        } => {
            // Only both together can say that it is nowhere.
            let is_missing = sources.contains(&UNPOSTED.0) && sources.contains(&POSTED.0);
            is_missing.then(|| {
                found(
                    "not_found",
                    None,
                    "look whether somebody deleted or changed the receipt; right after writing, the next sync shows it",
                )
            })?
        }
        Place::Receipt { unposted, posted } => {
            // While a batch is posted, a receipt may stand in both for a moment.
            let of_erp = posted.or(*unposted)?;
            let differs = of_erp != tender.amount && *unposted != Some(tender.amount);
            differs.then(|| {
                found(
                    "amount_differs",
                    Some(of_erp),
                    "compare the receipt with the gateway's statement; somebody may have changed it",
                )
            })?
        }
    }
}
