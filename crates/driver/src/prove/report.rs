//! A conformance run as people read it.

use super::Proof;

impl Proof {
    /// What is on from now on, and what was left in the copy.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from("\n");
        for (name, is_shown) in self.capabilities() {
            text.push_str(&format!("{name:<17} {}\n", if is_shown { "on" } else { "off" }));
        }
        if !self.made.is_empty() {
            text.push_str("\nleft in the copy:\n");
            for made in &self.made {
                text.push_str(&format!("  {made}\n"));
            }
        }
        text
    }
}

impl super::Check {
    /// One line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{:<22} {:<14} {}\n", self.name, self.verdict.words(), self.seen)
    }
}
