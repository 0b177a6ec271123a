//! The operations of the processor: what a decoded instruction *does*, apart from how it is encoded.
//!
//! One variant for each operation of SDM volume 3, chapter 2; the completers that change its meaning are typed
//! fields of [`crate::Insn`] named in the comment beside the variant. Hints (`.sptk.few`, `.nt1`) never appear here.
//!
//! Operand roles: `r1` is the target and `r2`, `r3`, `r4` the sources, in whatever register file the operation
//! works on (general, floating point, branch, application, control); `p1`, `p2` are target predicates.

/// An operation. The comment gives the manual's operand order and the fields of `Insn` that are used beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[rustfmt::skip] // One line an operation, grouped as in the manual's format tables.
#[allow(missing_docs, reason = "the comment beside each variant is its documentation")]
pub enum Op {
    // --- A: integer ALU ---
    Add,            // r1 = r2, r3
    Add1,           // r1 = r2, r3, 1
    Sub,            // r1 = r2, r3
    Sub1,           // r1 = r2, r3, 1        (r2 - r3 - 1)
    Addp4,          // r1 = r2, r3
    And,            // r1 = r2, r3
    Andcm,          // r1 = r2, r3
    Or,             // r1 = r2, r3
    Xor,            // r1 = r2, r3
    Shladd,         // r1 = r2, count2, r3   imm = 1..=4
    Shladdp4,       // r1 = r2, count2, r3   imm = 1..=4
    SubImm,         // r1 = imm8, r3
    AndImm,         // r1 = imm8, r3
    AndcmImm,       // r1 = imm8, r3         (imm & !r3)
    OrImm,          // r1 = imm8, r3
    XorImm,         // r1 = imm8, r3
    AddImm,         // r1 = imm, r3          adds (imm14) and addl (imm22)
    Addp4Imm,       // r1 = imm14, r3
    Cmp,            // p1, p2 = r2, r3       x1 = Rel, x2 = CmpType
    Cmp4,           // p1, p2 = r2, r3       x1 = Rel, x2 = CmpType
    CmpImm,         // p1, p2 = imm8, r3     x1 = Rel, x2 = CmpType
    Cmp4Imm,        // p1, p2 = imm8, r3     x1 = Rel, x2 = CmpType
    // --- A9, A10, I1, I2: parallel integer; x1 = element bytes (1, 2, 4) throughout ---
    Padd,           // r1 = r2, r3           x2 = Saturation
    Psub,           // r1 = r2, r3           x2 = Saturation
    Pavg,           // r1 = r2, r3           x2 = 1 for .raz
    Pavgsub,        // r1 = r2, r3
    PcmpEq,         // r1 = r2, r3
    PcmpGt,         // r1 = r2, r3           signed
    Pshladd2,       // r1 = r2, count2, r3   imm = 1..=3
    Pshradd2,       // r1 = r2, count2, r3   imm = 1..=3
    Pmpyshr2,       // r1 = r2, r3, count2   imm = 0, 7, 15, 16; x2 = 1 for .u
    Pmpy2R,         // r1 = r2, r3
    Pmpy2L,         // r1 = r2, r3
    MixR,           // r1 = r2, r3
    MixL,           // r1 = r2, r3
    PackUss,        // r1 = r2, r3           x1 = 2
    PackSss,        // r1 = r2, r3           x1 = 2, 4
    UnpackH,        // r1 = r2, r3
    UnpackL,        // r1 = r2, r3
    Pmin,           // r1 = r2, r3           x1 = 1 (.u), 2 (signed)
    Pmax,           // r1 = r2, r3           x1 = 1 (.u), 2 (signed)
    Psad1,          // r1 = r2, r3
    Mux1,           // r1 = r2, mbtype4      imm = mbtype
    Mux2,           // r1 = r2, mhtype8      imm = mhtype
    Pshr,           // r1 = r3, r2           x1 = 2, 4; x2 = 1 for .u
    PshrImm,        // r1 = r3, count5       x1 = 2, 4; x2 = 1 for .u
    Pshl,           // r1 = r2, r3           x1 = 2, 4
    PshlImm,        // r1 = r2, count5       x1 = 2, 4
    Popcnt,         // r1 = r3
    Clz,            // r1 = r3               (not on the 9000 series: CPUID[4] bit 32)
    Mpy4,           // r1 = r2, r3           (not on the 9000 series: CPUID[4] bit 32)
    Mpyshl4,        // r1 = r2, r3           (not on the 9000 series: CPUID[4] bit 32)
    // --- I: shifts, bit fields ---
    Shr,            // r1 = r3, r2           signed
    ShrU,           // r1 = r3, r2
    Shl,            // r1 = r2, r3
    Shrp,           // r1 = r2, r3, count6   imm = count
    Extr,           // r1 = r3, pos6, len6   imm = pos, x1 = len (1..=64)
    ExtrU,          // r1 = r3, pos6, len6   imm = pos, x1 = len (1..=64)
    DepZ,           // r1 = r2, pos6, len6   imm = pos, x1 = len (1..=64)
    DepZImm,        // r1 = imm8, pos6, len6 imm = the whole deposited value (already shifted and masked); as written: r2 = imm8, x1 = len, x2 = pos
    DepImm,         // r1 = imm1, r3, pos6, len6   imm = 0 or -1, x1 = len, x2 = pos
    Dep,            // r1 = r2, r3, pos6, len4     imm = pos, x1 = len (1..=16)
    TbitZ,          // p1, p2 = r3, pos6     imm = pos, x1 = 0 for z and 1 for nz, x2 = CmpType
    TnatZ,          // p1, p2 = r3           x1 = 0 for z and 1 for nz, x2 = CmpType
    TfZ,            // p1, p2 = imm5         imm = 32..=63, x1 = 0 for z and 1 for nz, x2 = CmpType
    Sxt,            // r1 = r3               x1 = bytes (1, 2, 4)
    Zxt,            // r1 = r3               x1 = bytes (1, 2, 4)
    CzxL,           // r1 = r3               x1 = bytes (1, 2)
    CzxR,           // r1 = r3               x1 = bytes (1, 2)
    // --- any unit ---
    Nop,            // imm                   .i .m .b .f .x
    Hint,           // imm                   .i .m .b .f .x; 0 is @pause
    Break,          // imm                   .i .m .b .f .x (62 bits in .x)
    // --- register moves ---
    MovToBr,        // b1 = r2               imm = tag displacement (a hint), r1 = branch register, x1 = 1 for .ret (a hint)
    MovFromBr,      // r1 = b2               r2 = branch register
    MovToPr,        // pr = r2, mask17       imm = sign-extended mask, bit 0 clear
    MovToPrRot,     // pr.rot = imm44        imm = sign-extended value
    MovFromPr,      // r1 = pr
    MovFromIp,      // r1 = ip
    MovToAr,        // ar3 = r2              r3 = application register (I and M units alike)
    MovToArImm,     // ar3 = imm8            r3 = application register
    MovFromAr,      // r1 = ar3              r3 = application register
    MovToCr,        // cr3 = r2              r3 = control register
    MovFromCr,      // r1 = cr3              r3 = control register
    MovToPsrL,      // psr.l = r2
    MovToPsrUm,     // psr.um = r2
    MovFromPsr,     // r1 = psr
    MovFromPsrUm,   // r1 = psr.um
    MovToInd,       // file[r3] = r2         x1 = IndirectFile (rr, dbr, ibr, pkr, pmc, pmd)
    MovFromInd,     // r1 = file[r3]         x1 = IndirectFile (also cpuid; dahr on later processors never)
    // --- M: memory; x1 = access bytes ---
    Ld,             // r1 = [r3]             x2 = LdType
    LdReg,          // r1 = [r3], r2         x2 = LdType
    LdImm,          // r1 = [r3], imm9       x2 = LdType
    Ld16,           // r1, ar.csd = [r3]     x2 = LdType (Normal, Acq)
    St,             // [r3] = r2             x2 = StType
    StImm,          // [r3] = r2, imm9       x2 = StType
    St16,           // [r3] = r2, ar.csd     x2 = StType (Normal, Rel)
    Ldf,            // f1 = [r3]             x1 = FpSize, x2 = LdType
    LdfReg,         // f1 = [r3], r2         x1 = FpSize, x2 = LdType
    LdfImm,         // f1 = [r3], imm9       x1 = FpSize, x2 = LdType
    Stf,            // [r3] = f2             x1 = FpSize
    StfImm,         // [r3] = f2, imm9       x1 = FpSize
    Ldfp,           // f1, f2 = [r3]         x1 = FpSize (S, D, I8), x2 = LdType; the targets are r1 and r2
    LdfpImm,        // f1, f2 = [r3], imm    x1 = FpSize, x2 = LdType; imm = 8 or 16
    Lfetch,         // [r3]                  x1 = 1 for .fault, x2 = 1 for .excl
    LfetchReg,      // [r3], r2              x1 = 1 for .fault, x2 = 1 for .excl
    LfetchImm,      // [r3], imm9            x1 = 1 for .fault, x2 = 1 for .excl
    Cmpxchg,        // r1 = [r3], r2, ar.ccv x1 = bytes, x2 = 0 acq, 1 rel
    Cmp8xchg16,     // r1 = [r3], r2, ar.csd, ar.ccv       x2 = 0 acq, 1 rel
    Xchg,           // r1 = [r3], r2         x1 = bytes
    Fetchadd,       // r1 = [r3], inc3       x1 = bytes (4, 8), x2 = 0 acq, 1 rel, imm = increment
    Setf,           // f1 = r2               x1 = FpTransfer
    Getf,           // r1 = f2               x1 = FpTransfer
    ChkS,           // r2, target25          imm = displacement in bytes from the bundle (I and M units)
    ChkSF,          // f2, target25          imm = displacement; r2 = floating-point register
    ChkA,           // r1, target25          imm = displacement; x1 = 1 for .clr
    ChkAF,          // f1, target25          imm = displacement; x1 = 1 for .clr
    Invala,
    InvalaE,        // r1
    InvalaEF,       // f1
    Fwb,
    Mf,
    MfA,
    SrlzD,
    SrlzI,
    SyncI,
    Flushrs,
    Loadrs,
    Fc,             // r3                    x1 = 1 for fc.i
    PtcE,           // r3
    Alloc,          // r1 = ar.pfs, i, l, o, r     imm = sof | sol << 7 | sor << 14 (sor in units of 8); qp is always 0
    ProbeR,         // r1 = r3, r2
    ProbeW,         // r1 = r3, r2
    ProbeRImm,      // r1 = r3, imm2
    ProbeWImm,      // r1 = r3, imm2
    ProbeFault,     // r3, imm2              x1 = Access bits: 1 read, 2 write, 3 both
    ItcD,           // r2
    ItcI,           // r2
    ItrD,           // dtr[r3] = r2
    ItrI,           // itr[r3] = r2
    PtcL,           // r3, r2
    PtcG,           // r3, r2
    PtcGa,          // r3, r2
    PtrD,           // r3, r2
    PtrI,           // r3, r2
    Thash,          // r1 = r3
    Ttag,           // r1 = r3
    Tpa,            // r1 = r3
    Tak,            // r1 = r3
    Sum,            // imm24
    Rum,            // imm24
    Ssm,            // imm24
    Rsm,            // imm24
    Vmsw,           // x1 = 0, 1             (virtualization is not on offer: virtualization fault / illegal)
    // --- B ---
    BrCond,         // target25              imm = displacement in bytes from the bundle
    BrWexit,        // target25
    BrWtop,         // target25
    BrCloop,        // target25
    BrCexit,        // target25
    BrCtop,         // target25
    BrCall,         // b1 = target25         r1 = branch register
    BrInd,          // b2                    r2 = branch register
    BrIa,           // b2
    BrRet,          // b2
    BrCallInd,      // b1 = b2               r1, r2 = branch registers
    Brp,            // a prediction: no effect; imm = target displacement, r2 = branch register of the indirect form, x1 and x2 = low 8 bits and sign of the tag in bundles
    Cover,
    Clrrrb,
    ClrrrbPr,
    Rfi,
    Bsw,            // x1 = 0, 1
    Epc,
    // --- X ---
    Movl,           // r1 = imm64
    BrlCond,        // target64              imm = displacement in bytes from the bundle
    BrlCall,        // b1 = target64         r1 = branch register
    // --- F; x1 = Precision or as said, x2 = status field 0..=3 ---
    Fma,            // f1 = f3, f4, f2       x1 = Precision, x2 = sf  (f1 = f3 * f4 + f2)
    Fms,            // f1 = f3, f4, f2       x1 = Precision, x2 = sf
    Fnma,           // f1 = f3, f4, f2       x1 = Precision, x2 = sf
    Fpma,           // f1 = f3, f4, f2       x2 = sf
    Fpms,           // f1 = f3, f4, f2       x2 = sf
    Fpnma,          // f1 = f3, f4, f2       x2 = sf
    XmaL,           // f1 = f3, f4, f2
    XmaH,           // f1 = f3, f4, f2
    XmaHu,          // f1 = f3, f4, f2
    Fselect,        // f1 = f3, f4, f2
    Fcmp,           // p1, p2 = f2, f3       x1 = FpRel, x2 = sf, imm = 1 for .unc
    Fclass,         // p1, p2 = f2, fclass9  imm = class mask, x1 = 1 for .unc
    Frcpa,          // f1, p2 = f2, f3       x2 = sf
    Fprcpa,         // f1, p2 = f2, f3       x2 = sf
    Frsqrta,        // f1, p2 = f3           x2 = sf
    Fprsqrta,       // f1, p2 = f3           x2 = sf
    Fmin,           // f1 = f2, f3           x2 = sf
    Fmax,           // f1 = f2, f3           x2 = sf
    Famin,          // f1 = f2, f3           x2 = sf
    Famax,          // f1 = f2, f3           x2 = sf
    Fpmin,          // f1 = f2, f3           x2 = sf
    Fpmax,          // f1 = f2, f3           x2 = sf
    Fpamin,         // f1 = f2, f3           x2 = sf
    Fpamax,         // f1 = f2, f3           x2 = sf
    Fpcmp,          // f1 = f2, f3           x1 = FpRel (all eight), x2 = sf
    FmergeS,        // f1 = f2, f3
    FmergeNs,       // f1 = f2, f3
    FmergeSe,       // f1 = f2, f3
    FmixLr,         // f1 = f2, f3
    FmixR,          // f1 = f2, f3
    FmixL,          // f1 = f2, f3
    FsxtR,          // f1 = f2, f3
    FsxtL,          // f1 = f2, f3
    Fpack,          // f1 = f2, f3
    Fswap,          // f1 = f2, f3
    FswapNl,        // f1 = f2, f3
    FswapNr,        // f1 = f2, f3
    Fand,           // f1 = f2, f3
    Fandcm,         // f1 = f2, f3
    For,            // f1 = f2, f3
    Fxor,           // f1 = f2, f3
    FpmergeS,       // f1 = f2, f3
    FpmergeNs,      // f1 = f2, f3
    FpmergeSe,      // f1 = f2, f3
    FcvtFx,         // f1 = f2               x1 = FpToInt bits: 1 unsigned, 2 truncate; x2 = sf
    FcvtXf,         // f1 = f2
    Fpcvt,          // f1 = f2               x1 = FpToInt bits: 1 unsigned, 2 truncate; x2 = sf
    Fsetc,          // amask7, omask7        x2 = sf, imm = amask | omask << 7
    Fclrf,          // x2 = sf
    Fchkf,          // target25              x2 = sf, imm = displacement
}

