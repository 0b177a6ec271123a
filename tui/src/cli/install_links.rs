//! `hpvm install-links`: makes the classic names.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::Context;
use clap::{ArgMatches, Args, FromArgMatches};

use super::failure::Failure;
use super::{COMMANDS, Spec, absent};

pub(super) const SPEC: Spec = Spec {
    name: "install-links",
    classic: "hpvm install-links",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Make links hpvmcreate, hpvmstart, ... to this program"))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Directory for the links; made if it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let Options { directory } = Options::from_arg_matches(matches)?;
    let program = std::env::current_exe().context("cannot find this program")?;
    fs::create_dir_all(&directory).with_context(|| format!("cannot make '{}'", directory.display()))?;
    let own = COMMANDS.iter().filter(|spec| spec.is_linked).map(|spec| spec.classic);
    for name in own.chain(absent::names()) {
        let link = directory.join(name);
        match fs::symlink_metadata(&link) {
            Ok(found) if found.is_symlink() => fs::remove_file(&link)?,
            Ok(_) => {
                let text = format!("'{}' exists and is no link: remove it first", link.display());
                return Err(Failure::message(text));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
        }
        symlink(&program, &link).with_context(|| format!("cannot make '{}'", link.display()))?;
        writeln!(out, "{}", link.display())?;
    }
    Ok(())
}
