//! `hpvmhostrdev`: keeps guests away from the storage that the VSP itself uses (hpvm.md 4.9).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{ArgAction, ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::client::ClientError;
use ipc::device::{DeviceRequest, HostUse};
use ipc::message::{ClientToVsp, VspToClient};

use super::failure::{Failure, print_remarks};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "hostrdev",
    classic: "hpvmhostrdev",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Restrict the storage that the VSP itself uses").after_help(
            "Without options the VSP's storage is scanned anew; then each disk and logical volume in use gets a \
             restriction (rdev, AUTORDEV=YES) in the device database, and restrictions made before for what is used no \
             longer are removed.\n\
             In use are the devices of mounted file systems and swap, what volume groups, arrays and other mappings are \
             made of, and with each of them the disks below. Other volumes and files on such disks remain for guests.\n\
             'hpvmhostrdev -u' is done whenever the VSP starts, unless -D was given.",
        ))
        .group(ArgGroup::new("action").args(["disable", "enable", "delete", "restore", "update"]))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Do nothing when the VSP starts
    #[arg(short = 'D')]
    disable: bool,
    /// Restrict what is in use whenever the VSP starts: the default. Changes no entry now
    #[arg(short = 'E')]
    enable: bool,
    /// Remove the restrictions that this command made
    #[arg(short = 'd')]
    delete: bool,
    /// Restore the device database to its state before the last run that changed it
    #[arg(short = 'r')]
    restore: bool,
    /// As without options, but without scanning for new devices
    #[arg(short = 'u')]
    update: bool,
    /// Print help
    #[arg(short = 'h', action = ArgAction::HelpShort)]
    _brief: Option<bool>,
}

fn run(matches: &ArgMatches, _: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let wanted = match () {
        _ if options.disable => HostUse::AtStart(false),
        _ if options.enable => HostUse::AtStart(true),
        _ if options.delete => HostUse::Release,
        _ if options.restore => HostUse::Restore,
        _ => HostUse::Restrict,
    };
    if wanted == HostUse::Restrict && !options.update {
        rescan(Path::new("/sys/class/scsi_host"))?;
    }
    match link::connect()?.request_with(&ClientToVsp::Devices(DeviceRequest::HostUse(wanted)), |_| {})? {
        VspToClient::Accepted(done) => print_remarks(SPEC.classic, &done.remarks),
        _ => return Err(ClientError::Unexpected.into()),
    }
    Ok(())
}

/// Lets each SCSI host of this machine look for devices; other buses announce theirs by themselves.
fn rescan(hosts: &Path) -> Result<(), Failure> {
    let entries = match fs::read_dir(hosts) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path().join("scan")).collect();
    files.sort();
    for file in files {
        // Any channel, any target, any unit.
        fs::write(&file, "- - -").map_err(|error| {
            let text = format!("Unable to scan for devices ('{}': {error}). Use -u.", file.display());
            Failure::message(text)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_is_told_to_scan() {
        let directory = tempfile::tempdir().unwrap();
        let files = ["host0", "host1"].map(|host| directory.path().join(host).join("scan"));
        for file in &files {
            fs::create_dir(file.parent().unwrap()).unwrap();
        }
        rescan(directory.path()).unwrap();
        assert!(files.iter().all(|file| fs::read_to_string(file).unwrap() == "- - -"));
        rescan(&directory.path().join("none")).unwrap();
    }

    #[test]
    fn one_option_at_a_time() {
        let try_options = |options: &[&str]| {
            let arguments = ["hpvmhostrdev"].iter().chain(options);
            super::super::classic(&SPEC).try_get_matches_from(arguments)
        };
        for one in ["-D", "-E", "-d", "-r", "-u"] {
            assert!(try_options(&[one]).is_ok());
        }
        assert!(
            try_options(&[]).is_ok() && try_options(&["-u", "-d"]).is_err() && try_options(&["-x"]).is_err()
        );
        assert_eq!(try_options(&["-h"]).unwrap_err().kind(), clap::error::ErrorKind::DisplayHelp);
    }
}