/// Relation of an integer compare, as encoded after pseudo-operations are folded away (`Insn::x1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names")]
pub enum Rel {
    Eq,
    Ne,
    Lt,
    Ltu,
    Gt,
    Ge,
    Le,
}

/// How a compare or test writes its two predicates (`Insn::x2`). SDM volume 3, "cmp", table of compare types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CmpType {
    /// Both targets are written when the qualifying predicate is set.
    Normal,
    /// Both targets are cleared first, even when the qualifying predicate is clear.
    Unc,
    /// Both targets are cleared when the relation is false.
    And,
    /// Both targets are set when the relation is true.
    Or,
    /// When the relation is true, the first target is set and the second cleared.
    OrAndcm,
}

/// Saturation of a parallel add or subtract (`Insn::x2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names: result, first source, second source")]
pub enum Saturation {
    Modulo,
    Sss,
    Uuu,
    Uus,
}

/// Load completer (`Insn::x2`). SDM volume 3, "ld", table of load types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names")]
pub enum LdType {
    Normal,
    S,
    A,
    Sa,
    Bias,
    Acq,
    CClr,
    CNc,
    CClrAcq,
    Fill,
}

/// Store completer (`Insn::x2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names")]
pub enum StType {
    Normal,
    Rel,
    Spill,
}

/// Memory format of a floating-point load or store (`Insn::x1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(
    missing_docs,
    reason = "the manual's own completer names: ldfs, ldfd, ldf8, ldfe, ldf.fill/stf.spill"
)]
pub enum FpSize {
    S,
    D,
    I8,
    E,
    Fill,
}

/// Form of `setf` and `getf` (`Insn::x1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names")]
pub enum FpTransfer {
    Sig,
    Exp,
    S,
    D,
}

/// Precision completer of floating-point arithmetic (`Insn::x1`): `Dynamic` takes it from the status field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names")]
pub enum Precision {
    Dynamic,
    S,
    D,
}

/// Relation of `fcmp` (the first four, after folding) and `fpcmp` (all; the negated ones are encodings of their own).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own completer names")]
pub enum FpRel {
    Eq,
    Lt,
    Le,
    Unord,
    Neq,
    Nlt,
    Nle,
    Ord,
}

/// Register file of an indirect move (`Insn::x1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the manual's own names")]
pub enum IndirectFile {
    Rr,
    Dbr,
    Ibr,
    Pkr,
    Pmc,
    Pmd,
    Cpuid,
}
