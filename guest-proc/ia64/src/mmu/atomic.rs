//! Semaphores: host atomics on guest RAM. All are sequentially consistent, which covers both `.acq` and `.rel`. SDM
//! volume 1, 4.4.6; volume 3, "cmpxchg", "cmp8xchg16", "xchg", "fetchadd".

#![allow(unsafe_code, reason = "host pointers of guest RAM, from Cpu::semaphore")]

use super::data::ordered;
use super::scalar::Scalar;
use super::wide;
use crate::cpu::Cpu;
use crate::fault::Stop;

impl Cpu {
    /// `xchg`: writes `new`, returns what was there (zero-extended).
    ///
    /// # Errors
    /// Any fault of a semaphore: unaligned whatever PSR.ac, unsupported data reference outside cacheable RAM.
    pub fn rmw_xchg<T: Scalar>(&mut self, va: u64, new: u64) -> Result<u64, Stop> {
        let host = self.semaphore(va, T::BYTES)?;
        let swap = |value| ordered(value, T::BYTES, self.psr.be());
        // SAFETY: `semaphore` vouches for aligned RAM.
        let old = unsafe { T::from_u64(swap(new)).exchange(host) };
        Ok(swap(old.to_u64()))
    }

    /// `cmpxchg`: writes `new` if what is there, zero-extended, equals `expected`; returns what was there.
    ///
    /// # Errors
    /// As [`Cpu::rmw_xchg`].
    pub fn rmw_cmpxchg<T: Scalar>(&mut self, va: u64, expected: u64, new: u64) -> Result<u64, Stop> {
        let host = self.semaphore(va, T::BYTES)?;
        let swap = |value| ordered(value, T::BYTES, self.psr.be());
        let fits = T::from_u64(expected).to_u64() == expected;
        // SAFETY: `semaphore` vouches for aligned RAM.
        let old = unsafe {
            if fits {
                T::from_u64(swap(new)).compare_exchange(T::from_u64(swap(expected)), host)
            } else {
                T::load(host)
            }
        };
        Ok(swap(old.to_u64()))
    }

    /// `fetchadd`: adds `increment`, returns what was there (zero-extended).
    ///
    /// # Errors
    /// As [`Cpu::rmw_xchg`].
    pub fn rmw_fetchadd<T: Scalar>(&mut self, va: u64, increment: i64) -> Result<u64, Stop> {
        let host = self.semaphore(va, T::BYTES)?;
        if !self.psr.be() {
            // SAFETY: `semaphore` vouches for aligned RAM.
            return Ok(unsafe { T::from_u64(increment as u64).fetch_add(host) }.to_u64());
        }
        let swap = |value| ordered(value, T::BYTES, true);
        // SAFETY: as above.
        let mut found = unsafe { T::load(host) };
        loop {
            let sum = T::from_u64(swap(found.to_u64()).wrapping_add(increment as u64));
            // SAFETY: as above.
            let old = unsafe { T::from_u64(swap(sum.to_u64())).compare_exchange(found, host) };
            if old == found {
                return Ok(swap(old.to_u64()));
            }
            found = old;
        }
    }

    /// `cmp8xchg16`: writes the 16 bytes `new` (low, high) around `va` if the 8 bytes at `va` equal `expected`; returns
    /// those 8 bytes.
    ///
    /// # Errors
    /// As [`Cpu::rmw_xchg`]; `va` has to be aligned to 8.
    pub fn rmw_cmp8xchg16(&mut self, va: u64, expected: u64, new: (u64, u64)) -> Result<u64, Stop> {
        let half = self.semaphore(va, 8)?;
        let host = half.wrapping_sub((va & 8) as usize);
        let swap = |value| ordered(value, 8, self.psr.be());
        let new = u128::from(new.1) << 64 | u128::from(new.0);
        let new = if self.psr.be() { new.swap_bytes() } else { new };
        // SAFETY: pages are multiples of 16 bytes, so both halves are in the RAM that `semaphore` vouches for.
        let mut found = unsafe { wide::load(host) };
        loop {
            let word = swap((found >> ((va & 8) * 8)) as u64);
            if word != expected {
                return Ok(word);
            }
            // SAFETY: as above.
            let old = unsafe { wide::compare_exchange(host, found, new) };
            if old == found {
                return Ok(word);
            }
            found = old;
        }
    }
}
