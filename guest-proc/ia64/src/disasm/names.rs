//! Names that are not in the table: of registers, permutations and hints.

use std::fmt::{self, Formatter};

use crate::insn::Insn;
use crate::table::{Format, Row};

/// Writes the name of an application register.
pub(super) fn application_register(f: &mut Formatter<'_>, number: u8) -> fmt::Result {
    let name = match number {
        0..=7 => return write!(f, "ar.k{number}"),
        16 => "ar.rsc",
        17 => "ar.bsp",
        18 => "ar.bspstore",
        19 => "ar.rnat",
        21 => "ar.fcr",
        24 => "ar.eflag",
        25 => "ar.csd",
        26 => "ar.ssd",
        27 => "ar.cflg",
        28 => "ar.fsr",
        29 => "ar.fir",
        30 => "ar.fdr",
        32 => "ar.ccv",
        36 => "ar.unat",
        40 => "ar.fpsr",
        44 => "ar.itc",
        45 => "ar.ruc",
        64 => "ar.pfs",
        65 => "ar.lc",
        66 => "ar.ec",
        _ => return write!(f, "ar{number}"),
    };
    f.write_str(name)
}

/// Writes the name of a control register.
pub(super) fn control_register(f: &mut Formatter<'_>, number: u8) -> fmt::Result {
    let name = match number {
        0 => "cr.dcr",
        1 => "cr.itm",
        2 => "cr.iva",
        8 => "cr.pta",
        16 => "cr.ipsr",
        17 => "cr.isr",
        19 => "cr.iip",
        20 => "cr.ifa",
        21 => "cr.itir",
        22 => "cr.iipa",
        23 => "cr.ifs",
        24 => "cr.iim",
        25 => "cr.iha",
        26 => "cr.iib0",
        27 => "cr.iib1",
        64 => "cr.lid",
        65 => "cr.ivr",
        66 => "cr.tpr",
        67 => "cr.eoi",
        68..=71 => return write!(f, "cr.irr{}", number - 68),
        72 => "cr.itv",
        73 => "cr.pmv",
        74 => "cr.cmcv",
        80 => "cr.lrr0",
        81 => "cr.lrr1",
        _ => return write!(f, "cr{number}"),
    };
    f.write_str(name)
}

/// The permutation of `mux1` with this number.
pub(super) fn permutation(number: i64) -> &'static str {
    match number {
        0x0 => "@brcst",
        0x8 => "@mix",
        0x9 => "@shuf",
        0xa => "@alt",
        _ => "@rev",
    }
}

/// Predictions of branches.
const WHETHER: [&str; 4] = [".sptk", ".spnt", ".dptk", ".dpnt"];

/// The completers that `Insn::hints` stands for, in the order they are written.
pub(super) fn hints(row: &Row, insn: &Insn) -> [&'static str; 3] {
    use Format::*;
    let hints = usize::from(insn.hints);
    let prefetch_and_clear = |prefetch: usize| {
        [if prefetch & 1 == 1 { ".many" } else { ".few" }, if prefetch & 2 == 2 { ".clr" } else { "" }]
    };
    let important = |bit: usize| if bit & 1 == 1 { ".imp" } else { "" };
    match row.format {
        M1 | M6 => [["", ".nt1", ".d2", ".nta", ".d4", ".d5", ".d6", ".d7"][hints], "", ""],
        M2 | M3 | M7 | M8 | M11 | M12 | M16 | M17 => [["", ".nt1", "", ".nta"][hints], "", ""],
        M4 | M9 => [["", ".d1", ".d2", ".nta", ".d4", ".d5", ".d6", ".d7"][hints], "", ""],
        M5 | M10 => [["", "", "", ".nta"][hints], "", ""],
        M13 | M14 | M15 => [["", ".nt1", ".nt2", ".nta", ".d4", ".d5", ".d6", ".d7"][hints], "", ""],
        B1 | B2 | B3 | B4 | X3 | X4 => {
            let [prefetch, clear] = prefetch_and_clear(hints >> 2);
            // A branch that is always taken and predicted so is written without its prediction.
            let plain = row.name.ends_with(".cond") && insn.qp == 0 && hints & 3 == 0;
            [if plain { "" } else { WHETHER[hints & 3] }, prefetch, clear]
        }
        B5 => {
            // Odd values are the four predictions; the even ones are reserved and mean the first.
            let whether = if hints & 1 == 1 { WHETHER[hints >> 1 & 3] } else { WHETHER[0] };
            let [prefetch, clear] = prefetch_and_clear(hints >> 3);
            [whether, prefetch, clear]
        }
        B6 => [[".sptk", ".loop", ".dptk", ".exit"][hints & 3], important(hints >> 2), ""],
        B7 => [[".sptk", ".sptk", ".dptk", ".sptk"][hints & 3], important(hints >> 2), ""],
        I21 => [[".sptk", "", ".dptk", ".sptk"][hints & 3], important(hints >> 2), ""],
        _ => ["", "", ""],
    }
}
