//! One mistake in the file, before it is known which file it is.

use super::place::Place;

/// The code of most mistakes.
pub(super) const INVALID: &str = "config_invalid";
/// A filter that no row can pass.
pub(crate) const KEEPS_NOTHING: &str = "filter_keeps_nothing";

#[derive(Clone, Debug)]
pub(super) struct Mistake {
    pub(super) code: &'static str,
    pub(super) place: Place,
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Mistake {
    pub(super) fn new(place: &Place, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: INVALID,
            place: place.clone(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}
