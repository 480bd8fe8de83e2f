//! Running a job over a file, once.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sage::ServerProcess;

use super::{HandOverError, Trace, failed};

/// How often a running job is looked at.
const PACE: Duration = Duration::from_millis(50);

/// How often a job of another driver is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// The end of the output that is told, in bytes.
const TOLD_OUTPUT: u64 = 500;

/// What became of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    /// How it ended.
    pub end: JobEnd,
    /// The end of what it printed.
    pub output: String,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// With this exit code.
    Ended(i32),
    /// Without one.
    Killed,
    /// It ran beyond the time limit and was ended.
    TimedOut,
    /// It was started by an earlier call, and is not started again.
    StartedBefore,
}

/// Runs the job unless it was started before. Its output goes to a file, so that neither a
/// talkative job nor what it leaves running can hold us up.
pub(super) fn run_once(
    trace: &Trace,
    job: &str,
    command: &[String],
    file: &Path,
    time_limit: Duration,
) -> Result<JobRun, HandOverError> {
    let output = trace.path("output");
    if !trace.start()? {
        let end = trace
            .process()
            .map_or(JobEnd::StartedBefore, |process| outlast(process, time_limit));
        return Ok(JobRun {
            end,
            output: tail(&output),
        });
    }
    let started = start(job, command, file, &output);
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            trace.take_back_start();
            return Err(error);
        }
    };
    if let Some(process) = host::process::identity_of(child.id())
        && let Err(error) = trace.keep_process(process)
    {
        tracing::warn!(%error, "should the driver be stopped now, its next start does not know that the job runs");
    }
    let end = wait(&mut child, time_limit).map_err(|source| failed(file, source))?;
    Ok(JobRun {
        end,
        output: tail(&output),
    })
}

fn start(job: &str, command: &[String], file: &Path, output: &Path) -> Result<Child, HandOverError> {
    let file_text = file.display().to_string();
    let mut words = command
        .iter()
        .map(|word| word.replace("{file}", &file_text).replace("{job}", job));
    let program = words.next().unwrap_or_default();
    let out = File::create(output).map_err(|source| failed(output, source))?;
    let err = out.try_clone().map_err(|source| failed(output, source))?;
    Command::new(&program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|source| HandOverError::Job { program, source })
}

fn wait(child: &mut Child, time_limit: Duration) -> std::io::Result<JobEnd> {
    let since = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code().map_or(JobEnd::Killed, JobEnd::Ended));
        }
        if since.elapsed() >= time_limit {
            child.kill()?;
            child.wait()?;
            return Ok(JobEnd::TimedOut);
        }
        std::thread::sleep(PACE);
    }
}

/// Waits for a job that another driver started: how it ended is not known here.
fn outlast(process: ServerProcess, time_limit: Duration) -> JobEnd {
    let since = Instant::now();
    while host::process::is_running(process) {
        if since.elapsed() >= time_limit {
            let _ = host::process::end(process);
            return JobEnd::TimedOut;
        }
        std::thread::sleep(LOOK);
    }
    JobEnd::StartedBefore
}

/// The end of the output, on one line.
fn tail(output: &Path) -> String {
    let read = || {
        let mut file = File::open(output)?;
        let length = fs::metadata(output)?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TOLD_OUTPUT)))?;
        let mut bytes = Vec::new();
        file.take(TOLD_OUTPUT).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    // Without its words the job still ended as it did.
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
