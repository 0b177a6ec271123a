//! `hpvm log`: shows and follows structured logs.

use std::io::Write;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::client::{ClientError, EventStream};
use ipc::log::{Level, LogSource};
use ipc::message::{Event, Subscription};
use jiff::Timestamp;
use regex::Regex;

use super::failure::Failure;
use super::{Spec, link, since};

/// Records of the past without an option that says how many.
const PAST: u32 = 200;
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
    /// Begin with this many records of the past: 200, or the last 1000 where --since or --grep choose among them
    #[arg(short = 'n', long = "lines", value_name = "N")]
    lines: Option<u32>,
    /// Nothing less severe than this: error, warn, info, debug or trace
    #[arg(long, default_value = "info")]
    level: Level,
    /// Nothing older: a time ago such as 10m or 2h, a time of today such as 19:30, or a moment such as
    /// 2026-11-23T19:30:00Z; among the last 1000 records, unless -n says otherwise
    #[arg(long, value_name = "WHEN", value_parser = since::parse)]
    since: Option<Timestamp>,
    /// Only lines that this regular expression matches
    #[arg(long, value_name = "REGEX")]
    grep: Option<Regex>,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let chooses = options.since.is_some() || options.grep.is_some();
    let lines = options.lines.unwrap_or(if chooses { u32::MAX } else { PAST });
    let mut stream = link::connect()?.subscribe(subscription(&options, lines))?;
    let mut last_micros = options.since.map_or(i64::MIN, |since| since.as_microsecond() - 1);
    loop {
        let end = show(&stream, &options, &mut last_micros, out)?;
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
                match client.subscribe(subscription(&options, u32::MAX)) {
                    Ok(stream) => break stream,
                    // It has ended again already.
                    Err(ClientError::Connection(_)) => {}
                    Err(refused) => return Err(refused.into()),
                }
            }
            thread::sleep(RETRY);
        };
        eprintln!("{}: the VSP has returned", SPEC.classic);
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
fn show(
    stream: &EventStream,
    options: &Options,
    last_micros: &mut i64,
    out: &mut dyn Write,
) -> Result<ipc::Error, Failure> {
    let shown_before = *last_micros;
    let mut is_replay = true;
    for event in stream.events() {
        match event {
            Ok(Event::Log(record)) if is_replay && record.time_micros <= shown_before => {}
            Ok(Event::Log(record)) => {
                *last_micros = record.time_micros.max(*last_micros);
                let line = record.to_string();
                if options.grep.as_ref().is_none_or(|pattern| pattern.is_match(&line)) {
                    writeln!(out, "{line}")?;
                }
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
