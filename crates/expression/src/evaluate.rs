//! From a tree and a row to a value, within a fixed amount of work.
use crate::error::EvaluateError;
use crate::node::Node;
use crate::value::Value;

/// The most work for one row: one for each part, and one for each 64 bytes of text handled.
pub const MAX_COST: u32 = 10_000;
/// The longest text that an expression or a step makes, in bytes.
pub const MAX_PRODUCED_BYTES: usize = 65_536;

pub(crate) fn evaluate(_root: &Node, _row: &dyn Fn(&str) -> Value) -> Result<Value, EvaluateError> {
    Err(EvaluateError::TooCostly)
}
