//! The thread that owns all logs: their files, what can be replayed, who follows.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use ipc::log::{Level, LogRecord, LogSource};
use ipc::message::Event;

use super::json::{from_json, to_json};
use crate::roll::{self, RollingFile};
use crate::root::StateRoot;
use crate::stream::Offering;

/// Records kept in memory for each source.
pub(crate) const REPLAY: usize = 1000;
/// Bytes of each log file before it rolls.
const FILE_LIMIT: u64 = 4 << 20;
/// Records that may wait for the thread.
const QUEUE: usize = 8192;

/// Handle of the logs; clones are the same logs.
#[derive(Clone)]
pub(crate) struct LogHub {
    inbox: Sender<Order>,
    dropped: Arc<AtomicU64>,
}

enum Order {
    Record(LogRecord),
    Subscribe(Follower, usize, bool),
    Forget(LogSource),
    Flush(Sender<()>),
}

/// Who wants what.
pub(crate) struct Follower {
    /// Whose records; `None` is everybody's.
    pub(crate) source: Option<LogSource>,
    /// Least severity.
    pub(crate) level: Level,
    /// Where to.
    pub(crate) offering: Offering,
}

impl Follower {
    fn wants(&self, record: &LogRecord) -> bool {
        record.level <= self.level && self.source.as_ref().is_none_or(|source| *source == record.source)
    }
}

