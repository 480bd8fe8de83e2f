//! The floors of the house: normal dependencies go strictly down.
//!
//! A new crate gets a row in [`FLOORS`]; what may stand on which floor is in ARCHITECTURE.md.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands, in its own functions too"
)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Below floor 3: no I/O, no clock, no randomness, no async.
const FIRST_FLOOR_WITH_IO: u8 = 3;
const PROGRAMS: u8 = 5;
/// Tools and test support: nobody on a floor needs them to be built.
const BESIDE: u8 = u8::MAX;

const FLOORS: &[(&str, u8)] = &[
    ("values", 0),
    ("catalog", 1),
    ("expression", 1),
    ("model", 1),
    ("sage", 1),
    ("import", 2),
    ("pricing", 2),
    ("sync", 2),
    ("wire", 2),
    ("agent-store", 3),
    ("hub-store", 3),
    ("link", 3),
    ("sage-odbc", 3),
    ("sandbox", 3),
    ("secrets", 3),
    ("host", 4),
    ("bridge", PROGRAMS),
    ("driver", PROGRAMS),
    ("hub", PROGRAMS),
    ("sage-sandbox", PROGRAMS),
    ("system-tests", BESIDE),
    ("test-tier", BESIDE),
    ("xtask", BESIDE),
];

/// Crates that do I/O, run in the background, or roll dice. Calendars are not among them; that
/// nobody asks them for the time is a test in rules.rs.
const IO_CRATES: &[&str] = &[
    "axum",
    "hyper",
    "indicatif",
    "mio",
    "odbc-api",
    "odbc-sys",
    "rand",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "sysinfo",
    "tempfile",
    "tokio",
    "tracing",
    "uuid",
];

/// Only the bridge may load an ODBC driver: what hangs or crashes there can be killed.
const ODBC_CRATES: &[&str] = &["odbc-api", "odbc-sys", "sage-odbc"];
const MAY_REACH_ODBC: &[&str] = &["bridge", "sage-odbc"];

/// One TLS stack: rustls on ring.
const OTHER_TLS: &[&str] = &["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// The workspace's dependency graph as names; one crate may be there in several versions.
struct Graph {
    metadata: Metadata,
    floors: BTreeMap<&'static str, u8>,
}

impl Graph {
    fn read() -> Self {
        let metadata = MetadataCommand::new().exec().expect("cargo metadata");
        Self {
            metadata,
            floors: FLOORS.iter().copied().collect(),
        }
    }

    fn floor(&self, name: &str) -> u8 {
        *self
            .floors
            .get(name)
            .unwrap_or_else(|| panic!("the crate {name} has no floor: give it a row in FLOORS"))
    }

    fn name(&self, id: &PackageId) -> &str {
        &self.metadata[id].name
    }

    /// The direct dependencies of a package, of these kinds.
    fn dependencies(&self, id: &PackageId, kinds: &[DependencyKind]) -> Vec<&PackageId> {
        let resolve = self.metadata.resolve.as_ref().expect("a resolved graph");
        let node = resolve.nodes.iter().find(|node| node.id == *id).expect("a node");
        node.deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|info| kinds.contains(&info.kind)))
            .map(|dependency| &dependency.pkg)
            .collect()
    }

    /// The names of all that is linked into a package.
    fn reaches(&self, id: &PackageId) -> BTreeSet<&str> {
        let mut open = vec![id];
        let mut seen: BTreeSet<&PackageId> = BTreeSet::new();
        while let Some(next) = open.pop() {
            for dependency in self.dependencies(next, &[DependencyKind::Normal]) {
                if seen.insert(dependency) {
                    open.push(dependency);
                }
            }
        }
        seen.into_iter().map(|id| self.name(id)).collect()
    }

    fn is_member(&self, id: &PackageId) -> bool {
        self.metadata.workspace_members.contains(id)
    }
}

#[test]
fn every_crate_has_a_floor_and_every_row_a_crate() {
    let graph = Graph::read();
    let members: BTreeSet<&str> = graph
        .metadata
        .workspace_members
        .iter()
        .map(|id| graph.name(id))
        .collect();
    let rows: BTreeSet<&str> = graph.floors.keys().copied().collect();
    assert_eq!(members, rows);
}

#[test]
fn normal_dependencies_go_strictly_down() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for id in &graph.metadata.workspace_members {
        let from = graph.name(id);
        for dependency in graph.dependencies(id, &[DependencyKind::Normal, DependencyKind::Build]) {
            if !graph.is_member(dependency) {
                continue;
            }
            let to = graph.name(dependency);
            let (upper, lower) = (graph.floor(from), graph.floor(to));
            let between_tools = upper == BESIDE && lower == BESIDE;
            let to_program = lower == PROGRAMS;
            if (upper <= lower && !between_tools) || to_program {
                wrong.push(format!("{from} (floor {upper}) depends on {to} (floor {lower})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn tests_drive_programs_from_outside() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for id in &graph.metadata.workspace_members {
        for dependency in graph.dependencies(id, &[DependencyKind::Development]) {
            if graph.is_member(dependency) && graph.floor(graph.name(dependency)) == PROGRAMS {
                wrong.push(format!(
                    "the tests of {} link {}",
                    graph.name(id),
                    graph.name(dependency)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_lower_floors_do_no_io() {
    let graph = Graph::read();
    let mut wrong = Vec::new();
    for id in &graph.metadata.workspace_members {
        let name = graph.name(id);
        if graph.floor(name) < FIRST_FLOOR_WITH_IO {
            let reached = graph.reaches(id);
            let io = IO_CRATES.iter().filter(|io| reached.contains(**io));
            wrong.extend(io.map(|io| format!("{name} reaches {io}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_bridge_reaches_odbc() {
    let graph = Graph::read();
    let reaching: Vec<&str> = graph
        .metadata
        .workspace_members
        .iter()
        .filter(|id| graph.reaches(id).iter().any(|name| ODBC_CRATES.contains(name)))
        .map(|id| graph.name(id))
        .filter(|name| !MAY_REACH_ODBC.contains(name))
        .collect();
    assert!(reaching.is_empty(), "{reaching:?} link ODBC");
}

#[test]
fn there_is_one_tls_stack() {
    let graph = Graph::read();
    let others: Vec<&str> = graph
        .metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| OTHER_TLS.contains(name))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}
