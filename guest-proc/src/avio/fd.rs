//! Borrowing the descriptor of an eventfd type that does not offer it by itself.

#![allow(unsafe_code, reason = "vmm-sys-util's EventFd does not implement AsFd")]

use std::os::fd::{AsRawFd, BorrowedFd};

use vmm_sys_util::eventfd::EventFd;

/// The descriptor, for as long as the eventfd.
pub(super) fn borrow(event: &EventFd) -> BorrowedFd<'_> {
    // SAFETY: the eventfd owns an open descriptor, which stays open at least as long as this borrow of it.
    unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) }
}
