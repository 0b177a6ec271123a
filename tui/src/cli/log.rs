//! `hpvm log`: shows and follows structured logs, and what guests wrote on their consoles.

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use ipc::client::{Client, ClientError, EventStream};
use ipc::log::{Level, LogPosition, LogSource};
use ipc::message::{Consoles, Event, GuestRef, LogQuery, Subscription};
use jiff::Timestamp;
use regex::Regex;

use super::failure::Failure;
use super::{Spec, link, since};

/// Records of the past without an option that says how many.
const PAST: u32 = 200;
/// Time between attempts to find a VSP that ended while it was followed.
const RETRY: Duration = Duration::from_millis(500);
/// Longest time that passes between two records with --pace.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) const SPEC: Spec = Spec {
    name: "log",
    classic: "hpvm log",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Show the logs of the VSP and of guests").after_help(
            "All files that are kept are searched, whatever their size. Who has rights on some guests only (hpvmmodify -u, \
             -g) sees the records of these.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Whose log: a guest's name (with what the VSP notes about it), or vsp; everybody's, merged by time, without it
    #[arg(value_name = "GUEST|vsp")]
    source: Option<String>,
    /// Go on with new records as they come, also over a restart of the VSP
    #[arg(short = 'f', long)]
    follow: bool,
    /// Begin with this many records of the past, the last ones that the other options let through: 200, or all where
    /// --since or --grep are given
    #[arg(short = 'n', long = "lines", value_name = "N")]
    lines: Option<u32>,
    /// Nothing less severe than this: error, warn, info, debug or trace
    #[arg(long, default_value = "info")]
    level: Level,
    /// Nothing older: a time ago such as 10m or 2h, a time of today such as 19:30, or a moment such as
    /// 2026-11-23T19:30:00Z
    #[arg(long, value_name = "WHEN", value_parser = since::parse)]
    since: Option<Timestamp>,
    /// Only what is older, as --since
    #[arg(long, value_name = "WHEN", value_parser = since::parse, conflicts_with = "follow")]
    until: Option<Timestamp>,
    /// Only lines that this regular expression matches
    #[arg(long, value_name = "REGEX")]
    grep: Option<Regex>,
    /// What guests wrote on their consoles: its lines instead of the logs, or beside them (also), or byte for byte (raw,
    /// of one guest)
    #[arg(long, value_name = "HOW", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "only")]
    console: Option<How>,
    /// Let as much time pass between the records of the past as passed then, or FACTOR times less; 10 s at most
    #[arg(long, value_name = "FACTOR", value_parser = pace, num_args = 0..=1, require_equals = true,
        default_missing_value = "1", conflicts_with = "follow")]
    pace: Option<f64>,
}

/// What of consoles is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// Their lines.
    Only,
    /// Their lines and the logs.
    Also,
    /// Bytes.
    Raw,
}

fn pace(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor > 0.0);
    factor.ok_or_else(|| format!("'{text}' is no factor: write 2 or 0.5"))
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    if options.console == Some(How::Raw) {
        return bytes(&options, out);
    }
    let mut shown = Shown::default();
    let mut stream = link::connect()?.subscribe(subscription(&options, &shown))?;
    loop {
        let end = show(&stream, &options, &mut shown, out)?;
        if !options.follow {
            return match end {
                ipc::Error::Closed => Ok(()),
                error => Err(error.into()),
            };
        }
        stream = loop {
            match next_vsp()?.0.subscribe(subscription(&options, &shown)) {
                Ok(stream) => break stream,
                // It has ended again already.
                Err(ClientError::Connection(_)) => {}
                Err(refused) => return Err(refused.into()),
            }
        };
    }
}

/// The VSP that serves now, perhaps after a while, and its process.
fn next_vsp() -> Result<(Client, u32), Failure> {
    let mut is_told = false;
    loop {
        // One that is just ending does not answer any more.
        if let Some(mut client) = link::connect_running()?
            && let Ok(status) = client.status()
        {
            if is_told {
                eprintln!("{}: the VSP has returned", SPEC.classic);
            }
            return Ok((client, status.pid));
        }
        if !is_told {
            eprintln!("{}: the VSP has ended; waiting for it to return", SPEC.classic);
        }
        is_told = true;
        thread::sleep(RETRY);
    }
}

/// What has been shown.
#[derive(Default)]
struct Shown {
    /// Up to where of each log; `None` before anything came.
    positions: Option<BTreeMap<LogSource, LogPosition>>,
    /// Time of the last record, in microseconds.
    last_micros: Option<i64>,
}

fn subscription(options: &Options, shown: &Shown) -> Subscription {
    let source = options.source.as_deref().map(|source| match source {
        "vsp" => LogSource::Vsp,
        name => LogSource::Guest(name.to_owned()),
    });
    let chooses = options.since.is_some() || options.grep.is_some();
    Subscription::Log(LogQuery {
        source,
        consoles: match options.console {
            None | Some(How::Raw) => Consoles::Without,
            Some(How::Only) => Consoles::Only,
            Some(How::Also) => Consoles::Also,
        },
        level: options.level,
        since_micros: options.since.map(Timestamp::as_microsecond),
        until_micros: options.until.map(Timestamp::as_microsecond),
        pattern: options.grep.as_ref().map(|pattern| pattern.as_str().to_owned()),
        last: options.lines.or((!chooses).then_some(PAST)),
        after: shown.positions.as_ref().map(|positions| positions.values().copied().collect()),
        follow: options.follow,
    })
}

