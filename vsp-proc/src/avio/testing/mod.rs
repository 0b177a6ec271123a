//! For tests and benches: a front-end and driver worked by hand. It writes descriptors, rings and requests into its own
//! RAM exactly as told, right or wrong, and shows what comes back.

mod driver;
mod rings;

pub use driver::{Driver, PATIENCE};
pub use rings::*;
