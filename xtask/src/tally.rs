//! Counting what the test programs report, and what they skipped.

use std::collections::{BTreeMap, BTreeSet};

/// The sum over all test programs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

impl Tally {
    /// Adds libtest's closing line: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn add_line(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result:") else {
            return;
        };
        let words: Vec<&str> = counts.split_whitespace().collect();
        for pair in words.windows(2) {
            let [count, what] = pair else { continue };
            let Ok(count) = count.parse::<usize>() else {
                continue;
            };
            match *what {
                "passed;" => self.passed += count,
                "failed;" => self.failed += count,
                "ignored;" => self.ignored += count,
                _ => {}
            }
        }
    }
}

/// The tests that returned early, by what they lacked.
#[derive(Debug, Default)]
pub(crate) struct Skips(BTreeMap<String, BTreeSet<String>>);

impl Skips {
    /// From the lines that tests left: `skipped: <test>: needs <what> (<remedy>)`.
    pub(crate) fn parse(log: &str) -> Self {
        let mut skips = Self::default();
        for line in log.lines() {
            let Some(rest) = line.strip_prefix("skipped: ") else {
                continue;
            };
            let (test, reason) = rest.split_once(": needs ").unwrap_or((rest, "no reason given"));
            skips
                .0
                .entry(reason.to_owned())
                .or_default()
                .insert(test.to_owned());
        }
        skips
    }

    /// How many tests, however often each of them said so.
    pub(crate) fn count(&self) -> usize {
        self.0.values().flatten().collect::<BTreeSet<_>>().len()
    }

    /// Each reason with its tests.
    pub(crate) fn by_reason(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_programs_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: \u{1b}[31mFAILED\u{1b}(B\u{1b}[m. 2 passed; 5 failed; 0 ignored; 0 measured; 9 filtered out",
            "7 passed; is no result",
        ] {
            tally.add_line(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 5,
                failed: 5,
                ignored: 1
            }
        );
    }

    #[test]
    fn a_test_that_skips_twice_is_listed_once() {
        let skips = Skips::parse(
            "skipped: a (x.rs): needs tier odbc (apt-get install it)\n\
             noise\n\
             skipped: a (x.rs): needs tier odbc (apt-get install it)\n\
             skipped: a (x.rs): needs tier postgres (that)\n\
             skipped: b (x.rs): needs tier odbc (apt-get install it)\n",
        );
        assert_eq!(skips.count(), 2);
        let odbc = skips.by_reason().next().unwrap();
        assert_eq!(odbc.0, "tier odbc (apt-get install it)");
        assert_eq!(odbc.1.len(), 2);
    }
}
