//! Numbers of things in sentences.

/// `1 problem`, `2 problems`: nouns whose plural takes an s.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let said = [0, 1, 2].map(|count| counted(count, "write"));
        assert_eq!(said, ["0 writes", "1 write", "2 writes"]);
    }
}
