//! `hpvm tape`: single tape drives that the VSP emulates, each with a cartridge whose image is a file.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgMatches, FromArgMatches, Subcommand};
use ipc::io::{EmulatedPlan, IoRequest};

use super::Spec;
use super::failure::Failure;
use super::library::{absolute, converse, size};

pub(super) const SPEC: Spec = Spec {
    name: "tape",
    classic: "hpvm tape",
    is_linked: false,
    augment: |command| {
        Action::augment_subcommands(
            command.about("Manage emulated tape drives").subcommand_required(true).after_help(
                "The image has SIMH's .tap format, which other tools read and write:\n\
                 hpvm tape create /tapes/backup.tap --capacity 4G\n\
                 hpvm modify -P ivm1 -a tape:avio_stor::attach_path:/dev/rtape/tape1_BEST\n\
                 TAPE is the image, or a device file of the drive.",
            ),
        )
    },
    run,
};

#[derive(Subcommand)]
enum Action {
    /// Make a drive with this image; one that is there is taken as it is
    Create {
        /// The image
        #[arg(value_name = "FILE")]
        image: PathBuf,
        /// Bytes that go on a new one
        #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
        capacity: u64,
    },
    /// List drives
    List,
    /// Take a drive away; its image stays
    Remove {
        /// Which
        #[arg(value_name = "TAPE")]
        tape: PathBuf,
    },
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let request = match Action::from_arg_matches(matches)? {
        Action::Create { image, capacity } => {
            IoRequest::Create { path: absolute(&image)?, plan: EmulatedPlan::Tape { capacity } }
        }
        Action::List => IoRequest::ListEmulated,
        Action::Remove { tape } => IoRequest::Remove { name: absolute(&tape)? },
    };
    converse(SPEC.classic, "tape", request, out)
}
