//! `hpvmconsole`: the virtual management processor (vMP) of a guest: a menu, and the guest's console.

mod attach;
mod input;
mod media;
mod menu;

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};

use super::failure::Failure;
use super::guest::Which;
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
             its end the command leaves the console as soon as that has been quiet for a second.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
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
    let name = link::connect()?.guest(&options.which.guest())?.summary.name;
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
