//! What the ODBC driver gives by itself.

use std::time::Instant;

use odbc_api::buffers::TextRowSet;
use odbc_api::{ConnectionOptions, Cursor, environment};

/// Rows of one fetch, as the bridge takes them.
const ROWS: usize = 256;
/// Bytes of the widest column's buffer.
const WIDTH: usize = 1024;

/// Fetches every value of a table as text; how many rows, and in how many seconds.
pub(crate) fn read_all(connection: &str, table: &str) -> (u64, f64) {
    let connection = environment()
        .unwrap()
        .connect_with_connection_string(connection, ConnectionOptions::default())
        .unwrap();
    let started = Instant::now();
    let mut cursor = connection
        .into_cursor(&format!("SELECT * FROM {table}"), (), None)
        .unwrap()
        .unwrap();
    let buffer = TextRowSet::for_cursor(ROWS, &mut cursor, Some(WIDTH)).unwrap();
    let mut cursor = cursor.bind_buffer(buffer).unwrap();
    let mut rows = 0;
    while let Some(batch) = cursor.fetch().unwrap() {
        rows += batch.num_rows() as u64;
    }
    (rows, started.elapsed().as_secs_f64())
}
