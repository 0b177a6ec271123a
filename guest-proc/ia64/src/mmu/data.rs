//! Loads and stores: the fast path in line, everything else behind it. Names and types here are what instruction bodies
//! call.

#![allow(unsafe_code, reason = "host pointers of guest RAM, from the host caches and from Cpu::locate")]

use super::access::{Access, non_access};
use super::cache::{Mode, NEVER};
use super::scalar::Scalar;
use super::translate::Reference;
use super::wide;
use crate::cpu::Cpu;
use crate::fault::{Fault, Stop, Vector, isr};

/// What the slow path is told about a reference of the running program.
fn reference(va: u64, bytes: u64, access: Access) -> Reference {
    Reference { va, bytes, access, strict: bytes == 16 }
}

/// Reverses the low `bytes` bytes if `big_endian`.
#[inline]
pub(super) fn ordered(value: u64, bytes: u64, big_endian: bool) -> u64 {
    if big_endian { value.swap_bytes() >> (64 - 8 * bytes) } else { value }
}

/// Reverses the low 10 bytes if `big_endian`.
fn ordered10(value: u128, big_endian: bool) -> u128 {
    if big_endian { value.swap_bytes() >> 48 } else { value }
}

impl Cpu {
    /// Reads an integer.
    ///
    /// # Errors
    /// Any fault of a data reference.
    #[inline(always)]
    pub fn load<T: Scalar>(&mut self, va: u64) -> Result<T, Stop> {
        match self.load_hit::<T>(va) {
            Some(value) => Ok(value),
            None => self.load_slow::<T>(va),
        }
    }

    /// Reads an integer if its page is cached; else nothing has happened yet and [`Cpu::load_slow`] has the answer.
    #[inline(always)]
    pub(crate) fn load_hit<T: Scalar>(&self, va: u64) -> Option<T> {
        let host = self.mmu.reads.hit(va, self.mmu.key, T::BYTES)?;
        // SAFETY: a hit is a naturally aligned host address in guest RAM.
        Some(unsafe { T::load(host) })
    }

    /// As [`Cpu::load`], where the page is not cached.
    ///
    /// # Errors
    /// Any fault of a data reference.
    #[cold]
    #[inline(never)]
    pub(crate) fn load_slow<T: Scalar>(&mut self, va: u64) -> Result<T, Stop> {
        let access = self.data_access(isr::R);
        let value = self.read(reference(va, T::BYTES, access), self.psr.be())?;
        Ok(T::from_u64(value.unwrap_or(0)))
    }

    /// Writes an integer.
    ///
    /// # Errors
    /// Any fault of a data reference.
    #[inline(always)]
    pub fn store<T: Scalar>(&mut self, va: u64, value: T) -> Result<(), Stop> {
        if self.store_hit(va, value) { Ok(()) } else { self.store_slow(va, T::BYTES, value.to_u64()) }
    }

    /// Writes an integer if its page is cached; else nothing has happened yet and [`Cpu::store_slow`] does it.
    #[inline(always)]
    pub(crate) fn store_hit<T: Scalar>(&self, va: u64, value: T) -> bool {
        let Some(host) = self.mmu.writes.hit(va, self.mmu.key, T::BYTES) else { return false };
        // SAFETY: a hit is a naturally aligned host address in guest RAM.
        unsafe { value.store(host) };
        true
    }

    /// As [`Cpu::store`], where the page is not cached.
    ///
    /// # Errors
    /// Any fault of a data reference.
    #[cold]
    #[inline(never)]
    pub(crate) fn store_slow(&mut self, va: u64, bytes: u64, value: u64) -> Result<(), Stop> {
        let access = self.data_access(isr::W);
        self.write(reference(va, bytes, access), value, self.psr.be())
    }

    /// Reads an integer for a speculative load; `None`: the load is deferred and its target becomes NaT. SDM volume 2,
    /// 5.5.5.
    ///
    /// # Errors
    /// Faults that may not be deferred.
    #[inline(always)]
    pub fn load_speculative<T: Scalar>(&mut self, va: u64) -> Result<Option<T>, Stop> {
        match self.load_hit::<T>(va) {
            Some(value) => Ok(Some(value)),
            None => Ok(self.load_speculative_slow(va, T::BYTES)?.map(T::from_u64)),
        }
    }

    #[cold]
    #[inline(never)]
    fn load_speculative_slow(&mut self, va: u64, bytes: u64) -> Result<Option<u64>, Stop> {
        if self.psr.ed() {
            return Ok(None);
        }
        let access = self.data_access(isr::R | isr::SP);
        self.read(reference(va, bytes, access), self.psr.be())
    }

    /// Reads 16 bytes at once (`ld16`, `ldf.fill`): the low and the high half of the 128-bit value.
    ///
    /// # Errors
    /// Any fault of a data reference; it has to be aligned.
    #[inline]
    pub fn load16(&mut self, va: u64) -> Result<(u64, u64), Stop> {
        let value = self.gather(va, 16)?;
        let value = if self.psr.be() { value.swap_bytes() } else { value };
        Ok((value as u64, (value >> 64) as u64))
    }

