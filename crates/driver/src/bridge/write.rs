//! Writing through a bridge process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sage::{BusinessObjects, Call, Fault, Return, ServerProcess};
use wire::bridge::{Request, Response};

use super::process::{Lost, Process, ProcessSlot};

/// Code of the fault when the bridge process ended inside a call (`RPC_E_DISCONNECTED`).
pub const FAULT_LOST: i32 = -2_147_417_848;
/// Code of the fault when the bridge process was killed at its deadline (`RPC_E_TIMEOUT`).
pub const FAULT_TIMED_OUT: i32 = -2_147_417_825;

/// The object server of Sage takes seconds to start, many on a busy host.
const OPEN_WAIT: Duration = Duration::from_secs(60);
/// Until [`WriteBridge::set_deadline`] says otherwise.
const CALL_WAIT: Duration = Duration::from_secs(120);

/// What a bridge writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteTarget {
    /// A sandbox company's business objects.
    Sandbox {
        /// The company's file.
        path: PathBuf,
        /// The `sage-sandbox` program.
        program: PathBuf,
    },
}

impl WriteTarget {
    fn open_request(&self) -> Request {
        match self {
            Self::Sandbox { path, program } => Request::OpenSandboxWriter {
                path: path.to_string_lossy().into_owned(),
                program: program.to_string_lossy().into_owned(),
            },
        }
    }
}

/// Business objects behind a process of their own. After a fault it is of no more use.
///
/// Dropping or killing it ends the bridge process, and *not* the object server behind it
/// ([`BusinessObjects::server`]), which may still commit.
#[derive(Debug)]
pub struct WriteBridge {
    process: Option<Process>,
    pid: u32,
    server: Option<ServerProcess>,
    deadline: Duration,
    fault: Option<Fault>,
}

impl WriteBridge {
    /// Starts the program and the business objects.
    ///
    /// # Errors
    /// [`Fault`] when either does not start.
    pub fn start(program: &Path, target: &WriteTarget) -> Result<Self, Fault> {
        Self::start_in(program, target, &ProcessSlot::default())
    }

    /// As [`WriteBridge::start`], with a slot that shows the process.
    ///
    /// # Errors
    /// [`Fault`] when either does not start.
    pub fn start_in(program: &Path, target: &WriteTarget, slot: &ProcessSlot) -> Result<Self, Fault> {
        let mut process = Process::start(program, "write").map_err(|error| Fault {
            code: FAULT_LOST,
            message: format!("{} does not start: {error}", program.display()),
        })?;
        slot.hold(&process);
        match process
            .exchange(&target.open_request(), OPEN_WAIT)
            .map_err(fault)?
        {
            (Response::Opened { server }, _) => {
                let pid = process.pid();
                Ok(Self {
                    process: Some(process),
                    pid,
                    server,
                    deadline: CALL_WAIT,
                    fault: None,
                })
            }
            (response, _) => Err(refusal(response)),
        }
    }

    /// The bridge process, whether it still runs or not.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// How long each of the following calls may take before the bridge is killed.
    pub const fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Ends the bridge process now; every later call faults.
    pub fn kill(&mut self) {
        if self.process.take().is_some() {
            self.fault.get_or_insert_with(|| Fault {
                code: FAULT_LOST,
                message: "the bridge was ended".to_owned(),
            });
        }
    }
}

impl BusinessObjects for WriteBridge {
    fn server(&self) -> Option<ServerProcess> {
        self.server
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        let process = match (&self.fault, &mut self.process) {
            (None, Some(process)) => process,
            (Some(first), _) => {
                let message = format!("the session is poisoned by an earlier fault: {first}");
                return Err(Fault {
                    code: first.code,
                    message,
                });
            }
            (None, None) => {
                return Err(Fault {
                    code: FAULT_LOST,
                    message: "the bridge was ended".to_owned(),
                });
            }
        };
        let answer = process
            .exchange(&Request::Call { call: call.clone() }, self.deadline)
            .map_err(fault);
        let answer = answer.and_then(|(response, _)| returned(response));
        if let Err(fault) = &answer {
            self.fault = Some(fault.clone());
            self.process = None;
        }
        answer
    }
}

fn fault(lost: Lost) -> Fault {
    Fault {
        code: if lost.timed_out {
            FAULT_TIMED_OUT
        } else {
            FAULT_LOST
        },
        message: lost.words,
    }
}

fn returned(response: Response) -> Result<Return, Fault> {
    if let Response::Return { answer } = response {
        return Ok(answer);
    }
    Err(refusal(response))
}

fn refusal(response: Response) -> Fault {
    match response {
        Response::Faulted { fault } => fault,
        Response::ReadFailed { error } => Fault {
            code: FAULT_LOST,
            message: error.message,
        },
        Response::Opened { .. }
        | Response::Probe { .. }
        | Response::Tables { .. }
        | Response::Columns { .. }
        | Response::Page { .. }
        | Response::Return { .. } => Fault {
            code: FAULT_LOST,
            message: "the bridge program answers as another version".to_owned(),
        },
    }
}
