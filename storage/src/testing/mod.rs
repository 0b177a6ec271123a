//! For tests: a store in memory that fails on demand, and the checks every store must pass.

pub mod attached;
mod conformance;
mod memory;

pub use conformance::check_block_store;
pub use memory::{Failing, MemoryStore};
