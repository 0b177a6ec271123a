//! `hpvmcreate`: makes a guest.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::ClientToVsp;

use super::failure::{Failure, print_remarks};
use super::guest::Attributes;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "create",
    classic: "hpvmcreate",
    is_linked: true,
    augment: |command| Options::augment_args(command.about("Create a guest")),
    run,
};

#[derive(Args)]
struct Options {
    /// Name of the new guest
    #[arg(short = 'P', value_name = "vm-name")]
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
