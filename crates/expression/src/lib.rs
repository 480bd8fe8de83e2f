//! What a site may change about a field: steps written as data (trim, map, look-up …), and
//! behind them an expression for what no step says.
//!
//! An expression is typed when it is read, calculates in exact decimals, has no loops, sees
//! nothing but the row that it is given, and stops after a fixed amount of work. The language is
//! described for those who write it in `docs/expressions.md`.
//!
//! Nothing here does I/O, reads a clock or draws a random number, and no input makes it panic.

mod compile;
mod error;
mod evaluate;
mod lex;
mod node;
mod number;
mod parse;
mod step;
mod steps;
mod types;
mod value;

pub use compile::{Expression, MAX_NESTING, MAX_NODES, MAX_TEXT_BYTES};
pub use error::{CompileError, EvaluateError, StepError};
pub use evaluate::{MAX_COST, MAX_PRODUCED_BYTES};
pub use step::{Literal, LookUp, Part, Step};
pub use steps::{LookUpRow, MAX_STEPS, Steps};
pub use value::{Type, Value};
