//! Register rotation as a renaming of instructions: while a rename base is not zero, each instruction is run as a copy
//! whose general and floating-point register numbers are those the current frame gives them. SDM volume 1, 4.5.1.
//!
//! The renaming of every (size, base) is a table made once, so that renaming a field is one load. Predicates need none
//! of this: `Cpu::pr` itself is kept turned.

use std::sync::LazyLock;

use crate::insn::Insn;
use crate::state::Cfm;
use crate::table::{File, ROWS, Role};

/// New number for each register number.
type Renaming = [u8; 128];

/// Registers are renamed in groups of eight, up to 96.
const GROUPS: usize = 96 / 8;

/// First the identity, then for each size 8, 16, .. 96 its `size` renamings by rename base.
static RENAMINGS: LazyLock<Box<[Renaming]>> = LazyLock::new(|| {
    let identity: Renaming = std::array::from_fn(|r| r as u8);
    let mut all = vec![identity];
    for size in (1..=GROUPS).map(|groups| groups * 8) {
        for base in 0..size {
            let mut renaming = identity;
            for (position, new) in renaming[32..32 + size].iter_mut().enumerate() {
                *new = 32 + ((position + base) % size) as u8;
            }
            all.push(renaming);
        }
    }
    all.into()
});

/// Index in `RENAMINGS` of the renaming for a rotating part of `size` registers turned by `base`.
fn index(size: u32, base: u32) -> usize {
    if size == 0 || base >= size {
        return 0;
    }
    let groups = size as usize / 8;
    1 + groups * (groups - 1) / 2 * 8 + base as usize
}

/// Which of the four register fields of an instruction name rotating registers, and of which file: two bits each, 1 for
/// general, 2 for floating-point.
#[derive(Clone, Copy)]
pub(crate) struct Rotating(u8);

impl Rotating {
    pub(crate) fn of(insn: &Insn) -> Rotating {
        let row = &ROWS[insn.row as usize];
        let fields = [(row.r1(), insn.r1), (row.r2(), insn.r2), (row.r3(), insn.r3), (row.r4(), insn.r4)];
        let bits = fields.iter().enumerate().map(|(n, &(role, register))| {
            let file = match role {
                Some(Role { file: File::Gr, .. }) if register >= 32 => 1,
                Some(Role { file: File::Fr, .. }) if register >= 32 => 2,
                _ => 0,
            };
            file << (2 * n)
        });
        Rotating(bits.sum())
    }
}

/// The renaming of the current frame.
pub(crate) struct Rotation {
    /// Identity, general, floating-point (and identity again, so that two bits always index it).
    files: [&'static Renaming; 4],
}

impl Rotation {
    /// The renaming that `cfm` asks for; `None` when every register has its own name.
    #[inline(always)]
    pub(crate) fn of(cfm: Cfm) -> Option<Rotation> {
        if cfm.rrb_gr() | cfm.rrb_fr() == 0 { None } else { Some(Rotation::turned(cfm)) }
    }

    #[inline(never)]
    fn turned(cfm: Cfm) -> Rotation {
        let identity = &RENAMINGS[0];
        let general = &RENAMINGS[index(cfm.sor().min(96), cfm.rrb_gr())];
        Rotation { files: [identity, general, &RENAMINGS[index(96, cfm.rrb_fr())], identity] }
    }

    /// The instruction under its current names.
    #[inline]
    pub(crate) fn rename(&self, insn: &Insn, rotating: Rotating) -> Insn {
        let rename = |field: u32, register: u8| {
            self.files[(rotating.0 >> (2 * field)) as usize & 3][register as usize & 127]
        };
        let mut renamed = *insn;
        if rotating.0 != 0 {
            renamed.r1 = rename(0, insn.r1);
            renamed.r2 = rename(1, insn.r2);
            renamed.r3 = rename(2, insn.r3);
            renamed.r4 = rename(3, insn.r4);
        }
        renamed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_and_base_has_its_own_renaming() {
        for size in (8..=96).step_by(8) {
            for base in 0..size {
                let renaming = &RENAMINGS[index(size, base)];
                for register in 0..128u32 {
                    let expected = if (32..32 + size).contains(&register) {
                        32 + (register - 32 + base) % size
                    } else {
                        register
                    };
                    assert_eq!(renaming[register as usize] as u32, expected, "size {size} base {base}");
                }
            }
        }
    }
}
