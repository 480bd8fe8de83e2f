//! Row sets into typed columns, in this thread or in one beside it.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use odbc_api::buffers::TextRowSet;
use sage::{Cell, ColumnDecoder, Select};

/// A page's columns under construction.
pub(super) struct Decoding {
    pub(super) columns: Vec<ColumnDecoder>,
    /// Bytes of the longest value of each column.
    pub(super) longest: Vec<usize>,
}

impl Decoding {
    pub(super) fn new(select: &Select) -> Self {
        Self {
            columns: select.columns.iter().map(ColumnDecoder::new).collect(),
            longest: vec![0; select.columns.len()],
        }
    }

    /// Takes the first rows of a row set.
    fn take(&mut self, filled: &TextRowSet, rows: usize) {
        for (place, (column, longest)) in self.columns.iter_mut().zip(&mut self.longest).enumerate() {
            let values = filled.column(place);
            for row in 0..rows {
                match values.get(row) {
                    None => column.push(Cell::Null),
                    Some(bytes) => {
                        *longest = bytes.len().max(*longest);
                        match std::str::from_utf8(bytes) {
                            Ok(text) => column.push(Cell::Text(text)),
                            Err(_) => column.push(Cell::Bytes(bytes)),
                        }
                    }
                }
            }
        }
    }
}

/// Who decodes.
pub(super) enum Decoder<'scope> {
    /// Whoever fetches: one row set is not worth a thread.
    Here(Decoding),
    /// A thread, while the driver fills the next row set.
    Beside(Beside<'scope>),
}

/// A thread that decodes.
pub(super) struct Beside<'scope> {
    filled: SyncSender<(TextRowSet, usize)>,
    free: Receiver<TextRowSet>,
    /// Row sets that are not back yet.
    out: usize,
    thread: ScopedJoinHandle<'scope, Decoding>,
}

impl<'scope> Decoder<'scope> {
    /// From now on in a thread of its own.
    pub(super) fn beside(self, scope: &'scope Scope<'scope, '_>) -> Self {
        let mut decoding = match self {
            Self::Here(decoding) => decoding,
            Self::Beside(_) => return self,
        };
        let (filled, to_decode) = sync_channel::<(TextRowSet, usize)>(1);
        let (decoded, free) = sync_channel(2);
        let thread = scope.spawn(move || {
            for (row_set, rows) in to_decode {
                decoding.take(&row_set, rows);
                // Nobody waits for the last one.
                let _ = decoded.send(row_set);
            }
            decoding
        });
        Self::Beside(Beside {
            filled,
            free,
            out: 0,
            thread,
        })
    }

    /// Takes rows; the buffer to go on with. None asks for another one.
    pub(super) fn take(&mut self, filled: TextRowSet, rows: usize) -> Option<TextRowSet> {
        match self {
            Self::Here(decoding) => {
                decoding.take(&filled, rows);
                Some(filled)
            }
            Self::Beside(beside) => {
                // It does not go before it is told, but by a panic: finish() hands that on.
                let _ = beside.filled.send((filled, rows));
                beside.out += 1;
                if beside.out < 2 {
                    return None;
                }
                beside.out -= 1;
                beside.free.recv().ok()
            }
        }
    }

    /// All that was taken.
    pub(super) fn finish(self) -> Decoding {
        match self {
            Self::Here(decoding) => decoding,
            Self::Beside(Beside { filled, thread, .. }) => {
                drop(filled);
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
        }
    }
}
