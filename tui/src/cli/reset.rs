//! `hpvm reset`: resets a guest's machine, as vMP's RS does.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, GuestRef};

use super::confirm::confirm;
use super::failure::{Failure, print_remarks};
use super::guest::Which;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "reset",
    classic: "hpvmreset",
    is_linked: true,
    augment: |command| Options::augment_args(command.about("Reset a guest's machine (an extension)")),
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
    let name = client.guest(&options.which.guest())?.summary.name;
    if !options.force {
        confirm(SPEC.classic, &format!("Reset the virtual machine '{name}'?"), out)?;
    }
    let done = client.request(&ClientToVsp::ResetGuest(GuestRef::Name(name)))?;
    print_remarks(SPEC.classic, &done.remarks);
    Ok(())
}
