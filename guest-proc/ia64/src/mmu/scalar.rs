//! The integers that memory references move, and how they are moved in host memory that others use at the same time.

#![allow(unsafe_code, reason = "atomic access to guest RAM by host pointer")]

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// An integer of 1, 2, 4 or 8 bytes in guest memory (little-endian there).
pub trait Scalar: Copy + Eq + sealed::Sealed {
    /// Its size.
    const BYTES: u64;
    /// Zero-extends.
    fn to_u64(self) -> u64;
    /// Takes the low bytes.
    fn from_u64(value: u64) -> Self;
    /// Reads at once.
    ///
    /// # Safety
    /// `host` is naturally aligned and valid for `BYTES` bytes of guest RAM.
    unsafe fn load(host: *mut u8) -> Self;
    /// Writes at once.
    ///
    /// # Safety
    /// As for [`Scalar::load`].
    unsafe fn store(self, host: *mut u8);
    /// Exchanges at once; the old value.
    ///
    /// # Safety
    /// As for [`Scalar::load`].
    unsafe fn exchange(self, host: *mut u8) -> Self;
    /// Adds at once; the old value.
    ///
    /// # Safety
    /// As for [`Scalar::load`].
    unsafe fn fetch_add(self, host: *mut u8) -> Self;
    /// Writes `self` at once if `expected` is there; the old value.
    ///
    /// # Safety
    /// As for [`Scalar::load`].
    unsafe fn compare_exchange(self, expected: Self, host: *mut u8) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! scalar {
    ($($int:ty, $atomic:ty;)*) => { $(
        impl sealed::Sealed for $int {}
        impl Scalar for $int {
            const BYTES: u64 = size_of::<$int>() as u64;
            #[inline(always)]
            fn to_u64(self) -> u64 {
                u64::from(self)
            }
            #[inline(always)]
            fn from_u64(value: u64) -> Self {
                value as $int
            }
            #[inline(always)]
            unsafe fn load(host: *mut u8) -> Self {
                // SAFETY: the caller vouches for alignment and validity; all access to guest RAM is atomic or raw.
                let atomic = unsafe { <$atomic>::from_ptr(host.cast()) };
                <$int>::from_le(atomic.load(Ordering::Relaxed))
            }
            #[inline(always)]
            unsafe fn store(self, host: *mut u8) {
                // SAFETY: as in `load`.
                let atomic = unsafe { <$atomic>::from_ptr(host.cast()) };
                atomic.store(self.to_le(), Ordering::Relaxed);
            }
            #[inline]
            unsafe fn exchange(self, host: *mut u8) -> Self {
                // SAFETY: as in `load`.
                let atomic = unsafe { <$atomic>::from_ptr(host.cast()) };
                <$int>::from_le(atomic.swap(self.to_le(), Ordering::SeqCst))
            }
            #[inline]
            unsafe fn fetch_add(self, host: *mut u8) -> Self {
                // SAFETY: as in `load`.
                let atomic = unsafe { <$atomic>::from_ptr(host.cast()) };
                #[cfg(target_endian = "little")]
                return atomic.fetch_add(self, Ordering::SeqCst);
                #[cfg(target_endian = "big")]
                compile_error!("guest RAM is little-endian, and so must be the host");
            }
            #[inline]
            unsafe fn compare_exchange(self, expected: Self, host: *mut u8) -> Self {
                // SAFETY: as in `load`.
                let atomic = unsafe { <$atomic>::from_ptr(host.cast()) };
                let done = atomic.compare_exchange(
                    expected.to_le(), self.to_le(), Ordering::SeqCst, Ordering::SeqCst);
                <$int>::from_le(done.unwrap_or_else(|found| found))
            }
        }
    )* };
}

scalar! {
    u8, AtomicU8;
    u16, AtomicU16;
    u32, AtomicU32;
    u64, AtomicU64;
}
