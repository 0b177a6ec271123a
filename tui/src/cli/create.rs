//! `hpvmcreate`: makes a guest.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::ClientToVsp;

use super::failure::{Failure, print_remarks};
use super::guest::{Attributes, STATEMENTS};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "create",
    classic: "hpvmcreate",
    is_linked: true,
    augment: |command| Options::augment_args(command.about("Create a guest").after_help(STATEMENTS)),
    run,
};

#[derive(Args)]
struct Options {
    /// Name of the new guest: up to 255 characters of A-Z a-z 0-9 - _ ., not digits alone, no dash or dot in front
    #[arg(short = 'P', value_name = "vm-name", allow_hyphen_values = true)]
    name: String,
    /// Resource statement of a device, such as disk:avio_stor::file:/path
    #[arg(short = 'a', value_name = "rsrc")]
    devices: Vec<String>,
    #[command(flatten)]
    attributes: Attributes,
}

fn run(matches: &ArgMatches, _: &mut dyn Write) -> Result<(), Failure> {
    let Options { name, devices, attributes } = Options::from_arg_matches(matches)?;
    let manner = attributes.manner();
    let request = ClientToVsp::CreateGuest { name, settings: attributes.settings(), devices, manner };
    let done = link::connect()?.request(&request)?;
    print_remarks(SPEC.classic, &done.remarks);
    Ok(())
}
