//! A long file is worth a look: does it still have one meaning?

use std::{fs, path::Path};

const LONG_LINES: usize = 600;

/// Prints a line for each long source file under `root`.
pub(crate) fn warn(root: &Path) {
    for folder in ["crates", "xtask"] {
        warn_below(root, &root.join(folder));
    }
}

fn warn_below(root: &Path, folder: &Path) {
    for path in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() {
            warn_below(root, &path);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let lines = fs::read_to_string(&path).map_or(0, |text| text.lines().count());
            if lines > LONG_LINES {
                let name = path.strip_prefix(root).unwrap_or(&path);
                println!(
                    "warning: {} has {lines} lines: does it still have one meaning?",
                    name.display()
                );
            }
        }
    }
}
