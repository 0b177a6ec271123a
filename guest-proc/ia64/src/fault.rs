//! Why an instruction did not simply run to its end: a fault, a taken branch, or a reason to leave the engine.
//!
//! [`Stop`] is one register wide so that `Result<(), Stop>` and `Result<u64, Stop>` come back in registers from the
//! functions that run for every guest instruction. Values that do not fit (IFA, IIM) wait in `Cpu::pending`.

use core::num::NonZeroU64;

/// Interruption vectors by their offset from CR.IVA. SDM volume 2, table 5-3 "Interruption Vector Table".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
#[allow(missing_docs, reason = "the manual's own names")]
#[rustfmt::skip]
pub enum Vector {
    VhptTranslation     = 0x0000,
    InstructionTlb      = 0x0400,
    DataTlb             = 0x0800,
    AlternateInstructionTlb = 0x0c00,
    AlternateDataTlb    = 0x1000,
    DataNestedTlb       = 0x1400,
    InstructionKeyMiss  = 0x1800,
    DataKeyMiss         = 0x1c00,
    DirtyBit            = 0x2000,
    InstructionAccessBit = 0x2400,
    DataAccessBit       = 0x2800,
    Break               = 0x2c00,
    ExternalInterrupt   = 0x3000,
    VirtualExternalInterrupt = 0x3400,
    PageNotPresent      = 0x5000,
    KeyPermission       = 0x5100,
    InstructionAccessRights = 0x5200,
    DataAccessRights    = 0x5300,
    GeneralException    = 0x5400,
    DisabledFp          = 0x5500,
    NatConsumption      = 0x5600,
    Speculation         = 0x5700,
    Debug               = 0x5900,
    UnalignedReference  = 0x5a00,
    UnsupportedDataReference = 0x5b00,
    FpFault             = 0x5c00,
    FpTrap              = 0x5d00,
    LowerPrivilegeTransfer = 0x5e00,
    TakenBranch         = 0x5f00,
    SingleStep          = 0x6000,
    Virtualization      = 0x6100,
    Ia32Exception       = 0x6900,
    Ia32Intercept       = 0x6a00,
    Ia32Interrupt       = 0x6b00,
}

/// ISR bits a fault carries with it (SDM volume 2, "Interruption Status Register"); `ei`, `ed`, `ir`, `ni` are added
/// at delivery.
pub mod isr {
    /// Execute: raised by an instruction fetch.
    pub const X: u64 = 1 << 32;
    /// Raised by a data write.
    pub const W: u64 = 1 << 33;
    /// Raised by a data read.
    pub const R: u64 = 1 << 34;
    /// Non-access instruction (`probe`, `tpa`, `fc`, `lfetch`, …), code{3:0} tells which.
    pub const NA: u64 = 1 << 35;
    /// Speculative load.
    pub const SP: u64 = 1 << 36;
    /// Register stack reference.
    pub const RS: u64 = 1 << 37;
    /// Incomplete register frame (RSE fill pending after `br.ret` or `rfi`).
    pub const IR: u64 = 1 << 38;
    /// Nested interruption (raised while PSR.ic was 0 or in flight).
    pub const NI: u64 = 1 << 39;
    /// IA-32 supervisor override; always 0 here.
    pub const SO: u64 = 1 << 40;
    /// Shift of the excepting instruction's slot.
    pub const EI_SHIFT: u32 = 41;
    /// Exception deferral: the code page's ED bit, for speculative loads.
    pub const ED: u64 = 1 << 43;
}

/// Codes of [`Vector::GeneralException`] (ISR.code{7:4} << 4).
pub mod general {
    /// Illegal operation fault.
    pub const ILLEGAL_OPERATION: u16 = 0x00;
    /// Privileged operation fault.
    pub const PRIVILEGED_OPERATION: u16 = 0x10;
    /// Privileged register fault.
    pub const PRIVILEGED_REGISTER: u16 = 0x20;
    /// Reserved register/field fault.
    pub const RESERVED_REGISTER_FIELD: u16 = 0x30;
    /// Disabled instruction set transition fault.
    pub const DISABLED_ISA_TRANSITION: u16 = 0x40;
    /// Illegal dependency.
    pub const ILLEGAL_DEPENDENCY: u16 = 0x80;
}

