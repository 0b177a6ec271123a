//! `swinstall` and `swremove`.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, VspToClient};
use ipc::software::{Session, SoftwareRequest};

use super::{Host, absolute};
use crate::cli::failure::Failure;
use crate::cli::{Spec, link};

pub(in crate::cli) const INSTALL: Spec = Spec {
    name: "swinstall",
    classic: "swinstall",
    is_linked: true,
    augment: |command| {
        InstallOptions::augment_args(
            command.about("Enter software into the inventory of the VSP or a guest").after_help(
                "Options of -x, with their defaults: enforce_dependencies=true (an unmet prerequisite or corequisite leaves the \
                 product out), autoselect_dependencies=true (what is needed is taken from the depot as well), reinstall=false.\n\
                 A depot is a directory of .toml files; docs/software.md tells their form.\n\
                 Inventories are records kept by operators. Nothing is copied into a guest.",
            ),
        )
    },
    run: install,
};

pub(in crate::cli) const REMOVE: Spec = Spec {
    name: "swremove",
    classic: "swremove",
    is_linked: true,
    augment: |command| {
        RemoveOptions::augment_args(
            command.about("Take software out of the inventory of the VSP or a guest").after_help(
                "Options of -x, with their defaults: enforce_dependencies=true (what others depend on stays), \
                 autoselect_dependents=false (what depends on it is removed as well).",
            ),
        )
    },
    run: remove,
};

#[derive(Args)]
struct InstallOptions {
    /// Depot: a directory
    #[arg(short = 's', value_name = "depot")]
    source: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct RemoveOptions {
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// Preview: analyse only, change nothing
    #[arg(short = 'p')]
    preview: bool,
    /// Option of the session; repeatable
    #[arg(short = 'x', value_name = "option={true|false}", value_parser = option)]
    options: Vec<(String, bool)>,
    #[command(flatten)]
    host: Host,
}

fn option(text: &str) -> Result<(String, bool), String> {
    match text.split_once('=') {
        Some((name, "true")) => Ok((name.to_owned(), true)),
        Some((name, "false")) => Ok((name.to_owned(), false)),
        _ => Err("expected option=true or option=false".into()),
    }
}

/// A session with the defaults of a command, changed by its `-x` options.
fn session(given: &[(String, bool)], preview: bool, autoselect: (&str, bool)) -> Result<Session, Failure> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let user = user.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    let mut session = Session {
        user: format!("{user}@{}", vsp_proc::host_name()),
        preview,
        enforce_dependencies: true,
        autoselect: autoselect.1,
        reinstall: false,
    };
    for (name, value) in given {
        match name.as_str() {
            "enforce_dependencies" => session.enforce_dependencies = *value,
            "reinstall" => session.reinstall = *value,
            name if name == autoselect.0 => session.autoselect = *value,
            _ => return Err(Failure::message(format!("Unknown option '{name}'."))),
        }
    }
    Ok(session)
}

fn install(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let InstallOptions { source, common } = InstallOptions::from_arg_matches(matches)?;
    let session = session(&common.options, common.preview, ("autoselect_dependencies", true))?;
    let (host, _, selections) = common.host.split()?;
    if selections.is_empty() {
        return Err(Failure::message(
            "Software is missing: name products, or '*' for everything in the depot.",
        ));
    }
    let depot = absolute(&source)?;
    converse(SoftwareRequest::Install { host, depot, selections, session }, out)
}

fn remove(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let RemoveOptions { common } = RemoveOptions::from_arg_matches(matches)?;
    let session = session(&common.options, common.preview, ("autoselect_dependents", false))?;
    let (host, _, selections) = common.host.split()?;
    if selections.is_empty() {
        return Err(Failure::message(
            "Software is missing: name products, or '*' for all that is installed.",
        ));
    }
    converse(SoftwareRequest::Remove { host, selections, session }, out)
}

fn converse(request: SoftwareRequest, out: &mut dyn Write) -> Result<(), Failure> {
    let mut written = Ok(());
    let answer = link::connect()?.request_with(&ClientToVsp::Software(request), |line| {
        if written.is_ok() {
            written = writeln!(out, "{line}");
        }
    });
    written?;
    match answer? {
        VspToClient::Accepted(_) => Ok(()),
        _ => Err(ipc::client::ClientError::Unexpected.into()),
    }
}
