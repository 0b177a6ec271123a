//! Register Stack Engine. SDM volume 2, chapter 6.
//!
//! ```text
//!   physical stacked registers (96):   invalid │ clean │ dirty │ current frame (CFM.sof) │ invalid
//!   backing store (memory):                            ▲       ▲
//!                                               BSPSTORE       BSP
//! ```
//!
//! The engine is lazy: it stores when a frame needs room and loads when a return uncovers registers that are not
//! there. AR.RNAT always holds the NaT bits of the collection that BSPSTORE lies in, for loads as for stores; moving
//! BSPSTORE down across a collection therefore reads that collection back.
//!
//! A negative `dirty` is an incomplete frame: so many registers at the bottom of the current frame are still in memory
//! (below BSPSTORE, which then lies above BSP). They are loaded before the next instruction runs; a fault there is
//! delivered with ISR.ir set. Its handler runs with the frame as it is (RSE.CFLE is off until `rfi`); `cover` there
//! makes the books balance again.

use crate::cpu::Cpu;
use crate::fault::{Fault, Stop};
use crate::state::gr::N_STACKED;
use crate::state::{Cfm, Gr};

/// RSE registers and the sizes of its partitions.
#[derive(Clone, Debug, Default)]
pub struct Rse {
    /// AR.RSC: mode{1:0}, pl{3:2}, be{4}, loadrs{29:16}.
    pub rsc: u64,
    /// AR.BSPSTORE: where the next dirty register goes.
    pub bspstore: u64,
    /// AR.RNAT.
    pub rnat: u64,
    /// AR.BSP: where r32 of the current frame would go.
    pub bsp: u64,
    /// Dirty registers (RNaT slots not counted); negative while the current frame is incomplete.
    pub dirty: i32,
    /// Registers below the dirty ones that still hold what memory holds.
    pub clean: i32,
    /// RSE.CFLE: what is missing of the current frame is to be loaded. On from `br.ret` and `rfi` to the next
    /// interruption. SDM volume 2, 6.8.
    pub cfle: bool,
    /// Absolute number of the frame base: moves with every call and return, names stacked registers for the ALAT.
    pub base: u32,
}

/// Position of an address in its group of 63 registers and one collection (63).
#[inline]
const fn slot(address: u64) -> u64 {
    address >> 3 & 63
}

/// Is this the address of an RNaT collection?
#[inline]
const fn is_collection(address: u64) -> bool {
    slot(address) == 63
}

/// The address of the register `n` registers above (below, if negative) the one at `address`, RNaT collections
/// skipped. SDM volume 2, 6.1.
#[inline]
pub const fn skip_registers(address: u64, n: i64) -> u64 {
    let position = slot(address) as i64 + n;
    let collections = if n >= 0 { position / 63 } else { (position - 62) / 63 };
    address.wrapping_add(((n + collections) * 8) as u64)
}

/// Registers (collections not counted) from `from` up to `to`.
#[inline]
pub const fn count_registers(from: u64, to: u64) -> i64 {
    let slots = (to.wrapping_sub(from) as i64) >> 3;
    slots - (slot(from) as i64 + slots) / 64
}

impl Rse {
    /// RSC.loadrs: bytes, a multiple of 8.
    #[inline]
    pub const fn loadrs_bytes(&self) -> u64 {
        (self.rsc >> 16 & 0x3fff) & !7
    }
    /// RSC.mode: 0 is enforced lazy.
    #[inline]
    pub const fn mode(&self) -> u64 {
        self.rsc & 3
    }
}

impl Cpu {
    /// Changes the frame marker; the predicates are kept as the program names them, so they turn with `rrb.pr`.
    #[inline]
    pub fn set_cfm(&mut self, cfm: Cfm) {
        let (old, new) = (self.cfm.rrb_pr(), cfm.rrb_pr());
        if old != new {
            self.rotate_predicates((48 + old - new) % 48);
        }
        self.cfm = cfm;
    }

    /// Turns p16..p63 so that what was `p[n]` becomes `p[n + by]`; `by` is 0..48.
    #[inline]
    pub(crate) fn rotate_predicates(&mut self, by: u32) {
        const ROTATING: u64 = (1 << 48) - 1;
        let bits = self.pr >> 16;
        let turned = (bits << by | bits >> (48 - by)) & ROTATING;
        self.pr = self.pr & 0xffff | turned << 16;
    }

    fn move_frame(&mut self, registers: i32) {
        self.gr.move_base(registers);
        self.rse.bsp = skip_registers(self.rse.bsp, registers as i64);
        self.rse.base = self.rse.base.wrapping_add(registers as u32);
        self.rse.dirty += registers;
    }

    /// The caller's locals join the dirty partition and its outputs become the callee's frame (`br.call`).
    #[inline]
    pub(crate) fn rse_call(&mut self) {
        let (sof, sol) = (self.cfm.sof(), self.cfm.sol());
        self.move_frame(sol as i32);
        self.set_cfm(Cfm::new(sof - sol, 0, 0));
    }

    /// The whole frame joins the dirty partition (`cover`).
    pub(crate) fn rse_cover(&mut self) {
        self.move_frame(self.cfm.sof() as i32);
        self.set_cfm(Cfm::default());
    }

