//! The agent's way to its hub: plain HTTPS requests, outbound only.

mod backoff;
mod client;
mod error;
mod tls;

pub use backoff::Backoff;
pub use client::{Link, LinkConfig, Proxy};
pub use error::LinkError;
