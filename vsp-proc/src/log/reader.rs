//! One client's reading of logs: what is kept, merged by time, and then what comes.
//!
//! The files are read by the client's own thread, as fast as the client takes it: a client that is slow, or stands still,
//! holds up nobody and misses nothing but what is deleted meanwhile. Nothing here logs (see [`super::hub`]).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, TryRecvError};
use ipc::log::{Level, LogPosition, LogRecord, LogSource, Past, Start, Tail};
use ipc::message::{Consoles, Event, LogQuery};
use regex::{Regex, RegexBuilder};

use super::hub::{Listener, LogHub};

/// Most bytes of a compiled pattern.
const PATTERN_LIMIT: usize = 1 << 20;
/// Most events that are sent together, and bytes of their messages.
const TOGETHER: usize = 128;
const TOGETHER_BYTES: usize = 32 << 10;
/// Longest time that one waits for others.
const SOON: Duration = Duration::from_millis(20);

/// Whose logs the client may read: everybody's, or those of these guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readable {
    /// The VSP's, and all guests'.
    Everything,
    /// The guests'.
    Guests(BTreeSet<String>),
}

impl Readable {
    fn has(&self, source: &LogSource) -> bool {
        match (self, source) {
            (Readable::Everything, _) => true,
            (Readable::Guests(_), LogSource::Vsp) => false,
            (Readable::Guests(names), LogSource::Guest(name) | LogSource::Console(name)) => {
                names.contains(name)
            }
        }
    }
}

/// A reading that has not begun.
pub(crate) struct LogReader {
    hub: LogHub,
    listener: Listener,
    query: LogQuery,
    choice: Choice,
    /// `None` when the VSP ends.
    readable: Box<dyn Fn() -> Option<Readable> + Send>,
    tails: BTreeMap<LogSource, Tail>,
    /// All logs there were when it was looked last.
    known: BTreeSet<LogSource>,
    /// How far those were read that are no more: one that is renamed comes again under its new name.
    left: Vec<LogPosition>,
}

impl LogReader {
    /// A reading of what `readable` tells is to be read, again and again.
    ///
    /// # Errors
    /// A line about a pattern that is none.
    pub(crate) fn new(
        hub: &LogHub,
        query: LogQuery,
        readable: impl Fn() -> Option<Readable> + std::marker::Send + 'static,
    ) -> Result<LogReader, String> {
        let compile = |text: &String| RegexBuilder::new(text).size_limit(PATTERN_LIMIT).build();
        let about = match &query.source {
            Some(LogSource::Guest(name)) => Some(name.clone()),
            _ => None,
        };
        let choice = Choice {
            about,
            level: query.level,
            since_micros: query.since_micros,
            until_micros: query.until_micros,
            pattern: query.pattern.as_ref().map(compile).transpose().map_err(|error| error.to_string())?,
        };
        Ok(LogReader {
            listener: hub.listen(),
            hub: hub.clone(),
            query,
            choice,
            readable: Box::new(readable),
            tails: BTreeMap::new(),
            known: BTreeSet::new(),
            left: Vec::new(),
        })
    }

    /// Reads and sends until there is nothing more to send or the client has hung up, which disconnects `hung_up`.
    ///
    /// # Errors
    /// Those of `send`.
    pub(crate) fn run(
        mut self,
        hung_up: &Receiver<()>,
        send: &mut dyn FnMut(Vec<Event>) -> ipc::Result<()>,
    ) -> ipc::Result<()> {
        let mut out = Out { hung_up, send, events: Vec::new(), bytes: 0, begun: Instant::now() };
        let read = self.read_past(&mut out).and_then(|()| match self.query.follow {
            true => self.follow(&mut out),
            false => out.flush(),
        });
        match read {
            Err(ipc::Error::Closed) => Ok(()),
            other => other,
        }
    }

    fn read_past(&mut self, out: &mut Out<'_>) -> ipc::Result<()> {
        self.known = self.hub.sources();
        let sources = self.wanted()?;
        let mut limit = None;
        self.tails = match (&self.query.after, self.query.last, self.query.since_micros) {
            (Some(places), ..) => self.open(sources, Start::After(places)),
            (None, Some(count), _) => {
                let (tails, chosen) = self.open_last(sources, count, out)?;
                // Behind them is nothing that is asked for, though there may be much.
                limit = self.query.until_micros.map(|_| chosen);
                tails
            }
            (None, None, Some(since)) => self.open(sources, Start::Since(since)),
            (None, None, None) => self.open(sources, Start::Oldest),
        };
        let places = self.tails.iter().filter_map(|(source, tail)| Some((source.clone(), tail.position()?)));
        let places = places.collect();
        out.send(Event::LogPositions(places))?;
        let sources = self.tails.keys().cloned().collect();
        self.pass(&sources, limit, out)?;
        out.send(Event::ReplayDone)
    }

