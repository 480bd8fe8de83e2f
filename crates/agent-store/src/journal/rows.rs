//! Rows of the journal, in and out.

use import::{Document, Done, Outcome, Reserved, Source, Verdict, WriteStart};
use jiff::Timestamp;
use model::Decision;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sage::ServerProcess;
use values::ImportId;

use super::JournalError;

pub(super) fn begin(db: &mut Connection) -> Result<Transaction<'_>, JournalError> {
    Ok(db.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

pub(super) fn insert_document(
    db: &Connection,
    document: &Document,
    at: Timestamp,
) -> Result<(), JournalError> {
    let body = document.body.to_string();
    db.prepare_cached(
        "INSERT INTO document (import_id, company, kind, revision, body, body_hash, at, reported, decision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)",
    )?
    .execute(params![
        document.id.as_str(),
        document.company.as_str(),
        document.kind.as_str(),
        document.revision,
        body,
        hash_of(&body),
        at.to_string(),
        serde_json::to_string(&document.decision).map_err(JournalError::Content)?
    ])?;
    Ok(())
}

/// What stays of a body for ever.
pub(super) fn hash_of(body: &str) -> String {
    values::Hash::of_bytes(body.as_bytes()).to_string()
}

/// A new revision: it is planned anew. What is in Sage, and what may be, stays known.
pub(super) fn replace_body(db: &Connection, document: &Document) -> Result<(), JournalError> {
    let body = document.body.to_string();
    db.execute(
        "UPDATE document SET revision = ?2, body = ?3, body_hash = ?4, decision = ?5, plan = NULL,
                reported = 0, ended_at = NULL, redacted_at = NULL WHERE import_id = ?1",
        params![
            document.id.as_str(),
            document.revision,
            body,
            hash_of(&body),
            serde_json::to_string(&document.decision).map_err(JournalError::Content)?
        ],
    )?;
    Ok(())
}

/// The outcome, and whether it is a written order; none when only its room is there.
pub(super) fn outcome_of(db: &Connection, id: &str) -> Result<Option<(Outcome, bool)>, JournalError> {
    let found = db
        .prepare_cached("SELECT content, written FROM outcome WHERE import_id = ?1")?
        .query_row([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))
        .optional()?;
    match found {
        Some((content, written)) if !content.trim_end().is_empty() => Ok(Some((
            serde_json::from_str(&content).map_err(JournalError::Content)?,
            written,
        ))),
        Some(_) | None => Ok(None),
    }
}

pub(super) fn reservations_of(db: &Connection, id: &ImportId) -> Result<Vec<Reserved>, JournalError> {
    let mut statement = db.prepare_cached(
        "SELECT identity, at, source, at_hub, verdict, name FROM reservation WHERE import_id = ?1 ORDER BY place",
    )?;
    let mut rows = statement.query([id.as_str()])?;
    let mut reservations = Vec::new();
    while let Some(row) = rows.next()? {
        let source: String = row.get(2)?;
        let verdict: String = row.get(4)?;
        reservations.push(Reserved {
            name: row.get(5)?,
            identity: row.get(0)?,
            at: instant(&row.get::<_, String>(1)?)?,
            source: if source == source_name(Source::Journal) {
                Source::Journal
            } else {
                Source::Hub
            },
            at_hub: row.get(3)?,
            verdict: if verdict == verdict_name(Verdict::Foreign) {
                Verdict::Foreign
            } else {
                Verdict::Open
            },
        });
    }
    Ok(reservations)
}

pub(super) fn write_of(db: &Connection, id: &ImportId) -> Result<Option<WriteStart>, JournalError> {
    let found = db
        .prepare_cached(
            "SELECT identity, at, pid, process_start, name FROM write_start WHERE import_id = ?1",
        )?
        .query_row([id.as_str()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<u32>>(2)?,
                row.get::<_, Option<String>>(3)?,
                row.get::<_, String>(4)?,
            ))
        })
        .optional()?;
    let Some((identity, at, pid, started, name)) = found else {
        return Ok(None);
    };
    let started = started.and_then(|s| s.parse::<u64>().ok());
    let server = pid
        .zip(started)
        .map(|(pid, started_at)| ServerProcess { pid, started_at });
    Ok(Some(WriteStart {
        name,
        identity,
        at: instant(&at)?,
        server,
    }))
}

/// What a person vouched for was begun before: of what begins now, nobody has said that it is
/// not in Sage.
pub(super) fn use_up_vouching(db: &Connection, id: &ImportId) -> Result<(), JournalError> {
    let sql = "SELECT decision FROM document WHERE import_id = ?1";
    let found: Option<String> = db
        .prepare_cached(sql)?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    let Some(found) = found else { return Ok(()) };
    let mut decision: Decision = serde_json::from_str(&found).map_err(JournalError::Content)?;
    let before = decision.accept.len();
    decision.accept.retain(|code| code != Decision::IN_DOUBT);
    if decision.accept.len() < before {
        let text = serde_json::to_string(&decision).map_err(JournalError::Content)?;
        db.execute(
            "UPDATE document SET decision = ?2 WHERE import_id = ?1",
            [id.as_str(), &text],
        )?;
    }
    Ok(())
}

pub(super) fn done_of(db: &Connection, id: &ImportId) -> Result<Vec<Done>, JournalError> {
    let mut statement = db.prepare_cached("SELECT content FROM done WHERE import_id = ?1 ORDER BY place")?;
    let mut rows = statement.query([id.as_str()])?;
    let mut done = Vec::new();
    while let Some(row) = rows.next()? {
        done.push(serde_json::from_str(&row.get::<_, String>(0)?).map_err(JournalError::Content)?);
    }
    Ok(done)
}

pub(super) const fn source_name(source: Source) -> &'static str {
    match source {
        Source::Journal => "journal",
        Source::Hub => "hub",
    }
}

pub(super) const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Foreign => "foreign",
    }
}

pub(super) fn instant(text: &str) -> Result<Timestamp, JournalError> {
    text.parse()
        .map_err(|_| JournalError::Broken(format!("{text:?} is no instant")))
}

/// Only numbers of digits can be compared.
pub(super) fn is_higher(number: &str, than: &str) -> bool {
    number
        .parse::<u64>()
        .is_ok_and(|number| than.parse::<u64>().map_or(true, |than| number > than))
}