    /// Brings back the frame `marker`, whose first `locals` registers lie below the current base (`br.ret`: the
    /// marker's sol; `rfi`: its sof). Missing registers are loaded by [`Cpu::rse_complete_frame`].
    #[inline]
    pub(crate) fn rse_restore(&mut self, marker: Cfm, locals: u32) {
        self.move_frame(-(locals as i32));
        self.rse.cfle = true;
        let room = N_STACKED as i32 - self.rse.dirty.max(0);
        // SDM volume 2, 6.5.5: a marker that asks for more than there is gives an empty frame.
        let marker = if marker.sof() as i32 > room { Cfm::default() } else { marker };
        self.rse.clean = self.rse.clean.min(room - marker.sof() as i32);
        self.set_cfm(marker);
    }

    /// Is part of the current frame still in memory that has to be loaded before the next instruction?
    #[inline]
    pub fn frame_incomplete(&self) -> bool {
        self.rse.dirty < 0 && self.rse.cfle
    }

    /// Loads what is missing of the current frame. On a fault the rest stays missing.
    #[cold]
    pub(crate) fn rse_complete_frame(&mut self) -> Result<(), Stop> {
        while self.rse.dirty < 0 {
            self.rse_load_one()?;
        }
        Ok(())
    }

    /// Moves BSPSTORE down by one slot, bringing in the register (or collection) that lies there.
    fn rse_load_one(&mut self) -> Result<(), Stop> {
        let address = self.rse.bspstore.wrapping_sub(8);
        if is_collection(address) {
            self.rse.rnat = self.rse_load(address)?;
        } else {
            if self.rse.clean > 0 {
                self.rse.clean -= 1;
            } else {
                let value = self.rse_load(address)?;
                let nat = self.rse.rnat >> slot(address) & 1;
                // -1 - dirty: the highest register that is missing, or the first below the dirty ones.
                self.gr.set_stacked(-1 - self.rse.dirty, Gr { value, nat });
            }
            self.rse.dirty += 1;
        }
        self.rse.bspstore = address;
        Ok(())
    }

    /// Stores the oldest dirty register (or the collection before it).
    fn rse_store_one(&mut self) -> Result<(), Stop> {
        let address = self.rse.bspstore;
        if is_collection(address) {
            self.rse_store(address, self.rse.rnat & !(1 << 63))?;
        } else {
            let Gr { value, nat } = self.gr.stacked(-self.rse.dirty);
            self.rse_store(address, value)?;
            let bit = 1 << slot(address);
            self.rse.rnat = self.rse.rnat & !bit | if nat != 0 { bit } else { 0 };
            self.rse.dirty -= 1;
            self.rse.clean += 1;
        }
        self.rse.bspstore = address.wrapping_add(8);
        Ok(())
    }

    /// Makes room for a frame of `sof` registers by storing dirty ones (`alloc`).
    #[inline]
    pub(crate) fn rse_make_room(&mut self, sof: u32) -> Result<(), Stop> {
        let room = N_STACKED as i32 - sof as i32;
        while self.rse.dirty > room {
            self.rse_store_one()?;
        }
        self.rse.clean = self.rse.clean.min(room - self.rse.dirty);
        Ok(())
    }

    /// `flushrs`: stores every dirty register, and the collection BSP stands on.
    pub(crate) fn rse_flush(&mut self) -> Result<(), Stop> {
        while self.rse.bspstore != self.rse.bsp {
            self.rse_store_one()?;
        }
        Ok(())
    }

    /// `loadrs`: the dirty partition becomes exactly RSC.loadrs bytes below BSP. SDM volume 3, "loadrs".
    pub(crate) fn rse_loadrs(&mut self) -> Result<(), Stop> {
        let bytes = self.rse.loadrs_bytes();
        if self.rse.mode() != 0 || (self.cfm.sof() != 0 && bytes != 0) {
            return Err(Fault::ILLEGAL_OPERATION.into());
        }
        let bottom = self.rse.bsp.wrapping_sub(bytes);
        let registers = count_registers(bottom, self.rse.bsp);
        if registers > N_STACKED as i64 {
            return Err(Fault::ILLEGAL_OPERATION.into());
        }
        while self.rse.bsp.wrapping_sub(self.rse.bspstore) < bytes {
            self.rse_load_one()?;
        }
        self.rse.bspstore = bottom;
        self.rse.dirty = registers as i32;
        self.rse.clean = 0;
        Ok(())
    }

    /// Writes AR.BSPSTORE: dirty registers keep their number and get new homes.
    pub(crate) fn set_bspstore(&mut self, value: u64) {
        self.rse.bspstore = value & !7;
        self.rse.bsp = skip_registers(self.rse.bspstore, self.rse.dirty as i64);
        self.rse.clean = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks slot by slot: the definition, against which the formulas are checked.
    fn walk_up(mut address: u64, n: i64) -> u64 {
        for _ in 0..n {
            address += 8;
            if is_collection(address) {
                address += 8;
            }
        }
        address
    }

    #[test]
    fn skipping_registers_equals_walking() {
        for start in (0..63u64).map(|s| 0x10000 + s * 8) {
            for n in 0..200 {
                let up = walk_up(start, n);
                assert_eq!(skip_registers(start, n), up);
                assert_eq!(skip_registers(up, -n), start);
                assert_eq!(count_registers(start, up), n);
            }
        }
    }
}
