//! The stand-alone role: an adapter for one guest, or for any vhost-user front-end, from the command line.

#![allow(unsafe_code, reason = "takes over a socket inherited by number")]

use std::iter;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use storage::attached::Device;
use storage::backing::tap::Cartridge;
use storage::backing::{Access, RawFile};
use storage::identity::unit_id;
use storage::library::Library;
use storage::scsi::{Changer, DataTransferElement, Disk, Initiator, Product, Reservations, TapeDrive};

use super::{Adapter, RamPolicy, Targets};

/// `vsp-proc avio`: serve disks to one front-end.
#[derive(clap::Args, Debug)]
pub struct AvioArgs {
    /// Connected Unix socket inherited as this descriptor
    #[arg(long, value_name = "N", conflicts_with = "listen", required_unless_present = "listen")]
    socket_fd: Option<RawFd>,
    /// Listen on this path and serve one front-end after the other
    #[arg(long, value_name = "PATH")]
    listen: Option<PathBuf>,
    /// Raw file to serve as the next target, from 0 on
    #[arg(long = "disk", value_name = "FILE")]
    disks: Vec<PathBuf>,
    /// Tape image (SIMH's .tap format) to serve as a tape drive, a target after the disks
    #[arg(long = "tape", value_name = "FILE")]
    tapes: Vec<PathBuf>,
    /// Directory of a tape library to serve as a changer and its drives, the targets after the tapes
    #[arg(long = "library", value_name = "DIR")]
    libraries: Vec<PathBuf>,
    /// Request queues the guest is told to use
    #[arg(long, value_name = "N", default_value_t = 1)]
    queues: u16,
    /// Take memory that its owner could truncate, which would end this process
    #[arg(long)]
    allow_unsealed: bool,
}

/// Serves until the front-end leaves, or for ever when listening.
pub fn run(args: AvioArgs) -> anyhow::Result<()> {
    let targets = Arc::new(Targets::new());
    for (number, path) in args.disks.iter().enumerate() {
        let number = u8::try_from(number).context("too many disks")?;
        let store = Arc::new(RawFile::open(path, Access::ReadWrite)?);
        // However the file was named on the command line.
        let id = unit_id(&std::fs::canonicalize(path)?.to_string_lossy());
        targets.insert(number, Arc::new(Disk::new(store, Product::FileDisk, id)))?;
    }
    for (number, path) in (args.disks.len()..).zip(&args.tapes) {
        let number = u8::try_from(number).context("too many devices")?;
        let drive =
            Arc::new(TapeDrive::new(unit_id(&format!("tape {}", std::fs::canonicalize(path)?.display()))));
        drive.load(Cartridge::at(path)?)?;
        targets.insert(number, Device::port(drive, Initiator::default()))?;
    }
    let mut next = args.disks.len() + args.tapes.len();
    for path in &args.libraries {
        let changer = Arc::new(Changer::new(Library::open(path)?, Reservations::new()));
        let drives: Vec<_> = changer.drives().into_iter().map(|id| Arc::new(TapeDrive::new(id))).collect();
        for (number, drive) in (1..).zip(&drives) {
            changer.connect(number, &(Arc::clone(drive) as Arc<dyn DataTransferElement>));
        }
        let drives = drives.into_iter().map(|drive| Device::port(drive, Initiator::default()));
        for device in iter::once(Device::port(changer, Initiator::default())).chain(drives) {
            targets.insert(u8::try_from(next).context("too many devices")?, device)?;
            next += 1;
        }
    }
    let adapter = || Adapter {
        name: "stand-alone".to_owned(),
        targets: Arc::clone(&targets),
        request_queues: args.queues,
        ram: if args.allow_unsealed { RamPolicy::AllowUnsealed } else { RamPolicy::SealedOnly },
    };
    match (args.socket_fd, args.listen) {
        (Some(fd), _) => serve(adapter(), inherited(fd)?),
        (None, Some(path)) => {
            let listener =
                UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
            for connection in listener.incoming() {
                serve(adapter(), connection?)?;
            }
            Ok(())
        }
        (None, None) => bail!("neither a socket nor a path to listen on"),
    }
}

fn serve(adapter: Adapter, connection: UnixStream) -> anyhow::Result<()> {
    let handle = adapter.serve(connection)?;
    while !handle.wait(Duration::from_secs(3600)) {}
    Ok(())
}

fn inherited(fd: RawFd) -> anyhow::Result<UnixStream> {
    if [libc::STDOUT_FILENO, libc::STDERR_FILENO].contains(&fd)
        || std::fs::read_link(format!("/proc/self/fd/{fd}")).is_err()
    {
        bail!("descriptor {fd} is not an inherited socket");
    }
    // SAFETY: it is open, and by the meaning of the option nobody else in this process uses it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    Ok(UnixStream::from(fd))
}
