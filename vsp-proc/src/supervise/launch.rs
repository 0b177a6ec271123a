//! Making a guest process: boot image and stores are opened here, so that the process itself holds no path at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ipc::guest::{AdapterStart, GuestStart};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use rustix::fs::{MemfdFlags, memfd_create};
use storage::statement::StorageStatement;
use storage::unit::Unit;

use super::inherit::{inherit, own_session};
use super::record::{CONSOLE_END, LAST_WORDS};
use crate::avio_link::{self, Owner, Served, Supply};
use crate::db::{BUILTIN_PREFIX, GuestConfig};
use crate::hardware::Hardware;
use crate::root::StateRoot;

/// A kernel that is part of the VSP.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// Name behind `builtin:`.
    pub name: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

/// How guest processes are made on this VSP.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    /// Program and first arguments of a guest process.
    pub(crate) command: Vec<OsString>,
    /// Built-in kernels.
    pub(crate) images: Vec<Image>,
    /// Attached devices.
    pub(crate) hardware: Hardware,
}

/// A guest process that was just made and has not been spoken to.
pub(crate) struct Launched {
    pub(crate) child: Child,
    pub(crate) control: UnixStream,
    pub(crate) start: GuestStart,
    /// In the order that belongs to `start`.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Back-ends of its adapters.
    pub(crate) served: Vec<Served>,
}

/// Files and sockets of one guest's process.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Directory of its log.
    pub(crate) log: PathBuf,
    /// What its runtime complains of.
    pub(crate) stderr: PathBuf,
    /// The end of its console output.
    pub(crate) console_end: PathBuf,
    /// Why it ended, by its own account.
    pub(crate) last_words: PathBuf,
    /// Where it listens for a later VSP.
    pub(crate) socket: PathBuf,
    /// What its stores are opened with.
    pub(crate) supply: Supply,
}

impl Places {
    /// Those of a guest.
    pub(crate) fn of(root: &StateRoot, config: &GuestConfig, hardware: &Hardware) -> Places {
        let directory = root.guest(&config.name);
        Places {
            log: root.guest_log(&config.name),
            stderr: directory.join("stderr"),
            console_end: directory.join(CONSOLE_END),
            last_words: directory.join(LAST_WORDS),
            socket: root.guest_socket(config.number),
            supply: Supply {
                reservations: root.reservations(),
                units: root.units(),
                hardware: hardware.clone(),
            },
        }
    }
}

impl Launcher {
    /// Checks whether a guest could be launched, without doing it.
    ///
    /// # Errors
    /// One line for the operator.
    pub(crate) fn check(&self, config: &GuestConfig) -> Result<(), String> {
        crate::stores::check(config, &self.hardware).map_err(|(text, _)| text)?;
        self.open_kernel(config)?;
        if !config.initrd.is_empty() {
            open_image("initial RAM disk", &config.initrd)?;
        }
        Ok(())
    }

    /// Opens everything the guest needs and starts its process; `progress` hears of each step.
    ///
    /// # Errors
    /// One line for the operator; nothing is left over then.
    pub(crate) fn launch(
        &self,
        config: &GuestConfig,
        places: &Places,
        mut progress: impl FnMut(String),
    ) -> Result<Launched, String> {
        crate::stores::check(config, &self.hardware).map_err(|(text, _)| text)?;
        let mut descriptors = vec![OwnedFd::from(self.open_kernel(config)?)];
        progress(format!("Boot image: {}", config.kernel));
        if !config.initrd.is_empty() {
            descriptors.push(open_image("initial RAM disk", &config.initrd)?.into());
            progress(format!("Initial RAM disk: {}", config.initrd));
        }
        let (mut adapters, mut served) = (Vec::new(), Vec::new());
        let behind = Behind { config, supply: &places.supply, is_running: false, open: &[] };
        for (location, devices) in by_adapter(&config.devices) {
            let (stream, back_end) = behind.serve(location, &devices)?;
            served.push(back_end);
            descriptors.push(stream.into());
            let (bus, slot) = location;
            adapters.push(AdapterStart { bus, slot, request_queues: request_queues(config) });
            progress(format!("AVIO storage adapter {bus},{slot}: {} device(s)", devices.len()));
        }
        descriptors
            .push(bound_socket(&places.socket).map_err(|e| {
                format!("Cannot make the guest's socket '{}': {e}.", places.socket.display())
            })?);
        for path in [&places.console_end, &places.last_words] {
            let failed = |e| format!("Cannot write '{}': {e}.", path.display());
            descriptors.push(empty_file(path).map_err(failed)?.into());
        }
        progress(format!("Allocating guest memory: {}MB", config.memory_bytes >> 20));
        let start = GuestStart {
            name: config.name.clone(),
            number: config.number,
            uuid: config.uuid,
            memory_bytes: config.memory_bytes,
            vcpus: config.vcpus,
            append: config.append.clone(),
            has_initrd: !config.initrd.is_empty(),
            adapters,
        };
        let (child, control) =
            self.spawn(&config.name, places).map_err(|e| format!("Cannot start a guest process: {e}."))?;
        progress(format!("Guest process {}", child.id()));
        Ok(Launched { child, control, start, descriptors, served })
    }

