//! `hpvm completions`: scripts that let a shell complete the commands and their options.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use clap_complete::{Generator, Shell, generate};

use super::failure::Failure;
use super::{COMMANDS, Spec, classic, whole};

pub(super) const SPEC: Spec = Spec {
    name: "completions",
    classic: "hpvm completions",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Write completions for a shell").after_help(
            "Without --dir the scripts for all commands are written to standard output, to be sourced: \
             source <(hpvm completions bash)",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    shell: Shell,
    /// Write a file for each command into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let Options { shell, dir } = Options::from_arg_matches(matches)?;
    for (name, mut command) in programs() {
        match &dir {
            None => {
                let mut script = Vec::new();
                generate(shell, &mut command, name, &mut script);
                out.write_all(&script)?;
            }
            Some(dir) => {
                let path = write_file(dir, &shell.file_name(name), |file| {
                    generate(shell, &mut command, name, file);
                    Ok(())
                })?;
                writeln!(out, "{}", path.display())?;
            }
        }
    }
    Ok(())
}

/// Everything an operator can type first: `hpvm` and the classic names.
pub(super) fn programs() -> impl Iterator<Item = (&'static str, Command)> {
    let linked = COMMANDS.iter().filter(|spec| spec.is_linked);
    std::iter::once(("hpvm", whole())).chain(linked.map(|spec| (spec.classic, classic(spec))))
}

/// Writes a file in a directory, which is made if it is missing.
pub(super) fn write_file(
    dir: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make '{}'", dir.display()))?;
    let path = dir.join(name);
    let failed = || format!("cannot write '{}'", path.display());
    let mut file = BufWriter::new(fs::File::create(&path).with_context(failed)?);
    write(&mut file).and_then(|()| file.flush()).with_context(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_completed_in_every_shell() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            for (name, mut command) in programs() {
                let mut script = Vec::new();
                generate(shell, &mut command, name, &mut script);
                assert!(String::from_utf8(script).unwrap().contains(name), "{name} for {shell}");
            }
        }
    }
}
