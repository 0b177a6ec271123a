//! `hpvmremove`: deletes a guest's configuration.

use std::io::Write;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, GuestRef};

use super::confirm::confirm;
use super::failure::{Failure, print_remarks};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "remove",
    classic: "hpvmremove",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Remove a guest").after_help("Backing stores are not deleted."))
            .group(ArgGroup::new("guest").args(["name", "number"]).required(true))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Guest, by name
    #[arg(short = 'P', value_name = "vm-name")]
    name: Option<String>,
    /// Guest, by number
    #[arg(short = 'p', value_name = "vm-number")]
    number: Option<u32>,
    /// Do not ask
    #[arg(short = 'F')]
    force: bool,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let mut client = link::connect()?;
    // From the table, not by detail: a guest whose configuration is damaged can be removed, too.
    let wanted = |name: &str, number| match &options.name {
        Some(wanted) => wanted == name,
        None => options.number == Some(number),
    };
    let found = client.guests()?.into_iter().find(|guest| wanted(&guest.name, guest.number));
    let guest = match (found, &options.name) {
        (Some(guest), _) => guest.name,
        (None, Some(name)) => name.clone(),
        (None, None) => options.number.unwrap_or_default().to_string(),
    };
    if !options.force {
        confirm(SPEC.classic, &format!("Remove the virtual machine '{guest}'?"), out)?;
    }
    let done = client.request(&ClientToVsp::RemoveGuest(GuestRef::Name(guest)))?;
    print_remarks(SPEC.classic, &done.remarks);
    Ok(())
}
