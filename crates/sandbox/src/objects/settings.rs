//! The engine's view of the sandbox's settings, and one-shot faults.

use std::thread;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::record::StoreError;
use crate::Settings;

/// The value of a setting, read now; blank counts as unset.
pub(crate) fn get(db: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(Settings::new(db).get(name)?.filter(|value| !value.is_empty()))
}

/// Does a setting have this value now?
pub(crate) fn is(db: &Connection, name: &str, value: &str) -> Result<bool, StoreError> {
    Ok(get(db, name)?.as_deref() == Some(value))
}

/// A dialog that nobody sees, or a call that hangs: it never comes back.
pub(crate) fn never_answer() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

/// The argument of a fault that fires now, or `None`. A one-shot value (`once`,
/// `once:ARGUMENT`) is consumed in a transaction of its own before the fault acts, so that
/// a crash cannot fire it twice and two sessions cannot share it.
pub(crate) fn take_fault(db: &mut Connection, name: &str) -> Result<Option<String>, StoreError> {
    let name = format!("fault.{name}");
    if get(db, &name)?.is_none() {
        return Ok(None);
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(value) = get(&transaction, &name)? else {
        return Ok(None);
    };
    let argument = match value.strip_prefix("once") {
        Some(rest) if rest.is_empty() || rest.starts_with(':') => {
            Settings::new(&transaction).remove(&name)?;
            rest.trim_start_matches(':').to_owned()
        }
        Some(_) | None => value,
    };
    transaction.commit()?;
    Ok(Some(argument))
}

/// A fault's argument in milliseconds.
pub(crate) fn milliseconds(argument: &str) -> Duration {
    Duration::from_millis(argument.trim().parse().unwrap_or(0))
}