/// Prints what comes until the connection ends.
fn show(
    stream: &EventStream,
    options: &Options,
    shown: &mut Shown,
    out: &mut dyn Write,
) -> Result<ipc::Error, Failure> {
    for event in stream.events() {
        match event {
            Ok(Event::Log { record, end }) => {
                if let Some(factor) = options.pace {
                    pause(shown.last_micros, record.time_micros, factor, out)?;
                }
                writeln!(out, "{record}")?;
                shown.last_micros = Some(record.time_micros);
                shown.positions.get_or_insert_default().insert(record.source, end);
            }
            Ok(Event::LogPositions(positions)) => shown.positions.get_or_insert_default().extend(positions),
            Ok(Event::ReplayDone) => {}
            Ok(Event::Gap { .. }) => writeln!(out, "(records were deleted here before they could be read)")?,
            Ok(_) => {}
            Err(end) => return Ok(end),
        }
        if stream.events().is_empty() {
            out.flush()?;
        }
    }
    Ok(ipc::Error::Closed)
}

fn pause(last: Option<i64>, now: i64, factor: f64, out: &mut dyn Write) -> Result<(), Failure> {
    let passed = last.map_or(0, |last| now.saturating_sub(last).max(0));
    let passed = Duration::from_micros(passed.unsigned_abs()).as_secs_f64() / factor;
    out.flush()?;
    thread::sleep(Duration::try_from_secs_f64(passed).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE));
    Ok(())
}

/// `--console=raw`: everything that is kept of a console, byte for byte, and with -f what comes, also over a restart of the
/// VSP.
fn bytes(options: &Options, out: &mut dyn Write) -> Result<(), Failure> {
    let guest = options.source.clone().filter(|source| source != "vsp");
    let guest = guest.ok_or_else(|| Failure::message("--console=raw takes the name of a guest."))?;
    let subscription = || Subscription::Console {
        guest: GuestRef::Name(guest.clone()),
        replay_bytes: u64::MAX,
        write: false,
    };
    let mut client = link::connect()?;
    let mut vsp = client.status()?.pid;
    let mut shown = Tail::default();
    loop {
        match client.subscribe(subscription()) {
            Ok(stream) => match show_bytes(&stream, options.follow, &mut shown, out)? {
                None => return Ok(()),
                Some(error) if !options.follow => return Err(error.into()),
                Some(_) => {}
            },
            // It has ended again already.
            Err(ClientError::Connection(_)) if options.follow => {}
            Err(refused) => return Err(refused.into()),
        }
        let former = vsp;
        (client, vsp) = next_vsp()?;
        if vsp == former {
            // Somebody ended this session, which is not to come back by itself.
            return Err(Failure::message("The session was ended."));
        }
    }
}

/// Copies a console to `out` until its past has been shown, or, where it is followed, until the connection ends. What has
/// been shown before is left out.
fn show_bytes(
    stream: &EventStream,
    follow: bool,
    shown: &mut Tail,
    out: &mut dyn Write,
) -> Result<Option<ipc::Error>, Failure> {
    let mut past = Some(Vec::new());
    for event in stream.events() {
        match (event, &mut past) {
            (Ok(Event::Console(bytes)), Some(past)) => past.extend(bytes),
            (Ok(Event::Console(bytes)), None) => shown.show(&bytes, out)?,
            (Ok(Event::ReplayDone), _) => {
                let past = past.take().unwrap_or_default();
                shown.show(&past[shown.end_in(&past)..], out)?;
                if !follow {
                    return Ok(None);
                }
            }
            // What follows is contiguous again.
            (Ok(Event::Gap { .. }), None) => shown.0.clear(),
            (Ok(_), _) => {}
            (Err(error), _) => return Ok(Some(error)),
        }
        out.flush()?;
    }
    Ok(Some(ipc::Error::Closed))
}

/// The last bytes that were shown of a console, as many as a VSP keeps.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    /// Bytes of a console that a VSP keeps.
    const LIMIT: usize = 2 << 20;

    fn show(&mut self, bytes: &[u8], out: &mut dyn Write) -> std::io::Result<()> {
        self.0.extend(bytes);
        let excess = self.0.len().saturating_sub(Tail::LIMIT);
        // Not for every byte.
        if excess > Tail::LIMIT / 4 {
            self.0.drain(..excess);
        }
        out.write_all(bytes)
    }

    /// Where in the past of a console that which was shown ends: behind the whole of it, or, where its beginning is not
    /// kept any more, behind the longest part of it that the past begins with.
    fn end_in(&self, past: &[u8]) -> usize {
        let shown = &self.0[..];
        if shown.is_empty() {
            return 0;
        }
        let whole = past.windows(shown.len()).position(|part| part == shown).map(|at| at + shown.len());
        let longest = || (1..=past.len().min(shown.len())).rev().find(|len| shown.ends_with(&past[..*len]));
        whole.or_else(longest).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_goes_on_where_it_ended() {
        let end = |shown: &str, past: &str| Tail(shown.into()).end_in(past.as_bytes());
        assert_eq!(end("", "boot"), 0);
        assert_eq!(end("boot\r\n", "boot\r\n# "), 6);
        assert_eq!(end("boot\r\n# ", "boot\r\n# "), 8);
        // The VSP keeps less than was shown.
        assert_eq!(end("boot\r\n# ls\r\na b\r\n", "# ls\r\na b\r\n# "), 11);
        // It keeps nothing that was shown.
        assert_eq!(end("boot\r\n", "# ls"), 0);
        // What was shown begins behind a gap.
        assert_eq!(end("a b\r\n", "# ls\r\na b\r\n# "), 11);
        // Repetitions: nothing is left out.
        assert_eq!(end("..", "....."), 2);
        let mut tail = Tail::default();
        tail.show(&vec![b'x'; 2 * Tail::LIMIT], &mut std::io::sink()).unwrap();
        assert_eq!(tail.0.len(), Tail::LIMIT);
    }
}
