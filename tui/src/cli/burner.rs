//! `hpvm burner`: CD and DVD burners that the VSP emulates, whose discs are files in a directory.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgMatches, FromArgMatches, Subcommand};
use ipc::io::{CartridgeAction, EmulatedPlan, IoRequest};

use super::Spec;
use super::failure::Failure;
use super::library::{absolute, converse};

pub(super) const SPEC: Spec = Spec {
    name: "burner",
    classic: "hpvm burner",
    is_linked: false,
    augment: |command| {
        Action::augment_subcommands(
            command.about("Manage emulated CD and DVD burners").subcommand_required(true).after_help(
                "Discs are NAME.iso in the burner's directory, with what is recorded of them beside:\n\
                 hpvm burner create /discs\n\
                 hpvm burner insert /discs backup1 --kind CD-R\n\
                 hpvm modify -P ivm1 -a burner:avio_stor::attach_path:/dev/rdisk/disk1\n\
                 BURNER is its directory, or a device file of it.",
            ),
        )
    },
    run,
};

#[derive(Subcommand)]
enum Action {
    /// Make a burner whose discs lie in this directory
    Create {
        /// The directory; made if it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// List burners
    List,
    /// Take a burner away; its discs stay
    Remove {
        /// Which
        #[arg(value_name = "BURNER")]
        burner: PathBuf,
    },
    /// Put a disc in
    Insert {
        /// Into which
        #[arg(value_name = "BURNER")]
        burner: PathBuf,
        /// Name of the disc
        #[arg(value_name = "DISC")]
        disc: String,
        /// Make a blank one of this kind if there is none of that name: CD-R, CD-RW, DVD-R, DVD-RW, DVD+R, DVD+RW
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
    },
    /// Take the disc out
    Eject {
        /// Out of which
        #[arg(value_name = "BURNER")]
        burner: PathBuf,
        /// Even if a guest has locked it
        #[arg(long)]
        force: bool,
    },
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let cartridge =
        |burner: PathBuf, action| Ok::<_, Failure>(IoRequest::Cartridge { name: absolute(&burner)?, action });
    let request = match Action::from_arg_matches(matches)? {
        Action::Create { directory } => {
            IoRequest::Create { path: absolute(&directory)?, plan: EmulatedPlan::Burner }
        }
        Action::List => IoRequest::ListEmulated,
        Action::Remove { burner } => IoRequest::Remove { name: absolute(&burner)? },
        Action::Insert { burner, disc, kind } => {
            cartridge(burner, CartridgeAction::Insert { name: disc, kind })?
        }
        Action::Eject { burner, force } => cartridge(burner, CartridgeAction::Eject { force })?,
    };
    converse(SPEC.classic, "burner", request, out)
}
