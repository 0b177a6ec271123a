//! An x86 machine with Debian's kernel beside the VSP: as a vhost-user front-end of its adapters, and as a host with SCSI
//! devices of its own. Needs `qemu-system-x86`, `linux-image-amd64`, `busybox-static` and `cpio`; without them each story
//! says `skipped:` and ends.

mod back_end;
mod drive;
mod front_end;
mod lvm;
mod odd_answers;
mod passthrough;
mod passthrough_changer;
mod patience;
mod script;

/// Prints the line by which CI sees that a story ran to its end.
fn checked(what: &str) {
    println!("checked: {what}");
}
