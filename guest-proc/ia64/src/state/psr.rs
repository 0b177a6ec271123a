//! Processor Status Register. SDM volume 2, 3.3.2.

/// PSR, bits as in SDM volume 2, table 3-2. `ri` is kept in it: it is the slot the next instruction starts at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Psr(pub u64);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident, $set:ident = $bit:expr;)*) => { impl Psr { $(
        $(#[$doc])*
        #[inline] pub const fn $name(self) -> bool { self.0 >> $bit & 1 != 0 }
        /// Sets or clears the bit of the same name.
        #[inline] pub fn $set(&mut self, on: bool) { self.0 = self.0 & !(1 << $bit) | (on as u64) << $bit; }
    )* } };
}

flags! {
    /// Big-endian data references.
    be, set_be = 1;
    /// User performance monitors enable.
    up, set_up = 2;
    /// Alignment check.
    ac, set_ac = 3;
    /// f2..f31 written.
    mfl, set_mfl = 4;
    /// f32..f127 written.
    mfh, set_mfh = 5;
    /// Interruption collection.
    ic, set_ic = 13;
    /// External interrupts enable.
    i, set_i = 14;
    /// Protection keys enable.
    pk, set_pk = 15;
    /// Data address translation.
    dt, set_dt = 17;
    /// f2..f31 disabled.
    dfl, set_dfl = 18;
    /// f32..f127 disabled.
    dfh, set_dfh = 19;
    /// Secure performance monitors.
    sp, set_sp = 20;
    /// Privileged performance monitors enable.
    pp, set_pp = 21;
    /// Disable instruction set transition.
    di, set_di = 22;
    /// Secure interval timer.
    si, set_si = 23;
    /// Debug breakpoint faults enable.
    db, set_db = 24;
    /// Lower-privilege transfer trap enable.
    lp, set_lp = 25;
    /// Taken-branch trap enable.
    tb, set_tb = 26;
    /// Register stack translation.
    rt, set_rt = 27;
    /// IA-32 instruction set.
    is, set_is = 34;
    /// Machine checks masked.
    mc, set_mc = 35;
    /// Instruction address translation.
    it, set_it = 36;
    /// Instruction debug faults disabled for one instruction.
    id, set_id = 37;
    /// Data access and dirty-bit faults disabled for one instruction.
    da, set_da = 38;
    /// Data debug faults disabled for one instruction.
    dd, set_dd = 39;
    /// Single-step trap enable.
    ss, set_ss = 40;
    /// Exception deferral for one instruction.
    ed, set_ed = 43;
    /// Register bank 1 selected.
    bn, set_bn = 44;
    /// Instruction access-bit faults disabled for one instruction.
    ia, set_ia = 45;
    /// Virtual machine mode; never set here.
    vm, set_vm = 46;
}

impl Psr {
    /// Bits of the user mask, PSR{5:0}.
    pub const USER_MASK: u64 = 0x3e;
    /// Bits of the system mask that `ssm` and `rsm` reach, PSR{23:0}.
    pub const SYSTEM_MASK: u64 = 0xff_ffff;
    /// PSR.ss.
    pub const SINGLE_STEP: u64 = 1 << 40;
    /// PSR.tb.
    pub const TAKEN_BRANCH: u64 = 1 << 26;
    /// PSR.db.
    pub const DEBUG: u64 = 1 << 24;
    /// PSR.cpl.
    pub const CPL: u64 = 3 << 32;
    /// PSR.it.
    pub const IT: u64 = 1 << 36;
    /// PSR.ri.
    pub const RI: u64 = 3 << 41;
    /// Bits that hold for one instruction only: id, da, dd, ed, ia.
    pub const ONE_INSTRUCTION: u64 = 1 << 37 | 1 << 38 | 1 << 39 | 1 << 43 | 1 << 45;

    /// Current privilege level, 0 (most privileged) to 3.
    #[inline]
    pub const fn cpl(self) -> u8 {
        (self.0 >> 32) as u8 & 3
    }
    /// Sets the privilege level.
    #[inline]
    pub fn set_cpl(&mut self, cpl: u8) {
        self.0 = self.0 & !(3 << 32) | ((cpl & 3) as u64) << 32;
    }
    /// Restart instruction: slot 0..=2.
    #[inline]
    pub const fn ri(self) -> u8 {
        (self.0 >> 41) as u8 & 3
    }
    /// Sets the restart slot.
    #[inline]
    pub fn set_ri(&mut self, slot: u8) {
        // Written only when it changes: it hardly ever does, and reading PSR as a whole waits for a store to part of it.
        if self.ri() != slot & 3 {
            self.0 = self.0 & !(3 << 41) | ((slot & 3) as u64) << 41;
        }
    }
}
