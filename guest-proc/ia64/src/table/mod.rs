//! The instruction set, written once: one constant row an instruction, in the order of the manual's format tables (SDM
//! volume 3, chapter 4), read by the decoder, the disassembler and the engines.
//!
//! ```text
//!   row:  M2  ld8.acq   major 4, m 1, x 0, x6 17   "r1 = [r3], r2"   LdReg  8, Acq   reads memory
//!         │   │         │                          │                 │               │
//!         │   │         bits that must match       operands          operation       properties
//!         │   mnemonic                             (text and roles)
//!         format: where immediates and hints lie (`format`)
//! ```
//!
//! Hints are fields of the format, not rows; completers that change the meaning are rows that share an [`Op`]. Registers
//! lie in the same bits in every format, so the operand text says by itself which fields are registers, of which file,
//! and which are targets (`operands`).

mod a;
mod b;
mod f;
mod format;
mod i;
mod m;
mod operands;
mod x;

use std::sync::LazyLock;

use crate::bits::{field, ones};
use crate::bundle::Unit;
use crate::op::Op;

pub use format::Format;
pub use operands::{Access, File, Operands, Role};

bitflags::bitflags! {
    /// What an instruction does besides computing its targets, for building blocks of decoded or compiled code.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Props: u16 {
        /// Whatever follows may not be the next instruction in the same state: it branches, may branch, always
        /// faults, or changes the processor status, the privilege level, a register bank or a translation.
        const ENDS_BLOCK = 1 << 0;
        /// Must be executed even when its qualifying predicate is clear: it has an effect then too (`cmp.unc`,
        /// `frcpa`), or takes the predicate as an operand (`br.wtop`). The handler looks at `Insn::qp` itself.
        const READS_QP = 1 << 1;
        /// Reads data memory.
        const READS_MEMORY = 1 << 2;
        /// Writes data memory.
        const WRITES_MEMORY = 1 << 3;
        /// Privileged operation fault unless the privilege level is 0 (whatever the operands are).
        const PRIVILEGED = 1 << 4;
        /// Must be the first instruction of its group.
        const FIRST_IN_GROUP = 1 << 5;
        /// Must be the last instruction of its group.
        const LAST_IN_GROUP = 1 << 6;
        /// Must be in slot 2 of its bundle, else an illegal operation fault.
        const SLOT_2 = 1 << 7;
        /// Changes the current frame marker: rotating register names, frame sizes, or which registers are current.
        const CHANGES_FRAME = 1 << 8;
        /// Never present on the processors of the 9000 series: an illegal operation fault there (CPUID\[4\] bit 32).
        const LATER_PROCESSORS = 1 << 9;
    }
}

/// Bits of a slot that are the same in every encoding of an instruction.
#[derive(Clone, Copy)]
struct Bits {
    mask: u64,
    value: u64,
}

/// The major opcode, bits 40:37.
const fn major(opcode: u64) -> Bits {
    Bits { mask: 0, value: 0 }.at(37, 4, opcode)
}

impl Bits {
    /// Adds a fixed field of `len` bits from bit `lo`.
    const fn at(self, lo: u32, len: u32, value: u64) -> Self {
        assert!(value <= ones(len), "field value too wide");
        assert!(self.mask & (ones(len) << lo) == 0, "field given twice");
        Self { mask: self.mask | (ones(len) << lo), value: self.value | (value << lo) }
    }
}

/// One instruction: how it is encoded, written, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Encoding format: where the fields lie.
    pub format: Format,
    /// Mnemonic with the completers that are not hints or status fields.
    pub name: &'static str,
    /// Bits of the slot that must be equal to `value`.
    pub mask: u64,
    /// Their values.
    pub value: u64,
    /// Operands: their text in the manual's notation and their roles.
    pub operands: Operands,
    /// The operation.
    pub op: Op,
    /// `Insn::x1`, unless the format takes it from a field.
    pub x1: u8,
    /// `Insn::x2`, unless the format takes it from a field.
    pub x2: u8,
    /// What else the engine has to know.
    pub props: Props,
}

const fn row(format: Format, name: &'static str, bits: Bits, operands: &'static str, op: Op) -> Row {
    Row {
        format,
        name,
        mask: bits.mask,
        value: bits.value,
        operands: Operands::new(operands, format.writes_base()),
        op,
        x1: 0,
        x2: 0,
        props: Props::empty(),
    }
}

impl Row {
    const fn x1(mut self, x1: u8) -> Self {
        self.x1 = x1;
        self
    }

    const fn x2(mut self, x2: u8) -> Self {
        self.x2 = x2;
        self
    }

    const fn has(mut self, props: Props) -> Self {
        self.props = self.props.union(props);
        self
    }

    const fn ends_block(self) -> Self {
        self.has(Props::ENDS_BLOCK)
    }

    const fn privileged(self) -> Self {
        self.has(Props::PRIVILEGED)
    }

