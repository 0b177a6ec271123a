//! `hpvm man`: manual pages, made from the same tables as the commands' help.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches};
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

fn page(mut command: Command) -> io::Result<Vec<u8>> {
    command.build();
    let mut text = Vec::new();
    let man = Man::new(command.clone()).source(concat!("Kittson ", env!("CARGO_PKG_VERSION")));
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    writeln!(text, ".SH SYNOPSIS\n{}", escaped(&synopsis(&command)))?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(notes) = command.get_after_help() {
        // Each line of the help is one of the page, too.
        let lines: Vec<String> = notes.to_string().lines().map(escaped).collect();
        writeln!(text, ".SH NOTES\n{}", lines.join("\n.br\n"))?;
    }
    text.extend(EXIT_STATUS.as_bytes());
    Ok(text)
}

/// The options with their values in HPVM's form: `{-P vm-name | -p vm-number} [-a rsrc]... [-F]`.
fn synopsis(command: &Command) -> String {
    let form = |argument: &Arg| {
        let name = match (argument.get_short(), argument.get_long()) {
            (Some(letter), _) => Some(format!("-{letter}")),
            (None, Some(word)) => Some(format!("--{word}")),
            (None, None) => None,
        };
        let takes = argument.get_action().takes_values();
        let values = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string);
        name.into_iter().chain(values.filter(|_| takes)).collect::<Vec<_>>().join(" ")
    };
    let repeated = |argument: &Arg| {
        let is_repeated = matches!(argument.get_action(), ArgAction::Append);
        if is_repeated { "..." } else { "" }
    };
    let shown = |argument: &&Arg| {
        !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
    };
    let alternatives: Vec<&ArgGroup> = command.get_groups().filter(|group| group.is_required_set()).collect();
    let is_alternative = |argument: &&Arg| {
        alternatives.iter().any(|group| group.get_args().any(|member| member == argument.get_id()))
    };
    let mut words = vec![command.get_name().to_owned()];
    for group in &alternatives {
        let members =
            command.get_arguments().filter(|argument| group.get_args().any(|m| m == argument.get_id()));
        words.push(format!("{{{}}}", members.map(form).collect::<Vec<_>>().join(" | ")));
    }
    for argument in command.get_arguments().filter(shown).filter(|argument| !is_alternative(argument)) {
        let (form, repeated) = (form(argument), repeated(argument));
        words.push(if argument.is_required_set() { form + repeated } else { format!("[{form}]{repeated}") });
    }
    words.extend(command.has_subcommands().then(|| "[COMMAND ...]".to_owned()));
    words.join(" ")
}

/// Text in which nothing is an instruction to the formatter.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
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

    #[test]
    fn synopses_are_in_hpvm_s_form() {
        let of = |name: &str| {
            let spec = COMMANDS.iter().find(|spec| spec.classic == name).unwrap();
            let mut command = classic(spec);
            command.build();
            synopsis(&command)
        };
        assert_eq!(of("hpvmstart"), "hpvmstart {-P vm-name | -p vm-number} [-F] [-s] [-Q]");
        assert_eq!(of("hpvmstop"), "hpvmstop {-P vm-name | -p vm-number | -a} [-g] [-h] [-F] [-q]");
        let create = of("hpvmcreate");
        assert!(
            create.starts_with("hpvmcreate -P vm-name [-a rsrc]... [-O os_type] [-c number_vcpus]"),
            "{create}"
        );
        assert!(of("hpvmclone").contains(" -N clone-name ") && of("hpvmclone").contains(" [-b rsrc]... "));
        assert_eq!(escaped(".a-\\b"), "\\&.a\\-\\eb");
    }
}