    fn follow(&mut self, out: &mut Out<'_>) -> ipc::Result<()> {
        loop {
            out.wait(&self.listener)?;
            let news = self.listener.take();
            let mut changed = news.changed;
            if news.has_other_logs {
                changed.extend(self.look_for_logs(out)?);
            }
            self.pass(&changed, None, out)?;
        }
    }

    /// The logs that are asked for and may be read.
    ///
    /// # Errors
    /// [`ipc::Error::Closed`] when the VSP ends, or if there is nothing to be read any more.
    fn wanted(&self) -> ipc::Result<BTreeSet<LogSource>> {
        let readable = (self.readable)().ok_or(ipc::Error::Closed)?;
        if self.query.source.as_ref().is_some_and(|source| !readable.has(source)) {
            return Err(ipc::Error::Closed);
        }
        let is_wanted = |source: &LogSource| {
            let is_console = matches!(source, LogSource::Console(_));
            let is_of_kind = match self.query.consoles {
                Consoles::Without => !is_console,
                Consoles::Also => true,
                Consoles::Only => is_console,
            };
            is_of_kind
                && readable.has(source)
                && self.query.source.as_ref().is_none_or(|wanted| concerns(wanted, source))
        };
        Ok(self.known.iter().filter(|source| is_wanted(source)).cloned().collect())
    }

    fn open(&self, sources: BTreeSet<LogSource>, start: Start<'_>) -> BTreeMap<LogSource, Tail> {
        let open =
            |source: LogSource| (source.clone(), Tail::open(&self.hub.directory(&source), source, start));
        sources.into_iter().map(open).collect()
    }

    /// Readers of the last `count` records that are wanted, and of what comes after them; how many of these there are.
    fn open_last(
        &self,
        sources: BTreeSet<LogSource>,
        count: u32,
        out: &mut Out<'_>,
    ) -> ipc::Result<(BTreeMap<LogSource, Tail>, u32)> {
        let open = |source: &LogSource| Past::open(&self.hub.directory(source), source.clone());
        let mut pasts: Vec<Past> = sources.iter().map(open).collect();
        let mut begins: Vec<Option<LogPosition>> = pasts.iter().map(Past::end).collect();
        let mut heads = BTreeMap::new();
        let mut advance = |index: usize, heads: &mut BTreeMap<_, _>| {
            if let Some(head) = pasts[index].next_back() {
                heads.insert((head.0.time_micros, index), head);
            }
        };
        (0..begins.len()).for_each(|index| advance(index, &mut heads));
        let mut left = count;
        while left > 0
            && let Some(((_, index), (record, begin))) = heads.pop_last()
        {
            out.check()?;
            if self.choice.has(&record) {
                begins[index] = Some(begin);
                left -= 1;
            }
            advance(index, &mut heads);
        }
        let open = |(source, begin): (LogSource, Option<LogPosition>)| {
            let directory = self.hub.directory(&source);
            (source.clone(), Tail::open(&directory, source, Start::After(begin.as_slice())))
        };
        Ok((sources.into_iter().zip(begins).map(open).collect(), count - left))
    }

    /// Sends what there is of these logs now, merged by time: so many at most of those that are wanted.
    fn pass(
        &mut self,
        sources: &BTreeSet<LogSource>,
        limit: Option<u32>,
        out: &mut Out<'_>,
    ) -> ipc::Result<()> {
        let mut left = limit.unwrap_or(u32::MAX);
        let choice = &self.choice;
        let chosen = self.tails.iter_mut().filter(|(source, _)| sources.contains(source));
        // What is added meanwhile is for the next time, or one that never ends to write would hold up the others.
        let mut tails: Vec<(&mut Tail, u64)> = chosen
            .map(|(_, tail)| {
                let end = tail.passed_bytes() + tail.available_bytes();
                (tail, end)
            })
            .collect();
        let count = tails.len();
        let mut heads = BTreeMap::new();
        let mut has_missed = false;
        let mut advance = |index: usize, heads: &mut BTreeMap<_, _>| {
            let (tail, end) = &mut tails[index];
            if tail.passed_bytes() < *end
                && let Some(head) = tail.next()
            {
                heads.insert((head.0.time_micros, index), head);
            }
            tail.take_missed()
        };
        for index in 0..count {
            has_missed |= advance(index, &mut heads);
        }
        while left > 0
            && let Some(((_, index), (record, end))) = heads.pop_first()
        {
            out.check()?;
            if std::mem::take(&mut has_missed) {
                out.send(Event::Gap { events: 0 })?;
            }
            if choice.has(&record) {
                out.send(Event::Log { record, end })?;
                left -= u32::from(limit.is_some());
            }
            has_missed |= advance(index, &mut heads);
        }
        Ok(())
    }

