//! A PostgreSQL server of a benchmark's own, in a folder under the system's temporary one, that
//! writes as safely as one that is used.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::family_processor_s;

/// The server; ends with the value.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    /// The account it runs under where the benchmark runs as root.
    account: Option<(u32, u32)>,
}

impl Postgres {
    /// Starts it from the folder of its programs.
    ///
    /// # Panics
    /// When it does not start, as in all that follows.
    #[must_use]
    pub fn start(bin: PathBuf) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bench-postgres")
            .tempdir()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let account = (id(&["-u"]) == Some(0))
            .then(|| (id(&["-u", "postgres"]).unwrap(), id(&["-g", "postgres"]).unwrap()));
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let server = Self {
            bin,
            folder,
            port,
            account,
        };
        let data = server.data();
        let mut initdb = server.program("initdb");
        initdb.args([
            "-U",
            "bench",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
            "-D",
        ]);
        run(initdb.arg(&data));
        // As delivered, but for what keeps checkpoints of a load from standing in its way.
        let options = format!(
            "-p {port} -h 127.0.0.1 -k {} -c max_wal_size=4GB -c shared_buffers=256MB",
            server.folder.path().display()
        );
        let mut start = server.program("pg_ctl");
        start.args(["-w", "-o", &options, "-l"]);
        run(start
            .arg(server.folder.path().join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start"));
        server
    }

    /// Address of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://bench:bench@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements for what they do.
    pub fn execute(&self, database: &str, sql: &str) {
        drop(self.ask(database, sql));
    }

    /// Runs statements; what they answer, columns parted by `|`.
    #[must_use]
    pub fn ask(&self, database: &str, sql: &str) -> String {
        let mut child = self
            .psql(database)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{sql}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// `\copy table FROM STDIN` of CSV that `write` makes; blank is no NULL.
    pub fn copy(&self, database: &str, table: &str, write: impl FnOnce(&mut dyn std::io::Write)) {
        let mut child = self
            .psql(database)
            .args([
                "-c",
                &format!("\\copy {table} FROM STDIN WITH (FORMAT csv, NULL '\\N')"),
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        write(&mut std::io::BufWriter::with_capacity(
            1 << 16,
            child.stdin.take().unwrap(),
        ));
        assert!(child.wait().unwrap().success(), "\\copy {table}");
    }

    /// Has the server do now what it owes to tables that were filled. It would do so by itself
    /// within a minute, and whoever is measured then would pay for whoever came before.
    pub fn settle(&self, database: &str) {
        self.execute(database, "VACUUM ANALYZE");
    }

    /// Processor time of the server and its backends so far, in seconds.
    #[must_use]
    pub fn processor_s(&self) -> f64 {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        family_processor_s(pid.lines().next().unwrap().parse().unwrap())
    }

    /// What it calls itself.
    #[must_use]
    pub fn version(&self) -> String {
        self.ask("postgres", "SHOW server_version")
    }

    fn psql(&self, database: &str) -> Command {
        let beside = self.bin.join("psql");
        let program = if beside.is_file() { beside } else { "psql".into() };
        let mut psql = Command::new(program);
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", &self.url(database)]);
        psql
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(self.folder.path()).stdout(Stdio::null());
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        // The folder goes with it; nothing has to be safe.
        let _ = stop
            .args(["-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop")
            .status();
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
}
