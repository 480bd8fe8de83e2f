//! Versioned messages: between the agent on the Sage server and the hub, and between the
//! driver and its bridge processes. Sizes are limited on both sides; nothing here does I/O.

pub mod agent;
mod batch;
pub mod bridge;
pub mod status;

pub use batch::{
    BatchError, BatchHeader, MAX_BATCH_BYTES, MAX_ROWS_BYTES, decode_batch, digest, encode_batch,
};
