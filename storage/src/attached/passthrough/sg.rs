//! The SCSI generic driver's interface (<scsi/sg.h>): commands by `write`, `poll` and `read`, and `SG_SCSI_RESET`.
//!
//! Not `SG_IO`, which cannot be left before its end: a command may be forgotten by its device, and hours are allowed to some.
//! Each command has a descriptor of its own, for answers are read in the order in which they come; closing it leaves the
//! command to the kernel, which ends it at its time limit and touches no memory of ours any more.

#![allow(unsafe_code, reason = "the driver's requests hold pointers")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::scsi::{FOREIGN_SENSE_LEN, Foreign, Undelivered};
use crate::segments::Segments;

/// Most vectors the driver takes at once.
const MAX_VECTORS: usize = 1024;
/// Descriptors that are kept for the next commands.
const MAX_IDLE: usize = 8;
/// Time for a command that is recalled to end by what recalled it.
const GRACE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// `struct sg_io_hdr`, version 3.
#[repr(C)]
struct Header {
    interface_id: libc::c_int,
    dxfer_direction: libc::c_int,
    cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    dxfer_len: u32,
    dxferp: *mut libc::c_void,
    cmdp: *const u8,
    sbp: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: libc::c_int,
    usr_ptr: *mut libc::c_void,
    status: u8,
    masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    host_status: u16,
    driver_status: u16,
    resid: libc::c_int,
    duration: u32,
    info: u32,
}

const INTERFACE_ID: libc::c_int = b'S' as libc::c_int;
const DXFER_NONE: libc::c_int = -1;
const DXFER_TO_DEVICE: libc::c_int = -2;
const DXFER_FROM_DEVICE: libc::c_int = -3;
/// The logical unit alone (`SG_SCSI_RESET_NO_ESCALATE`): target, bus and adapter serve others.
const RESET_DEVICE: libc::c_int = 0x101;

mod request {
    nix::ioctl_read_bad!(sg_scsi_reset, 0x2284, libc::c_int);
}

/// A device, by its file of the driver.
pub(super) struct Sg {
    path: PathBuf,
    idle: Mutex<Vec<File>>,
    /// Raised when the commands under way are recalled, and another one then taken for the next.
    recalled: Mutex<Arc<OwnedFd>>,
}

impl Sg {
    /// Opens it.
    ///
    /// # Errors
    /// The file is not there, or may not be opened.
    pub(super) fn open(path: &Path) -> io::Result<Sg> {
        let idle = Mutex::new(vec![open(path)?]);
        Ok(Sg { path: path.to_owned(), idle, recalled: Mutex::new(new_event()?) })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<File>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recalled(&self) -> MutexGuard<'_, Arc<OwnedFd>> {
        self.recalled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn descriptor(&self) -> io::Result<File> {
        let idle = self.idle().pop();
        idle.map_or_else(|| open(&self.path), Ok)
    }

    fn put_back(&self, file: File) {
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(file);
        }
    }

    /// Sends a command to the device and waits for what comes of it. Data goes in one direction: to the device if
    /// `data_out` has any.
    pub(super) fn execute(
        &self,
        cdb: &[u8],
        data_out: &Segments<'_>,
        data_in: &Segments<'_>,
        limit: Duration,
    ) -> Result<Foreign, Undelivered> {
        let recalled = Arc::clone(&self.recalled());
        let file = self.descriptor().map_err(|error| undelivered(&error))?;
        let answer = send(&file, &recalled, cdb, data_out, data_in, limit)?;
        self.put_back(file);
        answer
    }

    /// Has the commands under way come back at the latest when [`GRACE`] has passed, with [`Undelivered::Reset`] unless
    /// they have ended by themselves.
    pub(super) fn recall(&self) {
        match new_event() {
            Ok(next) => {
                let before = std::mem::replace(&mut *self.recalled(), next);
                _ = rustix::io::write(&*before, &1u64.to_ne_bytes());
            }
            Err(error) => tracing::warn!(device = %self.path.display(), %error, "commands were not recalled"),
        }
    }

