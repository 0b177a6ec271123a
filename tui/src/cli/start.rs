//! `hpvmstart`: starts a guest.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, VspToClient};

use super::failure::{Failure, print_remarks};
use super::guest::{Which, manner};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "start",
    classic: "hpvmstart",
    is_linked: true,
    augment: |command| Options::augment_args(command.about("Start a guest")),
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// Force: start the guest even if it has more memory than the host
    #[arg(short = 'F', conflicts_with = "check_only")]
    force: bool,
    /// Check only whether the guest could start
    #[arg(short = 's')]
    check_only: bool,
    /// Print no progress
    #[arg(short = 'Q')]
    quiet: bool,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let (guest, check_only) = (options.which.guest(), options.check_only);
    let manner = manner(check_only, options.force);
    let mut client = link::connect()?;
    // Looked up before the start: afterwards a refusal would hide that the guest runs.
    let name = client.guest(&guest)?.summary.name;
    let mut written = Ok(());
    let answer = client.request_with(&ClientToVsp::StartGuest { guest, manner }, |line| {
        if options.quiet || written.is_err() {
            return;
        }
        // In the form of every remark (hpvm.md 8.1).
        written = match line.starts_with("WARNING ") {
            true => writeln!(out, "{}: {line}", SPEC.classic),
            false => writeln!(out, "{line}"),
        };
    })?;
    written?;
    if let VspToClient::Accepted(done) = &answer {
        print_remarks(SPEC.classic, &done.remarks);
    }
    match check_only {
        true => writeln!(out, "{}: Guest '{name}' can be started", SPEC.classic)?,
        false => writeln!(out, "{}: Successful start initiation of guest '{name}'", SPEC.classic)?,
    }
    Ok(())
}
