//! `hpvmclone`: makes a guest after another one.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::client::{ClientError, Progress};
use ipc::message::{ClientToVsp, CloneGuest, VspToClient};

use super::bar::Bar;
use super::failure::{Failure, print_remarks};
use super::guest::{Attributes, Which};
use super::modify::{DeviceOptions, device_changes};
use super::{Spec, link};

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
             the clone by -a or -m, it takes the place of the original's store.\n\
             A PATH that is a store of some guest is refused: its data would be overwritten. -F does that if it is another \
             guest than the original, and off.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// Name of the clone
    #[arg(short = 'N', value_name = "clone-name", allow_hyphen_values = true)]
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
    let mut bar = Bar::new("copied");
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
    drop(bar);
    written?;
    match answer? {
        VspToClient::Accepted(done) => print_remarks(SPEC.classic, &done.remarks),
        _ => return Err(ClientError::Unexpected.into()),
    }
    Ok(())
}
