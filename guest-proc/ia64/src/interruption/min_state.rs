//! INIT: the program that a processor runs is set aside in a min-state save area, and taken up again from one. SDM
//! volume 2, 11.3.2 "Processor Min-state Save Area" and 11.4 "PAL Initialization Events". What is not in the area stays in
//! its registers, for whoever takes over to save.

use crate::cpu::Cpu;
use crate::exec::regs::RSC_RESERVED;
use crate::exec::system::PSR_RESERVED;
use crate::state::{Cfm, Gr, Psr};

/// Words of the area. SDM volume 2, figure 11-2.
mod word {
    /// NaT bits of the general registers: each at the place that `st8.spill` would give it.
    pub(super) const NATS: usize = 0;
    /// r1 to r15.
    pub(super) const GR1: usize = 1;
    /// r16 to r31 of bank 0.
    pub(super) const BANK0: usize = 16;
    /// r16 to r31 of bank 1.
    pub(super) const BANK1: usize = 32;
    pub(super) const PR: usize = 48;
    pub(super) const BR0: usize = 49;
    pub(super) const RSC: usize = 50;
    /// IIP, IPSR and IFS: where, how and with which frame the program goes on.
    pub(super) const IIP: usize = 51;
    pub(super) const IPSR: usize = 52;
    pub(super) const IFS: usize = 53;
    /// CR.IIP, CR.IPSR and CR.IFS as the program had them.
    pub(super) const XIP: usize = 54;
    pub(super) const XPSR: usize = 55;
    pub(super) const XFS: usize = 56;
    pub(super) const BR1: usize = 57;
    /// How many there are.
    pub(super) const COUNT: usize = 58;
}

/// PSR.is: there is no IA-32 instruction set to go back to.
const PSR_IS: u64 = 1 << 34;
const IFS_VALID: u64 = 1 << 63;

/// What a min-state save area holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinState([u64; word::COUNT]);

impl MinState {
    /// Bytes of it; an area has 4 KiB, of which the rest belongs to PAL.
    pub const BYTES: usize = word::COUNT * 8;

    /// As it lies in memory.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (to, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// From memory. Any bytes will do: what they cannot mean is ignored when the program is taken up.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> MinState {
        let mut words = [0; word::COUNT];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        MinState(words)
    }

    fn save(&mut self, at: usize, register: Gr) {
        self.0[at] = register.value;
        self.0[word::NATS] |= register.nat << at;
    }

    fn saved(&self, at: usize) -> Gr {
        Gr { value: self.0[at], nat: self.0[word::NATS] >> at & 1 }
    }
}

impl Cpu {
    /// Sets the program aside. The processor is in physical mode afterwards, at level 0, with bank 0, an empty frame above
    /// the program's, the register stack in enforced lazy mode, and with interruptions, machine checks and INIT masked.
    pub fn set_aside(&mut self) -> MinState {
        let mut state = MinState([0; word::COUNT]);
        state.0[word::XIP] = self.cr.iip;
        state.0[word::XPSR] = self.cr.ipsr;
        state.0[word::XFS] = self.cr.ifs;
        self.cr.iip = self.ip;
        self.cr.ipsr = self.psr.0;
        self.cr.ifs = IFS_VALID | self.cfm.0;
        // As an interruption and `cover`.
        self.rse.cfle = false;
        self.rse_cover();
        state.0[word::IIP] = self.cr.iip;
        state.0[word::IPSR] = self.cr.ipsr;
        state.0[word::IFS] = self.cr.ifs;
        state.0[word::PR] = self.pr;
        state.0[word::BR0] = self.br[0];
        state.0[word::BR1] = self.br[1];
        state.0[word::RSC] = self.rse.rsc;
        self.rse.rsc &= !3;
        let mut psr = Psr::default();
        psr.set_mc(true);
        self.set_psr(psr);
        for n in 0..15 {
            state.save(word::GR1 + n, self.gr.get(1 + n as u8));
        }
        let bank1 = *self.gr.other_bank();
        for (n, register) in bank1.into_iter().enumerate() {
            state.save(word::BANK0 + n, self.gr.get(16 + n as u8));
            state.save(word::BANK1 + n, register);
        }
        state
    }

    /// Takes up a program that was set aside; its register stack and all other registers have been put back already. As
    /// `rfi`, but CR.IIP, CR.IPSR and CR.IFS are the program's own again.
    pub fn take_up(&mut self, state: &MinState) {
        self.alat.invalidate_all();
        self.set_cfm(Cfm::default());
        self.pr = state.0[word::PR] | 1;
        self.br[0] = state.0[word::BR0];
        self.br[1] = state.0[word::BR1];
        self.rse.rsc = state.0[word::RSC] & !RSC_RESERVED;
        let mut psr = self.psr;
        psr.set_bn(false);
        self.set_psr(psr);
        for n in 0..15 {
            self.gr.set(1 + n as u8, state.saved(word::GR1 + n));
        }
        for n in 0..16 {
            self.gr.set(16 + n as u8, state.saved(word::BANK0 + n));
            self.gr.other_bank()[n] = state.saved(word::BANK1 + n);
        }
        self.cr.iip = state.0[word::IIP];
        self.cr.ipsr = state.0[word::IPSR] & !(PSR_RESERVED | PSR_IS);
        self.cr.ifs = state.0[word::IFS] & (IFS_VALID | Cfm::MASK);
        self.return_from_interruption();
        self.cr.iip = state.0[word::XIP] & !15;
        self.cr.ipsr = state.0[word::XPSR] & !PSR_RESERVED;
        self.cr.ifs = state.0[word::XFS] & (IFS_VALID | Cfm::MASK);
    }
}
