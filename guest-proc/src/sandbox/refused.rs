//! The end of a process that makes a system call it may not make: it says which, and is gone.

#![allow(unsafe_code, reason = "a signal handler looks into what the kernel hands it")]

use std::ffi::{c_int, c_void};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Offset of `si_syscall` in a `siginfo_t` of SIGSYS; `sigaction(2)`, and uapi/asm-generic/siginfo.h for 64-bit kernels.
const SI_SYSCALL: usize = 24;

const BEGINNING: &[u8] = b"system call ";
const END: &[u8] = b" is not allowed to a guest process\n";

/// From now on SIGSYS ends the process with a line on standard error, which the VSP puts into its log.
pub(super) fn report() {
    let action = SigAction::new(SigHandler::SigAction(die), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler allocates nothing, takes no lock and does not return.
    if let Err(error) = unsafe { sigaction(Signal::SIGSYS, &action) } {
        tracing::warn!(%error, "a system call that is not allowed will end the process without a word");
    }
}

extern "C" fn die(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel hands a whole `siginfo_t` to a handler of this kind; its size is 128 bytes.
    let number = unsafe { info.cast::<u8>().add(SI_SYSCALL).cast::<i32>().read_unaligned() };
    let mut line = [0; 80];
    let mut digits = [0; 10];
    let text = [BEGINNING, decimal(number.unsigned_abs(), &mut digits), END];
    let bytes = text.into_iter().flatten();
    let len = line.iter_mut().zip(bytes).map(|(to, from)| *to = *from).count();
    let _ = nix::unistd::write(std::io::stderr(), &line[..len]);
    std::process::abort();
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

#[test]
fn numbers_are_written_without_an_allocator() {
    for number in [0, 7, 41, 439, u32::MAX] {
        assert_eq!(decimal(number, &mut [0; 10]), number.to_string().as_bytes());
    }
}