impl LogHub {
    /// Starts the thread; it ends when the last handle is dropped.
    pub(crate) fn start(root: StateRoot) -> std::io::Result<LogHub> {
        let (inbox, orders) = bounded(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let keeper = Keeper { root, logs: BTreeMap::new(), followers: Vec::new(), dropped: dropped.clone() };
        thread::Builder::new().name("logs".into()).spawn(move || keeper.run(&orders))?;
        Ok(LogHub { inbox, dropped })
    }

    /// Keeps and distributes a record, or counts it as dropped if the thread is far behind.
    pub(crate) fn record(&self, record: LogRecord) {
        if self.inbox.try_send(Order::Record(record)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives `follower` up to `replay` records of the past and, if `follow`, all that come.
    pub(crate) fn subscribe(&self, follower: Follower, replay: usize, follow: bool) {
        // The thread lives as long as a handle does, so this cannot fail while we hold one.
        let _ = self.inbox.send(Order::Subscribe(follower, replay, follow));
    }

    /// Closes the log of a guest that was renamed or removed.
    pub(crate) fn forget(&self, source: LogSource) {
        let _ = self.inbox.send(Order::Forget(source));
    }

    /// Waits until everything recorded so far is in its file.
    pub(crate) fn flush(&self) {
        let (done, wait) = bounded(1);
        let _ = self.inbox.send(Order::Flush(done));
        let _ = wait.recv();
    }
}

struct Log {
    file: Option<RollingFile>,
    recent: VecDeque<LogRecord>,
}

struct Keeper {
    root: StateRoot,
    logs: BTreeMap<LogSource, Log>,
    followers: Vec<Follower>,
    dropped: Arc<AtomicU64>,
}

impl Keeper {
    fn run(mut self, orders: &Receiver<Order>) {
        for order in orders {
            match order {
                Order::Record(record) => {
                    self.admit_dropped();
                    self.admit(record);
                }
                Order::Subscribe(follower, replay, follow) => self.subscribe(follower, replay, follow),
                Order::Forget(source) => drop(self.logs.remove(&source)),
                Order::Flush(done) => drop(done),
            }
        }
    }

    fn admit_dropped(&mut self) {
        let count = self.dropped.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.admit(LogRecord {
                source: LogSource::Vsp,
                time_micros: jiff::Timestamp::now().as_microsecond(),
                level: Level::Warn,
                target: module_path!().into(),
                message: "log records were dropped".into(),
                fields: vec![("count".into(), count.to_string())],
            });
        }
    }

    fn admit(&mut self, record: LogRecord) {
        let log = self.log(&record.source);
        // A log that cannot be written (disk full) must not stop what it tells about; followers still see it.
        if let Some(file) = &mut log.file {
            let _ = file.append(to_json(&record).as_bytes());
        }
        if log.recent.len() == REPLAY {
            log.recent.pop_front();
        }
        log.recent.push_back(record.clone());
        self.followers.retain(|follower| {
            !follower.wants(&record) || follower.offering.offer(Event::Log(record.clone()))
        });
    }

    fn subscribe(&mut self, follower: Follower, replay: usize, follow: bool) {
        match &follower.source {
            Some(source) => drop(self.log(&source.clone())),
            None => self.open_all(),
        }
        let mut past: Vec<&LogRecord> =
            self.logs.values().flat_map(|log| &log.recent).filter(|record| follower.wants(record)).collect();
        past.sort_by_key(|record| record.time_micros);
        for record in &past[past.len().saturating_sub(replay)..] {
            follower.offering.offer(Event::Log((*record).clone()));
        }
        if follower.offering.offer(Event::ReplayDone) && follow {
            self.followers.push(follower);
        }
    }

    /// The log of `source`, opened with what its file still holds.
    fn log(&mut self, source: &LogSource) -> &mut Log {
        let path = self.path(source);
        self.logs.entry(source.clone()).or_insert_with(|| {
            let tail = roll::tail(&path, FILE_LIMIT);
            let text = String::from_utf8_lossy(&tail);
            let lines = text.lines().filter(|line| line.starts_with('{'));
            let mut recent: VecDeque<_> = lines.map(|line| from_json(source.clone(), line)).collect();
            recent.drain(..recent.len().saturating_sub(REPLAY));
            Log { file: RollingFile::open(&path, FILE_LIMIT).ok(), recent }
        })
    }

    fn open_all(&mut self) {
        self.log(&LogSource::Vsp);
        let Ok(guests) = std::fs::read_dir(self.root.guests()) else { return };
        let names = guests.flatten().filter(|found| found.path().join("log").exists());
        for name in names.filter_map(|found| found.file_name().into_string().ok()) {
            self.log(&LogSource::Guest(name));
        }
    }

    fn path(&self, source: &LogSource) -> PathBuf {
        match source {
            LogSource::Vsp => self.root.common().join("vsp.log"),
            LogSource::Guest(name) => self.root.guest(name).join("log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{self, Ended};

    fn record(source: LogSource, time_micros: i64, level: Level, message: &str) -> LogRecord {
        let target = "test".into();
        LogRecord { source, time_micros, level, target, message: message.into(), fields: vec![] }
    }

    fn messages(delivery: &stream::Delivery) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Some(event)) = delivery.next() {
            match event {
                Event::Log(record) => all.push(record.message),
                other => all.push(format!("{other:?}")),
            }
        }
        all
    }

    #[test]
    fn logs_are_replayed_merged_across_a_restart_and_then_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = StateRoot::at(directory.path());
        let _lock = root.lock().unwrap();
        std::fs::create_dir(root.guest("ivm1")).unwrap();
        let guest = LogSource::Guest("ivm1".into());
        let hub = LogHub::start(root.clone()).unwrap();
        hub.record(record(LogSource::Vsp, 1, Level::Info, "one"));
        hub.record(record(guest.clone(), 2, Level::Warn, "two"));
        hub.record(record(LogSource::Vsp, 3, Level::Debug, "three"));
        hub.flush();
        drop(hub);

        let hub = LogHub::start(root).unwrap();
        let (offering, everything) = stream::channel(10_000);
        hub.subscribe(Follower { source: None, level: Level::Info, offering }, 100, true);
        let (offering, guest_only) = stream::channel(10_000);
        hub.subscribe(Follower { source: Some(guest.clone()), level: Level::Trace, offering }, 100, false);
        hub.record(record(guest, 4, Level::Info, "four"));
        hub.flush();
        assert_eq!(messages(&everything), ["one", "two", "ReplayDone", "four"]);
        assert_eq!(messages(&guest_only), ["two", "ReplayDone"]);
        assert_eq!(guest_only.next(), Err(Ended));
    }
}
