//! The ERP Driver: reads what changed in Sage 100 and sends it to the hub, and enters what
//! the hub has for Sage.

pub mod bridge;
pub mod commands;
pub mod config;
pub mod imports;
pub mod pause;
pub mod prove;
pub mod reading;
pub mod receipt_files;
mod times;
