//! Architectural registers as plain data: names, fields, reserved bits. Nothing here executes an instruction.

pub mod cfm;
pub mod fr;
pub mod gr;
pub mod psr;
pub mod regs;

pub use cfm::Cfm;
pub use fr::Fr;
pub use gr::{Gr, GrFile};
pub use psr::Psr;
pub use regs::{Ar, Cr};
