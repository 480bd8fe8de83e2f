//! The world as an imports runner needs it, made of the real thing.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_store::journal::Journal;
use import::writing::Login;
use jiff::{SignedDuration, Timestamp};
use link::{Link, LinkError};
use sage::{BusinessObjects, Call, Fault, Return, ServerProcess};
use values::{CompanyId, ImportId, LeaseEpoch, Secret};
use wire::agent::{
    Accept, Lease, LeaseRequest, OpenPage, OpenRequest, PreviewAnswer, Report, Reserve, Work, WorkRequest,
    code,
};

use super::Failed;
use super::connect::Connection;
use super::run::Stop;
use crate::bridge::{ReadBridge, WriteBridge, WriteTarget, default_program};
use crate::config::{Company, WriterTarget, password};
use crate::imports::{
    Clock, Fence, HubAnswer, HubError, HubImports, Ports, Runner, Site, TableReader, ToHub, Worker, Workshop,
};
use crate::pause::{CompanyPause, FAULT_PAUSED, Handle, PausableReader, PausableWorker};

/// The runner of a company that has a writer.
pub(super) fn runner(
    connection: &Connection,
    company: &Company,
    writer: &WriterTarget,
    journal: Arc<Mutex<Journal>>,
    stop: &Arc<Stop>,
    pause: &CompanyPause,
) -> Result<Runner, Failed> {
    let settings = &company.orders;
    let (target, login) = desk(company, writer)?;
    let source = company.read_source().map_err(crate::reading::SetupError::from)?;
    let of_reader = pause.clone();
    let reader = move || -> Box<dyn sage::Reader + Send> {
        let slot = of_reader.slot(Handle::DocumentReader);
        let bridge = ReadBridge::closed(&default_program(), &source, slot);
        Box::new(PausableReader::new(bridge, of_reader.clone()))
    };
    let site = Site {
        company: company.id.clone(),
        login,
        time_zone: connection.config.time_zone.clone(),
        time_zone_name: connection.config.zone_name().to_owned(),
        keeps_history: settings.history_kept,
        settings: Arc::clone(&company.imports.settings),
        rules: Arc::clone(&company.imports.rules),
        clock_tolerance: SignedDuration::from_secs(i64::from(connection.config.sync.overlap_s)),
        fence_wait: Duration::from_secs(settings.fence_wait_s),
        idle_release: Duration::from_secs(settings.idle_release_s),
        redact_after: SignedDuration::from_hours(24 * i64::from(settings.redact_after_days)),
    };
    let ports = Ports {
        hub: Box::new(LinkHub {
            link: connection.link.clone(),
            runtime: connection.handle(),
            stop: Arc::clone(stop),
            pause: pause.clone(),
        }),
        workshop: Box::new(BridgeWorkshop {
            target,
            pause: pause.clone(),
            call_limit: Duration::from_secs(settings.call_limit_s),
        }),
        reader: TableReader::Beside(Box::new(reader)),
        fence: Box::new(ProcessFence),
        clock: Box::new(SystemClock {
            stop: Arc::clone(stop),
        }),
        fault_point: Box::new(host::fault::point),
    };
    let runner = Runner::new(site, ports, journal, stop.flag());
    Ok(runner.pausing_with(pause.clone()))
}

/// Where a company's documents are entered, and who logs on there.
pub(super) fn desk(company: &Company, writer: &WriterTarget) -> Result<(WriteTarget, Login), Failed> {
    let settings = &company.orders;
    let password = settings.password_env.as_deref().map(password).transpose();
    let password = password
        .map_err(crate::reading::SetupError::from)?
        .unwrap_or_else(|| Secret::new(""));
    let WriterTarget::Sandbox(path) = writer;
    let target = WriteTarget::Sandbox {
        path: path.clone(),
        program: sandbox_program(),
    };
    let login = Login {
        company: company.code.clone(),
        user: settings.sage_user.clone(),
        password,
    };
    Ok((target, login))
}

/// The sandbox's program, beside this one.
fn sandbox_program() -> PathBuf {
    default_program().with_file_name(format!("sage-sandbox{}", std::env::consts::EXE_SUFFIX))
}

/// What the writer waits for: it is answered whatever becomes of the question.
struct Answering(Option<HubAnswer>);

impl Answering {
    fn give(mut self, answer: Result<(), HubError>) {
        if let Some(give) = self.0.take() {
            give(answer);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(give) = self.0.take() {
            give(Err(HubError::Unreachable("the question was lost".to_owned())));
        }
    }
}

struct LinkHub {
    link: Link,
    runtime: tokio::runtime::Handle,
    stop: Arc<Stop>,
    pause: CompanyPause,
}

impl HubImports for LinkHub {
    fn lease(&mut self, request: &LeaseRequest) -> Result<Lease, HubError> {
        self.runtime
            .block_on(self.link.lease(request))
            .map_err(|e| refusal(&e))
    }

    fn open(&mut self, request: &OpenRequest) -> Result<OpenPage, HubError> {
        self.runtime
            .block_on(self.link.open_imports(request))
            .map_err(|e| refusal(&e))
    }

    fn work(
        &mut self,
        company: &CompanyId,
        lease: LeaseEpoch,
        wait: Duration,
        limit: u32,
    ) -> Result<Work, HubError> {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let request = WorkRequest {
            companies: vec![(company.clone(), lease)],
            wait_ms,
            limit,
        };
        // The long poll is given up when the program is to end: what the hub hands over
        // meanwhile was not accepted, and comes again. So with a pause that begins or ends.
        let work = self.pause.or_changed(self.link.work(&request));
        match self.runtime.block_on(self.stop.or_stopped(work)) {
            Some(Some(work)) => work.map_err(|e| refusal(&e)),
            Some(None) | None => Ok(Work::default()),
        }
    }

