use super::{Options, PlayError, Report};
use crate::Company;
pub(super) fn maintain(_: &mut Company, _: &Options) -> Result<Report, PlayError> { Err(PlayError::NothingToDo(String::new())) }
pub(super) fn clock(_: &mut Company, _: &Options) -> Result<Report, PlayError> { Err(PlayError::NothingToDo(String::new())) }
