//! The table of tiers: to add one, add a row.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Names the folder of real companies' exports.
pub const SAMPLE_DATA_VARIABLE: &str = "ERP_DRIVER_SAMPLE_DATA";

/// Names the folder with `initdb`, if it is not where Debian puts it.
pub const POSTGRES_BIN_VARIABLE: &str = "ERP_DRIVER_POSTGRES_BIN";

/// The oldest `PostgreSQL` that the hub's store supports (it uses MERGE).
const OLDEST_POSTGRES: u32 = 15;

/// The oldest Node that runs the client's tests.
const OLDEST_NODE: u32 = 20;

/// Something that tests may need and a machine may lack.
#[derive(Debug, Clone, Copy)]
pub struct Tier {
    /// As given to `--require` and [`crate::require`].
    pub name: &'static str,
    /// What is tested only where the tier is there.
    pub enables: &'static str,
    /// What a person does to get it.
    pub remedy: &'static str,
    detect: fn() -> bool,
}

/// Every tier.
pub const TIERS: &[Tier] = &[
    Tier {
        name: "odbc",
        enables: "reading through a real ODBC driver",
        remedy: "apt-get install unixodbc libsqliteodbc",
        detect: has_sqlite_odbc,
    },
    Tier {
        name: "postgres",
        enables: "the hub's store on PostgreSQL 15 or later",
        remedy: "apt-get install postgresql",
        detect: || postgres_folder().is_some(),
    },
    Tier {
        name: "node",
        enables: "the typed client, generated from the hub's own description",
        remedy: "install Node 20 or later with npm",
        detect: has_node,
    },
    Tier {
        name: "sample-data",
        enables: "checks against exports of a real company",
        remedy: "set ERP_DRIVER_SAMPLE_DATA, or give --sample-data, to the folder that holds northwind/",
        detect: || sample_data_folder().is_some(),
    },
];

/// The tier of that name.
pub fn tier(name: &str) -> Option<&'static Tier> {
    TIERS.iter().find(|tier| tier.name == name)
}

/// The names of all tiers, for a message.
pub(crate) fn names() -> String {
    let names: Vec<&str> = TIERS.iter().map(|tier| tier.name).collect();
    format!("the tiers are {}", names.join(", "))
}

impl Tier {
    /// The variable by which `cargo xtask test` tells its tests: `1` is there, `0` is not.
    pub fn variable(&self) -> String {
        format!("ERP_DRIVER_TIER_{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// As the variable says; detected when it is not set.
    pub fn is_available(&self) -> bool {
        match env::var(self.variable()) {
            Ok(value) => value == "1",
            Err(_) => self.detect(),
        }
    }

    /// Looks at the machine, whatever the variable says.
    pub fn detect(&self) -> bool {
        (self.detect)()
    }
}

fn has_sqlite_odbc() -> bool {
    let folder = env::var_os("ODBCSYSINI").map_or_else(|| PathBuf::from("/etc"), PathBuf::from);
    let listed = fs::read_to_string(folder.join("odbcinst.ini")).is_ok_and(|text| lists_sqlite(&text));
    // unixODBC may have been built with another place for the list.
    listed
        || Command::new("odbcinst")
            .args(["-q", "-d"])
            .output()
            .is_ok_and(|output| lists_sqlite(&String::from_utf8_lossy(&output.stdout)))
}

fn has_node() -> bool {
    let version = |program: &str| {
        let output = Command::new(program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        node_version(&text)
    };
    version("node").is_some_and(|version| version >= OLDEST_NODE) && version("npm").is_some()
}

/// The major version, from `v20.20.2`.
fn node_version(line: &str) -> Option<u32> {
    line.trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

fn lists_sqlite(drivers: &str) -> bool {
    drivers.lines().any(|line| line.trim() == "[SQLite3]")
}

/// The folder with the binaries of the newest `PostgreSQL` that is new enough.
pub(crate) fn postgres_folder() -> Option<PathBuf> {
    let named = env::var_os(POSTGRES_BIN_VARIABLE).map(PathBuf::from);
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let on_path = env::var_os("PATH");
    let on_path = on_path.iter().flat_map(env::split_paths);
    let mut found: Vec<(u32, PathBuf)> = named
        .into_iter()
        .chain(debian.map(|entry| entry.path().join("bin")))
        .chain(on_path)
        .filter_map(|folder| Some((postgres_version(&folder)?, folder)))
        .filter(|(version, _)| *version >= OLDEST_POSTGRES)
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// The major version of the `initdb` in a folder that holds the server too.
fn postgres_version(folder: &Path) -> Option<u32> {
    let initdb = folder.join("initdb");
    // A wrapper elsewhere on the path has no server beside it.
    if !initdb.is_file() || !folder.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(initdb).arg("--version").output().ok()?;
    major_version(&String::from_utf8_lossy(&output.stdout))
}

/// From `initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_version(line: &str) -> Option<u32> {
    let version = line.split(") ").nth(1)?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The folder of exports, if it is set and holds a company.
pub(crate) fn sample_data_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os(SAMPLE_DATA_VARIABLE)?);
    folder.join("northwind").is_dir().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tier_has_its_own_variable() {
        let mut variables: Vec<String> = TIERS.iter().map(Tier::variable).collect();
        assert!(variables.contains(&"ERP_DRIVER_TIER_SAMPLE_DATA".to_owned()));
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), TIERS.len());
    }

    #[test]
    fn the_driver_list_is_read_by_section() {
        assert!(lists_sqlite("[SQLite]\nDriver=a.so\n\n[SQLite3]\nDriver=b.so\n"));
        assert!(!lists_sqlite("[SQLite]\nDescription=[SQLite3] to come\n"));
    }

    #[test]
    fn node_tells_its_version() {
        assert_eq!(node_version("v20.20.2\n"), Some(20));
        assert_eq!(node_version("11.19.1\n"), Some(11));
        assert_eq!(node_version("not found"), None);
    }

    #[test]
    fn postgres_tells_its_version() {
        assert_eq!(
            major_version("initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major_version("initdb (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major_version("not found"), None);
    }
}
