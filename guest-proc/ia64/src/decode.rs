//! Slots to [`Insn`]s, by the rows of the [`table`]. Total: every pattern of bits is an instruction or an
//! [`Undecoded`].

use crate::bits::field;
use crate::bundle::{Bundle, ReservedTemplate, Template, Unit};
use crate::insn::Insn;
use crate::table::{self, File, Props, Role};

/// What an encoding without an instruction does. SDM volume 3, section 4.1 (the shading of the opcode tables).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecoded {
    /// An illegal operation fault, whatever the predicate.
    #[error("reserved encoding")]
    Illegal,
    /// An illegal operation fault if the predicate register with this number is set, else nothing.
    #[error("encoding reserved under p{0}")]
    IllegalIfPredicated(u8),
    /// Nothing: opcode space for branch predictions.
    #[error("ignored encoding")]
    Ignored,
}

/// The contents of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodedBundle {
    /// The template, for the stops.
    pub template: Template,
    /// What each slot holds. A long instruction fills slots 1 and 2: it is at index 1 and index 2 is `None`.
    pub slots: [Option<Result<Insn, Undecoded>>; 3],
}

/// Decodes one slot.
///
/// `slot_bits` are the 41 bits of the slot (of slot 2 for [`Unit::X`]; higher bits are ignored), `slot` the number the
/// instruction gets (1 for [`Unit::X`]) and `l_slot` the L slot of a long instruction.
pub fn decode(slot_bits: u64, unit: Unit, slot: u8, l_slot: Option<u64>) -> Result<Insn, Undecoded> {
    let bits = field(slot_bits, 0, crate::bundle::SLOT_BITS);
    let (number, row) = table::find(unit, bits).ok_or_else(|| undecoded(bits, unit))?;
    let mut insn = Insn {
        imm: 0,
        op: row.op,
        qp: if row.format.is_predicated() { field(bits, 0, 6) as u8 } else { 0 },
        r1: register(bits, 6, row.r1()),
        r2: register(bits, 13, row.r2()),
        r3: register(bits, 20, row.r3()),
        r4: register(bits, 27, row.r4()),
        p1: if row.writes_p1() { field(bits, 6, 6) as u8 } else { 0 },
        p2: if row.writes_p2() { field(bits, 27, 6) as u8 } else { 0 },
        x1: row.x1,
        x2: row.x2,
        row: number,
        slot,
        hints: 0,
        bundle: 0,
        guard: 0,
    };
    insn.guard = if row.props.contains(Props::READS_QP) { 0 } else { insn.qp };
    row.format.fill(bits, l_slot.unwrap_or(0), &mut insn);
    Ok(insn)
}

impl DecodedBundle {
    /// The slots that hold something, with the slot numbers their instructions have.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Result<Insn, Undecoded>)> + use<> {
        (0..).zip(self.slots).filter_map(|(slot, content)| Some((slot, content?)))
    }
}

/// Decodes all slots of a bundle.
pub fn decode_bundle(bundle: Bundle) -> Result<DecodedBundle, ReservedTemplate> {
    let template = bundle.template();
    let units = template.units().ok_or(ReservedTemplate(template.bits()))?;
    let first = Some(decode(bundle.slot(0), units[0], 0, None));
    let slots = if units[1] == Unit::L {
        [first, Some(decode(bundle.slot(2), Unit::X, 1, Some(bundle.slot(1)))), None]
    } else {
        [
            first,
            Some(decode(bundle.slot(1), units[1], 1, None)),
            Some(decode(bundle.slot(2), units[2], 2, None)),
        ]
    };
    Ok(DecodedBundle { template, slots })
}

fn register(bits: u64, lo: u32, role: Option<Role>) -> u8 {
    match role {
        Some(Role { file: File::Br, .. }) => field(bits, lo, 3) as u8,
        Some(_) => field(bits, lo, 7) as u8,
        None => 0,
    }
}

/// The class of an encoding that no row has.
fn undecoded(bits: u64, unit: Unit) -> Undecoded {
    let qp = Undecoded::IllegalIfPredicated(field(bits, 0, 6) as u8);
    match (unit, field(bits, 37, 4), field(bits, 27, 6)) {
        (Unit::B, 0, 0x01) => Undecoded::Ignored,
        (Unit::B, 0, 0x00..=0x1f) => qp,
        (Unit::B, 2 | 3 | 6, _) => Undecoded::Ignored,
        (Unit::B | Unit::L, _, _) => Undecoded::Illegal,
        (Unit::M | Unit::I | Unit::F | Unit::X, _, _) => qp,
    }
}

#[cfg(test)]
mod tests;
