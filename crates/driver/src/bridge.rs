//! The driver's side of its bridge processes: they load ODBC drivers and drive business
//! objects, and are killed when they hang.
//!
//! Every request has a deadline. A [`ReadBridge`] starts its process anew after a failure,
//! since reading loses nothing; a [`WriteBridge`] never does, since what its process did
//! last has to be found out first.

mod process;
mod read;
mod write;

use std::env;
use std::path::PathBuf;

pub use process::ProcessSlot;
pub use read::{ReadBridge, ReadSource};
pub use write::{FAULT_LOST, FAULT_TIMED_OUT, WriteBridge, WriteTarget};

/// Names another bridge program than the one beside the driver, such as a 32-bit build.
pub const PROGRAM_VARIABLE: &str = "ERP_DRIVER_BRIDGE";

/// The bridge program: as [`PROGRAM_VARIABLE`] says, else `erp-bridge` beside the program
/// that runs.
#[must_use]
pub fn default_program() -> PathBuf {
    if let Some(named) = env::var_os(PROGRAM_VARIABLE).filter(|named| !named.is_empty()) {
        return PathBuf::from(named);
    }
    let file = format!("erp-bridge{}", env::consts::EXE_SUFFIX);
    match env::current_exe() {
        Ok(program) => program.with_file_name(file),
        Err(_) => PathBuf::from(file),
    }
}