    /// Writes 16 bytes at once (`st16`, `stf.spill`): the low and the high half of the 128-bit value.
    ///
    /// # Errors
    /// Any fault of a data reference; it has to be aligned.
    #[inline]
    pub fn store16(&mut self, va: u64, low: u64, high: u64) -> Result<(), Stop> {
        let value = u128::from(high) << 64 | u128::from(low);
        self.scatter(va, 16, if self.psr.be() { value.swap_bytes() } else { value })
    }

    /// Reads two 8-byte integers side by side (`ldfp8`, `ldfpd`), each in the program's byte order.
    ///
    /// # Errors
    /// Any fault of a data reference; the pair has to be aligned.
    #[inline]
    pub fn load_pair(&mut self, va: u64) -> Result<(u64, u64), Stop> {
        let (low, high) = self.load16(va)?;
        Ok(if self.psr.be() { (high, low) } else { (low, high) })
    }

    /// Reads the 10 bytes of a double-extended number (`ldfe`): significand, then sign and exponent.
    ///
    /// # Errors
    /// Any fault of a data reference.
    #[inline]
    pub fn load10(&mut self, va: u64) -> Result<(u64, u16), Stop> {
        let value = ordered10(self.gather(va, 10)?, self.psr.be());
        Ok((value as u64, (value >> 64) as u16))
    }

    /// Writes the 10 bytes of a double-extended number (`stfe`).
    ///
    /// # Errors
    /// Any fault of a data reference.
    #[inline]
    pub fn store10(&mut self, va: u64, significand: u64, sign_exponent: u16) -> Result<(), Stop> {
        let value = u128::from(sign_exponent) << 64 | u128::from(significand);
        self.scatter(va, 10, ordered10(value, self.psr.be()))
    }

    /// A prefetch: nothing is fetched, but the form that faults does. SDM volume 3, "lfetch".
    ///
    /// # Errors
    /// With `fault`, any fault of a non-access read, unless PSR.ed is set.
    #[inline]
    pub fn lfetch(&mut self, va: u64, fault: bool) -> Result<(), Stop> {
        if !fault || self.psr.ed() || self.mmu.reads.hit(va, self.mmu.key, 1).is_some() {
            return Ok(());
        }
        let access = self.data_access(non_access::LFETCH);
        self.translate(reference(va, 1, access))?;
        Ok(())
    }

    // --- register stack engine ---

    /// Reads a register or collection of the backing store, at the privilege and in the byte order of RSC.
    ///
    /// # Errors
    /// Any fault of a data reference, with ISR.rs.
    #[inline]
    pub fn rse_load(&mut self, va: u64) -> Result<u64, Stop> {
        if let Some(host) = self.mmu.reads.hit(va, self.rse_key(), 8) {
            // SAFETY: a hit is a naturally aligned host address in guest RAM.
            return Ok(unsafe { u64::load(host) });
        }
        let access = self.rse_access(isr::R);
        Ok(self.read(reference(va, 8, access), self.rse_big_endian())?.unwrap_or(0))
    }

    /// Writes a register or collection of the backing store, at the privilege and in the byte order of RSC.
    ///
    /// # Errors
    /// Any fault of a data reference, with ISR.rs.
    #[inline]
    pub fn rse_store(&mut self, va: u64, value: u64) -> Result<(), Stop> {
        if let Some(host) = self.mmu.writes.hit(va, self.rse_key(), 8) {
            // SAFETY: a hit is a naturally aligned host address in guest RAM.
            unsafe { value.store(host) };
            return Ok(());
        }
        let access = self.rse_access(isr::W);
        self.write(reference(va, 8, access), value, self.rse_big_endian())
    }

    fn rse_big_endian(&self) -> bool {
        self.rse.rsc >> 4 & 1 != 0
    }

    #[inline]
    fn rse_key(&self) -> u64 {
        if self.mmu.stale_regions != 0 || self.psr.db() || self.rse_big_endian() {
            return NEVER;
        }
        Mode::of(self.psr, (self.rse.rsc >> 2 & 3) as u8, self.psr.rt()).key()
    }

    // --- the slow path ---

    /// Judges a reference: its physical address, and its host address if that is RAM. `None`: deferred.
    fn resolve(&mut self, r: Reference) -> Result<Option<(u64, Option<*mut u8>)>, Stop> {
        self.renew_key();
        let Some(t) = self.translate(r)? else { return Ok(None) };
        Ok(Some((t.pa, self.locate(r, t))))
    }

    /// The host address of a semaphore's `bytes` bytes.
    pub(super) fn semaphore(&mut self, va: u64, bytes: u64) -> Result<*mut u8, Stop> {
        if let Some(host) = self.mmu.writes.hit(va, self.mmu.key, bytes) {
            return Ok(host);
        }
        let access = self.data_access(isr::R | isr::W);
        match self.resolve(Reference { va, bytes, access, strict: true })? {
            Some((_, Some(host))) => Ok(host),
            // Not reached: devices have been judged an unsupported data reference.
            _ => Err(Fault::new(Vector::UnsupportedDataReference, 0).with(access.isr).into()),
        }
    }

