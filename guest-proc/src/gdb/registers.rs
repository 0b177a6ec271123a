//! The registers as gdb numbers and packs them for ia64 (its `ia64-tdep.c`; a target description cannot change it).

use gdbstub::arch::{Arch, Registers};
use ia64::cpu::Cpu;
use ia64::state::regs::ar;
use ia64::state::{Cfm, Fr, Gr, Psr};

use super::stack;

/// gdb's idea of the processor.
pub(super) enum Ia64 {}

impl Arch for Ia64 {
    type Usize = u64;
    type Registers = Ia64Registers;
    type BreakpointKind = usize;
    type RegId = ();
}

const GENERAL: usize = 128;
const FLOATING: usize = 128;
/// p0 to p63 one by one: gdb computes them from the predicate register.
const PREDICATES: usize = 64;
const BRANCH: usize = 8;
const APPLICATION: usize = 128;
/// Static general registers; gdb takes r32 and up from the backing store.
const STATIC: usize = 32;

/// Contents of gdb's `g` packet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ia64Registers {
    general: [u64; STATIC],
    floating: Vec<Fr>,
    branch: [u64; BRANCH],
    /// ar.ec and friends are among `application`; these are gdb's vfp and vrap, always 0.
    predicates: u64,
    ip: u64,
    psr: u64,
    cfm: u64,
    application: Vec<u64>,
}

impl Default for Ia64Registers {
    fn default() -> Self {
        Ia64Registers {
            general: [0; STATIC],
            floating: vec![Fr::ZERO; FLOATING],
            branch: [0; BRANCH],
            predicates: 0,
            ip: 0,
            psr: 0,
            cfm: 0,
            application: vec![0; APPLICATION],
        }
    }
}

/// Physical number of floating-point register `f` as the program names it.
fn physical(cfm: Cfm, f: usize) -> usize {
    if f < 32 { f } else { 32 + (f - 32 + cfm.rrb_fr() as usize) % 96 }
}

impl Ia64Registers {
    /// The registers of `cpu`.
    pub(super) fn of(cpu: &Cpu) -> Ia64Registers {
        let mut application: Vec<u64> = (0..APPLICATION as u8).map(|n| cpu.read_ar(n).unwrap_or(0)).collect();
        // gdb finds r32 below this.
        application[ar::BSP as usize] = stack::end_of_frame(cpu);
        Ia64Registers {
            general: std::array::from_fn(|n| cpu.gr.get(n as u8).value),
            floating: (0..FLOATING).map(|n| cpu.fr[physical(cpu.cfm, n)]).collect(),
            branch: cpu.br,
            predicates: cpu.pr,
            ip: cpu.ip,
            psr: cpu.psr.0,
            cfm: cpu.cfm.0,
            application,
        }
    }

    /// Writes what may be changed into `cpu`: everything but the stack engine's registers and the frame marker.
    pub(super) fn apply(&self, cpu: &mut Cpu) {
        for n in 1..STATIC {
            let new = self.general[n];
            if cpu.gr.get(n as u8).value != new {
                cpu.gr.set(n as u8, Gr::new(new));
            }
        }
        for n in 2..FLOATING {
            cpu.fr[physical(cpu.cfm, n)] = self.floating[n];
        }
        cpu.br = self.branch;
        cpu.pr = self.predicates | 1;
        cpu.ip = self.ip & !15;
        cpu.set_psr(Psr(self.psr));
        let value = |number: u8| self.application[number as usize];
        cpu.ar.k = std::array::from_fn(|n| value(ar::K0 + n as u8));
        cpu.ar.ccv = value(ar::CCV);
        cpu.ar.unat = value(ar::UNAT);
        cpu.ar.fpsr = value(ar::FPSR);
        cpu.ar.pfs = value(ar::PFS);
        cpu.ar.lc = value(ar::LC);
        cpu.ar.ec = value(ar::EC) & 0x3f;
    }
}

impl Registers for Ia64Registers {
    type ProgramCounter = u64;

    fn pc(&self) -> u64 {
        self.ip + Psr(self.psr).ri() as u64
    }

    fn gdb_serialize(&self, mut write_byte: impl FnMut(Option<u8>)) {
        let mut words =
            |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).for_each(|b| write_byte(Some(b)));
        words(&self.general);
        words(&[0; GENERAL - STATIC]);
        for register in &self.floating {
            words(&[register.significand, register.sign_exponent as u64]);
        }
        words(&[0; PREDICATES]);
        words(&self.branch);
        words(&[0, 0, self.predicates, self.ip, self.psr, self.cfm]);
        words(&self.application);
    }

    fn gdb_deserialize(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let mut words =
            bytes.chunks_exact(8).map(|chunk| u64::from_le_bytes(std::array::from_fn(|i| chunk[i])));
        let mut next = || words.next().ok_or(());
        for register in &mut self.general {
            *register = next()?;
        }
        for _ in STATIC..GENERAL {
            next()?;
        }
        for register in &mut self.floating {
            *register = Fr { significand: next()?, sign_exponent: next()? as u32 & 0x3_ffff };
        }
        for _ in 0..PREDICATES {
            next()?;
        }
        for register in &mut self.branch {
            *register = next()?;
        }
        next()?;
        next()?;
        (self.predicates, self.ip, self.psr, self.cfm) = (next()?, next()?, next()?, next()?);
        for register in &mut self.application {
            *register = next()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(registers: &Ia64Registers) -> Vec<u8> {
        let mut bytes = Vec::new();
        registers.gdb_serialize(|byte| bytes.push(byte.unwrap_or(0)));
        bytes
    }

    #[test]
    fn the_packet_has_gdbs_layout() {
        let mut registers = Ia64Registers::default();
        registers.general[12] = 0x1111;
        registers.floating[1] = Fr::ONE;
        registers.branch[0] = 0x2222;
        registers.ip = 0x3330;
        registers.application[ar::LC as usize] = 0x4444;
        let packet = bytes(&registers);
        // 128 + 128 x 2 + 64 + 8 + 2 + 4 + 128 words: registers 0 to 461.
        assert_eq!(packet.len(), 4720);
        let word = |at: usize| u64::from_le_bytes(packet[at * 8..at * 8 + 8].try_into().unwrap());
        let after_floating = 128 + 2 * 128;
        assert_eq!(word(12), 0x1111);
        assert_eq!((word(128 + 2), word(128 + 3)), (1 << 63, 0xffff));
        assert_eq!(word(after_floating + 64), 0x2222);
        assert_eq!(word(after_floating + 64 + 8 + 3), 0x3330);
        assert_eq!(word(after_floating + 64 + 8 + 6 + 65), 0x4444);
    }

    #[test]
    fn what_gdb_sends_back_is_what_it_got() {
        let mut registers = Ia64Registers::default();
        registers.general[31] = 7;
        registers.psr = 1 << 41;
        registers.ip = 0x100;
        registers.floating[127] = Fr { significand: 5, sign_exponent: 0x3_0001 };
        let mut back = Ia64Registers::default();
        back.gdb_deserialize(&bytes(&registers)).unwrap();
        assert_eq!(back, registers);
        assert_eq!(back.pc(), 0x101);
        assert!(back.gdb_deserialize(&[0; 100]).is_err());
    }
}
