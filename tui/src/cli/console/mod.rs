//! `hpvmconsole`: the virtual management processor (vMP) of a guest: a menu, and the guest's console.

mod attach;
mod input;
mod media;
mod menu;
mod users;

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::GuestRef;
use vsp_proc::root;

use super::failure::Failure;
use super::guest::Chosen;
use super::{Spec, link};
use input::Input;
use menu::Menu;

pub(super) const SPEC: Spec = Spec {
    name: "console",
    classic: "hpvmconsole",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Use a guest's console").after_help(
            "On the console Ctrl-B returns to the menu, and Ctrl-E c f takes write access from another viewer.\n\
             When standard input is no terminal its lines are typed at the menu and, after CO, at the console. After \
             its end the command leaves the console as soon as that has been quiet for a second.\n\
             As the shell of an account whose home directory is that of a guest (guests/NAME in the state directory) \
             it needs no -P.",
        ))
        .mut_group("guest", |group| group.required(root::captive().is_none()))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    chosen: Chosen,
    /// Run one vMP command and return; CO attaches to the console
    #[arg(short = 'c', value_name = "command")]
    command: Option<String>,
    /// Quiet: no menu, no headings
    #[arg(short = 'q')]
    quiet: bool,
    /// Leave the console when the guest has written this (an extension for scripts); fail if it ends before
    #[arg(long, value_name = "TEXT")]
    until: Option<String>,
    /// With --until: fail after so many seconds
    #[arg(long, value_name = "SECONDS", requires = "until")]
    timeout: Option<u64>,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let captive = || root::captive().map(|(_, guest)| GuestRef::Name(guest));
    let guest =
        options.chosen.guest().or_else(captive).ok_or_else(|| Failure::message("No guest is named."))?;
    let name = link::connect()?.guest(&guest)?.summary.name;
    let mut menu = Menu {
        guest: name,
        input: Input::start()?,
        quiet: options.quiet,
        until: options.until.map(|text| attach::Until::new(&text, options.timeout)),
        out,
    };
    match options.command {
        Some(command) => menu.run_one(&command),
        None => menu.run(),
    }
}
