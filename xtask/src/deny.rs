//! `cargo xtask deny`: the whole dependency graph against `deny.toml`.
//!
//! The file is in the format of cargo-deny. Here are the parts of it that need no database
//! (licences, bans, sources, duplicates), so that a check has no second tool to build first.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use cargo_metadata::{Metadata, Package};
use serde::Deserialize;

use crate::{Failure, cargo, licence};

#[derive(Debug, Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

pub(crate) fn run() -> Result<(), Failure> {
    let metadata = cargo::metadata()?;
    let path = metadata.workspace_root.join("deny.toml");
    let text =
        fs::read_to_string(&path).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
    let policy: Policy = toml::from_str(&text).map_err(|error| Failure::new(format!("{path}: {error}")))?;

    let problems: Vec<String> = metadata
        .packages
        .iter()
        .flat_map(|package| problems(package, &policy))
        .collect();
    for problem in &problems {
        println!("error: {problem}");
    }
    for (name, versions) in duplicates(&metadata) {
        println!(
            "note: {name} is there in {} versions: {}",
            versions.len(),
            versions.join(", ")
        );
    }
    println!(
        "{} packages, {} problems",
        metadata.packages.len(),
        problems.len()
    );
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new("the dependencies break deny.toml").with_remedy(
        "find who needs the crate with `cargo tree --target all --invert <crate>`, and leave it out",
    ))
}

fn problems(package: &Package, policy: &Policy) -> Vec<String> {
    let id = format!("{} {}", package.name, package.version);
    let mut problems = Vec::new();
    match &package.license {
        Some(expression) if licence::is_allowed(expression, &policy.licenses.allow) => {}
        Some(expression) => problems.push(format!("{id}: the licence {expression} is not allowed")),
        None => problems.push(format!("{id}: states no licence")),
    }
    if let Some(ban) = policy
        .bans
        .deny
        .iter()
        .find(|ban| package.name.as_str() == ban.name)
    {
        problems.push(format!("{id}: banned: {}", ban.reason));
    }
    if let Some(source) = package.source.as_ref().filter(|source| !source.is_crates_io()) {
        problems.push(format!("{id}: comes from {}", source.repr));
    }
    problems
}

fn duplicates(metadata: &Metadata) -> BTreeMap<&str, Vec<String>> {
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in &metadata.packages {
        versions
            .entry(&package.name)
            .or_default()
            .insert(package.version.to_string());
    }
    versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| (name, versions.into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_workspace_bans_the_other_tls_stacks() {
        let policy: Policy = toml::from_str(include_str!("../../deny.toml")).unwrap();
        let mut own = cargo::workspace().unwrap().packages.remove(0);
        assert_eq!(problems(&own, &policy), Vec::<String>::new());
        own.license = None;
        assert_eq!(problems(&own, &policy).len(), 1);
        for name in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
            assert!(policy.bans.deny.iter().any(|ban| ban.name == name), "{name}");
        }
    }
}
