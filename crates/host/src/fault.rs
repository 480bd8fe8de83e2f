//! Named places at which a test can have the process killed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Faults {
    name: Option<String>,
    left: AtomicU64,
    once: Option<PathBuf>,
    log: Option<PathBuf>,
}

static FAULTS: OnceLock<Option<Faults>> = OnceLock::new();

/// Kills the process here, at once and without destructors, when `ERP_DRIVER_FAULT_POINT`
/// is this name (`name@3`: the third time). Appends the name to the file named by
/// `ERP_DRIVER_FAULT_LOG`. Costs one load when neither is set.
///
/// Where `ERP_DRIVER_FAULT_ONCE` names a file, only the process that can remove it dies: so
/// a program that is started again, or its children, do not die of the same fault.
pub fn point(name: &str) {
    let Some(faults) = FAULTS.get_or_init(from_environment) else {
        return;
    };
    if let Some(path) = &faults.log {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let written = opened.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "fault log cannot be written");
        }
    }
    if faults.name.as_deref() == Some(name)
        && faults.left.fetch_sub(1, Ordering::SeqCst) == 1
        && faults.may_die()
    {
        die();
    }
}

impl Faults {
    fn may_die(&self) -> bool {
        self.once
            .as_ref()
            .is_none_or(|file| std::fs::remove_file(file).is_ok())
    }
}

fn from_environment() -> Option<Faults> {
    let point = std::env::var("ERP_DRIVER_FAULT_POINT").ok();
    let log = std::env::var_os("ERP_DRIVER_FAULT_LOG").map(PathBuf::from);
    if point.is_none() && log.is_none() {
        return None;
    }
    let (name, times) = parse(point.as_deref());
    let once = std::env::var_os("ERP_DRIVER_FAULT_ONCE").map(PathBuf::from);
    Some(Faults {
        name,
        left: AtomicU64::new(times),
        once,
        log,
    })
}

fn parse(point: Option<&str>) -> (Option<String>, u64) {
    let Some(point) = point else { return (None, 0) };
    match point
        .rsplit_once('@')
        .and_then(|(name, times)| Some((name, times.parse().ok()?)))
    {
        Some((name, times)) => (Some(name.to_owned()), times),
        None => (Some(point.to_owned()), 1),
    }
}

fn die() -> ! {
    #[cfg(unix)]
    if crate::process::own().is_some_and(crate::process::end) {
        loop {
            std::thread::park();
        }
    }
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_counts() {
        assert_eq!(parse(Some("before_write")), (Some("before_write".into()), 1));
        assert_eq!(parse(Some("before_write@3")), (Some("before_write".into()), 3));
        assert_eq!(parse(None), (None, 0));
    }
}
