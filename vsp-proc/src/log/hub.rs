//! The thread that reads log files for those who follow them.
//!
//! Nothing here logs: what is logged changes the VSP's own file, and would be read here again for ever.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use ipc::log::{Level, LogRecord, LogSource, Tail};
use ipc::message::Event;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::event::{EventfdFlags, eventfd};

use super::watch::{Change, Watch, WatchId};
use crate::root::StateRoot;
use crate::stream::Offering;

/// Most records of the past that a follower is given.
pub(crate) const REPLAY: usize = 1000;
/// Bytes of the past of each source that are looked at for them.
const REPLAY_BYTES: u64 = 1 << 20;
/// Time between looks at the files where the kernel does not tell of changes, in milliseconds.
const LOOK_INTERVAL: u16 = 500;

/// Handle of the logs; clones are the same logs.
#[derive(Clone)]
pub(crate) struct LogHub(Arc<Inbox>);

struct Inbox {
    orders: Option<Sender<Order>>,
    wake: Arc<OwnedFd>,
}

enum Order {
    Subscribe(Follower, usize, bool),
    Know(LogSource),
    Forget(LogSource),
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
    fn wants_source(&self, source: &LogSource) -> bool {
        self.source.as_ref().is_none_or(|wanted| wanted == source)
    }
}

impl LogHub {
    /// Starts the thread; it ends when the last handle is dropped. The VSP's own log is known from the beginning.
    pub(crate) fn start(root: StateRoot) -> io::Result<LogHub> {
        let (orders, inbox) = unbounded();
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        // The kernel allows a user only so many; without one we look now and then.
        let watch = Watch::new().ok();
        let keeper =
            Keeper { root, watch, inbox, wake: wake.clone(), sources: BTreeMap::new(), followed: Vec::new() };
        thread::Builder::new().name("logs".into()).spawn(move || keeper.run())?;
        let hub = LogHub(Arc::new(Inbox { orders: Some(orders), wake }));
        hub.know(LogSource::Vsp);
        Ok(hub)
    }

    /// Gives `follower` up to `replay` records of the past and, if `follow`, all that come.
    pub(crate) fn subscribe(&self, follower: Follower, replay: usize, follow: bool) {
        self.0.order(Order::Subscribe(follower, replay, follow));
    }

    /// There is such a source, whose log directory exists.
    pub(crate) fn know(&self, source: LogSource) {
        self.0.order(Order::Know(source));
    }

    /// A guest was renamed or removed.
    pub(crate) fn forget(&self, source: LogSource) {
        self.0.order(Order::Forget(source));
    }
}

impl Inbox {
    fn order(&self, order: Order) {
        // The thread lives as long as we do.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
        self.wake();
    }

    fn wake(&self) {
        // One that is full has been raised.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.orders = None;
        self.wake();
    }
}

/// A follower of what comes, and his readers.
struct Followed {
    follower: Follower,
    tails: BTreeMap<LogSource, Tail>,
}

impl Followed {
    /// Passes on what is new of one source; false when the follower has gone.
    fn pass(&mut self, source: &LogSource) -> bool {
        let Some(tail) = self.tails.get_mut(source) else { return true };
        let level = self.follower.level;
        let wanted = tail.read().into_iter().filter(|record| record.level <= level);
        // All of them are offered, so that a gap has its number.
        wanted.fold(true, |_, record| self.follower.offering.offer(Event::Log(record)))
    }
}

struct Keeper {
    root: StateRoot,
    watch: Option<Watch>,
    inbox: Receiver<Order>,
    wake: Arc<OwnedFd>,
    sources: BTreeMap<LogSource, Option<WatchId>>,
    followed: Vec<Followed>,
}

