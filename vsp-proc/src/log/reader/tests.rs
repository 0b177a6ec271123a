use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, unbounded};
use ipc::log::{Level, LogFile};
use tempfile::TempDir;

use super::*;
use crate::root::StateRoot;

/// Logs of a VSP and whoever reads them.
struct Logs {
    directory: TempDir,
    hub: LogHub,
}

/// A reading in a thread of its own; dropping it hangs up.
struct Reading {
    events: Receiver<Event>,
    _hung_up: Sender<()>,
}

impl Logs {
    fn new() -> Logs {
        let directory = tempfile::tempdir().unwrap();
        for name in ["common/log", "guests/ivm1/log", "guests/ivm1/console", "guests/ivm2/log"] {
            std::fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        let hub = LogHub::start(StateRoot::at(directory.path())).unwrap();
        hub.know(guest("ivm1"));
        hub.know(LogSource::Console("ivm1".into()));
        hub.know(guest("ivm2"));
        Logs { directory, hub }
    }

    fn append(&self, source: &LogSource, second: u32, level: &str, message: &str) {
        append(&mut LogFile::open(&self.hub.directory(source), None).unwrap(), second, level, message);
    }

    fn read(&self, query: LogQuery) -> Reading {
        self.read_as(query, || Some(Readable::Everything))
    }

    fn read_as(&self, query: LogQuery, readable: impl Fn() -> Option<Readable> + Send + 'static) -> Reading {
        let (sender, events) = unbounded();
        let (alive, hung_up) = bounded(0);
        let reader = LogReader::new(&self.hub, query, readable).unwrap();
        thread::spawn(move || {
            reader.run(&hung_up, &mut |events| {
                events.into_iter().for_each(|event| drop(sender.send(event)));
                Ok(())
            })
        });
        Reading { events, _hung_up: alive }
    }
}

impl Reading {
    fn next(&self) -> String {
        loop {
            match self.events.recv_timeout(Duration::from_secs(60)) {
                Ok(Event::Log { record, .. }) => return record.message,
                Ok(Event::LogPositions(_)) => {}
                Ok(other) => return format!("{other:?}"),
                Err(error) => return error.to_string(),
            }
        }
    }

    fn next_of<const N: usize>(&self) -> [String; N] {
        [(); N].map(|()| self.next())
    }

