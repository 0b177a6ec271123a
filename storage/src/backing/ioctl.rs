//! The size of a block device, for which there is no system call but `ioctl`.

#![allow(unsafe_code, reason = "ioctl takes a pointer")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

mod request {
    // BLKGETSIZE64 of <linux/fs.h>; the kernel writes 64 bits whatever the type named there.
    nix::ioctl_read!(blkgetsize64, 0x12, 114, u64);
}

/// Bytes of an open block device.
pub(super) fn device_len(device: &File) -> io::Result<u64> {
    let mut len = 0;
    // SAFETY: the pointer is to a live u64; on anything but a block device the request fails.
    unsafe { request::blkgetsize64(device.as_raw_fd(), &raw mut len) }?;
    Ok(len)
}

#[test]
fn only_block_devices_have_a_device_size() {
    let file = tempfile::tempfile().unwrap();
    assert_eq!(device_len(&file).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
}
