//! Integer arithmetic, logic, shifts and bit fields. SDM volume 3, chapter 2.
//!
//! Each body exists once for every combination of static and stacked operands (`KINDS`), chosen when a block is built.

use crate::cpu::Cpu;
use crate::exec::Done;
use crate::insn::Insn;
use crate::simd;
use crate::state::Gr;
use crate::state::gr::{R1_STACKED, R2_STACKED, R3_STACKED};

/// Two general registers to one; NaT of either reaches the target.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident: |$a:ident, $b:ident, $i:ident| $value:expr;)*) => { $(
        $(#[$doc])*
        pub(super) fn $name<const KINDS: u8>(cpu: &mut Cpu, $i: &Insn) -> Done {
            let x = cpu.gr.get_known::<KINDS, R2_STACKED>($i.r2);
            let y = cpu.gr.get_known::<KINDS, R3_STACKED>($i.r3);
            let ($a, $b) = (x.value, y.value);
            cpu.gr.set_known::<KINDS, R1_STACKED>($i.r1, Gr { value: $value, nat: x.nat | y.nat });
            Ok(())
        }
    )* };
}

/// One general register (`r3`) to another; NaT travels along.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident: |$b:ident, $i:ident| $value:expr;)*) => { $(
        $(#[$doc])*
        pub(super) fn $name<const KINDS: u8>(cpu: &mut Cpu, $i: &Insn) -> Done {
            let y = cpu.gr.get_known::<KINDS, R3_STACKED>($i.r3);
            let $b = y.value;
            cpu.gr.set_known::<KINDS, R1_STACKED>($i.r1, Gr { value: $value, nat: y.nat });
            Ok(())
        }
    )* };
}

/// 32-bit pointer conversion: the low word, with address bits 31:30 of `region` moved to 62:61.
#[inline]
fn pointer4(sum: u64, region: u64) -> u64 {
    sum & 0xffff_ffff | (region >> 30 & 3) << 61
}

/// `len` low ones, 1..=64.
#[inline]
fn ones(len: u8) -> u64 {
    u64::MAX >> (64 - len as u32)
}

#[inline]
fn shift_left(value: u64, count: u64) -> u64 {
    if count < 64 { value << count } else { 0 }
}

#[inline]
fn shift_right(value: u64, count: u64) -> u64 {
    if count < 64 { value >> count } else { 0 }
}

#[inline]
fn shift_right_signed(value: u64, count: u64) -> u64 {
    ((value as i64) >> count.min(63)) as u64
}

binary! {
    add: |a, b, _i| a.wrapping_add(b);
    add1: |a, b, _i| a.wrapping_add(b).wrapping_add(1);
    sub: |a, b, _i| a.wrapping_sub(b);
    sub1: |a, b, _i| a.wrapping_sub(b).wrapping_sub(1);
    addp4: |a, b, _i| pointer4(a.wrapping_add(b), b);
    and: |a, b, _i| a & b;
    andcm: |a, b, _i| a & !b;
    or: |a, b, _i| a | b;
    xor: |a, b, _i| a ^ b;
    shladd: |a, b, i| (a << i.imm).wrapping_add(b);
    shladdp4: |a, b, i| pointer4((a << i.imm).wrapping_add(b), b);
    shl: |a, b, _i| shift_left(a, b);
    shr: |a, b, _i| shift_right_signed(b, a);
    shr_u: |a, b, _i| shift_right(b, a);
    shrp: |a, b, i| ((((a as u128) << 64) | b as u128) >> i.imm) as u64;
    dep: |a, b, i| b & !(ones(i.x1) << i.imm) | (a & ones(i.x1)) << i.imm;
    padd: |a, b, i| simd::padd(i.x1, i.x2, a, b);
    psub: |a, b, i| simd::psub(i.x1, i.x2, a, b);
    pavg: |a, b, i| simd::pavg(i.x1, i.x2, a, b);
    pavgsub: |a, b, i| simd::pavgsub(i.x1, a, b);
    pcmp_eq: |a, b, i| simd::pcmp_eq(i.x1, a, b);
    pcmp_gt: |a, b, i| simd::pcmp_gt(i.x1, a, b);
    pshladd2: |a, b, i| simd::pshladd2(i.imm as u32, a, b);
    pshradd2: |a, b, i| simd::pshradd2(i.imm as u32, a, b);
    pmpyshr2: |a, b, i| simd::pmpyshr2(i.imm as u32, i.x2, a, b);
    pmpy2_r: |a, b, _i| simd::pmpy2_r(a, b);
    pmpy2_l: |a, b, _i| simd::pmpy2_l(a, b);
    mix_r: |a, b, i| simd::mix_r(i.x1, a, b);
    mix_l: |a, b, i| simd::mix_l(i.x1, a, b);
    pack_uss: |a, b, _i| simd::pack2_uss(a, b);
    pack_sss: |a, b, i| simd::pack_sss(i.x1, a, b);
    unpack_h: |a, b, i| simd::unpack_h(i.x1, a, b);
    unpack_l: |a, b, i| simd::unpack_l(i.x1, a, b);
    pmin: |a, b, i| simd::pmin(i.x1, a, b);
    pmax: |a, b, i| simd::pmax(i.x1, a, b);
    psad1: |a, b, _i| simd::psad1(a, b);
    pshr: |a, b, i| simd::pshr(i.x1, i.x2, b, a);
    pshl: |a, b, i| simd::pshl(i.x1, a, b);
    mpy4: |a, b, _i| simd::mpy4(a, b);
    mpyshl4: |a, b, _i| simd::mpyshl4(a, b);
}

