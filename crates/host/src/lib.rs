//! What every program needs from the machine that it runs on.

pub mod cli;
pub mod clock;
pub mod config;
pub mod fault;
pub mod lock;
pub mod log;
pub mod process;
pub mod random;
pub mod signal;
