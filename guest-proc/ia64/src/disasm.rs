//! Instructions as text, in the notation of GNU objdump (which folds pseudo-operations as the assembler knows them).
//!
//! A third short walk over the rows of the [table](crate::table): mnemonic, hints, then the operand text with its words
//! replaced by what the instruction names.

use std::fmt::{self, Display, Formatter, Write};

use crate::bits::sext;
use crate::bundle::{BUNDLE_BYTES, Bundle, Unit};
use crate::decode::{DecodedBundle, decode_bundle};
use crate::insn::Insn;
use crate::table::{Format, ROWS, Row};

mod alias;
mod names;

/// An instruction at an address, as text: `(p06) add r1=r2,r3`.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    insn: &'a Insn,
    address: u64,
}

/// The text of `insn`, which lies in the bundle at `address`: displacements are written as the addresses they reach.
pub fn text(insn: &Insn, address: u64) -> Text<'_> {
    Text { insn, address }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.insn.qp != 0 {
            write!(f, "(p{:02}) ", self.insn.qp)?;
        }
        self.unpredicated(f)
    }
}

impl Text<'_> {
    fn row(&self) -> &'static Row {
        &ROWS[usize::from(self.insn.row)]
    }

    fn unpredicated(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let written = alias::of(self.row(), self.insn);
        f.write_str(written.name)?;
        f.write_str(written.completers)?;
        self.write_suffix(f)?;
        if !written.operands.is_empty() {
            f.write_char(' ')?;
        }
        self.write_operands(f, written.operands)
    }

    /// Status field and hints, which follow the mnemonic.
    fn write_suffix(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let row = self.row();
        if row.format.has_status_field() {
            write!(f, ".s{}", self.insn.x2)?;
        }
        names::hints(row, self.insn).iter().try_for_each(|hint| f.write_str(hint))
    }

    /// The operand text without blanks and with its words replaced.
    fn write_operands(&self, f: &mut Formatter<'_>, text: &str) -> fmt::Result {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
            let (part, remainder) = rest.split_at(length);
            if is_word(first) {
                self.write_word(f, part)?;
            } else {
                part.chars().filter(|&c| c != ' ').try_for_each(|c| f.write_char(c))?;
            }
            rest = remainder;
        }
        Ok(())
    }

    fn write_word(&self, f: &mut Formatter<'_>, word: &str) -> fmt::Result {
        let insn = self.insn;
        let imm = insn.imm;
        match word {
            "r1" | "f1" | "b1" => write!(f, "{}{}", &word[..1], insn.r1),
            "r2" | "f2" | "b2" => write!(f, "{}{}", &word[..1], insn.r2),
            "r3" | "f3" => write!(f, "{}{}", &word[..1], insn.r3),
            "f4" => write!(f, "f{}", insn.r4),
            "p1" => write!(f, "p{}", insn.p1),
            "p2" => write!(f, "p{}", insn.p2),
            "ar3" => names::application_register(f, insn.r3),
            "cr3" => names::control_register(f, insn.r3),
            "imm8" if self.row().format == Format::I13 => write!(f, "{}", insn.r2 as i8),
            "imm1" | "imm2" | "imm5" | "imm8" | "imm9" | "imm14" | "imm22" | "inc3" | "count2" | "count5"
            | "count6" => {
                write!(f, "{imm}")
            }
            // objdump writes the operand of this one in decimal.
            "imm21" if self.row().name == "hint.m" => write!(f, "{imm}"),
            "imm21" | "imm24" | "imm44" | "imm62" | "imm64" | "mask17" | "mhtype8" | "fclass9" => {
                write!(f, "{imm:#x}")
            }
            "mbtype4" => f.write_str(names::permutation(imm)),
            "amask7" => write!(f, "{:#x}", imm & 0x7f),
            "omask7" => write!(f, "{:#x}", imm >> 7),
            "pos6" if matches!(self.row().format, Format::I13 | Format::I14) => write!(f, "{}", insn.x2),
            "pos6" => write!(f, "{imm}"),
            "len6" | "len4" => write!(f, "{}", insn.x1),
            "target25" | "target64" => write!(f, "{:#x}", self.address.wrapping_add_signed(imm)),
            "tag13" => write!(f, "{:#x}", self.address.wrapping_add_signed(self.tag())),
            "i" => write!(f, "{}", imm & 0x7f),
            "l" => write!(f, "{}", imm >> 7 & 0x7f),
            "o" => write!(f, "{}", imm >> 14 << 3),
            literal => f.write_str(literal),
        }
    }

    /// Displacement of the instruction that a prediction is for.
    fn tag(&self) -> i64 {
        match self.row().format {
            Format::I21 => self.insn.imm,
            _ => sext(u64::from(self.insn.x1) | u64::from(self.insn.x2) << 8, 9) * BUNDLE_BYTES as i64,
        }
    }
}

/// A bundle as objdump's lines: the template, each instruction, the stops.
#[derive(Clone, Copy, Debug)]
pub struct BundleText {
    bundle: Bundle,
    address: u64,
}

/// The text of `bundle` at `address`: one line a slot (two for a bundle with a long instruction).
pub fn bundle_text(bundle: Bundle, address: u64) -> BundleText {
    BundleText { bundle, address }
}

impl Display for BundleText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match decode_bundle(self.bundle) {
            Ok(decoded) => self.write_slots(f, &decoded),
            Err(reserved) => {
                let data = [0, 1, 2].map(|slot| self.bundle.slot(slot));
                writeln!(f, "[-{:x}-]       data8 {:#011x}", reserved.0 >> 1, data[0])?;
                writeln!(f, "            data8 {:#011x}", data[1])?;
                write!(f, "            data8 {:#011x}", data[2])
            }
        }
    }
}

impl BundleText {
    fn write_slots(&self, f: &mut Formatter<'_>, decoded: &DecodedBundle) -> fmt::Result {
        let units = decoded.template.units().unwrap_or([Unit::L; 3]);
        for (slot, content) in decoded.iter() {
            match slot {
                0 => {
                    f.write_char('[')?;
                    units.iter().try_for_each(|unit| write!(f, "{unit:?}"))?;
                    f.write_str("] ")?;
                }
                _ => f.write_str("\n      ")?,
            }
            let is_long = slot == 1 && units[1] == Unit::L;
            let last = if is_long { 2 } else { usize::from(slot) };
            match content {
                Ok(insn) => self.write_instruction(f, &insn, decoded.template.stop_after(last))?,
                Err(_) => write!(f, "      data8 {:#011x}", self.bundle.slot(last))?,
            }
        }
        Ok(())
    }

    fn write_instruction(&self, f: &mut Formatter<'_>, insn: &Insn, stop: bool) -> fmt::Result {
        match insn.qp {
            0 => f.write_str("      ")?,
            qp => write!(f, "(p{qp:02}) ")?,
        }
        text(insn, self.address).unpredicated(f)?;
        f.write_str(if stop { ";;" } else { "" })
    }
}
