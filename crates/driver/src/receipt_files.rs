//! Cash receipts as files: for a person who imports them, or for a Visual Integrator job
//! that is run over each.
//!
//! Each receipt is a file of its own, `{batch comment} {check number}.csv`, so that a file is
//! never changed once somebody may have read it, and sorting by name groups a batch. What was
//! handed over is remembered in the folder `handed-over` beside the files: a receipt gets one
//! file ever, and its job is started once ever, whatever crashes and wherever the file is
//! moved. Whether the receipt is in Sage is not known here: reading back decides, and until
//! then the document waits.
//!
//! The files are Windows-1252 text with a header line, commas, CRLF, and texts in quotes; one
//! row per line of the receipt:
//!
//! | Column | Content |
//! |---|---|
//! | `BatchComment` | What the batch is called (30) |
//! | `BankCode` | One character |
//! | `DepositDate` | `YYYYMMDD` |
//! | `DepositType` | `C` cash, `R` credit card |
//! | `DepositKey` | Receipts of a batch with the same key share a deposit |
//! | `ARDivisionNo`, `CustomerNo` | Who paid |
//! | `CheckNo` | Ten characters; by this the driver finds the receipt again |
//! | `AmountReceived` | The whole receipt, on every row |
//! | `PaymentType` | Sage's code |
//! | `OtherPaymentTypeRefNo` | The gateway's reference |
//! | `Last4UnencryptedCreditCardNos` | Four digits or nothing |
//! | `Comment` | |
//! | `LineType` | `I` invoice or credit, `P` prepayment, `G` account |
//! | `InvoiceNo`, `InvoiceType` | Of lines `I` and `P` |
//! | `AccountKey` | Of lines `G` |
//! | `AmountPosted` | Negative for a credit that is used |
//! | `DiscountAmt` | 0.00 when there is none |
//! | `UserFields` | `UDF_NAME=value`, separated by `;` |

mod job;
mod table;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use import::plan::ReceiptWrite;
use import::settings::ReceiptWriter;
use jiff::Timestamp;
use model::Problem;
use sage::ServerProcess;

use crate::pause::{CompanyPause, Handle};

pub use job::{JobEnd, JobRun};

/// Folder of what was handed over, beside the files.
const HANDED_OVER: &str = "handed-over";

/// A receipt that is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// Where the file was put; it may have been moved since.
    pub file: PathBuf,
    /// It was put there just now.
    pub is_new: bool,
    /// The job, where there is one.
    pub job: Option<JobRun>,
}

impl HandedOver {
    /// Why the document waits, as long as the receipt is not found in Sage.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let file = self.file.display();
        let Some(job) = &self.job else {
            return Problem::new(
                "import_file_waiting",
                "",
                format!("the receipt is in {file} and not in Sage yet"),
                "import the file in Sage; the document is done as soon as the receipt is found there. If it was imported under another check number, or will not be, discard the document with the reason",
            );
        };
        let said = if job.output.is_empty() {
            String::new()
        } else {
            format!(": {}", job.output)
        };
        let (code, message) = match job.end {
            JobEnd::Ended(0) => (
                "import_file_waiting",
                format!("the job was run over {file}, and the receipt is not found in Sage yet{said}"),
            ),
            JobEnd::Ended(exit) => (
                "import_job_failed",
                format!("the job over {file} ended with {exit}{said}"),
            ),
            JobEnd::Killed => (
                "import_job_failed",
                format!("the job over {file} was ended from outside{said}"),
            ),
            JobEnd::TimedOut => (
                "import_job_failed",
                format!("the job over {file} took too long and was ended{said}"),
            ),
            JobEnd::StartedBefore => (
                "import_file_waiting",
                format!(
                    "the job was started over {file} before, and the receipt is not found in Sage yet{said}"
                ),
            ),
        };
        Problem::new(
            code,
            "",
            message,
            "look at the job's log in Sage and whether the receipt is there; the job is never started twice by the driver, so run it over the file by hand if it did not take it, or discard the document with the reason",
        )
    }
}

