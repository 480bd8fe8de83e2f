//! What a test's statements are, on its thread.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static STATEMENTS: RefCell<Option<BTreeSet<String>>> = const { RefCell::new(None) };
}

/// Keeps a statement, if the thread is listened to.
pub(super) fn record(sql: &str) {
    STATEMENTS.with_borrow_mut(|statements| {
        if let Some(statements) = statements {
            statements.insert(sql.to_owned());
        }
    });
}

/// All statements of `work`.
pub(crate) fn statements_of(work: impl FnOnce()) -> BTreeSet<String> {
    STATEMENTS.set(Some(BTreeSet::new()));
    work();
    STATEMENTS.take().unwrap_or_default()
}
