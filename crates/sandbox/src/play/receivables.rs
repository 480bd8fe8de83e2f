use super::{Options, PlayError, Report};
use crate::Company;
pub(super) fn credit_matching(_: &mut Company, _: &Options) -> Result<Report, PlayError> { Err(PlayError::NothingToDo(String::new())) }
pub(super) fn period_end(_: &mut Company, _: &Options) -> Result<Report, PlayError> { Err(PlayError::NothingToDo(String::new())) }
