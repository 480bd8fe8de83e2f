//! The other end: business objects in a server process that outlives us.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sage::{BusinessObjects, Call, Fault, Return, ServerProcess};

use super::protocol::{Answer, Greeting, Hello, receive, send};

/// The call failed and did not execute, or its server is gone (`RPC_E_CALL_FAILED`).
const CALL_FAILED: i32 = -2_147_023_170;
/// The server did not start (`CO_E_SERVER_EXEC_FAILURE`).
const START_FAILED: i32 = -2_146_959_355;
/// How long a server may take to greet us; Sage's own takes seconds.
const GREETING_WAIT: Duration = Duration::from_secs(20);

/// A connection to a server process of its own.
#[derive(Debug)]
pub struct Client {
    server: ServerProcess,
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    poisoned: Option<Fault>,
}

impl Client {
    /// Starts `server_program objects COMPANY_FILE` and connects to it. The server is no
    /// member of our process group and does not end with us: when we leave, or are
    /// killed, it finishes the call that it is in, and ends by itself.
    ///
    /// # Errors
    /// [`Fault`] when it does not start or is not the one that we started.
    pub fn start(server_program: &Path, company_file: &Path) -> Result<Self, Fault> {
        let failed = |why: &dyn std::fmt::Display| Fault {
            code: START_FAILED,
            message: format!("object server {}: {why}", server_program.display()),
        };
        let mut command = Command::new(server_program);
        command.arg("objects").arg(company_file);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        detach(&mut command);
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let stdout = child.stdout.take();
        // Somebody has to wait for it, or it stays in the process table as long as we do.
        thread::spawn(move || child.wait());
        let stdout = stdout.ok_or_else(|| failed(&"it has no output"))?;
        let greeting = await_greeting(stdout).map_err(|error| failed(&error))?;
        let (stream, reader) = connect(&greeting).map_err(|error| failed(&error))?;
        let server = ServerProcess {
            pid: greeting.pid,
            started_at: greeting.started_at,
        };
        Ok(Self {
            server,
            stream,
            reader,
            poisoned: None,
        })
    }

    fn exchange(&mut self, call: &Call) -> io::Result<Answer> {
        send(&mut self.stream, call)?;
        receive(&mut self.reader)?.ok_or_else(|| io::Error::other("the object server ended inside the call"))
    }
}

impl BusinessObjects for Client {
    fn server(&self) -> Option<ServerProcess> {
        Some(self.server)
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        if let Some(first) = &self.poisoned {
            let message = format!("the session is poisoned by an earlier fault: {first}");
            return Err(Fault {
                code: first.code,
                message,
            });
        }
        let answer = match self.exchange(call) {
            Ok(Answer::Return(answer)) => return Ok(answer),
            Ok(Answer::Fault(fault)) => fault,
            Err(error) => Fault {
                code: CALL_FAILED,
                message: format!("object server: {error}"),
            },
        };
        self.poisoned = Some(answer.clone());
        Err(answer)
    }
}

/// Reads the greeting, and no longer than a server may take for it.
fn await_greeting(stdout: ChildStdout) -> io::Result<Greeting> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(receive(&mut BufReader::new(stdout))));
    match receiver.recv_timeout(GREETING_WAIT) {
        Ok(greeting) => {
            greeting?.ok_or_else(|| io::Error::other("it ended without a greeting; is the path a company?"))
        }
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no greeting in time")),
    }
}

fn connect(greeting: &Greeting) -> io::Result<(TcpStream, BufReader<TcpStream>)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, greeting.port))?;
    stream.set_nodelay(true)?;
    send(
        &mut stream,
        &Hello {
            token: greeting.token.clone(),
        },
    )?;
    let reader = BufReader::new(stream.try_clone()?);
    Ok((stream, reader))
}

/// Keeps signals and job limits that are meant for us away from the server.
#[cfg(unix)]
fn detach(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Keeps the console and job limits that are meant for us away from the server.
#[cfg(windows)]
fn detach(command: &mut Command) {
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    std::os::windows::process::CommandExt::creation_flags(
        command,
        DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
    );
}
