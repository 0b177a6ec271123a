//! The commands. Each is one file: its options as HPVM has them, its help, and what it does; [`COMMANDS`] lists them.
//!
//! `hpvm start …` and, through a link of that name, `hpvmstart …` are the same. Results go to standard output, everything
//! else to standard error, prefixed by the command's classic name. Exit status: 0 done, 1 not done, whatever the reason (hpvm.md 4.0).

mod absent;
mod bar;
mod burner;
mod clone;
mod command_log;
mod completions;
mod confirm;
mod console;
mod create;
mod devinfo;
mod devmgmt;
mod devtranslate;
mod diskinfo;
mod failure;
pub(crate) mod guest;
mod hold;
mod host_path;
mod hostrdev;
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
pub(crate) mod since;
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

/// What `diskinfo -v` prints of a device.
pub(crate) fn describe(file: &str, found: &ipc::io::Description) -> String {
    diskinfo::describe(file, found, true)
}

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
    hostrdev::SPEC,
    devtranslate::SPEC,
    devinfo::SPEC,
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

/// What a command line asks for.
enum Asked {
    Command(&'static Spec, Box<ArgMatches>),
    /// The operator console.
    Console(Box<ArgMatches>),
    /// A command of HPVM that this VSP has not, and why.
    Absent(String, &'static str),
    /// Nothing that this program knows: the command's name, and what is wrong.
    Wrong(&'static str, clap::Error),
}

/// Runs the command that the arguments (with the program's name) ask for.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    let started = jiff::Timestamp::now();
    let (words, status) = match asked(arguments) {
        Asked::Console(matches) => return operator_console(&matches),
        // Help and versions are no mistakes.
        Asked::Wrong(_, error) if !error.use_stderr() => error.exit(),
        Asked::Wrong(command, error) => {
            eprintln!("{command}: {}", usage_line(command, &error));
            (command.to_owned(), 1)
        }
        Asked::Absent(command, reason) => {
            let own = own_words(arguments, &command);
            let status = conclude(&command, |out| absent::answer(&command, reason, own, out));
            (command, status)
        }
        Asked::Command(spec, matches) => {
            (spec.classic.to_owned(), conclude(spec.classic, |out| (spec.run)(&matches, out)))
        }
    };
    command_log::append(started, &words, own_words(arguments, &words), status);
    ExitCode::from(status)
}

/// What stands behind a command's name: behind `hpvm` that is the second word.
fn own_words<'a>(arguments: &'a [OsString], command: &str) -> &'a [OsString] {
    let own = if called_as(arguments) == Some(command) { 1 } else { 2 };
    arguments.get(own..).unwrap_or_default()
}

/// The name this program was called by.
fn called_as(arguments: &[OsString]) -> Option<&str> {
    let name = arguments.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    // A login shell is called with a dash in front.
    name.map(|name| name.strip_prefix('-').unwrap_or(name))
}

