//! `hpvmstop`: stops guests.

use std::io::Write;
use std::thread;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::client::Client;
use ipc::message::{Acceptance, ClientToVsp, GuestRef, StopMode};

use super::confirm::confirm;
use super::failure::{Failure, print_remarks};
use super::guest::Chosen;
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
    #[command(flatten)]
    chosen: Chosen,
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
    let names = names(&mut link::connect()?, &options)?;
    // Everything is asked before anything is stopped.
    if !options.force {
        names.iter().try_for_each(|name| {
            confirm(SPEC.classic, &format!("Stop the virtual machine '{name}'?"), out)
        })?;
    }
    let mut failures = Vec::new();
    for (name, stopped) in stop(names, mode) {
        match stopped {
            Ok(done) if !options.quiet => {
                print_remarks(SPEC.classic, &done.remarks);
                writeln!(out, "{}: Guest '{name}' stopped", SPEC.classic)?;
            }
            Ok(_) => {}
            Err(failure) => failures.push(failure),
        }
    }
    failures.iter().for_each(|failure| failure.print(SPEC.classic));
    if failures.is_empty() { Ok(()) } else { Err(Failure::Silent) }
}

/// Stops guests at the same time: one that takes its time, or fails, holds up no other.
fn stop(names: Vec<String>, mode: StopMode) -> Vec<(String, Result<Acceptance, Failure>)> {
    let stop = |name: String| {
        move || -> Result<Acceptance, Failure> {
            let request = ClientToVsp::StopGuest { guest: GuestRef::Name(name), mode };
            Ok(link::connect()?.request(&request)?)
        }
    };
    let begun: Vec<_> = names.into_iter().map(|name| (name.clone(), thread::spawn(stop(name)))).collect();
    let ended = begun.into_iter().map(|(name, stopping)| {
        let stopped = stopping.join();
        (name, stopped.unwrap_or_else(|_| Err(Failure::message("Internal error."))))
    });
    ended.collect()
}

fn names(client: &mut Client, options: &Options) -> Result<Vec<String>, Failure> {
    match options.chosen.guest() {
        Some(guest) => Ok(vec![client.guest(&guest)?.summary.name]),
        None => {
            let all = client.guests()?;
            Ok(all.into_iter().filter(|guest| guest.state.is_on()).map(|guest| guest.name).collect())
        }
    }
}
