//! The processor's end of interrupt delivery: the local SAPIC's registers and its interval timer. SDM volume 2, 5.8.
//!
//! ```text
//!   posted (Link) ──► IRR ──(IVR read)──► in service ──(EOI)──► done
//! ```
//!
//! A vector may be pending and in service at once. Knows no PSR beyond [`Sapic::pending`] and no clock: the processor
//! tells the time.

use crate::state::Psr;
use crate::state::regs::cr;

/// IVR when nothing is deliverable.
pub const SPURIOUS_VECTOR: u8 = 0x0f;
const MASKED: u64 = 1 << 16;

/// Bits of ITV, PMV and CMCV that exist: vector and mask. SDM volume 2, figure 5-11.
const VECTOR_REGISTER: u64 = MASKED | 0xff;
const VECTOR_REGISTER_RESERVED: u64 = 0xef00;
/// LRR0 and LRR1: vector, delivery mode, polarity, trigger, mask. SDM volume 2, figure 5-14.
const LRR: u64 = MASKED | 0xa7ff;
const LRR_RESERVED: u64 = 0x4800;
/// TPR: mic{7:4}, mmi{16}. SDM volume 2, figure 5-8.
const TPR: u64 = MASKED | 0xf0;
const TPR_RESERVED: u64 = 0xff00;
/// LID: id{31:24}, eid{23:16}; {15:0} reserved. SDM volume 2, figure 5-6.
const LID: u64 = 0xffff_0000;

/// When the interval timer fires next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Timer {
    /// It has fired, or ITM was already past when it was written.
    #[default]
    Idle,
    /// It fires once ITC is past this value.
    Armed(u64),
}

/// Interrupt registers of one processor.
#[derive(Clone, Debug)]
pub struct Sapic {
    lid: u64,
    tpr: u64,
    requested: [u64; 4],
    in_service: [u64; 4],
    itv: u64,
    pmv: u64,
    cmcv: u64,
    lrr: [u64; 2],
    itm: u64,
    timer: Timer,
    attention: bool,
}

/// Priority among vectors: NMI, ExtINT, then by number. SDM volume 2, table 5-8.
const fn rank(vector: u8) -> u32 {
    match vector {
        2 => 257,
        0 => 256,
        v => v as u32,
    }
}

/// Is time `a` before time `b`? ITC may wrap.
const fn is_before(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) < 0
}

/// The vector of highest priority whose bit is set.
fn highest(bits: &[u64; 4]) -> Option<u8> {
    match bits[0] & 0b101 {
        0 => {}
        0b001 => return Some(0),
        _ => return Some(2),
    }
    (0..4).rev().find(|&i| bits[i] != 0).map(|i| (i * 64 + 63 - bits[i].leading_zeros() as usize) as u8)
}

impl Sapic {
    /// The state after reset: nothing pending, local sources masked, TPR open.
    pub fn new(lid: u64) -> Sapic {
        Sapic {
            lid: lid & LID,
            tpr: 0,
            requested: [0; 4],
            in_service: [0; 4],
            itv: MASKED,
            pmv: MASKED,
            cmcv: MASKED,
            lrr: [MASKED; 2],
            itm: 0,
            timer: Timer::Idle,
            attention: false,
        }
    }

    /// Should the processor see whether it takes an interrupt? The engine asks once a block.
    #[inline(always)]
    pub fn attention(&self) -> bool {
        self.attention
    }

    /// Something changed that may let an interrupt through: PSR.i, TPR, what is pending or in service.
    #[inline]
    pub fn reconsider(&mut self) {
        if self.unmasked() {
            self.attention = true;
        }
    }

    /// The processor has seen.
    pub(crate) fn considered(&mut self) {
        self.attention = false;
    }

    /// Makes vectors pending: one bit each. Reserved vectors (1, 3 to 15) are dropped.
    pub fn request(&mut self, vectors: [u64; 4]) {
        for (requested, posted) in self.requested.iter_mut().zip(vectors) {
            *requested |= posted;
        }
        self.requested[0] &= !0xffff | 0b101;
        self.reconsider();
    }

    fn request_vector(&mut self, vector: u64) {
        let mut bits = [0; 4];
        bits[(vector >> 6 & 3) as usize] = 1 << (vector & 63);
        self.request(bits);
    }

    /// The vector that a read of IVR would deliver now. SDM volume 2, table 5-8, "interrupt unmasked condition".
    fn deliverable(&self) -> Option<u8> {
        let vector = highest(&self.requested)?;
        if highest(&self.in_service).is_some_and(|serving| rank(serving) >= rank(vector)) {
            return None;
        }
        let masked = match vector {
            2 => false,
            0 => self.tpr & MASKED != 0,
            v => self.tpr & MASKED != 0 || u64::from(v >> 4) <= self.tpr >> 4 & 0xf,
        };
        if masked { None } else { Some(vector) }
    }

