//! Field steps and the sandboxed expression.