    /// Reads up to 8 bytes; `None`: deferred.
    fn read(&mut self, r: Reference, big_endian: bool) -> Result<Option<u64>, Stop> {
        let value = match self.resolve(r)? {
            Some((_, Some(host))) => read_host(host, r.bytes),
            Some((pa, None)) => self.bus.read(pa, r.bytes as u8),
            None => return Ok(None),
        };
        Ok(Some(ordered(value, r.bytes, big_endian)))
    }

    /// Writes up to 8 bytes.
    fn write(&mut self, r: Reference, value: u64, big_endian: bool) -> Result<(), Stop> {
        let value = ordered(value, r.bytes, big_endian);
        match self.resolve(r)? {
            Some((_, Some(host))) => write_host(host, r.bytes, value),
            Some((pa, None)) => self.bus.write(pa, r.bytes as u8, value),
            None => {}
        }
        Ok(())
    }

    /// Reads 10 or 16 bytes, the first one lowest; bytes beyond are undefined.
    #[inline]
    fn gather(&mut self, va: u64, bytes: u64) -> Result<u128, Stop> {
        if let Some(host) = self.mmu.reads.hit(va, self.mmu.key, 16) {
            // SAFETY: a hit is a 16-byte aligned host address in guest RAM.
            return Ok(u128::from_le(unsafe { wide::load(host) }));
        }
        self.gather_slow(va, bytes)
    }

    #[cold]
    fn gather_slow(&mut self, va: u64, bytes: u64) -> Result<u128, Stop> {
        let access = self.data_access(isr::R);
        let mut gathered = [0; 16];
        if let Some((_, Some(host))) = self.resolve(reference(va, bytes, access))? {
            if bytes == 16 {
                // SAFETY: `translate` has refused misaligned references of 16 bytes and located RAM.
                return Ok(u128::from_le(unsafe { wide::load(host) }));
            } else {
                // SAFETY: `translate` has refused what crosses a page, and located RAM; at most 16 bytes move.
                unsafe { std::ptr::copy_nonoverlapping(host, gathered.as_mut_ptr(), bytes as usize) };
            }
        }
        Ok(u128::from_le_bytes(gathered))
    }

    /// Writes 10 or 16 bytes, the lowest one first.
    #[inline]
    fn scatter(&mut self, va: u64, bytes: u64, scattered: u128) -> Result<(), Stop> {
        match self.mmu.writes.hit(va, self.mmu.key, 16) {
            Some(host) if bytes == 16 => {
                // SAFETY: a hit is a 16-byte aligned host address in guest RAM.
                unsafe { wide::store(host, scattered.to_le()) };
                Ok(())
            }
            _ => self.scatter_slow(va, bytes, scattered),
        }
    }

    #[cold]
    fn scatter_slow(&mut self, va: u64, bytes: u64, scattered: u128) -> Result<(), Stop> {
        let access = self.data_access(isr::W);
        if let Some((_, Some(host))) = self.resolve(reference(va, bytes, access))? {
            if bytes == 16 {
                // SAFETY: `translate` has refused misaligned references of 16 bytes and located RAM.
                unsafe { wide::store(host, scattered.to_le()) };
            } else {
                let scattered = scattered.to_le_bytes();
                // SAFETY: `translate` has refused what crosses a page, and located RAM; at most 16 bytes move.
                unsafe { std::ptr::copy_nonoverlapping(scattered.as_ptr(), host, bytes as usize) };
            }
        }
        Ok(())
    }
}

/// Reads 1, 2, 4 or 8 bytes of RAM, at once when aligned.
fn read_host(host: *mut u8, bytes: u64) -> u64 {
    // SAFETY: the caller has these bytes located in a page of RAM; the atomic forms are used only when aligned.
    unsafe {
        match bytes {
            1 => u8::load(host).to_u64(),
            _ if host.addr() as u64 & (bytes - 1) != 0 => {
                let mut le = [0; 8];
                std::ptr::copy_nonoverlapping(host, le.as_mut_ptr(), bytes as usize);
                u64::from_le_bytes(le)
            }
            2 => u16::load(host).to_u64(),
            4 => u32::load(host).to_u64(),
            _ => u64::load(host),
        }
    }
}

/// Writes 1, 2, 4 or 8 bytes of RAM, at once when aligned.
fn write_host(host: *mut u8, bytes: u64, value: u64) {
    // SAFETY: as in `read_host`.
    unsafe {
        match bytes {
            1 => (value as u8).store(host),
            _ if host.addr() as u64 & (bytes - 1) != 0 => {
                std::ptr::copy_nonoverlapping(value.to_le_bytes().as_ptr(), host, bytes as usize);
            }
            2 => (value as u16).store(host),
            4 => (value as u32).store(host),
            _ => value.store(host),
        }
    }
}
