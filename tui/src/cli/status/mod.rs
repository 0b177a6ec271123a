//! `hpvmstatus`: guests as tables, lines and documents, in HPVM's layouts (hpvm.md 4.4).

mod attached;
mod document;
mod machine;
mod resources;
#[cfg(test)]
pub(super) mod samples;
mod table;
mod verbose;

use std::io::Write;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::client::Client;
use ipc::log::LogSource;
use ipc::message::{Event, GuestDetail, GuestRef, LogQuery, Subscription};

use super::failure::Failure;
use super::guest::Chosen;
use super::software::print_missing;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "status",
    classic: "hpvmstatus",
    is_linked: true,
    augment: |command| {
        let forms = [
            "verbose",
            "devices",
            "original",
            "events",
            "resources",
            "server",
            "multi_server",
            "memory_type",
            "unknown",
        ];
        Options::augment_args(command.about("Show guests").after_help(
            "-M prints 21 fields and more: 1 name, 3 number, 5 machine, 11 On or Off, 12 Auto or Manual, 20 virtual CPUs, \
             21 memory; the others are empty. With -d or -D it prints resource statements alone. CPU usage is the average of the current run; cumulative usage is in \
             microseconds.",
        ))
        .group(ArgGroup::new("form").args(forms))
        .group(ArgGroup::new("format").args(["machine", "xml", "json"]))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    chosen: Chosen,
    /// Verbose: everything, a line each
    #[arg(short = 'V')]
    verbose: bool,
    /// Devices as resource statements
    #[arg(short = 'd', requires = "guest", conflicts_with_all = ["xml", "json"])]
    devices: bool,
    /// Devices as configured for the next start, before any change of media
    #[arg(short = 'D', requires = "guest", conflicts_with_all = ["xml", "json"])]
    original: bool,
    /// Event log of the guest
    #[arg(short = 'e', requires = "guest", conflicts_with = "format")]
    events: bool,
    /// Entitlement and use of processors and memory
    #[arg(short = 'r', conflicts_with = "format")]
    resources: bool,
    /// Machine-readable: a line for each guest, fields separated by colons
    #[arg(short = 'M')]
    machine: bool,
    /// XML
    #[arg(short = 'X')]
    xml: bool,
    /// JSON: an object for a guest, an array of them for all (an extension)
    #[arg(long)]
    json: bool,
    /// Resources of the VSP
    #[arg(short = 's', conflicts_with_all = ["guest", "format"])]
    server: bool,
    /// Multi-server environment
    #[arg(short = 'm', conflicts_with_all = ["guest", "format"])]
    multi_server: bool,
    /// Guests with the type of their memory
    #[arg(short = 'C', conflicts_with = "format")]
    memory_type: bool,
    /// Options of HPVM whose meaning its manuals do not tell
    #[arg(short_aliases = ['A', 'i', 'R'], short = 'S', hide = true)]
    unknown: bool,
}

impl Options {
    fn is_for_people(&self) -> bool {
        !(self.machine || self.xml || self.json || self.server)
    }
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    if options.unknown {
        return Err(Failure::message("Options -A, -i, -R and -S have no counterpart on this VSP."));
    }
    if options.multi_server {
        writeln!(out, "{}: This VSP belongs to no multi-server environment.", SPEC.classic)?;
        return Ok(());
    }
    let mut client = link::connect()?;
    match options.chosen.guest() {
        Some(guest) => one(&options, client, &guest, out),
        None => all(&options, &mut client, out),
    }
}

fn one(options: &Options, mut client: Client, guest: &GuestRef, out: &mut dyn Write) -> Result<(), Failure> {
    let detail = client.guest(guest)?;
    match () {
        _ if options.events => return events(client, detail.summary.name, out),
        _ if options.machine && (options.devices || options.original) => {
            statements(&detail, options.original).try_for_each(|statement| writeln!(out, "{statement}"))
        }
        _ if options.machine => machine::print(&detail, out),
        _ if options.xml => document::xml(&[&detail], out),
        _ if options.json => document::json(&document::guest(&detail), out),
        _ if options.verbose => {
            writeln!(out, "[Virtual Machines Details]")?;
            verbose::print(&detail, now(), out)
        }
        _ if options.devices || options.original => {
            table::statements(statements(&detail, options.original), out)
        }
        _ if options.resources => resources::of_guest(&detail, now(), out),
        _ if options.memory_type => resources::memory_types([&detail.summary], out),
        _ => table::details(&detail, out),
    }?;
    if options.is_for_people() && !options.resources && !options.memory_type {
        attached::print(&mut client, &detail.devices, out)?;
    }
    if options.is_for_people() {
        print_missing(&mut client, SPEC.classic, Some(&detail.summary.name))?;
    }
    Ok(())
}

/// The resource statements of what a guest has, or is configured with.
fn statements(detail: &GuestDetail, original: bool) -> Box<dyn Iterator<Item = &str> + '_> {
    match original {
        true => Box::new(detail.configured.iter().map(String::as_str)),
        false => Box::new(detail.devices.iter().map(|device| device.statement.as_str())),
    }
}

/// A guest as vMP shows it: with who uses its attached devices.
pub(super) fn show(client: &mut Client, guest: &GuestRef, out: &mut dyn Write) -> Result<(), Failure> {
    let detail = client.guest(guest)?;
    table::details(&detail, out)?;
    attached::print(client, &detail.devices, out)
}

fn all(options: &Options, client: &mut Client, out: &mut dyn Write) -> Result<(), Failure> {
    let guests = client.guests()?;
    let is_for_people = options.is_for_people();
    if guests.is_empty() && is_for_people {
        writeln!(out, "{}: No vPars or VMs currently configured.", SPEC.classic)?;
        return Ok(());
    }
    let needs_details =
        options.verbose || options.resources || options.machine || options.xml || options.json;
    let details = if needs_details { client.all_guests()? } else { Vec::new() };
    match () {
        _ if options.machine => details.iter().try_for_each(|detail| machine::print(detail, out)),
        _ if options.xml => document::xml(&details.iter().collect::<Vec<_>>(), out),
        _ if options.json => {
            document::json(&details.iter().map(document::guest).collect::<Vec<_>>().into(), out)
        }
        _ if options.verbose => {
            writeln!(out, "[Virtual Machines]")?;
            details.iter().try_for_each(|detail| verbose::print(detail, now(), out))
        }
        _ if options.resources => resources::of_all(&details, now(), out),
        _ if options.server => resources::of_server(&guests, out),
        _ if options.memory_type => resources::memory_types(&guests, out),
        _ => table::summary(&guests, out),
    }?;
    if is_for_people {
        print_missing(client, SPEC.classic, None)?;
    }
    Ok(())
}

fn events(client: Client, guest: String, out: &mut dyn Write) -> Result<(), Failure> {
    let source = Some(LogSource::Guest(guest));
    let log = Subscription::Log(LogQuery { source, ..LogQuery::default() });
    let stream = client.subscribe(log)?;
    for event in stream.events() {
        match event {
            Ok(Event::Log { record, .. }) => writeln!(out, "{record}")?,
            Ok(Event::ReplayDone) | Err(ipc::Error::Closed) => break,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
