//! `hpvm log`: shows and follows structured logs.

use std::io::Write;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::client::EventStream;
use ipc::log::{Level, LogSource};
use ipc::message::{Event, Subscription};

use super::failure::Failure;
use super::{Spec, link};

/// Time between attempts to find a VSP that ended while it was followed.
const RETRY: Duration = Duration::from_millis(500);

pub(super) const SPEC: Spec = Spec {
    name: "log",
    classic: "hpvm log",
    is_linked: false,
    augment: |command| Options::augment_args(command.about("Show the logs of the VSP and of guests")),
    run,
};

#[derive(Args)]
struct Options {
    /// Whose log: a guest's name, or vsp; everybody's, merged, without it
    #[arg(value_name = "GUEST|vsp")]
    source: Option<String>,
    /// Go on with new records as they come, also over a restart of the VSP
    #[arg(short = 'f', long)]
    follow: bool,
    /// Begin with this many records of the past
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 200)]
    lines: u32,
    /// Nothing less severe than this: error, warn, info, debug or trace
    #[arg(long, default_value = "info")]
    level: Level,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let mut stream = link::connect()?.subscribe(subscription(&options, options.lines))?;
    let mut last_micros = i64::MIN;
    loop {
        let end = show(&stream, &mut last_micros, out)?;
        if !options.follow {
            return match end {
                ipc::Error::Closed => Ok(()),
                error => Err(error.into()),
            };
        }
        eprintln!("{}: the VSP has ended; waiting for it to return", SPEC.classic);
        stream = loop {
            if let Some(client) = link::connect_running()? {
                // What was written meanwhile, without what was shown already.
                break client.subscribe(subscription(&options, u32::MAX))?;
            }
            thread::sleep(RETRY);
        };
    }
}

fn subscription(options: &Options, replay: u32) -> Subscription {
    let source = options.source.as_deref().map(|source| match source {
        "vsp" => LogSource::Vsp,
        name => LogSource::Guest(name.to_owned()),
    });
    Subscription::Log { source, level: options.level, replay, follow: options.follow }
}

/// Prints what comes until the connection ends; of the replay only what is newer than the last that was shown.
fn show(stream: &EventStream, last_micros: &mut i64, out: &mut dyn Write) -> Result<ipc::Error, Failure> {
    let shown_before = *last_micros;
    let mut is_replay = true;
    for event in stream.events() {
        match event {
            Ok(Event::Log(record)) if is_replay && record.time_micros <= shown_before => {}
            Ok(Event::Log(record)) => {
                *last_micros = record.time_micros.max(*last_micros);
                writeln!(out, "{record}")?;
            }
            Ok(Event::ReplayDone) => {
                is_replay = false;
                out.flush()?;
            }
            Ok(Event::Gap { events }) => writeln!(out, "({events} records were missed here)")?,
            Ok(_) => {}
            Err(end) => return Ok(end),
        }
    }
    Ok(ipc::Error::Closed)
}
