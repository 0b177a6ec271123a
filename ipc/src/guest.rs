//! What the VSP and a guest process say to each other on the guest's control socket.
//!
//! ```text
//!  VSP                                              guest process (`hpvm guest-proc managed --control-fd N`)
//!   │ Hello                                 Hello │
//!   │ Start(GuestStart) + descriptors ──────────▶ │   kernel, initial RAM disk if any, one stream per adapter
//!   │ ◀────────────────────────────────── Started │   the processors run
//!   │ ConsoleInput, PowerButton, … ─────────────▶ │
//!   │ ◀──────── State, ConsoleOutput, Stats, …    │
//!   │ ◀────────────────────────────── Exiting(…)  │   last message; then the process ends
//! ```
//!
//! A guest process outlives a VSP that was killed. It listens on the socket that it was given with `Start`; the next VSP
//! connects there, and after the greeting says `Attach` in place of `Start`:
//!
//! ```text
//!   │ Attach(console_from) + descriptors ───────▶ │   one stream per adapter, in the order of `Start`
//!   │ ◀── Started, State, ConsoleOutput, Stats, … │   as far as it has come
//! ```
//!
//! The guest process keeps the end of its console output, so what one VSP had not stored yet the next one is given again.
//! It writes its log into files of its own ([`crate::log`]). Console bytes travel as messages only.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Connection of the VSP to a guest process.
pub type VspEnd = crate::Connection<VspToGuest, GuestToVsp>;
/// Connection of a guest process to the VSP.
pub type GuestEnd = crate::Connection<GuestToVsp, VspToGuest>;

/// From the VSP to a guest process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VspToGuest {
    /// First message, once: be this guest. Carries [`GuestStart::descriptor_count`] descriptors.
    Start(Box<GuestStart>),
    /// Bytes typed at the console.
    ConsoleInput(Vec<u8>),
    /// The ACPI power button: the operating system is asked to shut down.
    PowerButton,
    /// Hardware reset of the machine: as the guest's own reset, answered by `Exiting(ExitReason::Reset)`.
    Reset,
    /// Power off now; answered by `Exiting(ExitReason::Stopped)`.
    Stop,
    /// First message, once, of a VSP that finds the process running. Carries one stream for each adapter it was started
    /// with, in the same order.
    Attach {
        /// Bytes of this process' console output that the VSP has already.
        console_from: u64,
    },
    /// Carries another stream for an adapter, in place of one that was lost.
    Adapter {
        /// PCI bus.
        bus: u8,
        /// PCI slot.
        slot: u8,
    },
    /// The crash dump switch: every processor takes INIT, which the operating system reports, or which resets the machine
    /// if it has registered nothing for it.
    Init,
}

/// From a guest process to the VSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuestToVsp {
    /// Memory, devices and boot image are in place and the processors run.
    Started,
    /// The machine came into another phase.
    State(Phase),
    /// Bytes the guest wrote to its console.
    ConsoleOutput(Vec<u8>),
    /// Figures, sent about once a second while the guest runs.
    Stats(Stats),
    /// Why this process is about to end; its last message.
    Exiting(ExitReason),
    /// Console output is missing here, because there was no VSP to take it, or one that did not.
    ConsoleGap {
        /// How much of it.
        bytes: u64,
    },
    /// The back-end of an adapter has gone, or did not answer in time: its I/O waits for [`VspToGuest::Adapter`].
    AdapterLost {
        /// PCI bus.
        bus: u8,
        /// PCI slot.
        slot: u8,
    },
}

/// Everything a guest process needs to know. Descriptors sent with it, in this order: the kernel image, the initial
/// RAM disk if `has_initrd`, then for each of `adapters` a connected stream socket whose other end is a vhost-user
/// back-end, then a bound socket on which to listen for a later VSP, and two empty files: for the end of the
/// console output ([`ConsoleEnd`]) and for the [`ExitReason`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestStart {
    /// Guest name.
    pub name: String,
    /// Guest number on this VSP, from 1.
    pub number: u32,
    /// The guest's identity; firmware shows it to the operating system.
    pub uuid: Uuid,
    /// RAM in bytes, a multiple of 64 MiB.
    pub memory_bytes: u64,
    /// Virtual processors, 1..=16.
    pub vcpus: u32,
    /// Kernel command line.
    pub append: String,
    /// Is there an initial RAM disk among the descriptors?
    pub has_initrd: bool,
    /// AVIO storage adapters, ascending by bus and slot.
    pub adapters: Vec<AdapterStart>,
}

