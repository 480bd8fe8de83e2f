//! The mark that an order of ours carries in the ERP.

use values::{Hash, ImportId};

/// The header column that carries the mark, where the site has it.
pub const MARKER_COLUMN: &str = "UDF_ERP_DRIVER_ID";

/// Width of the column.
const WIDTH: usize = 32;

/// What an order of this import carries in [`MARKER_COLUMN`]: the id itself without
/// hyphens when it fits (so that a person finds it), else 32 hex digits derived from it.
#[must_use]
pub fn marker(id: &ImportId) -> String {
    let plain: String = id.as_str().chars().filter(|c| *c != '-').collect();
    if !plain.is_empty() && plain.len() <= WIDTH && plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return plain;
    }
    let first = Hash::of_bytes(id.as_str().as_bytes());
    let second = Hash::of_bytes(format!("marker of {id}").as_bytes());
    format!("{first}{second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_the_column_and_tells_imports_apart() {
        let uuid = ImportId::new("0190aa11-2233-7455-8677-8899aabbccdd");
        assert_eq!(marker(&uuid), "0190aa112233745586778899aabbccdd");
        let long = ImportId::new("a".repeat(64));
        assert_eq!(marker(&long).len(), WIDTH);
        assert_ne!(marker(&long), marker(&ImportId::new("a".repeat(63))));
    }
}
