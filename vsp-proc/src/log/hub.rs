//! Which logs there are, and the thread that tells their readers when something has been added.
//!
//! Nothing here logs: what is logged changes the VSP's own file, and would be told of again for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use ipc::log::LogSource;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::event::{EventfdFlags, eventfd};

use super::watch::{Change, Watch, WatchId};
use crate::root::StateRoot;

/// Time between looks at the files where the kernel does not tell of changes, in milliseconds.
const LOOK_INTERVAL: u16 = 500;
/// Least time between two looks at what the kernel tells, in milliseconds. A record alone goes at once; a guest that
/// floods its console would have its lines read 500 times a second.
const GATHER: u16 = 50;

/// Handle of the logs; clones are the same logs.
#[derive(Clone)]
pub(crate) struct LogHub(Arc<Running>);

/// Dropping it ends the thread.
struct Running {
    shared: Arc<Shared>,
    end: Arc<OwnedFd>,
}

struct Shared {
    root: StateRoot,
    /// The kernel allows a user only so many; without one we look now and then.
    watch: Option<Watch>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sources: BTreeMap<LogSource, Option<WatchId>>,
    listeners: Vec<Weak<Mutex<News>>>,
}

/// What one reader has not looked at yet.
#[derive(Default)]
pub(super) struct News {
    /// Logs that were added to.
    pub(super) changed: BTreeSet<LogSource>,
    /// Logs came, went, or are to be seen by others than before.
    pub(super) has_other_logs: bool,
    wake: Option<Sender<()>>,
}

impl News {
    fn tell(&mut self) {
        // One that is full has been woken.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }
}

/// A reader's end.
pub(super) struct Listener {
    news: Arc<Mutex<News>>,
    woken: Receiver<()>,
}

impl Listener {
    /// Becomes ready when there is news.
    pub(super) fn woken(&self) -> &Receiver<()> {
        &self.woken
    }

    /// The news since the last call.
    pub(super) fn take(&self) -> News {
        let _ = self.woken.try_recv();
        let mut news = lock(&self.news);
        News {
            changed: std::mem::take(&mut news.changed),
            wake: None,
            has_other_logs: std::mem::take(&mut news.has_other_logs),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogHub {
    /// Starts the thread; it ends when the last handle is dropped. The VSP's own log is known from the beginning.
    pub(crate) fn start(root: StateRoot) -> io::Result<LogHub> {
        let shared = Shared { root, watch: Watch::new().ok(), state: Mutex::default() };
        let running = Running {
            shared: Arc::new(shared),
            end: Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?),
        };
        let (shared, end) = (running.shared.clone(), running.end.clone());
        thread::Builder::new().name("logs".into()).spawn(move || shared.tell_of_changes(&end))?;
        let hub = LogHub(Arc::new(running));
        hub.know(LogSource::Vsp);
        Ok(hub)
    }

    /// There is such a source, whose log directory exists.
    pub(crate) fn know(&self, source: LogSource) {
        let shared = &self.0.shared;
        let id = shared.watch.as_ref().and_then(|watch| watch.add(&self.directory(&source)).ok());
        lock(&shared.state).sources.insert(source, id);
        self.tell_of_other_logs();
    }

    /// A guest was renamed or removed.
    pub(crate) fn forget(&self, source: &LogSource) {
        let shared = &self.0.shared;
        if let (Some(watch), Some(Some(id))) = (&shared.watch, lock(&shared.state).sources.remove(source)) {
            watch.remove(id);
        }
        self.tell_of_other_logs();
    }

    /// There are other logs, or others may read them.
    pub(crate) fn tell_of_other_logs(&self) {
        self.0.shared.tell(|news| news.has_other_logs = true);
    }

    pub(super) fn listen(&self) -> Listener {
        let (wake, woken) = bounded(1);
        let news = Arc::new(Mutex::new(News { wake: Some(wake), ..News::default() }));
        lock(&self.0.shared.state).listeners.push(Arc::downgrade(&news));
        Listener { news, woken }
    }

    pub(super) fn sources(&self) -> BTreeSet<LogSource> {
        lock(&self.0.shared.state).sources.keys().cloned().collect()
    }

    pub(super) fn directory(&self, source: &LogSource) -> PathBuf {
        let root = &self.0.shared.root;
        match source {
            LogSource::Vsp => root.log(),
            LogSource::Guest(name) => root.guest_log(name),
            LogSource::Console(name) => root.console_lines(name),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that is full has been raised.
        let _ = rustix::io::write(&self.end, &1u64.to_ne_bytes());
    }
}

impl Shared {
    fn tell_of_changes(&self, end: &OwnedFd) {
        loop {
            let mut polled = vec![PollFd::new(end.as_fd(), PollFlags::POLLIN)];
            polled.extend(self.watch.iter().map(|watch| PollFd::new(watch.as_fd(), PollFlags::POLLIN)));
            let limit =
                if self.watch.is_none() { PollTimeout::from(LOOK_INTERVAL) } else { PollTimeout::NONE };
            // An interruption is as good as a change of nothing.
            let _ = poll(&mut polled, limit);
            let changed = self.changed();
            if !changed.is_empty() {
                self.tell(|news| news.changed.extend(changed.iter().cloned()));
                let _ = poll(&mut polled[..1], PollTimeout::from(GATHER));
            }
            if rustix::io::read(end, &mut [0u8; 8]).is_ok() {
                return;
            }
        }
    }

    fn changed(&self) -> Vec<LogSource> {
        let changes = self.watch.as_ref().map_or_else(|| vec![Change::Anywhere], Watch::take);
        let has_changed = |id: Option<WatchId>| {
            changes.iter().any(|change| match change {
                Change::In(changed) => id == Some(*changed),
                Change::Anywhere => true,
            })
        };
        let state = lock(&self.state);
        state.sources.iter().filter(|(_, id)| has_changed(**id)).map(|(source, _)| source.clone()).collect()
    }

    fn tell(&self, what: impl Fn(&mut News)) {
        lock(&self.state).listeners.retain(|listener| {
            let Some(news) = listener.upgrade() else { return false };
            let mut news = lock(&news);
            what(&mut news);
            news.tell();
            true
        });
    }
}