impl GuestStart {
    /// How many descriptors belong to this message.
    pub fn descriptor_count(&self) -> usize {
        1 + usize::from(self.has_initrd) + self.adapters.len() + 3
    }
}

/// One AVIO storage adapter: a virtio-scsi PCI function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterStart {
    /// PCI bus, 0..=7.
    pub bus: u8,
    /// PCI slot, 0..=7.
    pub slot: u8,
    /// Request queues the back-end offers: one per virtual processor.
    pub request_queues: u16,
}

/// What a running machine is executing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Firmware or a boot loader: `On (EFI)`.
    Firmware,
    /// An operating system: `On (OS)`.
    Os,
}

/// Figures since start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Instructions retired by all processors.
    pub instructions: u64,
    /// Host processor time of all virtual processors, in microseconds.
    pub cpu_micros: u64,
    /// Time virtual processors spent halted, in microseconds.
    pub idle_micros: u64,
    /// Bytes written to the console.
    pub console_bytes: u64,
    /// Interruptions delivered.
    pub interruptions: u64,
    /// Every virtual processor, in the order of their numbers.
    pub vcpus: Vec<VcpuStats>,
}

/// One virtual processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VcpuStats {
    /// What it is up to now.
    pub state: VcpuState,
    /// Instructions retired.
    pub instructions: u64,
    /// Host processor time, in microseconds.
    pub cpu_micros: u64,
    /// Time it was halted, in microseconds; a halt counts when it ends.
    pub idle_micros: u64,
}

/// What a virtual processor is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VcpuState {
    /// It executes.
    Running,
    /// It has nothing to do until an interrupt comes.
    Halted,
    /// The operating system has not started it, or has taken it out.
    Waiting,
    /// It is in an endless loop with interrupts off.
    Dead,
}

impl fmt::Display for VcpuState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            VcpuState::Running => "running",
            VcpuState::Halted => "halted",
            VcpuState::Waiting => "not started",
            VcpuState::Dead => "dead",
        })
    }
}

/// Why a guest process ended. It says so in its last message, and in a file in case nobody hears it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitReason {
    /// The guest switched its machine off.
    PowerOff,
    /// The guest (or the VSP) asked for a reset: the VSP starts a new process.
    Reset,
    /// [`VspToGuest::Stop`] was obeyed.
    Stopped,
    /// The guest can never run again: all processors halted for good, or an endless fault. The text says where.
    Fatal(String),
    /// The machine could not be made or could not go on: bad kernel, no memory, a lost back-end. One line for the
    /// operator.
    Failed(String),
}

impl ExitReason {
    /// As the text of a file.
    pub fn to_text(&self) -> String {
        // Strings and names: there is nothing in it that cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From the text of a file; `None` if it is none, or only part of one.
    pub fn from_text(text: &str) -> Option<ExitReason> {
        serde_json::from_str(text).ok()
    }
}

/// The end of a process' console output, which it leaves in a file in case nobody has taken it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleEnd {
    /// Position of the first byte in the whole output.
    pub start: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl ConsoleEnd {
    /// As the contents of a file.
    pub fn to_file(&self) -> Vec<u8> {
        [&self.start.to_le_bytes()[..], &self.bytes].concat()
    }

    /// From the contents of a file; `None` if it holds nothing.
    pub fn from_file(contents: &[u8]) -> Option<ConsoleEnd> {
        let (start, bytes) = contents.split_first_chunk()?;
        Some(ConsoleEnd { start: u64::from_le_bytes(*start), bytes: bytes.to_vec() })
    }
}

#[test]
fn the_end_of_the_console_survives_its_file() {
    let end = ConsoleEnd { start: 1 << 40, bytes: b"bye".to_vec() };
    assert_eq!(ConsoleEnd::from_file(&end.to_file()), Some(end));
    assert_eq!(ConsoleEnd::from_file(b""), None);
}

#[test]
fn reasons_survive_their_file() {
    for reason in [ExitReason::Reset, ExitReason::Fatal("at \"0\"\n".into())] {
        let text = reason.to_text();
        assert_eq!(ExitReason::from_text(&text), Some(reason));
        assert_eq!(ExitReason::from_text(&text[..text.len() - 1]), None);
    }
}
