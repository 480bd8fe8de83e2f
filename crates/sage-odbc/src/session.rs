//! One connection, with what the safe layer of `odbc-api` leaves out: the driver's name
//! and version, which the probe reports and support asks for first.
#![expect(
    unsafe_code,
    reason = "SQLGetInfo and statements on a raw connection handle; each call says why it is sound"
)]

use odbc_api::handles::{Connection, StatementImpl};
use odbc_api::sys::{self, InfoType, SqlReturn};
use odbc_api::{ConnectionOptions, Error, Preallocated, environment};

/// An open connection; closed when dropped.
pub(crate) struct Session {
    connection: Connection<'static>,
}

impl Session {
    /// Connects without ever prompting. Autocommit is ODBC's default and stays on.
    pub(crate) fn connect(connection: &str, login_timeout_s: u32) -> Result<Self, Error> {
        let options = ConnectionOptions {
            login_timeout_sec: Some(login_timeout_s),
            packet_size: None,
        };
        let connection = environment()?.connect_with_connection_string(connection, options)?;
        Ok(Self {
            connection: connection.into_handle(),
        })
    }

    /// A statement, freed when dropped.
    pub(crate) fn statement(&self) -> Result<Preallocated<StatementImpl<'_>>, Error> {
        let statement = self
            .connection
            .allocate_statement()
            .into_result(&self.connection)?;
        // SAFETY: the statement is fresh: allocated, not executed, nothing bound.
        Ok(unsafe { Preallocated::new(statement) })
    }

    /// A text that the driver tells about itself; empty when it does not.
    pub(crate) fn info(&self, what: InfoType) -> String {
        /// Longer names and versions are cut: they are for people.
        const CHARACTERS: usize = 256;
        let mut buffer = [Character::default(); CHARACTERS];
        let bytes = i16::try_from(size_of_val(&buffer)).unwrap_or(0);
        let mut length_bytes: i16 = 0;
        // SAFETY: the handle is connected, the buffer outlives the call and has the size
        // that is told in bytes, and all values of `InfoType` asked for are texts.
        let answer = unsafe {
            get_info(
                self.connection.as_sys(),
                what,
                buffer.as_mut_ptr().cast(),
                bytes,
                &raw mut length_bytes,
            )
        };
        match answer {
            SqlReturn::SUCCESS | SqlReturn::SUCCESS_WITH_INFO => text(&buffer),
            _ => String::new(),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A connection that is broken already cannot be closed any better.
        if let Err(error) = self.connection.disconnect().into_result(&self.connection) {
            tracing::debug!(%error, "the connection did not close");
        }
    }
}

#[cfg(not(windows))]
use narrow::{Character, get_info, text};
#[cfg(windows)]
use wide::{Character, get_info, text};

#[cfg(not(windows))]
mod narrow {
    pub(super) use super::sys::SQLGetInfo as get_info;

    pub(super) type Character = u8;

    pub(super) fn text(buffer: &[Character]) -> String {
        let end = buffer.iter().position(|c| *c == 0).unwrap_or(buffer.len());
        String::from_utf8_lossy(&buffer[..end]).trim_end().to_owned()
    }
}

#[cfg(windows)]
mod wide {
    pub(super) use super::sys::SQLGetInfoW as get_info;

    pub(super) type Character = u16;

    pub(super) fn text(buffer: &[Character]) -> String {
        let end = buffer.iter().position(|c| *c == 0).unwrap_or(buffer.len());
        String::from_utf16_lossy(&buffer[..end]).trim_end().to_owned()
    }
}
