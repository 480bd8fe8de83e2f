//! A `PostgreSQL` server for the tests of one process.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

/// The password that is asked for on the loopback address.
const PASSWORD: &str = "for tests only";

/// A server that the test process has to itself. It listens on a socket in its folder, and on
/// the loopback address with a password. It ends with the process, however that ends.
#[derive(Debug)]
pub struct PostgresServer {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
}

/// Names the kind of store that tests of a whole hub use: `postgres`, or a file.
pub const STORE_VARIABLE: &str = "ERP_DRIVER_TEST_STORE";

/// The `--store` of a hub whose file would be at this path: with [`STORE_VARIABLE`] a database
/// of its own, the same for the same path.
///
/// # Panics
/// When the variable asks for a server that is not there, or for something else.
#[track_caller]
pub fn store_address(path: &Path) -> String {
    static DATABASES: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    match env::var(STORE_VARIABLE).as_deref() {
        Err(_) | Ok("" | "sqlite") => format!("sqlite:{}", path.display()),
        Ok("postgres") => {
            let Some(server) = postgres() else {
                panic!("{STORE_VARIABLE} asks for PostgreSQL, which is not there");
            };
            let mut databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
            let database = databases.entry(path.to_owned());
            database.or_insert_with(|| server.database()).clone()
        }
        Ok(other) => panic!("{STORE_VARIABLE} is {other:?}: it has to be sqlite or postgres"),
    }
}

/// The process's server, or `None` with the skip reported: the tier `postgres`.
///
/// # Panics
/// When the server does not start.
#[track_caller]
pub fn postgres() -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<PostgresServer> = OnceLock::new();
    let bin = crate::postgres_bin()?;
    Some(SERVER.get_or_init(|| PostgresServer::start(bin)))
}

impl PostgresServer {
    fn start(found: PathBuf) -> Self {
        // Of a folder of links, not every program need be one.
        let real = fs::canonicalize(found.join("postgres"));
        let bin = real.ok().and_then(|file| file.parent().map(Path::to_path_buf));
        let bin = bin.unwrap_or(found);
        let folder = env::temp_dir().join(format!("erp-postgres-{}", process::id()));
        // What a former process of this number left behind.
        drop(fs::remove_dir_all(&folder));
        let listener = TcpListener::bind("127.0.0.1:0");
        let port = listener
            .and_then(|listener| listener.local_addr())
            .map(|a| a.port());
        let server = Self {
            bin,
            folder,
            port: port.unwrap_or_else(|error| panic!("there is no port: {error}")),
            databases: AtomicU32::new(0),
        };
        made(fs::create_dir(&server.folder), "the server's folder");
        own_by_postgres(&server.folder);
        let data = server.folder.join("data");
        let mut initdb = server.command("initdb");
        let password = server.place("password", PASSWORD);
        initdb.args([
            "-U",
            "hub",
            "-E",
            "UTF8",
            "--no-locale",
            "-N",
            "--auth-local",
            "trust",
        ]);
        initdb.args(["--auth-host", "scram-sha-256", "--pwfile"]);
        run(initdb.arg(password).arg("-D").arg(&data));
        // The shell ends the server when this process's end of the pipe is gone.
        let script = "\"$0\" -D \"$1/data\" -k \"$1\" -h 127.0.0.1 -p \"$2\" -c fsync=off -c max_connections=200 \
                      >\"$1/log\" 2>&1 <&- & server=$!; cat >/dev/null; kill -s INT $server; wait $server; rm -rf \"$1\"";
        let mut shell = server.as_postgres(Command::new("sh"));
        shell
            .args(["-c", script])
            .arg(server.bin.join("postgres"))
            .arg(&server.folder)
            .arg(server.port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match shell.spawn() {
            // The pipe stays open until the process ends.
            Ok(child) => std::mem::forget(child),
            Err(error) => panic!("the server cannot be started: {error}"),
        }
        let until = Instant::now() + START;
        while !server.sql("postgres", "SELECT 1").is_ok_and(|status| status) {
            assert!(
                Instant::now() < until,
                "the server did not start: {}",
                fs::read_to_string(server.folder.join("log")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The address of an empty database, made for the caller.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name} STRATEGY file_copy"));
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://hub@{folder}:{}/{name}", self.port)
    }

    /// The same database on the loopback address, and the password that it asks for.
    #[must_use]
    pub fn over_network(&self, database: &str) -> (String, &'static str) {
        let name = database.rsplit_once('/').map_or(database, |(_, name)| name);
        (format!("postgres://hub@localhost:{}/{name}", self.port), PASSWORD)
    }

    /// Writes a file that only the server reads.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn place(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.folder.join(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(contents.as_bytes()));
        made(written, "a file of the server's");
        own_by_postgres(&path);
        path
    }

    /// Runs statements in a database, given by its address or name.
    ///
    /// # Panics
    /// When they fail.
    pub fn execute(&self, database: &str, statements: &str) {
        let done = self.sql(database, statements);
        assert!(done.is_ok_and(|status| status), "psql refused {statements}");
    }

    /// Asks a database, given by its address or name; rows are lines, columns are parted by `|`.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn ask(&self, database: &str, question: &str) -> String {
        let output = self.psql(database, question).args(["-A", "-t"]).output();
        match output {
            Ok(output) if output.status.success() => {
                String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
            }
            other => panic!("psql refused {question}: {other:?}"),
        }
    }

    fn sql(&self, database: &str, statements: &str) -> std::io::Result<bool> {
        let mut psql = self.psql(database, statements);
        psql.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(psql.status()?.success())
    }

    fn psql(&self, database: &str, statements: &str) -> Command {
        let database = database.rsplit_once('/').map_or(database, |(_, name)| name);
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "hub", "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .args(["-d", database, "-c", statements]);
        psql
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.as_postgres(Command::new(self.bin.join(program)));
        command.stdout(Stdio::null());
        command
    }

    /// The server refuses to run as root.
    fn as_postgres(&self, command: Command) -> Command {
        let mut command = command;
        command.current_dir(&self.folder);
        #[cfg(unix)]
        if let Some((uid, gid)) = postgres_user() {
            use std::os::unix::process::CommandExt as _;
            command.uid(uid).gid(gid);
        }
        command
    }
}

#[cfg(unix)]
fn postgres_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?))
}

fn own_by_postgres(folder: &Path) {
    #[cfg(unix)]
    if let Some((uid, gid)) = postgres_user() {
        made(
            std::os::unix::fs::chown(folder, Some(uid), Some(gid)),
            "the server's folder",
        );
    }
    #[cfg(not(unix))]
    let _ = folder;
}

fn made(result: std::io::Result<()>, what: &str) {
    if let Err(error) = result {
        panic!("{what} cannot be made: {error}");
    }
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(process::ExitStatus::success),
        "{command:?}: {status:?}"
    );
}
