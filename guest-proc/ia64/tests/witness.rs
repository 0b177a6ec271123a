//! A second witness for the decoder: `yaxpeax-ia64`, written from the manual. Unlike objdump it tells which registers
//! are targets, and how the manual shades the encodings that hold no instruction.

#[path = "objdump/generator.rs"]
mod generator;

use std::collections::BTreeMap;

use ia64::Insn;
use ia64::bundle::{Bundle, Unit};
use ia64::decode::{Undecoded, decode_bundle};
use ia64::table::{File, ROWS, Row};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_ia64::{InstDecoder, Instruction, Opcode, Operand};

use generator::Generator;

const BUNDLES: usize = 100_000;

/// Instructions that the witness gets wrong, is silent about or knows under another name; objdump agrees with us on all
/// of them.
fn is_unreliable(row: &Row, insn: &Insn) -> bool {
    use ia64::Op::*;
    let name = row.name;
    // Parallel operations of the I unit: many are missing, others have a neighbour's opcode.
    ["mix", "mux", "pack", "unpack", "pm", "psad", "psh"].iter().any(|prefix| name.starts_with(prefix))
        || ["fpcmp", "ld16", "tf."].iter().any(|prefix| name.starts_with(prefix))
        || matches!((insn.op, name), (LdImm, "ld2.acq" | "ld4.acq" | "ld2.bias" | "ld4.bias"))
        || matches!(name, "ldfs.a" | "ldfs.sa" | "fc.i" | "chk.s.i" | "mpy4" | "mpyshl4" | "clz")
        // Pseudo-operations, whose names it gives to some encodings.
        || matches!(insn.op, AddImm | Fma | XmaL | XmaH | XmaHu)
}

/// The witness's name for a row's mnemonic.
fn renamed(row: &Row, insn: &Insn) -> String {
    use ia64::Op::*;
    let suffix = match insn.op {
        Add1 => return "addplusone".to_owned(),
        Sub1 => return "subminusone".to_owned(),
        Frsqrta => return "frsqta".to_owned(),
        Clrrrb => return "clrrb".to_owned(),
        ClrrrbPr => return "clrrb.pr".to_owned(),
        BrlCond | BrlCall => ".bwh.ph.dh",
        Brp if row.name == "brp" && row.r2().is_none() => ".ipwh.ih",
        ChkA | InvalaE => ".int",
        ChkAF | ChkSF | InvalaEF => ".fp",
        ChkS => ".int",
        _ => "",
    };
    format!("{}{suffix}", row.name)
}

/// Register file, number, and whether it is written.
type Register = (char, u8, bool);

fn our_registers(row: &Row, insn: &Insn) -> Vec<Register> {
    let roles = [(row.r1(), insn.r1), (row.r2(), insn.r2), (row.r3(), insn.r3), (row.r4(), insn.r4)];
    let mut registers: Vec<Register> = roles
        .into_iter()
        .filter_map(|(role, number)| {
            let role = role?;
            let file = match role.file {
                File::Gr => 'r',
                File::Fr => 'f',
                File::Br => 'b',
                File::Ar => 'a',
                File::Cr => 'c',
            };
            // The witness does not count the update of a base register, nor branch registers as targets.
            let written = role.is_written() && !role.is_read() && role.file != File::Br;
            Some((file, number, written))
        })
        .collect();
    // Registers that the operands name by themselves, as far as the witness counts them.
    registers.extend(row.operands.text.contains("= r0").then_some(('r', 0, false)));
    registers.extend(row.operands.text.contains("ar.pfs").then_some(('a', 64, false)));
    registers.extend(row.writes_p1().then_some(('p', insn.p1, true)));
    registers.extend(row.writes_p2().then_some(('p', insn.p2, true)));
    registers.sort_unstable();
    registers
}

fn their_registers(insn: &Instruction) -> Vec<Register> {
    let mut registers: Vec<Register> = insn
        .operands()
        .iter()
        .enumerate()
        .filter_map(|(index, operand)| {
            let written = insn.last_write_index().is_some_and(|last| index <= usize::from(last));
            match operand {
                Operand::GPRegister(r) => Some(('r', r.0, written)),
                Operand::Memory(r) | Operand::Indirection(_, r) => Some(('r', r.0, false)),
                Operand::FloatRegister(r) => Some(('f', r.0, written)),
                Operand::PredicateRegister(r) => Some(('p', r.0, written)),
                Operand::BranchRegister(r) => Some(('b', r.0, false)),
                Operand::ApplicationRegister(r) => Some(('a', r.0, written)),
                Operand::ControlRegister(r) => Some(('c', r.0, written)),
                _ => None,
            }
        })
        .collect();
    registers.sort_unstable();
    registers
}

/// All slots of random bundles, as both decoders see them.
fn for_each_slot(mut check: impl FnMut(Unit, Result<Insn, Undecoded>, &Instruction)) {
    let bytes = Generator::new(0x1a64).bundles(BUNDLES);
    for bytes in bytes.chunks_exact(16) {
        let ours = decode_bundle(Bundle::from_bytes(bytes.try_into().expect("16 bytes")));
        let theirs = InstDecoder::default().decode(&mut U8Reader::new(bytes));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "reserved templates");
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            let units = ours.template.units().expect("a valid template");
            for ((slot, ours), theirs) in ours.iter().zip(theirs.instructions()) {
                check(units[usize::from(slot)], ours, theirs);
            }
        }
    }
}

#[test]
fn instructions_have_the_witness_name_and_registers() {
    let mut different = BTreeMap::new();
    let mut compared = 0;
    for_each_slot(|_, ours, theirs| {
        let Ok(insn) = ours else { return };
        let row = &ROWS[usize::from(insn.row)];
        if is_unreliable(row, &insn) {
            return;
        }
        compared += 1;
        let ours = (renamed(row, &insn), our_registers(row, &insn));
        let theirs = (theirs.opcode().to_string(), their_registers(theirs));
        if ours != theirs {
            different.insert(ours.0.clone(), format!("{ours:?} {theirs:?}"));
        }
    });
    assert!(different.is_empty(), "{different:#?}");
    assert!(compared > BUNDLES, "only {compared} instructions were compared");
}

/// On the branch unit, the only one with more than one shade.
#[test]
fn empty_encodings_are_shaded_as_the_witness_says() {
    let mut compared = 0;
    for_each_slot(|unit, ours, theirs| {
        let (Err(ours), Unit::B) = (ours, unit) else { return };
        let shades: &[Opcode] = match ours {
            Undecoded::Ignored => &[Opcode::White],
            Undecoded::Illegal => &[Opcode::Brown],
            Undecoded::IllegalIfPredicated(_) => &[Opcode::Cyan, Opcode::Purple],
        };
        assert!(shades.contains(&theirs.opcode()), "we {ours:?}, the witness {theirs}");
        compared += 1;
    });
    assert!(compared > BUNDLES / 20, "only {compared} encodings were compared");
}