impl Keeper {
    fn run(mut self) {
        loop {
            match self.inbox.try_recv() {
                Ok(Order::Subscribe(follower, replay, follow)) => self.subscribe(follower, replay, follow),
                Ok(Order::Know(source)) => self.know(source),
                Ok(Order::Forget(source)) => self.forget(&source),
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    self.wait();
                    self.pass_changes();
                }
            }
        }
    }

    fn wait(&self) {
        let mut polled = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        polled.extend(self.watch.iter().map(|watch| PollFd::new(watch.as_fd(), PollFlags::POLLIN)));
        let blind = self.watch.is_none() && !self.followed.is_empty();
        let limit = if blind { PollTimeout::from(LOOK_INTERVAL) } else { PollTimeout::NONE };
        // An interruption is as good as a change of nothing.
        let _ = poll(&mut polled, limit);
        let _ = rustix::io::read(&self.wake, &mut [0u8; 8]);
    }

    fn pass_changes(&mut self) {
        let changes = self.watch.as_ref().map_or_else(|| vec![Change::Anywhere], Watch::take);
        let has_changed = |id: &Option<WatchId>| {
            changes.iter().any(|change| match change {
                Change::In(changed) => *id == Some(*changed),
                Change::Anywhere => true,
            })
        };
        for (source, _) in self.sources.iter().filter(|(_, id)| has_changed(id)) {
            self.followed.retain_mut(|followed| followed.pass(source));
        }
    }

    fn subscribe(&mut self, follower: Follower, replay: usize, follow: bool) {
        let wanted = self.sources.keys().filter(|source| follower.wants_source(source));
        let open = |source: &LogSource| {
            (source.clone(), Tail::open(&self.directory(source), source.clone(), REPLAY_BYTES))
        };
        let mut tails: BTreeMap<LogSource, Tail> = wanted.map(open).collect();
        let mut past: Vec<LogRecord> = tails.values_mut().flat_map(Tail::read).collect();
        past.retain(|record| record.level <= follower.level);
        past.sort_by_key(|record| record.time_micros);
        for record in past.drain(past.len().saturating_sub(replay)..) {
            follower.offering.offer(Event::Log(record));
        }
        if follower.offering.offer(Event::ReplayDone) && follow {
            self.followed.push(Followed { follower, tails });
        }
    }

    fn know(&mut self, source: LogSource) {
        let directory = self.directory(&source);
        let id = self.watch.as_ref().and_then(|watch| watch.add(&directory).ok());
        for followed in self.followed.iter_mut().filter(|followed| followed.follower.wants_source(&source)) {
            let tail = Tail::open(&directory, source.clone(), REPLAY_BYTES);
            followed.tails.insert(source.clone(), tail);
        }
        // What was written before we watched; of a renamed guest that is its past under the new name.
        self.followed.retain_mut(|followed| followed.pass(&source));
        self.sources.insert(source, id);
    }

    fn forget(&mut self, source: &LogSource) {
        if let (Some(watch), Some(Some(id))) = (&self.watch, self.sources.remove(source)) {
            watch.remove(id);
        }
        self.followed.iter_mut().for_each(|followed| drop(followed.tails.remove(source)));
    }

    fn directory(&self, source: &LogSource) -> PathBuf {
        match source {
            LogSource::Vsp => self.root.log(),
            LogSource::Guest(name) => self.root.guest_log(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{self, Delivery, Ended};
    use ipc::log::LogFile;
    use std::io::Write;
    use std::time::Duration;

    fn append(file: &mut LogFile, second: u8, level: &str, message: &str) {
        let line = format!(
            "{{\"timestamp\":\"2026-11-23T20:00:{second:02}Z\",\"level\":\"{level}\",\"fields\":{{\"message\":\"{message}\"}}}}\n"
        );
        file.write_all(line.as_bytes()).unwrap();
    }

    fn next(delivery: &Delivery) -> String {
        loop {
            match delivery.next().unwrap() {
                Some(Event::Log(record)) => return record.message,
                Some(other) => return format!("{other:?}"),
                None => {
                    let mut select = crossbeam_channel::Select::new();
                    select.recv(delivery.woken());
                    select.ready_timeout(Duration::from_secs(60)).expect("a record");
                }
            }
        }
    }

    #[test]
    fn logs_are_replayed_merged_and_then_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = StateRoot::at(directory.path());
        let _lock = root.lock().unwrap();
        let guest = LogSource::Guest("ivm1".into());
        let mut of_vsp = LogFile::open(&root.log(), None).unwrap();
        let mut of_guest = LogFile::open(&root.guest_log("ivm1"), Some("ivm1")).unwrap();
        append(&mut of_vsp, 1, "INFO", "one");
        append(&mut of_guest, 2, "WARN", "two");
        append(&mut of_vsp, 3, "DEBUG", "three");

        let hub = LogHub::start(root.clone()).unwrap();
        hub.know(guest.clone());
        let subscribe = |source: Option<LogSource>, level, follow| {
            let (offering, delivery) = stream::channel(10_000);
            hub.subscribe(Follower { source, level, offering }, 100, follow);
            delivery
        };
        let everything = subscribe(None, Level::Info, true);
        let guest_only = subscribe(Some(guest), Level::Trace, false);
        assert_eq!([next(&guest_only), next(&guest_only)], ["two", "ReplayDone"]);
        assert_eq!([next(&everything), next(&everything), next(&everything)], ["one", "two", "ReplayDone"]);
        append(&mut of_vsp, 4, "TRACE", "unwanted");
        append(&mut of_guest, 5, "INFO", "four");
        assert_eq!(next(&everything), "four");
        // A guest that is new.
        let mut of_new = LogFile::open(&root.guest_log("ivm2"), Some("ivm2")).unwrap();
        hub.know(LogSource::Guest("ivm2".into()));
        append(&mut of_new, 6, "ERROR", "five");
        assert_eq!(next(&everything), "five");
        while guest_only.next() != Err(Ended) {}
        drop(hub);
        while everything.next() != Err(Ended) {}
    }
}