/// Why straight-line execution stopped. Bit 63 set: a [`Fault`]; clear: one of the constants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stop(NonZeroU64);

impl Stop {
    /// A branch was taken: the target bundle is in `Cpu::ip`, PSR.ri is the slot to start at.
    pub const BRANCH: Stop = Stop(NonZeroU64::new(1).unwrap());
    /// As [`Stop::BRANCH`], when more than the address changed: privilege, frame completeness, everything after `rfi`.
    pub const TRANSFER: Stop = Stop(NonZeroU64::new(4).unwrap());
    /// The instruction completed and the engine must return to its caller; `Cpu::exit` says why.
    pub const EXIT: Stop = Stop(NonZeroU64::new(2).unwrap());
    /// The instruction completed, execution goes on behind it, but cached state that the running block depends on
    /// (PSR, translations, code bytes) changed: look the block up again.
    pub const RELOOK: Stop = Stop(NonZeroU64::new(3).unwrap());

    /// The fault, if this is one.
    #[inline]
    pub const fn fault(self) -> Option<Fault> {
        if self.0.get() >> 63 != 0 { Some(Fault(self.0)) } else { None }
    }
}

/// An architectural fault, trap or interrupt: its vector and the ISR bits known where it was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fault(NonZeroU64);

const VECTOR_SHIFT: u32 = 48;

impl Fault {
    /// A fault on `vector` with ISR.code `code` and no other ISR bit.
    #[inline]
    pub const fn new(vector: Vector, code: u16) -> Fault {
        Fault::with_isr(vector, code as u64)
    }

    /// A fault on `vector` with the given ISR bits (code and the flags of [`isr`]).
    #[inline]
    pub const fn with_isr(vector: Vector, isr: u64) -> Fault {
        let bits = 1 << 63 | (vector as u64) << VECTOR_SHIFT | (isr & ((1 << VECTOR_SHIFT) - 1));
        match NonZeroU64::new(bits) {
            Some(bits) => Fault(bits),
            None => unreachable!(),
        }
    }

    /// Illegal operation fault.
    pub const ILLEGAL_OPERATION: Fault = Fault::new(Vector::GeneralException, general::ILLEGAL_OPERATION);
    /// Privileged operation fault.
    pub const PRIVILEGED_OPERATION: Fault =
        Fault::new(Vector::GeneralException, general::PRIVILEGED_OPERATION);
    /// Reserved register/field fault.
    pub const RESERVED_REGISTER_FIELD: Fault =
        Fault::new(Vector::GeneralException, general::RESERVED_REGISTER_FIELD);
    /// Register NaT consumption fault of a non-memory operand (ISR.code{7:4} = 1).
    pub const REGISTER_NAT_CONSUMPTION: Fault = Fault::new(Vector::NatConsumption, 0x10);

    /// The vector offset from CR.IVA.
    #[inline]
    pub const fn vector(self) -> u16 {
        (self.0.get() >> VECTOR_SHIFT) as u16 & 0x7fff
    }

    /// The ISR bits carried.
    #[inline]
    pub const fn isr(self) -> u64 {
        self.0.get() & ((1 << VECTOR_SHIFT) - 1)
    }

    /// The same fault with more ISR bits.
    #[inline]
    #[must_use]
    pub const fn with(self, isr: u64) -> Fault {
        Fault(NonZeroU64::new(self.0.get() | (isr & ((1 << VECTOR_SHIFT) - 1))).unwrap())
    }
}

impl From<Fault> for Stop {
    #[inline]
    fn from(fault: Fault) -> Stop {
        Stop(fault.0)
    }
}

impl core::fmt::Debug for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Fault(vector {:#06x}, isr {:#x})", self.vector(), self.isr())
    }
}

impl core::fmt::Debug for Stop {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.fault(), *self) {
            (Some(fault), _) => fault.fmt(f),
            (None, Stop::BRANCH) => f.write_str("Branch"),
            (None, Stop::TRANSFER) => f.write_str("Transfer"),
            (None, Stop::EXIT) => f.write_str("Exit"),
            (None, _) => f.write_str("Relook"),
        }
    }
}
