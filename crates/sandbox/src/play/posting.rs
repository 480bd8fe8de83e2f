use super::{Options, PlayError, Report};
use crate::Company;
pub(super) fn day_end(_: &mut Company, _: &Options) -> Result<Report, PlayError> { Err(PlayError::NothingToDo(String::new())) }
