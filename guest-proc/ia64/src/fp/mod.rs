//! Floating-point arithmetic of the 82-bit register format, correct to the bit. It sees values and a decoded
//! [`Control`], never the processor: who calls it turns an [`Outcome`] into register writes, flags, faults and traps.
//!
//! ```text
//!   fma, approx, compare, convert, parallel ──► value (what is this operand?)
//!               │                         └───► round (one exact result to one delivered result)
//!   memory, bits: formats and bit moves, no exceptions        status: FPSR fields
//! ```
//!
//! The architecture lets a processor ask software for help with hard operands ("software assist"). This one never
//! does: denormals, underflow and the extremes of `frcpa` are computed here. SDM volume 1, chapter 5.

pub mod approx;
pub mod bits;
pub mod compare;
pub mod convert;
pub mod fma;
pub mod host;
pub mod memory;
pub mod parallel;
pub mod round;
pub mod status;
pub mod value;

pub use round::Outcome;
pub use status::{Control, Flags, Rounding};
pub use value::Class;