    fn all(&self) -> Vec<String> {
        let ends = |text: &String| text.starts_with("channel");
        std::iter::from_fn(|| Some(self.next())).take_while(|text| !ends(text)).collect()
    }
}

fn guest(name: &str) -> LogSource {
    LogSource::Guest(name.into())
}

fn append(file: &mut LogFile, second: u32, level: &str, message: &str) {
    let (minute, second) = (second / 60 % 60, second % 60);
    let line = format!(
        "{{\"timestamp\":\"2026-11-23T20:{minute:02}:{second:02}Z\",\"level\":\"{level}\",\"fields\":{{\"message\":\"{message}\"}}}}\n"
    );
    file.write_all(line.as_bytes()).unwrap();
}

fn follow() -> LogQuery {
    LogQuery { follow: true, ..LogQuery::default() }
}

#[test]
fn logs_are_replayed_merged_and_then_followed() {
    let logs = Logs::new();
    logs.append(&LogSource::Vsp, 1, "INFO", "one");
    logs.append(&guest("ivm1"), 2, "WARN", "two");
    logs.append(&LogSource::Console("ivm1".into()), 3, "INFO", "boot");
    logs.append(&LogSource::Vsp, 3, "DEBUG", "three");

    let everything = logs.read(follow());
    let with_consoles = logs.read(LogQuery { consoles: Consoles::Also, ..LogQuery::default() });
    assert_eq!(with_consoles.all(), ["one", "two", "boot", "ReplayDone"]);
    let only = |source, consoles| {
        logs.read(LogQuery { source, consoles, level: Level::Trace, ..LogQuery::default() })
    };
    assert_eq!(only(Some(guest("ivm1")), Consoles::Without).all(), ["two", "ReplayDone"]);
    assert_eq!(only(Some(guest("ivm1")), Consoles::Only).all(), ["boot", "ReplayDone"]);
    assert_eq!(only(None, Consoles::Only).all(), ["boot", "ReplayDone"]);
    assert_eq!(only(Some(LogSource::Vsp), Consoles::Also).all(), ["one", "three", "ReplayDone"]);

    assert_eq!(everything.next_of(), ["one", "two", "ReplayDone"]);
    logs.append(&LogSource::Vsp, 4, "TRACE", "unwanted");
    logs.append(&guest("ivm1"), 5, "INFO", "four");
    assert_eq!(everything.next(), "four");
    // A guest that is new, and one that gets another name.
    std::fs::create_dir_all(logs.directory.path().join("guests/ivm3/log")).unwrap();
    logs.append(&guest("ivm3"), 6, "ERROR", "five");
    logs.hub.know(guest("ivm3"));
    assert_eq!(everything.next(), "five");
    let path = |name: &str| logs.directory.path().join("guests").join(name);
    std::fs::rename(path("ivm3"), path("ivm4")).unwrap();
    logs.hub.forget(&guest("ivm3"));
    logs.hub.know(guest("ivm4"));
    logs.append(&guest("ivm4"), 7, "ERROR", "six");
    assert_eq!(everything.next(), "six");
}

#[test]
fn what_the_vsp_notes_about_a_guest_is_in_the_guests_log() {
    let logs = Logs::new();
    let mut file = LogFile::open(&logs.hub.directory(&LogSource::Vsp), None).unwrap();
    for (message, names) in [
        ("started", r#""guest":"ivm1""#),
        ("another's", r#""guest":"ivm11""#),
        ("written", r#""adapter":"ivm1 0,1""#),
        ("nobody's", r#""name":"ivm1""#),
    ] {
        let line = format!(
            "{{\"timestamp\":\"2026-11-23T20:00:01Z\",\"level\":\"INFO\",\"fields\":{{\"message\":\"{message}\",{names}}}}}\n"
        );
        file.write_all(line.as_bytes()).unwrap();
    }
    drop(file);
    logs.append(&guest("ivm1"), 2, "INFO", "runs");
    let of_ivm1 = LogQuery { source: Some(guest("ivm1")), ..LogQuery::default() };
    assert_eq!(logs.read(of_ivm1.clone()).all(), ["started", "written", "runs", "ReplayDone"]);
    // Who may read the guest's alone reads the guest's alone.
    let readable = || Some(Readable::Guests(BTreeSet::from(["ivm1".to_owned()])));
    assert_eq!(logs.read_as(of_ivm1, readable).all(), ["runs", "ReplayDone"]);
}

/// What stands far behind in files that were set aside is found, and a count is one of what was chosen.
#[test]
fn the_whole_of_what_is_kept_is_searched() {
    let logs = Logs::new();
    let mut of_vsp = LogFile::open(&logs.hub.directory(&LogSource::Vsp), None).unwrap();
    let mut of_guest = LogFile::open(&logs.hub.directory(&guest("ivm1")), None).unwrap();
    let filling = "x".repeat(3000);
    for second in 0..3000 {
        let (level, message) = match second % 1000 {
            0 => ("ERROR", format!("needle {second}")),
            _ => ("INFO", format!("{second} {filling}")),
        };
        append(if second % 2000 == 0 { &mut of_vsp } else { &mut of_guest }, second, level, &message);
    }
    assert!(std::fs::read_dir(logs.hub.directory(&guest("ivm1"))).unwrap().count() > 1);
    let needles = ["needle 0", "needle 1000", "needle 2000"];
    let read = |query: LogQuery| {
        let mut all = logs.read(query).all();
        assert_eq!(all.pop().as_deref(), Some("ReplayDone"));
        all
    };
    let pattern = Some("needle \\d+$".to_owned());
    let grep = LogQuery { pattern: pattern.clone(), ..LogQuery::default() };
    assert_eq!(read(grep.clone()), needles);
    assert_eq!(read(LogQuery { last: Some(2), ..grep.clone() }), needles[1..]);
    assert_eq!(read(LogQuery { level: Level::Error, last: Some(5), ..LogQuery::default() }), needles);
    let since = "2026-11-23T20:16:40Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(read(LogQuery { since_micros: Some(since), ..grep.clone() }), needles[1..]);
    assert_eq!(read(LogQuery { since_micros: Some(since + 1), ..grep.clone() }), needles[2..]);
    let before = LogQuery { until_micros: Some(since), ..grep };
    assert_eq!(read(LogQuery { last: Some(5), ..before.clone() }), needles[..1]);
    assert_eq!(
        read(LogQuery { last: Some(1), until_micros: Some(since + 1), ..before.clone() }),
        needles[1..2]
    );
    assert_eq!(read(before), needles[..1]);
    assert_eq!(read(LogQuery { last: Some(3), ..LogQuery::default() }).len(), 3);
    assert_eq!(read(LogQuery::default()).len(), 3000);
    assert!(LogReader::new(&logs.hub, LogQuery { pattern: Some("(".into()), ..follow() }, || None).is_err());
}

/// A writer that rolls its files, and readers that hang up and come back where they were: each record once, in order.
#[test]
fn nothing_is_missing_or_repeated_over_rotation_and_return() {
    const RECORDS: usize = 4000;
    let logs = Logs::new();
    let directory = logs.hub.directory(&guest("ivm1"));
    let writer = thread::spawn(move || {
        let mut file = LogFile::open(&directory, None).unwrap();
        let filling = "x".repeat(2500);
        for number in 0..RECORDS {
            append(&mut file, 0, "INFO", &format!("{number} {filling}"));
        }
    });
    let mut positions: Option<BTreeMap<LogSource, LogPosition>> = None;
    let mut numbers = Vec::new();
    while numbers.len() < RECORDS {
        let after = positions.as_ref().map(|positions| positions.values().copied().collect());
        let reading = logs.read(LogQuery { after, ..follow() });
        // It goes after a while, wherever it is.
        let until = (numbers.len() + 700).min(RECORDS);
        while numbers.len() < until {
            match reading.events.recv_timeout(Duration::from_secs(60)).unwrap() {
                Event::Log { record, end } => {
                    let number = record.message.split(' ').next().unwrap();
                    numbers.push(number.parse::<usize>().unwrap());
                    positions.get_or_insert_default().insert(record.source, end);
                }
                Event::LogPositions(places) => positions.get_or_insert_default().extend(places),
                Event::ReplayDone => {}
                other => panic!("{other:?}"),
            }
        }
    }
    writer.join().unwrap();
    assert_eq!(numbers, (0..RECORDS).collect::<Vec<_>>());
}

#[test]
fn rights_that_are_given_and_taken_are_heeded_at_once() {
    let logs = Logs::new();
    for (source, text) in [(LogSource::Vsp, "secret"), (guest("ivm1"), "old"), (guest("ivm2"), "two")] {
        logs.append(&source, 1, "INFO", text);
    }
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
    let visible = Arc::new(Mutex::new(names(&["ivm2"])));
    let readable = {
        let visible = visible.clone();
        move || Some(Readable::Guests(visible.lock().unwrap().clone()))
    };
    let all = logs.read_as(follow(), readable.clone());
    let one = logs.read_as(LogQuery { source: Some(guest("ivm2")), ..follow() }, readable);
    assert_eq!(all.next_of(), ["two", "ReplayDone"]);
    assert_eq!(one.next_of(), ["two", "ReplayDone"]);
    *visible.lock().unwrap() = names(&["ivm1"]);
    logs.hub.tell_of_other_logs();
    assert_eq!(one.all(), [""; 0], "it is over");
    // It looks at what is written after it knows.
    while !matches!(all.events.recv_timeout(Duration::from_secs(60)), Ok(Event::LogPositions(_))) {}
    logs.append(&guest("ivm2"), 2, "INFO", "unseen");
    logs.append(&LogSource::Vsp, 2, "INFO", "secret");
    logs.append(&guest("ivm1"), 3, "INFO", "new");
    assert_eq!(all.next(), "new");
}