    fn accept(&mut self, id: &ImportId, accept: &Accept) -> Result<(), HubError> {
        self.runtime
            .block_on(self.link.accept(id, accept))
            .map(|_| ())
            .map_err(|e| refusal(&e))
    }

    fn reserve(&mut self, id: &ImportId, reserve: &Reserve) -> Result<(), HubError> {
        // It is told again after the pause: a session is not kept for a hub that is slow.
        match self
            .runtime
            .block_on(self.pause.or_changed(self.link.reserve(id, reserve)))
        {
            Some(answer) => answer.map(|_| ()).map_err(|e| refusal(&e)),
            None => Err(given_up()),
        }
    }

    fn tell(&mut self, id: &ImportId, message: ToHub, answer: HubAnswer) {
        let (link, pause, id) = (self.link.clone(), self.pause.clone(), id.clone());
        let answer = Answering(Some(answer));
        self.runtime.spawn(async move {
            let done = match &message {
                ToHub::Accept(accept) => link.accept(&id, accept).await,
                ToHub::Report(report) => link.report(&id, report).await,
                // As above.
                ToHub::Reserve(reserve) => match pause.or_changed(link.reserve(&id, reserve)).await {
                    Some(done) => done,
                    None => return answer.give(Err(given_up())),
                },
            };
            answer.give(done.map(|_| ()).map_err(|e| refusal(&e)));
        });
    }

    fn answer_preview(&mut self, id: &ImportId, answer: &PreviewAnswer) -> Result<(), HubError> {
        self.runtime
            .block_on(self.link.answer_preview(id, answer))
            .map(|_| ())
            .map_err(|e| refusal(&e))
    }

    fn report(&mut self, id: &ImportId, report: &Report) -> Result<(), HubError> {
        self.runtime
            .block_on(self.link.report(id, report))
            .map(|_| ())
            .map_err(|e| refusal(&e))
    }
}

fn given_up() -> HubError {
    HubError::Unreachable("given up for a pause".to_owned())
}

fn refusal(error: &LinkError) -> HubError {
    match error.code() {
        code::LEASE_LOST => HubError::LeaseLost,
        code::IDENTITY_TAKEN => HubError::IdentityTaken,
        _ if error.is_retryable() => HubError::Unreachable(error.to_string()),
        other => HubError::Refused {
            code: other.to_owned(),
            detail: error.to_string(),
        },
    }
}

struct BridgeWorkshop {
    target: WriteTarget,
    pause: CompanyPause,
    call_limit: Duration,
}

impl Workshop for BridgeWorkshop {
    fn start(&mut self) -> Result<Box<dyn Worker>, Fault> {
        let Some(_busy) = self.pause.begin(Handle::WriteSession) else {
            return Err(Fault {
                code: FAULT_PAUSED,
                message: "the driver is paused".to_owned(),
            });
        };
        let slot = self.pause.slot(Handle::WriteSession);
        let mut bridge = WriteBridge::start_in(&default_program(), &self.target, &slot)?;
        bridge.set_deadline(self.call_limit);
        let worker = Box::new(BridgeWorker {
            bridge,
            server: Cell::new(None),
            in_sage: Duration::ZERO,
            calls: 0,
        });
        Ok(Box::new(PausableWorker::new(
            worker,
            self.pause.clone(),
            self.call_limit,
        )))
    }
}

struct BridgeWorker {
    bridge: WriteBridge,
    /// What was announced, and what this machine calls it.
    server: Cell<Option<(ServerProcess, ServerProcess)>>,
    /// Time spent in calls: what is not ours to make shorter.
    in_sage: Duration,
    calls: u64,
}

impl BusinessObjects for BridgeWorker {
    /// As this machine tells it: what the fence looks for later must be told the same way. Looked up
    /// once, since its number may be another process's when it has ended.
    fn server(&self) -> Option<ServerProcess> {
        let announced = self.bridge.server()?;
        if let Some((before, told)) = self.server.get()
            && before == announced
        {
            return Some(told);
        }
        let told = host::process::identity_of(announced.pid).unwrap_or(announced);
        self.server.set(Some((announced, told)));
        Some(told)
    }

    fn call(&mut self, call: &Call) -> Result<Return, Fault> {
        let started = std::time::Instant::now();
        let answer = self.bridge.call(call);
        self.in_sage += started.elapsed();
        self.calls += 1;
        answer
    }
}

impl Worker for BridgeWorker {
    fn kill(&mut self) {
        self.bridge.kill();
    }
}

impl Drop for BridgeWorker {
    fn drop(&mut self) {
        let in_sage_ms = u64::try_from(self.in_sage.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(calls = self.calls, in_sage_ms, "session with Sage ended");
    }
}

struct ProcessFence;

impl Fence for ProcessFence {
    fn is_running(&mut self, process: ServerProcess) -> bool {
        host::process::is_running(process)
    }

    fn end(&mut self, process: ServerProcess) {
        if !host::process::end(process) {
            tracing::warn!(pid = process.pid, "a process of Sage's could not be ended");
        }
    }
}

struct SystemClock {
    stop: Arc<Stop>,
}

impl Clock for SystemClock {
    fn now(&mut self) -> Timestamp {
        host::clock::now()
    }

    fn sleep(&mut self, wait: Duration) {
        self.stop.wait(wait);
    }

    fn random(&mut self) -> u32 {
        u32::try_from(host::random::number() >> 32).unwrap_or_default()
    }
}