    fn spawn(&self, name: &str, places: &Places) -> io::Result<(Child, UnixStream)> {
        let (near, far) = UnixStream::pair()?;
        let [program, arguments @ ..] = self.command.as_slice() else {
            return Err(io::Error::other("no command"));
        };
        let mut command = Command::new(program);
        command.args(arguments).arg("managed");
        let number = inherit(&mut command, far.into());
        command.args(["--control-fd", &number.to_string(), "--name", name, "--log-dir"]).arg(&places.log);
        // Files and no pipes: the process outlives us.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(empty_file(&places.stderr)?);
        own_session(&mut command);
        // It is not what a service manager waits for.
        command.env_remove("NOTIFY_SOCKET");
        let child = command.current_dir("/").spawn()?;
        Ok((child, near))
    }

    fn open_kernel(&self, config: &GuestConfig) -> Result<File, String> {
        let kernel = &config.kernel;
        if kernel.is_empty() {
            return Err(format!(
                "Guest has no boot image. Set one with hpvmmodify -P {} -x kernel=PATH.",
                config.name
            ));
        }
        let Some(name) = kernel.strip_prefix(BUILTIN_PREFIX) else { return open_image("boot image", kernel) };
        let image = self.images.iter().find(|image| image.name == name);
        let image = image.ok_or_else(|| format!("There is no built-in boot image '{name}'."))?;
        let memory = || {
            let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
            file.write_all(image.bytes)?;
            io::Result::Ok(file)
        };
        memory().map_err(|e| format!("No memory for the built-in boot image: {e}."))
    }
}

/// A socket that a process can be found at which is given it and listens.
fn bound_socket(path: &Path) -> io::Result<OwnedFd> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}

fn empty_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Request queues of each adapter: one for each virtual processor.
fn request_queues(config: &GuestConfig) -> u16 {
    u16::try_from(config.vcpus).unwrap_or(u16::MAX)
}

/// What lies behind the adapters of a guest.
pub(super) struct Behind<'a> {
    pub(super) config: &'a GuestConfig,
    pub(super) supply: &'a Supply,
    /// Whether the guest has known its devices all along.
    pub(super) is_running: bool,
    /// Devices that this VSP has open for it.
    pub(super) open: &'a [(StorageStatement, Unit)],
}

impl Behind<'_> {
    /// Opens the stores of an adapter and serves them to whoever has the stream.
    ///
    /// # Errors
    /// One line for the operator.
    pub(super) fn serve(
        &self,
        (bus, slot): (u8, u8),
        devices: &[(u8, &StorageStatement)],
    ) -> Result<(UnixStream, Served), String> {
        let (near, far) =
            UnixStream::pair().map_err(|e| format!("No socket for adapter {bus},{slot}: {e}."))?;
        let &Behind { config, supply, is_running, open } = self;
        let owner = Owner { config, supply, is_running, open };
        let served = avio_link::serve(owner, (bus, slot), request_queues(config), near, devices)?;
        Ok((far, served))
    }
}

/// Devices of each adapter, by bus and slot, then target.
pub(crate) fn by_adapter(devices: &[StorageStatement]) -> BTreeMap<(u8, u8), Vec<(u8, &StorageStatement)>> {
    let mut adapters: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for device in devices {
        if let Some(address) = device.placement().address() {
            adapters.entry(address.adapter()).or_default().push((address.target(), device));
        }
    }
    adapters
}

fn open_image(what: &str, path: &str) -> Result<File, String> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => format!("The {what} '{path}' does not exist."),
        _ => format!("The {what} '{path}' cannot be opened: {e}."),
    };
    // Before opening: to open a FIFO waits for its writer.
    if !fs::metadata(Path::new(path)).map_err(failed)?.is_file() {
        return Err(format!("The {what} '{path}' is not a regular file."));
    }
    File::open(path).map_err(failed)
}