/// Why a receipt could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The site enters receipts through Sage's business objects.
    #[error("receipts of this site are not written to files")]
    NoFiles,
    /// The identity is not one of a receipt.
    #[error("{identity} is no receipt's identity")]
    WrongIdentity {
        /// As given.
        identity: String,
    },
    /// A file could not be written or read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The job could not be started.
    #[error("{program} could not be started: {source}")]
    Job {
        /// The first word of the command.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// No job is started while the company is paused.
    #[error("{words}")]
    Paused {
        /// The pause, as people read it.
        words: String,
    },
}

impl HandOverError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoFiles => "receipt_writer_is_objects",
            Self::WrongIdentity { .. } => "wrong_identity",
            Self::File { .. } => "receipt_file_failed",
            Self::Job { .. } => "import_job_not_started",
            Self::Paused { .. } => "paused",
        }
    }

    /// May it pass by itself?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::NoFiles | Self::WrongIdentity { .. } => false,
            Self::File { .. } | Self::Job { .. } | Self::Paused { .. } => true,
        }
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoFiles => "set payments.writer to a file or a Visual Integrator job",
            Self::WrongIdentity { .. } => "report it: the journal does not fit the document",
            Self::File { .. } => {
                "check that the folder of payments.writer exists, has room, and may be written by the driver's user"
            }
            Self::Job { .. } => {
                "correct payments.writer.visual_integrator.command: its first word is the program"
            }
            Self::Paused { .. } => {
                "nothing to do: it is handed over when the pause is over; erp-driver resume ends it now"
            }
        }
    }
}

/// Puts a receipt into its file, and runs the job over it where there is one. May be called
/// again at any time: there is one file and one start of the job ever. A job is a handle on Sage
/// for as long as it runs; one that an earlier driver started and that still runs is waited for.
///
/// # Errors
/// [`HandOverError`]; what was done before it is not done again.
pub fn hand_over(
    writer: &ReceiptWriter,
    write: &ReceiptWrite,
    identity: &str,
    time_limit: Duration,
    company: &CompanyPause,
) -> Result<HandedOver, HandOverError> {
    let folder = match writer {
        ReceiptWriter::Objects => return Err(HandOverError::NoFiles),
        ReceiptWriter::File { folder } | ReceiptWriter::VisualIntegrator { folder, .. } => Path::new(folder),
    };
    let parts = import::identity::parts(identity);
    let [_, _, _, division, customer_no, check_no] = parts.as_slice() else {
        return Err(HandOverError::WrongIdentity {
            identity: identity.to_owned(),
        });
    };
    let trace = Trace::new(folder, check_no)?;
    let name = file_name(&write.batch_comment, check_no);
    let (file, is_new) = trace.put(folder, &name, &table::rendered(write, division, customer_no))?;
    let job = match writer {
        ReceiptWriter::VisualIntegrator { job, command, .. } => {
            let until = host::clock::now()
                .checked_add(time_limit)
                .unwrap_or(Timestamp::MAX);
            let Some(_busy) = company.begin_until(Handle::ImportJob, until) else {
                let words = company.paused().map(|paused| paused.words());
                return Err(HandOverError::Paused {
                    words: words.unwrap_or_else(|| "the driver was paused".to_owned()),
                });
            };
            Some(job::run_once(&trace, job, command, &file, time_limit)?)
        }
        ReceiptWriter::Objects | ReceiptWriter::File { .. } => None,
    };
    Ok(HandedOver { file, is_new, job })
}

