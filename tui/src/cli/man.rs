//! `hpvm man`: manual pages, made from the same tables as the commands' help.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use clap_mangen::Man;

use super::completions::write_file;
use super::failure::Failure;
use super::{COMMANDS, Spec, classic, whole};

/// What every page ends with.
const EXIT_STATUS: &str = ".SH \"EXIT STATUS\"\n\
    0 when it was done, 1 when it was refused or failed or the command line is wrong.\n";

pub(super) const SPEC: Spec = Spec {
    name: "man",
    classic: "hpvm man",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Write manual pages").after_help(
            "Pages are named hpvm.1, hpvm-start.1, ... and, for the classic names, hpvmstart.1, ...",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Directory for the pages; made if it is missing
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let Options { dir } = Options::from_arg_matches(matches)?;
    let mut write = |name: &str, text: &[u8]| -> Result<(), Failure> {
        let path = write_file(&dir, &format!("{name}.1"), |file| file.write_all(text))?;
        writeln!(out, "{}", path.display())?;
        Ok(())
    };
    write("hpvm", &page(whole())?)?;
    for spec in COMMANDS {
        let behind_hpvm = format!("hpvm-{}", spec.name);
        match spec.is_linked {
            true => {
                write(spec.classic, &page(classic(spec))?)?;
                // The same page under its other name.
                write(&behind_hpvm, format!(".so man1/{}.1\n", spec.classic).as_bytes())?;
            }
            false => write(&behind_hpvm, &page(classic(spec))?)?,
        }
    }
    Ok(())
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command).source(concat!("Kittson ", env!("CARGO_PKG_VERSION"))).render(&mut text)?;
    text.extend(EXIT_STATUS.as_bytes());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_their_sections() {
        for spec in COMMANDS {
            let text = String::from_utf8(page(classic(spec)).unwrap()).unwrap();
            for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH \"EXIT STATUS\""] {
                assert!(text.contains(section), "{section} is not in the page of {}\n{text}", spec.classic);
            }
        }
    }
}
