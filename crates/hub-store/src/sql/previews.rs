//! Questions about documents that are never entered. Their answers live for an hour; what is not
//! answered soon is no longer asked.

use crate::engine::Tx;
use jiff::{SignedDuration, Timestamp};
use model::ImportReport;
use values::{CompanyId, ImportId, LeaseEpoch};
use wire::agent::{Preview, PreviewAnswer};

use super::imports::{check_company, check_lease, import_kind, parsed};
use super::micros;
use crate::{AgentScope, NewPreview, PreviewResult, StoreError, TenantScope, WakeKind};

/// Given out at a time: real work must not wait behind them.
const AT_A_TIME: usize = 5;
/// A driver that took one and was restarted is asked again after so long.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Whoever asked has gone by then, or asks again.
const ABANDONED: SignedDuration = SignedDuration::from_mins(5);
/// Of a company: more than a driver answers while somebody waits.
const MOST_WAITING: u32 = 20;

pub(super) fn add(
    t: &Tx<'_>,
    scope: &TenantScope,
    new: &NewPreview,
    now: Timestamp,
) -> Result<(), StoreError> {
    check_company(t, scope, &new.company)?;
    let waiting: u32 = t.row(
        "SELECT count(*) FROM hub_previews WHERE tenant = ? AND company = ? AND report IS NULL AND asked_at > ?",
        (
            scope.tenant().as_str(),
            new.company.as_str(),
            micros(now - ABANDONED),
        ),
        |row| row.get(0),
    )?;
    if waiting >= MOST_WAITING {
        return Err(StoreError::PreviewsWaiting {
            company: new.company.clone(),
            waiting,
        });
    }
    let sql = "INSERT INTO hub_previews VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)";
    t.execute(
        sql,
        (
            scope.tenant().as_str(),
            new.id.as_str(),
            new.company.as_str(),
            new.kind.as_str(),
            new.body.to_string(),
            micros(now),
        ),
    )?;
    t.wake(WakeKind::Work, scope.tenant());
    Ok(())
}

pub(super) fn get(
    t: &Tx<'_>,
    scope: &TenantScope,
    id: &ImportId,
) -> Result<Option<PreviewResult>, StoreError> {
    let sql = "SELECT company, report FROM hub_previews WHERE tenant = ? AND id = ?";
    let found: Option<(String, Option<String>)> =
        t.one(sql, (scope.tenant().as_str(), id.as_str()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let report = match found {
        Some((company, report)) if scope.sees(&CompanyId::new(&company)) => report,
        Some(_) | None => return Err(StoreError::PreviewUnknown(id.clone())),
    };
    let report: Option<ImportReport> = report.map(|text| parsed("a report", &text)).transpose()?;
    Ok(report.map(|report| PreviewResult {
        state: report.state,
        totals: report.totals,
        lines: report.lines,
        warnings: report.warnings,
        problems: report.problems,
    }))
}

/// Those that nobody works on, the latest first: whoever asked it still waits. Nothing is marked.
pub(super) fn waiting(
    t: &Tx<'_>,
    scope: &AgentScope,
    companies: &[(CompanyId, LeaseEpoch)],
    now: Timestamp,
) -> Result<Vec<Preview>, StoreError> {
    let sql = "SELECT id, kind, body, asked_at FROM hub_previews WHERE tenant = ? AND company = ? \
               AND report IS NULL AND asked_at > ? AND (given_at IS NULL OR given_at < ?) \
               ORDER BY asked_at DESC LIMIT ?";
    let mut found: Vec<(i64, Preview)> = Vec::new();
    for (company, lease) in companies {
        check_lease(t, scope, company, *lease)?;
        t.each(
            sql,
            (
                scope.tenant().as_str(),
                company.as_str(),
                micros(now - ABANDONED),
                micros(now - ASK_AGAIN),
                u32::try_from(AT_A_TIME).unwrap_or(u32::MAX),
            ),
            |row| {
                let preview = Preview {
                    id: ImportId::new(row.get::<String>(0)?),
                    company: company.clone(),
                    kind: import_kind(&row.get::<String>(1)?)?,
                    body: parsed("a body", &row.get::<String>(2)?)?,
                };
                found.push((row.get(3)?, preview));
                Ok(())
            },
        )?;
    }
    found.sort_by_key(|(asked_at, _)| std::cmp::Reverse(*asked_at));
    found.truncate(AT_A_TIME);
    Ok(found.into_iter().map(|(_, preview)| preview).collect())
}

/// The same, given out.
pub(super) fn take(
    t: &Tx<'_>,
    scope: &AgentScope,
    companies: &[(CompanyId, LeaseEpoch)],
    now: Timestamp,
) -> Result<Vec<Preview>, StoreError> {
    let previews = waiting(t, scope, companies, now)?;
    for preview in &previews {
        t.execute(
            "UPDATE hub_previews SET given_at = ? WHERE tenant = ? AND id = ?",
            (micros(now), scope.tenant().as_str(), preview.id.as_str()),
        )?;
    }
    Ok(previews)
}

pub(super) fn answer(
    t: &Tx<'_>,
    scope: &AgentScope,
    id: &ImportId,
    answer: &PreviewAnswer,
) -> Result<(), StoreError> {
    let own = (scope.tenant().as_str(), id.as_str());
    let company: Option<String> = t.one(
        "SELECT company FROM hub_previews WHERE tenant = ? AND id = ?",
        own,
        |row| row.get(0),
    )?;
    let company = company.ok_or_else(|| StoreError::PreviewUnknown(id.clone()))?;
    check_lease(t, scope, &CompanyId::new(company), answer.lease)?;
    let text =
        serde_json::to_string(&answer.report).map_err(|e| StoreError::corrupt(format!("a report: {e}")))?;
    t.execute(
        "UPDATE hub_previews SET report = ? WHERE tenant = ? AND id = ?",
        (text, own.0, own.1),
    )?;
    t.wake(WakeKind::Answer, scope.tenant());
    Ok(())
}

pub(super) fn drop_older(t: &Tx<'_>, asked_before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    t.execute(
        "DELETE FROM hub_previews WHERE asked_at < ?1 OR (asked_at < ?2 AND report IS NULL)",
        (micros(asked_before), micros(now - ABANDONED)),
    )
}
