//! `hpvm hold`: keeps guests away from an attached device while the VSP has to do with it.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::client::ClientError;
use ipc::io::IoRequest;
use ipc::message::{ClientToVsp, VspToClient};

use super::failure::{Failure, print_remarks};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "hold",
    classic: "hpvm hold",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Keep guests away from a tape, changer or burner").after_help(
            "Guests find the device busy until it is given free with -r, or the VSP ends. A device that a guest uses \
             cannot be held.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Give it free
    #[arg(short = 'r')]
    release: bool,
    /// Device file, lunpath, or device of the host
    #[arg(value_name = "DEVICE")]
    device: String,
}

fn run(matches: &ArgMatches, _: &mut dyn Write) -> Result<(), Failure> {
    let Options { release, device: name } = Options::from_arg_matches(matches)?;
    let request = if release { IoRequest::Release { name } } else { IoRequest::Hold { name } };
    match link::connect()?.request_with(&ClientToVsp::Io(request), |_| {})? {
        VspToClient::Accepted(done) => {
            print_remarks(SPEC.classic, &done.remarks);
            Ok(())
        }
        _ => Err(ClientError::Unexpected.into()),
    }
}
