//! `hpvm library`: tape libraries that the VSP emulates.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use ipc::client::ClientError;
use ipc::io::{CartridgeAction, Emulated, EmulatedPlan, IoAnswer, IoDevice, IoRequest};
use ipc::message::{ClientToVsp, VspToClient};

use super::failure::{Failure, print_remarks};
use super::{Spec, ioscan, link};
use crate::view::format;

pub(super) const SPEC: Spec = Spec {
    name: "library",
    classic: "hpvm library",
    is_linked: false,
    augment: |command| {
        Action::augment_subcommands(
            command.about("Manage emulated tape libraries").subcommand_required(true).after_help(
                "A library is a directory of tape images with a changer and drives that guests can be attached to:\n\
                 hpvm library create /tapes --drives 2 --slots 8 --cartridges 4 --capacity 1G\n\
                 hpvm ioscan -m lun\n\
                 hpvm modify -P ivm1 -a changer:avio_stor::attach_path:/dev/rchgr/autoch1\n\
                 LIBRARY is its directory, or a device file of it.",
            ),
        )
    },
    run,
};

#[derive(Subcommand)]
enum Action {
    /// Make a library, or take one that is in the directory already
    Create(Create),
    /// List libraries and their cartridges
    List,
    /// Take a library away; its files stay
    Remove {
        /// Which
        #[arg(value_name = "LIBRARY")]
        library: PathBuf,
    },
    /// Put a cartridge into an import/export element
    Import {
        /// Into which library
        #[arg(value_name = "LIBRARY")]
        library: PathBuf,
        /// Name of the cartridge; it is made if there is no image of that name
        #[arg(value_name = "BARCODE")]
        barcode: String,
        /// Bytes that go on a new one
        #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
        capacity: u64,
    },
    /// Take a cartridge out of an import/export element
    Export {
        /// Out of which library
        #[arg(value_name = "LIBRARY")]
        library: PathBuf,
        /// Name of the cartridge
        #[arg(value_name = "BARCODE")]
        barcode: String,
    },
    /// Have the library move a cartridge
    Move {
        /// Of which library
        #[arg(value_name = "LIBRARY")]
        library: PathBuf,
        /// Name of the cartridge
        #[arg(value_name = "BARCODE")]
        barcode: String,
        /// Where to: drive1, slot2, port1
        #[arg(value_name = "PLACE", value_parser = place)]
        to: String,
    },
}

#[derive(Args)]
struct Create {
    /// Its directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Tape drives
    #[arg(long, value_name = "N", default_value_t = 1)]
    drives: u16,
    /// Storage slots
    #[arg(long, value_name = "N", default_value_t = 8)]
    slots: u16,
    /// Import/export elements
    #[arg(long, value_name = "N", default_value_t = 1)]
    ports: u16,
    /// Blank cartridges in the first slots
    #[arg(long, value_name = "N", default_value_t = 4)]
    cartridges: u16,
    /// Bytes that go on each cartridge (K, M, G)
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    capacity: u64,
}

/// The VSP writes `drive 1`, which would be two arguments.
fn place(text: &str) -> Result<String, String> {
    let at = text.find(|c: char| c.is_ascii_digit()).ok_or("expected drive1, slot2 or port1")?;
    let (kind, number) = text.split_at(at);
    Ok(format!("{} {number}", kind.trim_end()))
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    storage::size::parse(text, 1).map_err(|e| e.to_string())
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let request = match Action::from_arg_matches(matches)? {
        Action::Create(create) => IoRequest::Create {
            path: absolute(&create.directory)?,
            plan: EmulatedPlan::Library {
                drives: create.drives,
                slots: create.slots,
                ports: create.ports,
                cartridges: create.cartridges,
                capacity: create.capacity,
            },
        },
        Action::List => IoRequest::ListEmulated,
        Action::Remove { library } => IoRequest::Remove { name: absolute(&library)? },
        Action::Import { library, barcode, capacity } => IoRequest::Cartridge {
            name: absolute(&library)?,
            action: CartridgeAction::Import { barcode, capacity },
        },
        Action::Move { library, barcode, to } => {
            IoRequest::Cartridge { name: absolute(&library)?, action: CartridgeAction::Move { barcode, to } }
        }
        Action::Export { library, barcode } => {
            IoRequest::Cartridge { name: absolute(&library)?, action: CartridgeAction::Export { barcode } }
        }
    };
    converse(SPEC.classic, "library", request, out)
}

/// Sends a request about emulated devices and prints what comes of it; of a listing what is of this kind.
pub(super) fn converse(
    command: &str,
    kind: &str,
    request: IoRequest,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut client = link::connect()?;
    match client.request_with(&ClientToVsp::Io(request), |_| {})? {
        VspToClient::Io(IoAnswer::Devices(devices)) => {
            for device in devices {
                let file = device.files.last().map_or("", String::as_str);
                let path = device.lunpaths.first().map_or("", |(_, path)| path);
                writeln!(out, "{file}  {path}")?;
            }
        }
        VspToClient::Io(IoAnswer::Emulated(all)) => {
            let known = ioscan::devices(&mut client, false)?;
            list(all.iter().filter(|emulated| emulated.kind == kind), &known, out)?;
        }
        VspToClient::Accepted(done) => print_remarks(command, &done.remarks),
        _ => return Err(ClientError::Unexpected.into()),
    }
    Ok(())
}

fn list<'a>(
    all: impl Iterator<Item = &'a Emulated>,
    known: &[IoDevice],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    for device in all {
        writeln!(out, "{}", device.path)?;
        if let Some(fault) = &device.fault {
            writeln!(out, "    cannot be used: {fault}")?;
        }
        for file in &device.files {
            let found = known.iter().find(|known| known.files.contains(file));
            match found.and_then(|found| found.in_use_by.as_ref()) {
                Some(holder) => writeln!(out, "    {file}  in use by {holder}")?,
                None => writeln!(out, "    {file}")?,
            }
        }
        for medium in &device.media {
            let protected = if medium.write_protected { ", write-protected" } else { "" };
            let capacity = format::bytes(medium.capacity);
            writeln!(out, "    {:<12}{:<10}{capacity}{protected}", medium.name, medium.place)?;
        }
    }
    Ok(())
}

/// Paths are the VSP's, whose directory is another one.
pub(super) fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path)?;
    absolute.into_os_string().into_string().map_err(|_| Failure::message("Illegal path: it is not text."))
}
