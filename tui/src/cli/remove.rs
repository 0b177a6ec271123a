//! `hpvmremove`: deletes a guest's configuration.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, GuestRef};

use super::confirm::confirm;
use super::failure::{Failure, print_remarks};
use super::guest::Which;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "remove",
    classic: "hpvmremove",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Remove a guest").after_help("Backing stores are not deleted."))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(short = 'F')]
    force: bool,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let mut client = link::connect()?;
    // From the table, not by detail: a guest whose configuration is damaged can be removed, too.
    let wanted = options.which.guest();
    let found = client.guests()?.into_iter().find(|guest| match &wanted {
        GuestRef::Name(name) => *name == guest.name,
        GuestRef::Number(number) => *number == guest.number,
    });
    let guest = found.map_or_else(|| wanted.to_string(), |guest| guest.name);
    if !options.force {
        confirm(SPEC.classic, &format!("Remove the virtual machine '{guest}'?"), out)?;
    }
    let done = client.request(&ClientToVsp::RemoveGuest(GuestRef::Name(guest)))?;
    print_remarks(SPEC.classic, &done.remarks);
    Ok(())
}