unary! {
    sub_imm: |b, i| (i.imm as u64).wrapping_sub(b);
    and_imm: |b, i| i.imm as u64 & b;
    andcm_imm: |b, i| i.imm as u64 & !b;
    or_imm: |b, i| i.imm as u64 | b;
    xor_imm: |b, i| i.imm as u64 ^ b;
    add_imm: |b, i| (i.imm as u64).wrapping_add(b);
    addp4_imm: |b, i| pointer4((i.imm as u64).wrapping_add(b), b);
    dep_imm: |b, i| {
        let mask = ones(i.x1) << i.x2;
        b & !mask | i.imm as u64 & mask
    };
    extr: |b, i| {
        // A field that would reach beyond bit 63 is cut there and extended from bit 63.
        let len = i.x1.min(64 - i.imm as u8) as u32;
        (((b << (64 - len - i.imm as u32)) as i64) >> (64 - len)) as u64
    };
    extr_u: |b, i| b >> i.imm & ones(i.x1);
    sxt1: |b, _i| b as i8 as u64;
    sxt2: |b, _i| b as i16 as u64;
    sxt4: |b, _i| b as i32 as u64;
    zxt1: |b, _i| b as u8 as u64;
    zxt2: |b, _i| b as u16 as u64;
    zxt4: |b, _i| b as u32 as u64;
    popcnt: |b, _i| b.count_ones() as u64;
    clz: |b, _i| b.leading_zeros() as u64;
    czx_l: |b, i| simd::czx_l(i.x1, b);
    czx_r: |b, i| simd::czx_r(i.x1, b);
    pshr_imm: |b, i| simd::pshr(i.x1, i.x2, b, i.imm as u64);
}

/// Register operand `r2` alone.
macro_rules! unary_r2 {
    ($($name:ident: |$a:ident, $i:ident| $value:expr;)*) => { $(
        pub(super) fn $name<const KINDS: u8>(cpu: &mut Cpu, $i: &Insn) -> Done {
            let x = cpu.gr.get_known::<KINDS, R2_STACKED>($i.r2);
            let $a = x.value;
            cpu.gr.set_known::<KINDS, R1_STACKED>($i.r1, Gr { value: $value, nat: x.nat });
            Ok(())
        }
    )* };
}

unary_r2! {
    dep_z: |a, i| (a & ones(i.x1)) << i.imm;
    pshl_imm: |a, i| simd::pshl(i.x1, a, i.imm as u64);
    mux1: |a, i| simd::mux1(i.imm as u8, a);
    mux2: |a, i| simd::mux2(i.imm as u8, a);
}

/// `r1 = imm`: `movl` and `dep.z` of an immediate.
pub(super) fn load_immediate<const KINDS: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr::new(i.imm as u64));
    Ok(())
}

/// `mov r1 = r3` (`adds r1 = 0, r3`), which carries the NaT bit like the addition it is.
pub(super) fn copy<const KINDS: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let source = cpu.gr.get_known::<KINDS, R3_STACKED>(i.r3);
    cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, source);
    Ok(())
}