/// Removes what a receipt's file says of people: the file, where it was left, and what its job
/// printed. That it was handed over stays remembered, so that it never is again.
///
/// # Errors
/// [`HandOverError::File`] when a file is there and cannot be removed.
pub fn forget(writer: &ReceiptWriter, identity: &str) -> Result<(), HandOverError> {
    let folder = match writer {
        ReceiptWriter::Objects => return Ok(()),
        ReceiptWriter::File { folder } | ReceiptWriter::VisualIntegrator { folder, .. } => Path::new(folder),
    };
    let parts = import::identity::parts(identity);
    let Some(check_no) = parts.get(5) else {
        return Ok(());
    };
    let trace = Trace {
        folder: folder.join(HANDED_OVER),
        check_no: plain(check_no),
    };
    let marker = trace.path("file");
    let name = match fs::read_to_string(&marker) {
        Ok(name) => name,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(&marker, source)),
    };
    let name = name.trim();
    let left = [trace.path("part"), trace.path("output")];
    let file = (!name.is_empty()).then(|| folder.join(name));
    for path in file.into_iter().chain(left) {
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(failed(&path, source)),
        }
    }
    Ok(())
}

/// What is remembered of one receipt.
struct Trace {
    folder: PathBuf,
    check_no: String,
}

impl Trace {
    fn new(folder: &Path, check_no: &str) -> Result<Self, HandOverError> {
        let folder = folder.join(HANDED_OVER);
        fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
        Ok(Self {
            folder,
            check_no: plain(check_no),
        })
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.check_no))
    }

    /// Puts the file, once ever. It is complete before it is marked as handed over, and
    /// marked before it gets its name: a crash in between is made good by the next call.
    fn put(&self, folder: &Path, name: &str, content: &[u8]) -> Result<(PathBuf, bool), HandOverError> {
        let (marker, part) = (self.path("file"), self.path("part"));
        let known = match fs::read_to_string(&marker) {
            Ok(name) => Some(name),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(failed(&marker, source)),
        };
        if let Some(name) = known.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            let file = folder.join(name);
            return match fs::rename(&part, &file) {
                Ok(()) => Ok((file, true)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok((file, false)),
                Err(source) => Err(failed(&file, source)),
            };
        }
        let file = folder.join(name);
        store(&part, content)?;
        let next = self.path("next");
        store(&next, name.as_bytes())?;
        fs::rename(&next, &marker).map_err(|source| failed(&marker, source))?;
        fs::rename(&part, &file).map_err(|source| failed(&file, source))?;
        Ok((file, true))
    }

    /// Marks that the job is about to be started. False when it was before.
    fn start(&self) -> Result<bool, HandOverError> {
        let path = self.path("started");
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file
                .sync_all()
                .map(|()| true)
                .map_err(|source| failed(&path, source)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(failed(&path, source)),
        }
    }

    /// Keeps which process the job is, for a driver that starts while it still runs.
    fn keep_process(&self, process: ServerProcess) -> Result<(), HandOverError> {
        let ServerProcess { pid, started_at } = process;
        store(&self.path("started"), format!("{pid} {started_at}").as_bytes())
    }

    /// The process of a job that was started; none when that is not known.
    fn process(&self) -> Option<ServerProcess> {
        let text = fs::read_to_string(self.path("started")).ok()?;
        let (pid, started_at) = text.split_once(' ')?;
        Some(ServerProcess {
            pid: pid.parse().ok()?,
            started_at: started_at.parse().ok()?,
        })
    }

    /// The job could not even be started: it may be tried again.
    fn take_back_start(&self) {
        let path = self.path("started");
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, path = %path.display(), "the mark of a job that was not started cannot be removed");
        }
    }
}

fn store(path: &Path, content: &[u8]) -> Result<(), HandOverError> {
    let write = || {
        let mut file = fs::File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: std::io::Error) -> HandOverError {
    HandOverError::File {
        path: path.to_owned(),
        source,
    }
}

fn file_name(batch_comment: &str, check_no: &str) -> String {
    format!("{} {}.csv", plain(batch_comment), plain(check_no))
}

/// Letters, digits, blanks and a few signs: what every file system takes.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " -_#".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
