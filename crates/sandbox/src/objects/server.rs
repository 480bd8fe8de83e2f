//! The engine as a process of its own, as Sage's COM server is: it outlives the client
//! that started it, and finishes (and commits) the call that it is in.

use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use sage::{BusinessObjects, Call, Fault};

use super::engine::Engine;
use super::process;
use super::protocol::{Answer, Greeting, Hello, receive, send};
use super::settings;
use crate::Clock;

/// How long a server without a client lives.
const CLIENT_WAIT: Duration = Duration::from_secs(30);
/// How long one that connects may take to say who it is.
const HELLO_WAIT: Duration = Duration::from_secs(5);
/// How often the server looks whether somebody connects.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How long the server lives on after its client left, unless the setting `linger_ms`
/// says another: long enough for a fence to be seen waiting.
const LINGER: Duration = Duration::from_millis(200);

/// The server could not start or lost its ground.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The company file cannot be opened.
    #[error("{0}")]
    Company(Fault),
    /// No port, no standard output, or no start time of our own process.
    #[error("object server: {0}")]
    System(#[from] io::Error),
}

impl ServerError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Company(_) => "wrong_database",
            Self::System(_) => "server_failed",
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Company(_) => false,
            Self::System(_) => true,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Company(_) => "check the path, or make a company with sage-sandbox create",
            Self::System(_) => "check that 127.0.0.1 has a free port, then try again",
        }
    }
}

/// How the server's life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client left; its session is closed.
    ClientLeft,
    /// Nobody connected.
    Unwanted,
    /// A fault asked for a crash: the process must end at once, with nothing cleaned up.
    Crashed,
}

/// Serves one client. The greeting goes to `stdout` as one line of JSON; nothing follows it.
///
/// # Errors
/// [`ServerError`] when it could not start.
pub fn serve(file: &Path, token: &str, clock: Clock, mut stdout: impl Write) -> Result<Ending, ServerError> {
    let mut engine = Engine::open(file, clock).map_err(ServerError::Company)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = process::current().ok_or_else(|| io::Error::other("this process has no start time"))?;
    let greeting = Greeting {
        port: listener.local_addr()?.port(),
        token: token.to_owned(),
        pid: own.pid,
        started_at: own.started_at,
    };
    send(&mut stdout, &greeting)?;
    drop(stdout);
    let Some((stream, reader)) = await_client(listener, token)? else {
        return Ok(Ending::Unwanted);
    };
    let ending = attend(&mut engine, stream, reader);
    if ending == Ending::Crashed {
        // Its seat and its locks stay behind, as a killed process leaves them.
        std::mem::forget(engine);
        return Ok(ending);
    }
    let linger = settings::get(engine.company().connection(), "linger_ms")
        .ok()
        .flatten();
    drop(engine);
    thread::sleep(linger.map_or(LINGER, |linger| settings::milliseconds(&linger)));
    Ok(ending)
}

/// Waits for the one who knows the token; others are turned away.
fn await_client(listener: TcpListener, token: &str) -> io::Result<Option<(TcpStream, BufReader<TcpStream>)>> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + CLIENT_WAIT;
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(HELLO_WAIT))?;
                let mut reader = BufReader::new(stream.try_clone()?);
                if let Ok(Some(hello)) = receive::<Hello>(&mut reader)
                    && hello.token == token
                {
                    stream.set_read_timeout(None)?;
                    return Ok(Some((stream, reader)));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(ACCEPT_PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Answers calls until the client leaves. A call is finished whether or not anybody is
/// left to hear the answer.
fn attend(engine: &mut Engine, mut stream: TcpStream, mut reader: BufReader<TcpStream>) -> Ending {
    while let Ok(Some(call)) = receive::<Call>(&mut reader) {
        let answer = match engine.call(&call) {
            Ok(answer) => Answer::Return(answer),
            Err(_) if engine.has_crashed() => return Ending::Crashed,
            Err(fault) => Answer::Fault(fault),
        };
        if send(&mut stream, &answer).is_err() {
            break;
        }
    }
    Ending::ClientLeft
}
