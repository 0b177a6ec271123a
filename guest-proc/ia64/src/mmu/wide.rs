//! 16 bytes of guest RAM at once, by the means of the host.

#![allow(unsafe_code, reason = "16-byte atomics are not in the standard library")]

/// Reads 16 bytes at once.
///
/// # Safety
/// `host` is 16-byte aligned and valid for 16 bytes of guest RAM.
#[inline]
pub(super) unsafe fn load(host: *mut u8) -> u128 {
    // SAFETY: the caller's promise is passed on.
    unsafe { host::load(host.cast()) }
}

/// Writes 16 bytes at once.
///
/// # Safety
/// As for [`load`].
#[inline]
pub(super) unsafe fn store(host: *mut u8, value: u128) {
    // SAFETY: the caller's promise is passed on.
    unsafe { host::store(host.cast(), value) }
}

/// Writes `new` at once if `old` is there; what was there.
///
/// # Safety
/// As for [`load`].
pub(super) unsafe fn compare_exchange(host: *mut u8, old: u128, new: u128) -> u128 {
    // SAFETY: the caller's promise is passed on.
    unsafe { host::compare_exchange(host.cast(), old, new) }
}

#[cfg(target_arch = "x86_64")]
mod host {
    use std::arch::asm;
    use std::arch::x86_64::__m128i;

    /// Processors with AVX move aligned 16 bytes at once (Intel SDM volume 3A, 9.1.1; AMD APM volume 2, 7.3.2).
    #[inline]
    fn moves_are_atomic() -> bool {
        std::arch::is_x86_feature_detected!("avx")
    }

    pub(super) unsafe fn load(host: *mut u128) -> u128 {
        if moves_are_atomic() {
            let value: __m128i;
            // SAFETY: the caller vouches for 16 aligned bytes.
            unsafe {
                asm!("movdqa {}, [{}]", out(xmm_reg) value, in(reg) host, options(nostack, preserves_flags, readonly));
            }
            // SAFETY: both are 16 plain bytes.
            unsafe { std::mem::transmute::<__m128i, u128>(value) }
        } else {
            // SAFETY: as above; what is written, if anything, is what was there.
            unsafe { compare_exchange(host, 0, 0) }
        }
    }

    pub(super) unsafe fn store(host: *mut u128, value: u128) {
        if moves_are_atomic() {
            // SAFETY: both are 16 plain bytes.
            let value = unsafe { std::mem::transmute::<u128, __m128i>(value) };
            // SAFETY: the caller vouches for 16 aligned bytes.
            unsafe {
                asm!("movdqa [{}], {}", in(reg) host, in(xmm_reg) value, options(nostack, preserves_flags));
            }
        } else {
            // SAFETY: as above.
            let mut old = unsafe { compare_exchange(host, 0, 0) };
            loop {
                // SAFETY: as above.
                let found = unsafe { compare_exchange(host, old, value) };
                if found == old {
                    return;
                }
                old = found;
            }
        }
    }

    pub(super) unsafe fn compare_exchange(host: *mut u128, old: u128, new: u128) -> u128 {
        assert!(
            std::arch::is_x86_feature_detected!("cmpxchg16b"),
            "this host has no 16-byte compare and exchange"
        );
        let (mut low, mut high) = (old as u64, (old >> 64) as u64);
        // SAFETY: the instruction exists; the caller vouches for 16 aligned bytes. The compiler may need rbx, which the
        // instruction takes half of `new` from, so that is put there and taken back around it.
        unsafe {
            asm!(
                "xchg {new_low}, rbx",
                "lock cmpxchg16b [rdi]",
                "mov rbx, {new_low}",
                new_low = inout(reg) new as u64 => _,
                in("rcx") (new >> 64) as u64,
                in("rdi") host,
                inout("rax") low,
                inout("rdx") high,
                options(nostack),
            );
        }
        u128::from(high) << 64 | u128::from(low)
    }
}

#[cfg(target_arch = "aarch64")]
mod host {
    use std::arch::asm;

    pub(super) unsafe fn load(host: *mut u128) -> u128 {
        // A pair is read at once only if it can be written back, so this writes what it found.
        // SAFETY: the caller's promise is passed on.
        unsafe { compare_exchange(host, 0, 0) }
    }

    pub(super) unsafe fn store(host: *mut u128, value: u128) {
        // SAFETY: the caller vouches for 16 aligned bytes.
        unsafe {
            asm!(
                "2: ldaxp {a}, {b}, [{p}]",
                "stlxp {s:w}, {low}, {high}, [{p}]",
                "cbnz {s:w}, 2b",
                a = out(reg) _, b = out(reg) _, s = out(reg) _,
                p = in(reg) host, low = in(reg) value as u64, high = in(reg) (value >> 64) as u64,
                options(nostack),
            );
        }
    }

    pub(super) unsafe fn compare_exchange(host: *mut u128, old: u128, new: u128) -> u128 {
        let (low, high): (u64, u64);
        // SAFETY: the caller vouches for 16 aligned bytes.
        unsafe {
            asm!(
                "2: ldaxp {low}, {high}, [{p}]",
                "cmp {low}, {old_low}",
                "ccmp {high}, {old_high}, #0, eq",
                "csel {x}, {new_low}, {low}, eq",
                "csel {y}, {new_high}, {high}, eq",
                "stlxp {s:w}, {x}, {y}, [{p}]",
                "cbnz {s:w}, 2b",
                low = out(reg) low, high = out(reg) high, x = out(reg) _, y = out(reg) _, s = out(reg) _,
                p = in(reg) host,
                old_low = in(reg) old as u64, old_high = in(reg) (old >> 64) as u64,
                new_low = in(reg) new as u64, new_high = in(reg) (new >> 64) as u64,
                options(nostack),
            );
        }
        u128::from(high) << 64 | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Aligned([u64; 2]);

    #[test]
    fn sixteen_bytes_are_read_written_and_exchanged() {
        let mut memory = Aligned([1, 2]);
        let host = memory.0.as_mut_ptr().cast::<u8>();
        let wide = |low: u64, high: u64| u128::from(high) << 64 | u128::from(low);
        // SAFETY: `memory` is 16 aligned bytes.
        unsafe {
            assert_eq!(load(host), wide(1, 2));
            store(host, wide(3, 4));
            assert_eq!(compare_exchange(host, wide(3, 5), wide(9, 9)), wide(3, 4));
            assert_eq!(compare_exchange(host, wide(3, 4), wide(7, 8)), wide(3, 4));
            assert_eq!(load(host), wide(7, 8));
        }
    }
}