fn asked(arguments: &[OsString]) -> Asked {
    let called_as = called_as(arguments);
    if let Some(spec) = COMMANDS.iter().find(|spec| spec.is_linked && Some(spec.classic) == called_as) {
        return match classic(spec).try_get_matches_from(arguments) {
            Ok(matches) => Asked::Command(spec, Box::new(matches)),
            Err(error) => Asked::Wrong(spec.classic, error),
        };
    }
    let second = arguments.get(1).and_then(|word| word.to_str());
    let behind_hpvm = second.map(|word| format!("hpvm{word}"));
    for name in [called_as, behind_hpvm.as_deref()].into_iter().flatten() {
        if let Some(reason) = absent::reason(name) {
            return Asked::Absent(name.to_owned(), reason);
        }
    }
    match whole().try_get_matches_from(arguments) {
        Ok(matches) => match matches.subcommand() {
            Some((name, matches)) => match COMMANDS.iter().find(|spec| spec.name == name) {
                Some(spec) => Asked::Command(spec, Box::new(matches.clone())),
                None => Asked::Wrong("hpvm", clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
            },
            None => Asked::Console(Box::new(matches)),
        },
        Err(error) => {
            let spec = COMMANDS.iter().find(|spec| Some(spec.name) == second);
            Asked::Wrong(spec.map_or("hpvm", |spec| spec.classic), error)
        }
    }
}

/// What is wrong with a command line, in one line that says where to read on.
fn usage_line(command: &str, error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    // Behind the first empty line it goes on with usage and hints.
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let line = lines.join(" ");
    let line = line.trim_end_matches('.');
    let mut letters = line.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("{}{}. See '{command} --help'.", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// Without arguments: the operator console.
fn operator_console(matches: &ArgMatches) -> ExitCode {
    let connect: Connect = Arc::new(|where_none_runs| match where_none_runs {
        WhereNoneRuns::Start => link::connect().map(Some),
        WhereNoneRuns::Fail => link::connect_running(),
    });
    let start = matches.get_flag("start");
    let frames_per_second = matches.get_one("frames").copied();
    crate::console::run(Options { connect, start, frames_per_second }).unwrap_or_else(|error| {
        eprintln!("hpvm: {error:#}");
        ExitCode::FAILURE
    })
}

/// Runs `work` with standard output and tells the operator what went wrong in the name of `command`.
/// Returns the exit status.
fn conclude(command: &str, work: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> u8 {
    let mut out = io::stdout().lock();
    match work(&mut out).and_then(|()| Ok(out.flush()?)) {
        Ok(()) => 0,
        // Nobody reads our output any more, as in `hpvmstatus | head -1`.
        Err(Failure::Other(error)) if is_broken_pipe(&error) => 0,
        Err(failure) => {
            failure.print(command);
            1
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
        )
        .arg(
            clap::arg!(frames: --"frames-per-second" <N> "Operator console: at most so many, 1 to 60; 4 suits a slow line")
                .required(false)
                .value_parser(clap::value_parser!(u16).range(1..=60)),
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
        .arg(clap::arg!(help: -H --help "Print help").action(ArgAction::Help).global(true))
        .arg(clap::arg!(version: -v --version "Print version").action(ArgAction::Version));
    let command = (spec.augment)(command);
    // Taken where it means nothing else.
    let is_taken = command.get_arguments().any(|argument| argument.get_short() == Some('h'));
    if is_taken { command } else { command.mut_arg("help", |help| help.short_alias('h')) }
}

/// Whether the words of a classic command line are understood, and if not why.
#[cfg(test)]
pub(crate) fn check(words: &[String]) -> Result<(), String> {
    let name = words.first().map(String::as_str);
    if name == Some("hpvm") {
        return whole().try_get_matches_from(words).map(|_| ()).map_err(|error| error.to_string());
    }
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
    fn wrong_usage_is_said_in_one_line() {
        let line = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            match asked(&words) {
                Asked::Wrong(command, error) => format!("{command}: {}", usage_line(command, &error)),
                _ => panic!("{words:?} is understood"),
            }
        };
        let cases: [(&[&str], &str); 5] = [
            (
                &["hpvmstop", "-P", "a", "-p", "1"],
                "hpvmstop: The argument '-P <vm-name>' cannot be used with '-p <vm-number>'. See 'hpvmstop --help'.",
            ),
            (
                &["hpvm", "status", "-e"],
                "hpvmstatus: The following required arguments were not provided: <-P <vm-name>|-p <vm-number>>. See \
                 'hpvmstatus --help'.",
            ),
            (
                &["hpvmstart"],
                "hpvmstart: The following required arguments were not provided: <-P <vm-name>|-p <vm-number>>. See \
                 'hpvmstart --help'.",
            ),
            (&["hpvm", "dance"], "hpvm: Unrecognized subcommand 'dance'. See 'hpvm --help'."),
            (
                &["hpvmcreate", "-P", "x", "-B", "never"],
                "hpvmcreate: Invalid value 'never' for '-B <start_attr>': expected auto or manual. See 'hpvmcreate --help'.",
            ),
        ];
        for (words, expected) in cases {
            assert_eq!(line(words), expected);
        }
    }

    #[test]
    fn help_is_had_everywhere_and_has_a_second_letter_where_that_means_nothing_else() {
        let cases: [(&[&str], bool); 6] = [
            (&["hpvmstatus", "-h"], true),
            (&["hpvmhostrdev", "-h"], true),
            (&["hpvmstop", "-h"], false),
            (&["hpvm", "vsp", "stop", "-h"], true),
            (&["hpvm", "tape", "create", "--help"], true),
            (&["hpvm", "library", "move", "-H"], true),
        ];
        for (words, is_help) in cases {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let Asked::Wrong(_, error) = asked(&words) else { panic!("{words:?}") };
            assert_eq!(!error.use_stderr(), is_help, "{words:?}");
        }
    }

    #[test]
    fn commands_that_are_absent_say_why_under_both_names() {
        for words in [&["hpvmnet", "-S", "vlan1"][..], &["/opt/hpvm/bin/hpvmnet"], &["hpvm", "net"]] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert!(matches!(asked(&words), Asked::Absent(name, _) if name == "hpvmnet"));
        }
    }

    #[test]
    fn names_are_unique() {
        // Software Distributor's commands have one name.
        let names_of = |spec: &Spec| std::collections::BTreeSet::from([spec.name, spec.classic]);
        let mut names: Vec<_> = COMMANDS.iter().flat_map(names_of).chain(absent::names()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
