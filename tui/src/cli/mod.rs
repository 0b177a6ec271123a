//! The commands. Each is one file: its options as HPVM has them, its help, and what it does; [`COMMANDS`] lists them.
//!
//! `hpvm start …` and, through a link of that name, `hpvmstart …` are the same. Results go to standard output, everything
//! else to standard error, prefixed by the command's classic name. Exit status: 0 done, 1 refused or failed, 2 wrong usage.

mod burner;
mod clone;
mod completions;
mod confirm;
mod console;
mod create;
mod devmgmt;
mod devtranslate;
mod diskinfo;
mod failure;
mod guest;
mod hold;
mod host_path;
mod info;
mod install_links;
mod ioscan;
mod library;
pub(crate) mod link;
mod log;
mod man;
mod metrics;
mod modify;
mod remove;
mod reset;
mod since;
mod software;
mod start;
mod status;
mod stop;
mod tape;
pub(crate) mod vsp;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, ArgMatches, Command};

use crate::console::{Connect, Options, WhereNoneRuns};
use failure::Failure;

/// A command as the table knows it.
struct Spec {
    /// Behind `hpvm`.
    name: &'static str,
    /// HPVM's name for it.
    classic: &'static str,
    /// Has HPVM this command, so that a link is made for it?
    is_linked: bool,
    /// Adds its options and help.
    augment: fn(Command) -> Command,
    /// Does it; results are written to the second argument.
    run: fn(&ArgMatches, &mut dyn Write) -> Result<(), Failure>,
}

/// All commands, in the order of the help.
const COMMANDS: &[Spec] = &[
    create::SPEC,
    modify::SPEC,
    clone::SPEC,
    start::SPEC,
    stop::SPEC,
    reset::SPEC,
    status::SPEC,
    console::SPEC,
    remove::SPEC,
    devmgmt::SPEC,
    devtranslate::SPEC,
    ioscan::SPEC,
    diskinfo::SPEC,
    library::SPEC,
    tape::SPEC,
    burner::SPEC,
    hold::SPEC,
    info::SPEC,
    software::LIST,
    software::INSTALL,
    software::REMOVE,
    log::SPEC,
    metrics::SPEC,
    vsp::SPEC,
    install_links::SPEC,
    completions::SPEC,
    man::SPEC,
];

/// Runs the command that the arguments (with the program's name) ask for.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    let called_as = arguments.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    // A login shell is called with a dash in front.
    let called_as = called_as.map(|name| name.strip_prefix('-').unwrap_or(name));
    let linked = COMMANDS.iter().find(|spec| spec.is_linked && Some(spec.classic) == called_as);
    let (spec, matches) = match linked {
        Some(spec) => match classic(spec).try_get_matches_from(arguments) {
            Ok(matches) => (spec, matches),
            Err(error) => error.exit(),
        },
        None => match whole().try_get_matches_from(arguments) {
            Ok(matches) => match matches.subcommand() {
                Some((name, matches)) => match COMMANDS.iter().find(|spec| spec.name == name) {
                    Some(spec) => (spec, matches.clone()),
                    None => return ExitCode::from(2),
                },
                None => return operator_console(matches.get_flag("start")),
            },
            Err(error) => error.exit(),
        },
    };
    conclude(spec.classic, |out| (spec.run)(&matches, out))
}

/// Without arguments: the operator console.
fn operator_console(start: bool) -> ExitCode {
    let connect: Connect = Arc::new(|where_none_runs| match where_none_runs {
        WhereNoneRuns::Start => link::connect().map(Some),
        WhereNoneRuns::Fail => link::connect_running(),
    });
    crate::console::run(Options { connect, start }).unwrap_or_else(|error| {
        eprintln!("hpvm: {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs `work` with standard output and tells the operator what went wrong in the name of `command`.
fn conclude(command: &str, work: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> ExitCode {
    let mut out = io::stdout().lock();
    match work(&mut out).and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads our output any more, as in `hpvmstatus | head -1`.
        Err(Failure::Other(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(command);
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn whole() -> Command {
    let command = Command::new("hpvm")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Kittson: Itanium guests on a Virtualization Services Platform")
        .long_about(
            "Kittson: Itanium guests on a Virtualization Services Platform.\n\n\
             Without arguments the operator console opens. Each command also works under its classic name \
             (hpvmstart, hpvmstatus, ...) through the links that 'hpvm install-links DIR' makes.",
        )
        .after_help(
            "State directory: HPVM_ROOT if set, /var/opt/hpvm for root, otherwise the XDG state directory.\n\
             Commands start the VSP if none runs there; the operator console asks before.",
        )
        .arg(
            clap::arg!(start: --start "Operator console: start the VSP without asking")
                .action(ArgAction::SetTrue),
        );
    COMMANDS.iter().fold(command, |command, spec| command.subcommand(options(spec, spec.name)))
}

fn classic(spec: &Spec) -> Command {
    options(spec, spec.classic)
}

/// HPVM's letters: `-H` is help and `-v` the version everywhere, because `-h` and `-V` mean other things.
fn options(spec: &Spec, name: &'static str) -> Command {
    let command = Command::new(name)
        // Collectors look for the word.
        .version(concat!("Version ", env!("CARGO_PKG_VERSION")))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(clap::arg!(help: -H --help "Print help").action(ArgAction::Help))
        .arg(clap::arg!(version: -v --version "Print version").action(ArgAction::Version));
    (spec.augment)(command)
}

/// Whether the words of a classic command line are understood, and if not why.
#[cfg(test)]
pub(crate) fn check(words: &[String]) -> Result<(), String> {
    let name = words.first().map(String::as_str);
    let spec = COMMANDS.iter().find(|spec| Some(spec.classic) == name).ok_or("no such command")?;
    classic(spec).try_get_matches_from(words).map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_options_that_do_not_clash_under_both_names() {
        whole().debug_assert();
        for spec in COMMANDS {
            classic(spec).debug_assert();
        }
    }

    /// What an operator reads with `-H`; a change of any option shows here.
    #[test]
    fn every_command_has_its_help() {
        for spec in COMMANDS {
            let help = classic(spec).term_width(100).render_long_help().to_string();
            insta::assert_snapshot!(spec.name, help);
        }
    }

    #[test]
    fn names_are_unique() {
        // Software Distributor's commands have one name.
        let names_of = |spec: &Spec| std::collections::BTreeSet::from([spec.name, spec.classic]);
        let mut names: Vec<_> = COMMANDS.iter().flat_map(names_of).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
