//! `hpvmstop`: stops guests.

use std::io::Write;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::client::Client;
use ipc::message::{ClientToVsp, GuestRef, StopMode};

use super::confirm::confirm;
use super::failure::{Failure, print_remarks};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "stop",
    classic: "hpvmstop",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Stop a guest").after_help(
            "A graceful stop presses the guest's power button and waits for its operating system, as long as the \
             guest's graceful_stop_timeout allows; then the guest is powered off.",
        ))
        .group(ArgGroup::new("guests").args(["name", "number", "all"]).required(true))
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
    /// All running guests
    #[arg(short = 'a')]
    all: bool,
    /// Graceful stop
    #[arg(short = 'g', conflicts_with = "hard")]
    graceful: bool,
    /// Hard stop, like a power failure: the default
    #[arg(short = 'h')]
    hard: bool,
    /// Do not ask
    #[arg(short = 'F')]
    force: bool,
    /// Print nothing
    #[arg(short = 'q')]
    quiet: bool,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let mode = if options.graceful { StopMode::Graceful } else { StopMode::Hard };
    let mut client = link::connect()?;
    for name in chosen(&mut client, &options)? {
        if !options.force {
            confirm(SPEC.classic, &format!("Stop the virtual machine '{name}'?"), out)?;
        }
        let request = ClientToVsp::StopGuest { guest: GuestRef::Name(name.clone()), mode };
        let done = client.request(&request)?;
        if !options.quiet {
            print_remarks(SPEC.classic, &done.remarks);
            writeln!(out, "{}: Guest '{name}' stopped", SPEC.classic)?;
        }
    }
    Ok(())
}

fn chosen(client: &mut Client, options: &Options) -> Result<Vec<String>, Failure> {
    let guest = match (&options.name, options.number) {
        (Some(name), _) => GuestRef::Name(name.clone()),
        (None, Some(number)) => GuestRef::Number(number),
        (None, None) => {
            let all = client.guests()?;
            return Ok(all.into_iter().filter(|g| g.state.is_on()).map(|g| g.name).collect());
        }
    };
    Ok(vec![client.guest(&guest)?.summary.name])
}