    const fn reads_qp(self) -> Self {
        self.has(Props::READS_QP)
    }

    /// Role of `Insn::r1`, or `None` where the field names no register; likewise below.
    #[inline]
    pub const fn r1(&self) -> Option<Role> {
        self.operands.roles[0]
    }

    /// Role of `Insn::r2`.
    #[inline]
    pub const fn r2(&self) -> Option<Role> {
        self.operands.roles[1]
    }

    /// Role of `Insn::r3`.
    #[inline]
    pub const fn r3(&self) -> Option<Role> {
        self.operands.roles[2]
    }

    /// Role of `Insn::r4`.
    #[inline]
    pub const fn r4(&self) -> Option<Role> {
        self.operands.roles[3]
    }

    /// Whether `p1` is a target predicate.
    #[inline]
    pub const fn writes_p1(&self) -> bool {
        self.operands.p1
    }

    /// Whether `p2` is a target predicate.
    #[inline]
    pub const fn writes_p2(&self) -> bool {
        self.operands.p2
    }

    /// Whether `p1` and `p2` are both targets: naming the same register twice is an illegal operation fault.
    #[inline]
    pub const fn writes_two_predicates(&self) -> bool {
        self.operands.p1 && self.operands.p2
    }

    /// Whether the base register `r3` is written after the access. If `r1` is a general register too, as in a load,
    /// naming one register twice is an illegal operation fault.
    #[inline]
    pub const fn writes_base(&self) -> bool {
        self.format.writes_base()
    }
}

/// Length of the whole table.
const ROW_COUNT: usize = {
    let mut count = 0;
    let mut part = 0;
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

/// The parts of the table in the manual's order.
const PARTS: &[&[Row]] = &[
    a::INTEGER,
    a::COMPARE,
    a::MULTIMEDIA,
    i::MULTIMEDIA,
    i::SHIFTS,
    i::TESTS,
    i::MISCELLANEOUS,
    m::LOADS,
    m::LOADS_16,
    m::LOADS_REGISTER,
    m::LOADS_IMMEDIATE,
    m::STORES,
    m::FP_LOADS,
    m::FP_STORES,
    m::FP_PAIR_LOADS,
    m::PREFETCHES,
    m::SEMAPHORES,
    m::SYSTEM,
    b::ROWS,
    f::ROWS,
    x::ROWS,
];

/// Every instruction, in the manual's order; `Insn::row` is an index into it.
pub static ROWS: [Row; ROW_COUNT] = {
    let mut rows = [PARTS[0][0]; ROW_COUNT];
    let mut next = 0;
    let mut part = 0;
    while part < PARTS.len() {
        let mut index = 0;
        while index < PARTS[part].len() {
            rows[next] = PARTS[part][index];
            next += 1;
            index += 1;
        }
        part += 1;
    }
    rows
};

/// Bits 40:30 of a slot select a short list of candidate rows: the major opcode and the extensions most formats have.
const KEY_LO: u32 = 30;
const KEY_BITS: u32 = 11;

/// Candidate rows of each unit and key, as one list with a range for each key.
struct Index {
    ranges: Vec<(u32, u32)>,
    rows: Vec<u16>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { ranges: Vec::new(), rows: Vec::new() };
    for unit in [Unit::M, Unit::I, Unit::B, Unit::F, Unit::X] {
        let mut candidates = vec![Vec::new(); 1 << KEY_BITS];
        for (number, row) in (0..).zip(&ROWS).filter(|(_, row)| row.format.is_for(unit)) {
            let known = field(row.mask, KEY_LO, KEY_BITS);
            let value = field(row.value, KEY_LO, KEY_BITS);
            // Every choice of the bits that the row leaves open, by counting through them alone.
            let open = ones(KEY_BITS) & !known;
            let mut choice = 0;
            loop {
                candidates[(value | choice) as usize].push(number);
                choice = choice.wrapping_sub(open) & open;
                if choice == 0 {
                    break;
                }
            }
        }
        for rows in candidates {
            let start = index.rows.len() as u32;
            index.rows.extend::<Vec<u16>>(rows);
            index.ranges.push((start, index.rows.len() as u32));
        }
    }
    index
});

/// The row that `bits` (a slot of 41 bits) encode on `unit`, and its index in [`ROWS`].
pub fn find(unit: Unit, bits: u64) -> Option<(u16, &'static Row)> {
    let unit = match unit {
        Unit::M => 0,
        Unit::I => 1,
        Unit::B => 2,
        Unit::F => 3,
        Unit::X => 4,
        Unit::L => return None,
    };
    let key = field(bits, KEY_LO, KEY_BITS) as usize;
    let (start, end) = INDEX.ranges[(unit << KEY_BITS) + key];
    INDEX.rows[start as usize..end as usize]
        .iter()
        .map(|&number| (number, &ROWS[usize::from(number)]))
        .find(|(_, row)| bits & row.mask == row.value && row.format.accepts(bits))
}

#[cfg(test)]
mod tests;
