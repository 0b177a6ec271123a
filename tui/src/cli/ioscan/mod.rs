//! `ioscan`: the devices of the VSP by their names, in HP-UX's layouts (hpvm.md 10.1).

mod layout;
mod node;

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use ipc::client::{Client, ClientError};
use ipc::io::{IoAnswer, IoDevice, IoRequest};
use ipc::message::{ClientToVsp, VspToClient};

use super::failure::Failure;
use super::{Spec, link};
use node::Node;

pub(super) const SPEC: Spec = Spec {
    name: "ioscan",
    classic: "ioscan",
    is_linked: true,
    augment: |command| {
        Options::augment_args(
            command.mut_arg("help", |help| help.short(None)).about("List the devices of the VSP").after_help(
                "Devices are the VSP's disks and drives, SCSI tapes and changers, and those it emulates. Only agile names \
                 exist: -N changes nothing but the health that -F adds. What is not there any more is NO_HW. Who uses an attached device \
                 -P in_use_by tells, hpvmstatus and hpvmdevmgmt -l.",
            ),
        )
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Full listing
    #[arg(short = 'f')]
    full: bool,
    /// With device files
    #[arg(short = 'n')]
    files: bool,
    /// Agile view
    #[arg(short = 'N')]
    agile: bool,
    /// What is known, without looking for hardware
    #[arg(short = 'k')]
    known: bool,
    /// Only what can be used
    #[arg(short = 'u')]
    usable: bool,
    /// Fields separated by colons
    #[arg(short = 'F')]
    fields: bool,
    /// One property of each device
    #[arg(short = 'P', value_name = "property", conflicts_with_all = ["full", "fields", "files", "mapping"])]
    property: Option<Property>,
    /// Only this class: disk, tape, autoch, lunpath
    #[arg(short = 'C', value_name = "class")]
    class: Option<String>,
    /// Only this driver: esdisk, estape, eschgr, eslpt
    #[arg(short = 'd', value_name = "driver")]
    driver: Option<String>,
    /// Only this instance
    #[arg(short = 'I', value_name = "instance")]
    instance: Option<u32>,
    /// Only what has this hardware path
    #[arg(short = 'H', value_name = "hw_path")]
    path: Option<String>,
    /// A mapping: lun, dsf or hwpath
    #[arg(short = 'm', value_name = "mapping", value_parser = ["lun", "dsf", "hwpath"])]
    mapping: Option<String>,
    /// With -m lun and -m dsf: of this device file only
    #[arg(value_name = "dsf", requires = "mapping")]
    file: Option<String>,
}

/// What `-P` tells.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Property {
    /// Whether it is there
    Health,
    /// Who uses it now: a guest, VSP, or nobody (-)
    InUseBy,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let devices = devices(&mut link::connect()?, !options.known)?;
    let text = match options.mapping.as_deref() {
        Some(mapping) => {
            let of_file = |device: &&IoDevice| {
                options.file.as_ref().is_none_or(|file| is_called(device, file))
                    && options.path.as_ref().is_none_or(|path| has_path(device, path))
                    && options.class.as_ref().is_none_or(|class| *class == device.class)
            };
            let wanted: Vec<&IoDevice> = devices.iter().filter(of_file).collect();
            match mapping {
                "lun" => layout::luns(&wanted),
                "dsf" => layout::device_files(&wanted),
                _ => layout::paths(&wanted),
            }
        }
        None => {
            let nodes: Vec<Node> = devices.iter().flat_map(Node::of).collect();
            let is_wanted = |node: &&Node| {
                options.class.as_ref().is_none_or(|class| *class == node.class)
                    && options.driver.as_ref().is_none_or(|driver| *driver == node.driver)
                    && options.instance.is_none_or(|instance| instance == node.instance)
                    && options.path.as_ref().is_none_or(|path| *path == node.path)
                    && (node.is_present || !options.usable)
            };
            let wanted: Vec<&Node> = nodes.iter().filter(is_wanted).collect();
            match (options.property, options.fields, options.full) {
                (Some(property), ..) => layout::property(&wanted, property),
                (None, true, _) => layout::fields(&wanted, options.agile),
                (None, false, true) => layout::full(&wanted, options.files),
                (None, false, false) => layout::brief(&wanted, options.files),
            }
        }
    };
    write!(out, "{text}")?;
    Ok(())
}

/// The VSP's devices.
pub(super) fn devices(client: &mut Client, scan: bool) -> Result<Vec<IoDevice>, Failure> {
    match client.request_with(&ClientToVsp::Io(IoRequest::List { scan }), |_| {})? {
        VspToClient::Io(IoAnswer::Devices(devices)) => Ok(devices),
        _ => Err(ClientError::Unexpected.into()),
    }
}

/// Is this one of the device's names?
pub(super) fn is_called(device: &IoDevice, name: &str) -> bool {
    device.files.iter().any(|file| file == name)
        || device.pass_through == name
        || device.host_path.as_deref() == Some(name)
        || has_path(device, name)
}

fn has_path(device: &IoDevice, path: &str) -> bool {
    device.lun_path == path || device.lunpaths.iter().any(|(_, own)| own == path)
}
