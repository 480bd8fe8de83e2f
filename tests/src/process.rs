//! Programs as processes.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a program that ended has said.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// The standard output of a program that must have succeeded.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(
            self.code,
            Some(0),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self.stdout
    }
}

/// Runs one of the workspace's programs to its end.
///
/// # Panics
/// When it cannot be started, or takes longer than two minutes.
pub fn run(program: &str, arguments: &[&str]) -> Output {
    run_in(Path::new("."), program, arguments, &[])
}

/// Runs a program in a folder with more environment.
///
/// # Panics
/// As [`run`].
pub fn run_in(folder: &Path, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut running = Running::start(folder, program, arguments, environment);
    running
        .wait(Duration::from_secs(120))
        .unwrap_or_else(|| panic!("{program} {arguments:?} does not end"))
}

/// A program under way. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    // The files live as long as the process may write to them.
    _folder: tempfile::TempDir,
}

impl Running {
    /// Starts a program; its output goes to files.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(folder: &Path, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (stdout, stderr) = (files.path().join("stdout"), files.path().join("stderr"));
        let child = Command::new(test_tier::program(program))
            .args(arguments)
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&stdout).unwrap())
            .stderr(std::fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        Self {
            child,
            stdout,
            stderr,
            _folder: files,
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it ended?
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end; `None` when the time is over.
    pub fn wait(&mut self, limit: Duration) -> Option<Output> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(Output {
                    code: status.code(),
                    stdout: read(&self.stdout),
                    stderr: read(&self.stderr),
                });
            }
            if start.elapsed() > limit {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it with SIGKILL and waits.
    pub fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Panics
    /// When it does not within twenty seconds.
    pub fn stop(&mut self) -> Output {
        test_tier::signal(self.pid(), "TERM");
        self.wait(Duration::from_secs(20))
            .expect("a program that was asked to stop stops")
    }

    /// What it has written to standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            // The log of a failed test's programs is what its reader needs.
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(40)..].join("\n");
            panic_log(&tail);
        }
    }
}

#[expect(clippy::print_stderr, reason = "part of a failed test's output")]
fn panic_log(tail: &str) {
    eprintln!("--- log of a program under test\n{tail}");
}

fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
