//! `objects`: serve the company's business objects to one client, and `post`: invoice an
//! order as the day end does.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use sandbox::objects::{Ending, PostingError, ServerError, invoice_order, serve};
use sandbox::{Company, SandboxError, system_clock};

/// Exit code of a server that a fault ended.
const CRASHED: i32 = 70;

/// Arguments of `objects`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sage-sandbox objects abc.db\n\n\
    Prints one line of JSON (port, token, pid, started_at) and serves one client, who says the token\n\
    first. Ends soon after the client leaves, and after 30 s without one. Drivers start it themselves\n\
    (writer.sandbox); faults are set with: sage-sandbox setting abc.db set fault.NAME VALUE")]
pub struct ObjectsArgs {
    /// Company file.
    file: PathBuf,
}

/// Arguments of `post`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  sage-sandbox post abc.db --order 0000185")]
pub struct PostArgs {
    /// Company file.
    file: PathBuf,
    /// Sales order number, zero-filled.
    #[arg(long, value_name = "NO")]
    order: String,
}

/// Why `post` failed.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The company cannot be opened.
    #[error(transparent)]
    Company(#[from] SandboxError),
    /// The order cannot be posted.
    #[error(transparent)]
    Posting(#[from] PostingError),
    /// The invoice number could not be printed; the order is posted.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl PostError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Company(error) => error.code(),
            Self::Posting(error) => error.code(),
            Self::Output(_) => "output_failed",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Company(error) => error.remedy(),
            Self::Posting(error) => error.remedy(),
            Self::Output(_) => "the order is posted; look for its invoice in AR_InvoiceHistoryHeader",
        }
    }
}

/// Serves one client and comes back when it has left. A fault that asks for a crash ends
/// the process here, with nothing cleaned up.
///
/// # Errors
/// [`ServerError`] when the server cannot start.
pub fn serve_objects(args: &ObjectsArgs) -> Result<(), ServerError> {
    let token = format!("{:032x}", rand::random::<u128>());
    match serve(&args.file, &token, system_clock(), io::stdout())? {
        Ending::ClientLeft | Ending::Unwanted => Ok(()),
        Ending::Crashed => std::process::exit(CRASHED),
    }
}

/// Posts the order and prints the invoice number alone.
///
/// # Errors
/// [`PostError`] when there is no such company or open order.
pub fn post_order(args: &PostArgs) -> Result<(), PostError> {
    let mut company = Company::open(&args.file, system_clock())?;
    let invoice_no = invoice_order(&mut company, &args.order)?;
    writeln!(io::stdout(), "{invoice_no}")?;
    Ok(())
}