    /// Resets the logical unit; whether the host could.
    pub(super) fn reset(&self) -> io::Result<()> {
        let file = self.descriptor()?;
        let mut what = RESET_DEVICE;
        // SAFETY: the pointer is to a live int.
        unsafe { request::sg_scsi_reset(file.as_raw_fd(), &raw mut what) }?;
        self.put_back(file);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

fn new_event() -> io::Result<Arc<OwnedFd>> {
    Ok(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
}

/// One command. The outer error is one after which the descriptor is not used again.
fn send(
    device: &File,
    recalled: &OwnedFd,
    cdb: &[u8],
    data_out: &Segments<'_>,
    data_in: &Segments<'_>,
    limit: Duration,
) -> Result<Result<Foreign, Undelivered>, Undelivered> {
    let (direction, data) = match (data_out.len_bytes(), data_in.len_bytes()) {
        (0, 0) => (DXFER_NONE, data_in),
        (0, _) => (DXFER_FROM_DEVICE, data_in),
        (_, _) => (DXFER_TO_DEVICE, data_out),
    };
    let mut vectors = data.slice(0, u64::MAX).into_vectors();
    // More pieces than the driver takes are gathered.
    let mut gathered = Vec::new();
    if vectors.len() > MAX_VECTORS {
        gathered = vec![0; usize::try_from(data.len_bytes()).map_err(|_| Undelivered::Transport)?];
        if direction == DXFER_TO_DEVICE {
            data.read(0, &mut gathered);
        }
        vectors = vec![libc::iovec { iov_base: gathered.as_mut_ptr().cast(), iov_len: gathered.len() }];
    }
    let mut sense = [0; FOREIGN_SENSE_LEN];
    let dxfer_len = u32::try_from(data.len_bytes()).map_err(|_| Undelivered::Transport)?;
    let mut header = Header {
        interface_id: INTERFACE_ID,
        dxfer_direction: direction,
        cmd_len: u8::try_from(cdb.len()).map_err(|_| Undelivered::Transport)?,
        mx_sb_len: FOREIGN_SENSE_LEN as u8,
        iovec_count: vectors.len() as u16,
        dxfer_len,
        dxferp: vectors.as_mut_ptr().cast(),
        cmdp: cdb.as_ptr(),
        sbp: sense.as_mut_ptr(),
        timeout: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
        flags: 0,
        pack_id: 0,
        usr_ptr: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 0,
        driver_status: 0,
        resid: 0,
        duration: 0,
        info: 0,
    };
    let failed = |error: io::Error| {
        tracing::debug!(%error, opcode = cdb.first(), "SCSI generic");
        undelivered(&error)
    };
    // SAFETY: all pointers are to memory that outlives the command, as far as the kernel uses them: the CDB and data for the
    // device are copied at once; sense data, and data from the device, when the answer is read, which is below or never.
    // The vectors are of memory that the caller's segments vouch for, or our own.
    let sent = unsafe { libc::write(device.as_raw_fd(), (&raw const header).cast(), size_of::<Header>()) };
    is_whole(sent).map_err(failed)?;
    wait(device, recalled).map_err(|error| failed(error.into()))??;
    // SAFETY: as above.
    let read = unsafe { libc::read(device.as_raw_fd(), (&raw mut header).cast(), size_of::<Header>()) };
    is_whole(read).map_err(failed)?;
    let sense = sense[..usize::from(header.sb_len_wr).min(FOREIGN_SENSE_LEN)].to_vec();
    // A device with sense data has answered, whatever its adapter adds: some add DID_ABORT to errors of protection.
    if let (Err(outcome), true) = (delivered(header.host_status), sense.is_empty()) {
        return Ok(Err(outcome));
    }
    let left = u32::try_from(header.resid).unwrap_or(0).min(dxfer_len);
    let moved = u64::from(dxfer_len - left);
    if direction == DXFER_FROM_DEVICE && !gathered.is_empty() {
        data.write(0, &gathered[..moved as usize]);
    }
    let (data_out, data_in) = match direction {
        DXFER_TO_DEVICE => (moved, 0),
        DXFER_FROM_DEVICE => (0, moved),
        _ => (0, 0),
    };
    Ok(Ok(Foreign { status: header.status, sense, data_out, data_in }))
}

/// Whether a header was taken, or given.
fn is_whole(moved: isize) -> io::Result<()> {
    match usize::try_from(moved) {
        Ok(len) if len == size_of::<Header>() => Ok(()),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Waits for the answer, as long as nobody recalls the command.
fn wait(device: &File, recalled: &OwnedFd) -> rustix::io::Result<Result<(), Undelivered>> {
    let mut both = [PollFd::new(device, PollFlags::IN), PollFd::new(recalled, PollFlags::IN)];
    loop {
        match poll(&mut both, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if !both[0].revents().is_empty() {
            return Ok(Ok(()));
        }
        if !both[1].revents().is_empty() {
            let answered = rustix::io::retry_on_intr(|| poll(&mut both[..1], Some(&GRACE)))?;
            return Ok(if answered > 0 { Ok(()) } else { Err(Undelivered::Reset) });
        }
    }
}

/// What the driver itself says.
fn undelivered(error: &io::Error) -> Undelivered {
    match error.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO | libc::ENOENT) => Undelivered::NoDevice,
        Some(libc::EBUSY | libc::EAGAIN | libc::EDOM | libc::ENOMEM) => Undelivered::Busy,
        _ => Undelivered::Transport,
    }
}

/// What the host's adapter driver says of the way (`DID_…` of <scsi/scsi_status.h>).
fn delivered(host_status: u16) -> Result<(), Undelivered> {
    match host_status {
        // DID_OK, and DID_PASSTHROUGH.
        0x00 | 0x0a => Ok(()),
        // DID_NO_CONNECT, DID_BAD_TARGET.
        0x01 | 0x04 => Err(Undelivered::NoDevice),
        // DID_BUS_BUSY, DID_REQUEUE, DID_TRANSPORT_DISRUPTED.
        0x02 | 0x0d | 0x0e => Err(Undelivered::Busy),
        // DID_TIME_OUT, DID_ABORT.
        0x03 | 0x05 => Err(Undelivered::TimedOut),
        // DID_RESET.
        0x08 => Err(Undelivered::Reset),
        _ => Err(Undelivered::Transport),
    }
}

#[test]
fn what_is_no_scsi_device_delivers_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let sg = Sg::open(file.path()).unwrap();
    let nothing = Segments::empty();
    assert_eq!(sg.reset().unwrap_err().raw_os_error(), Some(libc::ENOTTY));
    // It swallows the request and has no answer.
    let limit = Duration::from_secs(1);
    assert_eq!(sg.execute(&[0; 6], &nothing, &nothing, limit), Err(Undelivered::Transport));
    std::fs::remove_file(file.path()).unwrap();
    assert_eq!(sg.execute(&[0; 6], &nothing, &nothing, limit), Err(Undelivered::NoDevice));
    // The size on which the kernel insists.
    assert_eq!(size_of::<Header>(), 88);
}

#[test]
fn the_hosts_word_on_the_way_becomes_an_outcome() {
    let outcomes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(delivered);
    use Undelivered::{Busy, NoDevice, Reset, TimedOut, Transport};
    let expected = [
        None,
        Some(NoDevice),
        Some(Busy),
        Some(TimedOut),
        Some(NoDevice),
        Some(TimedOut),
        Some(Transport),
        Some(Transport),
        Some(Reset),
    ];
    assert_eq!(outcomes.map(Result::err), expected);
}
