use crate::error::CompileError;
use crate::node::Node;
use values::Kind;
pub(crate) fn parse(
    text: &str,
    _columns: &dyn Fn(&str) -> Option<(String, Kind)>,
) -> Result<(Node, Vec<String>), CompileError> {
    Err(CompileError::new(text, 0, "not yet", ""))
}
