//! Application and control registers. SDM volume 1, 3.1.8; volume 2, 3.3.

/// Application registers that are plain storage; RSE registers are in [`crate::rse::Rse`].
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the manual's own names")]
pub struct Ar {
    pub k: [u64; 8],
    pub ccv: u64,
    pub unat: u64,
    pub fpsr: u64,
    pub pfs: u64,
    pub lc: u64,
    pub ec: u64,
    pub csd: u64,
    pub ssd: u64,
    pub cflg: u64,
    pub eflag: u64,
    pub fcr: u64,
    pub fsr: u64,
    pub fir: u64,
    pub fdr: u64,
    /// Added to the bus clock to give AR.ITC; AR.RUC is the clock without it.
    pub itc_offset: u64,
}

/// Application register numbers.
#[allow(missing_docs, reason = "the manual's own names")]
pub mod ar {
    pub const K0: u8 = 0;
    pub const K7: u8 = 7;
    pub const RSC: u8 = 16;
    pub const BSP: u8 = 17;
    pub const BSPSTORE: u8 = 18;
    pub const RNAT: u8 = 19;
    pub const FCR: u8 = 21;
    pub const EFLAG: u8 = 24;
    pub const CSD: u8 = 25;
    pub const SSD: u8 = 26;
    pub const CFLG: u8 = 27;
    pub const FSR: u8 = 28;
    pub const FIR: u8 = 29;
    pub const FDR: u8 = 30;
    pub const CCV: u8 = 32;
    pub const UNAT: u8 = 36;
    pub const FPSR: u8 = 40;
    pub const ITC: u8 = 44;
    pub const RUC: u8 = 45;
    pub const PFS: u8 = 64;
    pub const LC: u8 = 65;
    pub const EC: u8 = 66;
}

/// Control registers other than those of the local SAPIC ([`crate::sapic`]).
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the manual's own names")]
pub struct Cr {
    pub dcr: u64,
    pub itm: u64,
    pub iva: u64,
    pub pta: u64,
    pub ipsr: u64,
    pub isr: u64,
    pub iip: u64,
    pub ifa: u64,
    pub itir: u64,
    pub iipa: u64,
    pub ifs: u64,
    pub iim: u64,
    pub iha: u64,
}

/// Control register numbers.
#[allow(missing_docs, reason = "the manual's own names")]
pub mod cr {
    pub const DCR: u8 = 0;
    pub const ITM: u8 = 1;
    pub const IVA: u8 = 2;
    pub const PTA: u8 = 8;
    pub const IPSR: u8 = 16;
    pub const ISR: u8 = 17;
    pub const IIP: u8 = 19;
    pub const IFA: u8 = 20;
    pub const ITIR: u8 = 21;
    pub const IIPA: u8 = 22;
    pub const IFS: u8 = 23;
    pub const IIM: u8 = 24;
    pub const IHA: u8 = 25;
    pub const LID: u8 = 64;
    pub const IVR: u8 = 65;
    pub const TPR: u8 = 66;
    pub const EOI: u8 = 67;
    pub const IRR0: u8 = 68;
    pub const ITV: u8 = 72;
    pub const PMV: u8 = 73;
    pub const CMCV: u8 = 74;
    pub const LRR0: u8 = 80;
    pub const LRR1: u8 = 81;
}
