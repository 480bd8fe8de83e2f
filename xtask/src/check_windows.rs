//! `cargo xtask check-windows`: nothing Unix-only in the programs that run beside the ERP.

use std::{env, ffi::OsString, path::Path, process::Command};

use crate::{Failure, cargo};

struct Target {
    triple: &'static str,
    /// Compiles the C parts (`SQLite`, ring).
    compiler: &'static str,
    debian_package: &'static str,
    packages: &'static [&'static str],
}

/// What is installed on the ERP's server. Only the bridge is also built for 32 bit: it loads
/// the 32-bit ODBC driver.
const TARGETS: [Target; 2] = [
    Target {
        triple: "x86_64-pc-windows-gnu",
        compiler: "x86_64-w64-mingw32-gcc",
        debian_package: "gcc-mingw-w64-x86-64-posix",
        packages: &["driver", "bridge", "sage-sandbox"],
    },
    Target {
        triple: "i686-pc-windows-gnu",
        compiler: "i686-w64-mingw32-gcc",
        debian_package: "gcc-mingw-w64-i686-posix",
        packages: &["bridge"],
    },
];

pub(crate) fn run() -> Result<(), Failure> {
    TARGETS.iter().try_for_each(Target::has_tools)?;
    let metadata = cargo::workspace()?;
    for target in &TARGETS {
        println!("checking {} for {}", target.packages.join(", "), target.triple);
        let mut check = cargo::cargo(&metadata);
        check.args(["check", "--target", target.triple]);
        check.args(target.packages.iter().flat_map(|package| ["-p", package]));
        cargo::run(&mut check)?;
    }
    Ok(())
}

impl Target {
    fn has_tools(&self) -> Result<(), Failure> {
        if !has_standard_library(self.triple)? {
            return Err(
                Failure::new(format!("Rust's library for {} is missing", self.triple))
                    .with_remedy(format!("rustup target add {}", self.triple)),
            );
        }
        if Command::new(self.compiler).arg("--version").output().is_err() {
            return Err(
                Failure::new(format!("the C compiler {} is missing", self.compiler))
                    .with_remedy(format!("apt-get install {}", self.debian_package)),
            );
        }
        Ok(())
    }
}

fn has_standard_library(triple: &str) -> Result<bool, Failure> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", triple])
        .output()
        .map_err(|error| Failure::new(format!("cannot start rustc: {error}")))?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
