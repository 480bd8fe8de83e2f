//! Lists the dataset files, so that a new one needs no line of code.

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("datasets");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let files: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            Some(format!("({name:?}, include_str!({:?}))", path.to_str()?))
        })
        .collect();
    let list = format!("&[{}]", files.join(", "));
    fs::write(Path::new(&env::var("OUT_DIR")?).join("datasets.rs"), list)?;
    Ok(())
}
