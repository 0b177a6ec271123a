//! Floating point against `rustc_apfloat` (LLVM's arithmetic), exact integers and the manual's tables.
//!
//! `KITTSON_FP_CASES` sets how many operand sets each random test draws (default 200 000).

mod arithmetic;
mod conversions;
mod division;
mod execution;
mod operands;
mod oracle;
mod selection;
mod shortcuts;
mod special;

use ia64::fp::{Control, Flags, Rounding};
use ia64::op::Precision;

/// Operand sets each random test draws.
fn cases() -> u64 {
    std::env::var("KITTSON_FP_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000)
}

/// FPSR with status field 0 as given and traps disabled by `masked`.
fn fpsr(masked: Flags, ftz: bool, wre: bool, pc: u64, rounding: Rounding) -> u64 {
    let controls = ftz as u64 | (wre as u64) << 1 | pc << 2 | (rounding as u64) << 4;
    masked.bits() as u64 | controls << 6
}

const ROUNDINGS: [Rounding; 4] = [Rounding::Nearest, Rounding::Down, Rounding::Up, Rounding::Zero];
const PRECISIONS: [Precision; 3] = [Precision::Dynamic, Precision::S, Precision::D];

/// Round to nearest, everything masked, full significand and range of double-extended.
fn default_control() -> Control {
    Control::new(fpsr(Flags::all(), false, false, 3, Rounding::Nearest), 0, Precision::Dynamic)
}
