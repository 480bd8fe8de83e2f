//! The child process that loads ODBC drivers and drives business objects, so that whatever
//! hangs or crashes in them can be killed, and so that a 32-bit build of it alone serves a
//! 32-bit driver.
//!
//! It answers the requests of [`wire::bridge`] one after the other and ends when its input
//! closes. Secrets reach it on its input, never on the command line.

mod read;
mod write;

use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::thread;

use arrow_array::RecordBatch;
use wire::bridge::{Request, Response, read_message, write_message, write_rows};

use read::ReadSide;
use write::WriteSide;

/// What the process is for. One process has one role and one company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Reads tables.
    Read,
    /// Makes the calls of business objects.
    Write,
}

/// An answer, and the rows that follow it.
type Answer = (Response, Option<RecordBatch>);

/// Answers requests until the input ends. `on_close` runs as soon as it ends, even while a
/// request is at work: whoever asked is gone then, and a driver that hangs would keep the
/// process for ever.
///
/// # Errors
/// The input broke inside a frame, or is no request. A closed output is a normal end.
pub fn serve(
    role: Role,
    input: impl Read + Send + 'static,
    output: &mut impl Write,
    on_close: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let requests = receive(input, on_close);
    let mut side: Box<dyn Side> = match role {
        Role::Read => Box::new(ReadSide::default()),
        Role::Write => Box::new(WriteSide::default()),
    };
    for request in requests {
        let (response, rows) = side.answer(request?);
        let mut sent = write_message(output, &response);
        if let (Ok(()), Some(rows)) = (&sent, rows) {
            sent = write_rows(output, &rows);
        }
        match sent {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            sent => sent?,
        }
    }
    Ok(())
}

/// One role's answers.
trait Side {
    fn answer(&mut self, request: Request) -> Answer;
}

/// Requests as they come, from a thread of their own that sees the end at once.
fn receive(
    mut input: impl Read + Send + 'static,
    on_close: impl FnOnce() + Send + 'static,
) -> mpsc::IntoIter<io::Result<Request>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        while let Some(request) = read_message(&mut input).transpose() {
            let broken = request.is_err();
            if sender.send(request).is_err() || broken {
                break;
            }
        }
        on_close();
    });
    receiver.into_iter()
}