    /// Is an interrupt pending that TPR and the one in service let through? PSR.i aside: this ends a halt.
    #[inline]
    pub fn unmasked(&self) -> bool {
        self.requested != [0; 4] && self.deliverable().is_some()
    }

    /// Is an external interrupt to be taken before the next instruction?
    #[inline]
    pub fn pending(&self, psr: Psr) -> bool {
        psr.i() && self.unmasked()
    }

    /// Reads control register `number` of the SAPIC (64..=81); IVR marks in service. `None`: no such register.
    pub fn read(&mut self, number: u8) -> Option<u64> {
        Some(match number {
            cr::LID => self.lid,
            cr::IVR => u64::from(self.acquire()),
            cr::TPR => self.tpr,
            cr::EOI => 0,
            cr::IRR0..=71 => self.requested[usize::from(number - cr::IRR0)],
            cr::ITV => self.itv,
            cr::PMV => self.pmv,
            cr::CMCV => self.cmcv,
            cr::LRR0 => self.lrr[0],
            cr::LRR1 => self.lrr[1],
            _ => return None,
        })
    }

    /// Writes control register `number` of the SAPIC; EOI ends the highest interrupt in service. The caller has
    /// refused reserved bits ([`Sapic::reserved_bits`]) and read-only registers.
    pub fn write(&mut self, number: u8, value: u64) {
        match number {
            cr::LID => self.lid = value & LID,
            cr::TPR => self.tpr = value & TPR,
            cr::EOI => self.end(),
            cr::ITV => self.itv = value & VECTOR_REGISTER,
            cr::PMV => self.pmv = value & VECTOR_REGISTER,
            cr::CMCV => self.cmcv = value & VECTOR_REGISTER,
            cr::LRR0 => self.lrr[0] = value & LRR,
            cr::LRR1 => self.lrr[1] = value & LRR,
            _ => {}
        }
        self.reconsider();
    }

    /// Reserved bits of a SAPIC register; `None` for registers that do not exist or cannot be written.
    pub fn reserved_bits(number: u8) -> Option<u64> {
        Some(match number {
            cr::LID | cr::EOI => 0,
            cr::TPR => TPR_RESERVED,
            cr::ITV | cr::PMV | cr::CMCV => VECTOR_REGISTER_RESERVED,
            cr::LRR0 | cr::LRR1 => LRR_RESERVED,
            _ => return None,
        })
    }

    fn acquire(&mut self) -> u8 {
        let Some(vector) = self.deliverable() else { return SPURIOUS_VECTOR };
        let (word, bit) = (usize::from(vector >> 6), 1 << (vector & 63));
        self.requested[word] &= !bit;
        self.in_service[word] |= bit;
        vector
    }

    fn end(&mut self) {
        if let Some(vector) = highest(&self.in_service) {
            self.in_service[usize::from(vector >> 6)] &= !(1 << (vector & 63));
        }
    }

    // --- interval timer ---

    /// CR.ITM.
    pub fn itm(&self) -> u64 {
        self.itm
    }

    /// Writes CR.ITM at time `itc`. A value that ITC has already passed does not fire (the hardware compares for
    /// equality); one that it passes any time later does, however late that is noticed.
    pub fn set_itm(&mut self, value: u64, itc: u64) {
        // The old value may have passed unnoticed.
        self.tick(itc);
        self.itm = value;
        self.clock_changed(itc);
    }

    /// AR.ITC was set to `itc`.
    pub fn clock_changed(&mut self, itc: u64) {
        self.timer = if is_before(self.itm, itc) { Timer::Idle } else { Timer::Armed(self.itm) };
    }

    /// Tells the time: fires the timer once ITC is past ITM, never before (software checks with `itc > itm`), once for
    /// each write of ITM. Says whether it made an interrupt pending.
    pub fn tick(&mut self, itc: u64) -> bool {
        match self.timer {
            Timer::Armed(itm) if is_before(itm, itc) => {
                self.timer = Timer::Idle;
                if self.itv & MASKED == 0 {
                    self.request_vector(self.itv & 0xff);
                }
                self.itv & MASKED == 0
            }
            _ => false,
        }
    }

