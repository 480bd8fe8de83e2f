//! What the server's planner knows of tables that have just been filled. The server itself
//! looks at them within a minute or so (autovacuum); until then it takes a load of a million
//! rows for none, and reads a page by key through whatever index comes first.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::pool::{Pool, Use};
use super::wait::wait;
use crate::StoreError;

/// Rows after which a table is looked at for the first time. Below that every plan is good.
const FIRST: u64 = 2_000;
/// And then whenever it has grown by this factor: a load of a million rows has four looks.
const FACTOR: u64 = 10;
/// The columns that keys and positions are found by; of the others autovacuum's look tells.
const PARENT: &str = "tenant, company, key, _position";
const CHILD: &str = "tenant, company, key";

/// Rows that a transaction has put into tables, by their names.
pub(super) type Grown = RefCell<Vec<(String, Kind, u64)>>;

/// Which columns a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Parent,
    Child,
}

/// Rows that came into each table since the process began.
#[derive(Debug, Default)]
pub(super) struct Statistics(Mutex<HashMap<String, Growth>>);

#[derive(Debug)]
struct Growth {
    rows: u64,
    next: u64,
}

impl Statistics {
    /// Is a table due that has got so many rows?
    fn is_due(&self, table: &str, rows: u64) -> bool {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let growth = tables
            .entry(table.to_owned())
            .or_insert(Growth { rows: 0, next: FIRST });
        growth.rows = growth.rows.saturating_add(rows);
        let is_due = growth.rows >= growth.next;
        if is_due {
            growth.next = growth.rows.saturating_mul(FACTOR);
        }
        is_due
    }
}

impl Pool {
    /// Has the server look at tables that have grown much.
    pub(super) fn look_at(&self, grown: Vec<(String, Kind, u64)>) {
        for (table, kind, rows) in grown {
            if self.statistics.is_due(&table, rows) {
                // What was written is durable. That the look failed costs time, until the
                // server takes one by itself; a server in trouble shows in the next call.
                let _ = self.analyze(&table, kind);
            }
        }
    }

    fn analyze(&self, table: &str, kind: Kind) -> Result<(), StoreError> {
        let columns = match kind {
            Kind::Parent => PARENT,
            Kind::Child => CHILD,
        };
        // A tenth of the usual sample: a few thousand rows tell how keys are spread.
        let sql = format!(
            "SET default_statistics_target = 10; ANALYZE {table} ({columns}); RESET default_statistics_target"
        );
        let connection = self.take(Use::Read)?;
        let done = wait(connection.client.batch_execute(&sql));
        self.give_back(connection, Use::Read);
        done.map_err(|error| super::pool::failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_due_after_a_few_thousand_rows_and_then_at_ten_times_as_many() {
        let statistics = Statistics::default();
        let due: Vec<u64> = (1..=100)
            .map(|batch| batch * 1_000)
            .filter(|_| statistics.is_due("items", 1_000))
            .collect();
        assert_eq!(due, [2_000, 20_000]);
        assert!(!statistics.is_due("customers", 1_999), "each table by itself");
    }
}