    /// Opens logs that are new, closes those that are no more or may not be read any more; which are new.
    fn look_for_logs(&mut self, out: &mut Out<'_>) -> ipc::Result<BTreeSet<LogSource>> {
        let known = std::mem::replace(&mut self.known, self.hub.sources());
        let wanted = self.wanted()?;
        let (kept, gone) =
            std::mem::take(&mut self.tails).into_iter().partition(|(source, _)| wanted.contains(source));
        self.tails = kept;
        let gone: BTreeMap<LogSource, Tail> = gone;
        self.left.extend(gone.values().filter_map(Tail::position));
        let new: BTreeSet<LogSource> =
            wanted.into_iter().filter(|source| !self.tails.contains_key(source)).collect();
        // Of a guest that somebody may see now he sees what it does from now on; of one that is new, everything.
        let (shown, made): (BTreeSet<_>, BTreeSet<_>) =
            new.iter().cloned().partition(|source| known.contains(source));
        let (shown, _) = self.open_last(shown, 0, out)?;
        let places =
            shown.iter().filter_map(|(source, tail)| Some((source.clone(), tail.position()?))).collect();
        out.send(Event::LogPositions(places))?;
        let made = self.open(made, Start::After(&self.left));
        self.tails.extend(shown.into_iter().chain(made));
        Ok(new)
    }
}

/// Which records of the logs are wanted.
struct Choice {
    /// Of the VSP's, only those about this guest.
    about: Option<String>,
    level: Level,
    since_micros: Option<i64>,
    until_micros: Option<i64>,
    pattern: Option<Regex>,
}

impl Choice {
    fn has(&self, record: &LogRecord) -> bool {
        record.level <= self.level
            && self.about.as_ref().is_none_or(|guest| record.is_about(guest))
            && self.since_micros.is_none_or(|since| record.time_micros >= since)
            && self.until_micros.is_none_or(|until| record.time_micros < until)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&record.to_string()))
    }
}

/// Is `source` one of the logs of `wanted`?
fn concerns(wanted: &LogSource, source: &LogSource) -> bool {
    match (wanted, source) {
        (LogSource::Guest(name), LogSource::Console(of)) => name == of,
        // What the VSP says of it.
        (LogSource::Guest(_), LogSource::Vsp) => true,
        _ => wanted == source,
    }
}

/// The way to the client.
struct Out<'a> {
    hung_up: &'a Receiver<()>,
    send: &'a mut dyn FnMut(Vec<Event>) -> ipc::Result<()>,
    /// What has not been sent.
    events: Vec<Event>,
    /// Of messages among them.
    bytes: usize,
    /// When the first of them came.
    begun: Instant,
}

impl Out<'_> {
    /// To be called between two records, wanted or not.
    fn check(&mut self) -> ipc::Result<()> {
        match self.hung_up.try_recv() {
            Err(TryRecvError::Disconnected) => Err(ipc::Error::Closed),
            _ if !self.events.is_empty() && self.begun.elapsed() >= SOON => self.flush(),
            _ => Ok(()),
        }
    }

    /// Sends an event together with those that follow soon.
    fn send(&mut self, event: Event) -> ipc::Result<()> {
        if let Event::Log { record, .. } = &event {
            self.bytes += record.message.len();
        }
        if self.events.is_empty() {
            self.begun = Instant::now();
        }
        self.events.push(event);
        match self.events.len() >= TOGETHER || self.bytes >= TOGETHER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends what has not been sent.
    fn flush(&mut self) -> ipc::Result<()> {
        self.bytes = 0;
        match std::mem::take(&mut self.events) {
            none if none.is_empty() => Ok(()),
            events => (self.send)(events),
        }
    }

    /// Waits for news.
    fn wait(&mut self, listener: &Listener) -> ipc::Result<()> {
        self.flush()?;
        let mut select = Select::new();
        select.recv(listener.woken());
        select.recv(self.hung_up);
        select.ready();
        self.check()
    }
}

#[cfg(test)]
mod tests;