    /// ITC ticks until the timer fires (at least 1), if it is armed and not masked.
    pub fn ticks_left(&mut self, itc: u64) -> Option<u64> {
        self.tick(itc);
        match self.timer {
            Timer::Armed(itm) if self.itv & MASKED == 0 => Some(itm.wrapping_sub(itc) + 1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sapic(vectors: &[u64]) -> Sapic {
        let mut sapic = Sapic::new(0);
        sapic.write(cr::TPR, 0);
        vectors.iter().for_each(|&v| sapic.request_vector(v));
        sapic
    }

    fn ivr(sapic: &mut Sapic) -> u64 {
        sapic.read(cr::IVR).unwrap()
    }

    #[test]
    fn ivr_delivers_nmi_then_extint_then_the_highest_number() {
        let mut s = sapic(&[0x31, 0xef, 0, 2]);
        let mut order = Vec::new();
        for _ in 0..5 {
            order.push(ivr(&mut s));
            s.write(cr::EOI, 0);
        }
        assert_eq!(order, [2, 0, 0xef, 0x31, 0x0f]);
    }

    #[test]
    fn interrupts_of_lower_priority_wait_for_eoi() {
        let mut s = sapic(&[0x80]);
        assert_eq!(ivr(&mut s), 0x80);
        s.request_vector(0x70);
        assert_eq!(ivr(&mut s), 0x0f);
        s.request_vector(0x90);
        assert_eq!(ivr(&mut s), 0x90);
        s.write(cr::EOI, 0);
        assert_eq!(ivr(&mut s), 0x0f);
        s.write(cr::EOI, 0);
        assert_eq!(ivr(&mut s), 0x70);
    }

    #[test]
    fn a_vector_in_service_can_become_pending_again() {
        let mut s = sapic(&[0x80]);
        assert_eq!(ivr(&mut s), 0x80);
        s.request_vector(0x80);
        assert_eq!(s.read(cr::IRR0 + 2), Some(1));
        assert_eq!(ivr(&mut s), 0x0f);
        s.write(cr::EOI, 0);
        assert_eq!(ivr(&mut s), 0x80);
    }

    #[test]
    fn eoi_with_nothing_in_service_is_harmless() {
        let mut s = sapic(&[0x44]);
        s.write(cr::EOI, 0);
        assert_eq!(ivr(&mut s), 0x44);
    }

    #[test]
    fn tpr_masks_classes_up_to_mic_and_mmi_all_but_nmi() {
        for mic in 0..16u64 {
            let mut s = sapic(&[0x85]);
            s.write(cr::TPR, mic << 4);
            assert_eq!(s.unmasked(), mic < 8, "mic {mic}");
        }
        let mut s = sapic(&[0x85, 0]);
        s.write(cr::TPR, MASKED);
        assert!(!s.unmasked());
        s.request_vector(2);
        assert_eq!(ivr(&mut s), 2);
    }

    #[test]
    fn pending_needs_psr_i() {
        let s = sapic(&[0x40]);
        let mut psr = Psr::default();
        assert!(!s.pending(psr));
        psr.set_i(true);
        assert!(s.pending(psr));
    }

    #[test]
    fn reserved_vectors_never_become_pending() {
        let mut s = sapic(&[1, 3, 15]);
        assert_eq!(ivr(&mut s), 0x0f);
        assert_eq!(s.read(cr::IRR0), Some(0));
    }

    #[test]
    fn the_timer_fires_once_and_not_before_itc_is_past_itm() {
        let mut s = sapic(&[]);
        s.write(cr::ITV, 0xef);
        s.set_itm(100, 20);
        assert!(!s.tick(50));
        assert_eq!(s.ticks_left(50), Some(51));
        assert!(!s.tick(100));
        assert!(s.tick(101));
        assert!(!s.tick(102));
        assert_eq!(ivr(&mut s), 0xef);
        assert_eq!(s.ticks_left(103), None);
    }

    #[test]
    fn an_itm_already_past_does_not_fire() {
        let mut s = sapic(&[]);
        s.write(cr::ITV, 0xef);
        s.set_itm(100, 101);
        assert!(!s.tick(200));
        assert!(!s.tick(300));
    }

    #[test]
    fn an_itm_that_passes_unnoticed_fires_late() {
        let mut s = sapic(&[]);
        s.write(cr::ITV, 0xef);
        s.set_itm(100, 99);
        assert!(s.tick(1_000_000));
        assert_eq!(ivr(&mut s), 0xef);
        s.write(cr::EOI, 0);
        s.set_itm(2_000_000, 1_000_001);
        s.set_itm(3_000_000, 2_500_000);
        assert_eq!(ivr(&mut s), 0xef);
    }

    #[test]
    fn a_masked_timer_interrupt_is_discarded() {
        let mut s = sapic(&[]);
        s.set_itm(100, 10);
        assert!(!s.tick(200));
        s.write(cr::ITV, 0xef);
        assert!(!s.tick(201));
    }

    #[test]
    fn setting_the_clock_back_arms_the_timer_again() {
        let mut s = sapic(&[]);
        s.write(cr::ITV, 0xef);
        s.set_itm(100, 10);
        assert!(s.tick(101));
        s.clock_changed(5);
        assert!(!s.tick(5));
        assert!(s.tick(101));
    }
}
