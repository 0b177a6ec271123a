//! `hpvmclone`: makes a guest after another one.

use std::io::{self, IsTerminal, Write};

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::client::{ClientError, Progress};
use ipc::message::{ClientToVsp, CloneGuest, VspToClient};

use super::failure::{Failure, print_remarks};
use super::guest::{Attributes, Which};
use super::modify::{DeviceOptions, device_changes};
use super::{Spec, link};
use crate::view::format;

pub(super) const SPEC: Spec = Spec {
    name: "clone",
    classic: "hpvmclone",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Make a guest after another one").after_help(
            "Without storage options the clone has the same backing stores as the original, so both cannot run at once.\n\
             -b disk:avio_stor:BUS,SLOT,TARGET:{file|disk|lv}:PATH copies the data of the original's device at that \
             address to PATH, which is as large or larger; a file is made if it is missing, and holes stay holes. The \
             original must be off. Unless PATH is given to \
             the clone by -a or -m, it takes the place of the original's store.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// Name of the clone
    #[arg(short = 'N', value_name = "clone-name")]
    clone_name: String,
    #[command(flatten)]
    _devices: DeviceOptions,
    /// Copy the data of the original's device at this bus,slot,target to this backing store
    #[arg(short = 'b', value_name = "rsrc")]
    copies: Vec<String>,
    #[command(flatten)]
    attributes: Attributes,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let manner = options.attributes.manner();
    let request = ClientToVsp::CloneGuest(Box::new(CloneGuest {
        guest: options.which.guest(),
        name: options.clone_name,
        settings: options.attributes.settings(),
        devices: device_changes(matches),
        copies: options.copies,
        manner,
    }));
    let mut bar = Bar { is_shown: io::stderr().is_terminal(), is_drawn: false };
    let mut written = Ok(());
    let answer = link::connect()?.request_watched(&request, |progress| match progress {
        Progress::Copied { done_bytes, total_bytes } => bar.draw(done_bytes, total_bytes),
        Progress::Line(line) => {
            bar.wipe();
            if written.is_ok() {
                written = writeln!(out, "{line}");
            }
        }
    });
    bar.wipe();
    written?;
    match answer? {
        VspToClient::Accepted(done) => print_remarks(SPEC.classic, &done.remarks),
        _ => return Err(ClientError::Unexpected.into()),
    }
    Ok(())
}

/// A line that says how far copying is, on a terminal only.
struct Bar {
    is_shown: bool,
    is_drawn: bool,
}

impl Bar {
    fn draw(&mut self, done: u64, total: u64) {
        if self.is_shown {
            let share = done.saturating_mul(100).checked_div(total).unwrap_or(100);
            eprint!("\r\x1b[K{share:>3}% of {} copied", format::bytes(total));
            self.is_drawn = true;
        }
    }

    fn wipe(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            eprint!("\r\x1b[K");
        }
    }
}
