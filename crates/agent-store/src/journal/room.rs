//! The room that is made for an outcome, and what an outcome is cut to when it is too
//! large for it.

use std::borrow::Cow;

use import::Outcome;
use rusqlite::{Connection, params};
use values::ImportId;

use super::JournalError;
use super::cut::cut;
use super::writes::ORDER_NUMBER;

/// Size of an outcome's row. The outcomes of the import engine usually take less.
pub(super) const ROOM_BYTES: usize = 24 * 1024;
/// Fills fresh room.
const UNUSED: &str = "\n";
/// Fills what an outcome leaves.
const BLANK: &str = " ";
/// How many warnings and how many problems are kept, and how many bytes of each of their
/// texts: the first that fits.
const CUTS: [(usize, usize); 4] = [(20, 240), (20, 120), (5, 120), (1, 120)];
/// Bytes kept of each text of the first problem, which says most.
const FIRST_PROBLEM_BYTES: usize = 1000;

/// The outcome's row at its full size.
pub(super) fn make_room(db: &Connection, id: &ImportId, number: &str) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO outcome (import_id, company, number, written, content)
         VALUES (?1, (SELECT company FROM document WHERE import_id = ?1), ?2, 0, ?3)",
    )?
    .execute(params![id.as_str(), number, UNUSED.repeat(ROOM_BYTES)])?;
    Ok(())
}

/// The outcome into its room. Its state, number, totals and first problem always go in; of
/// the other texts what fits.
pub(super) fn put_outcome(
    db: &Connection,
    id: &ImportId,
    outcome: &Outcome,
    written: bool,
) -> Result<(), JournalError> {
    let mut content = fitting(id, outcome)?;
    // By bytes: the formatter would count characters.
    content.push_str(&BLANK.repeat(ROOM_BYTES - content.len()));
    fill(db, id, content, written)?;
    let number = outcome.numbers.get(ORDER_NUMBER).map_or("", String::as_str);
    db.prepare_cached("UPDATE outcome SET number = ?2 WHERE import_id = ?1 AND number <> ?2")?
        .execute([id.as_str(), number])?;
    Ok(())
}

fn fill(db: &Connection, id: &ImportId, content: String, written: bool) -> Result<(), JournalError> {
    let changed = db
        .prepare_cached("UPDATE outcome SET content = ?2, written = ?3 WHERE import_id = ?1")?
        .execute(params![id.as_str(), content, written])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(JournalError::Broken(format!("{id} has no room for its outcome")))
    }
}

/// The outcome as JSON of at most [`ROOM_BYTES`].
fn fitting(id: &ImportId, outcome: &Outcome) -> Result<String, JournalError> {
    let shorter = CUTS
        .into_iter()
        .map(|(words, bytes)| Cow::Owned(shortened(outcome, words, bytes)));
    // Sage has a handful of totals; should they alone be too many, they are read from it.
    let barest = std::iter::once_with(|| {
        let mut bare = shortened(outcome, 1, 120);
        bare.totals.clear();
        Cow::Owned(bare)
    });
    let mut bytes = 0;
    for candidate in std::iter::once(Cow::Borrowed(outcome))
        .chain(shorter)
        .chain(barest)
    {
        let content = serde_json::to_string(candidate.as_ref()).map_err(JournalError::Content)?;
        bytes = content.len();
        if bytes <= ROOM_BYTES {
            return Ok(content);
        }
    }
    Err(JournalError::TooLarge {
        id: id.clone(),
        bytes,
    })
}

fn shortened(outcome: &Outcome, words: usize, bytes: usize) -> Outcome {
    let mut warnings: Vec<String> = outcome.warnings.iter().take(words).cloned().collect();
    for warning in &mut warnings {
        cut(warning, bytes);
    }
    let mut problems: Vec<_> = outcome.problems.iter().take(words).cloned().collect();
    for (place, problem) in problems.iter_mut().enumerate() {
        let bytes = if place == 0 { FIRST_PROBLEM_BYTES } else { bytes };
        for text in [
            &mut problem.code,
            &mut problem.field,
            &mut problem.value,
            &mut problem.message,
            &mut problem.remedy,
        ] {
            cut(text, bytes);
        }
    }
    Outcome {
        state: outcome.state,
        numbers: outcome.numbers.clone(),
        totals: outcome.totals.clone(),
        warnings,
        problems,
    }
}
