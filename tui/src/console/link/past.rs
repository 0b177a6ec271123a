//! Reads a part of the kept logs. The VSP sends all that is of the wanted level and source; what the filter lets through is
//! chosen here, by the rules of the lines that are on the screen already.

use super::running;
use crate::console::link::Connect;
use crate::console::msg::{Msg, VspMsg};
use crate::console::screens::logs::{From, Line, PastPart, PastQuery, READ_LINES, Source};
use crossbeam_channel::{Receiver, Sender, select};
use ipc::log::LogSource;
use ipc::message::{Consoles, Event, LogQuery, Subscription};
use std::collections::VecDeque;

/// Why there is no answer.
enum Unread {
    /// Nobody waits for it any more.
    Unwanted,
    Failed(String),
}

/// Answers a query, unless `end` is closed before.
pub(super) fn read(connect: &Connect, query: &PastQuery, end: &Receiver<()>, msgs: &Sender<Msg>) {
    let part = match query.from {
        From::Since(moment) => forwards(connect, query, moment, end),
        From::UpTo(moment) => backwards(connect, query, moment, end),
    };
    let result = match part {
        Ok(part) => Ok(part),
        Err(Unread::Failed(problem)) => Err(problem),
        Err(Unread::Unwanted) => return,
    };
    let _ = super::send(msgs, VspMsg::Past { id: query.id, result });
}

fn forwards(
    connect: &Connect,
    query: &PastQuery,
    moment: i64,
    end: &Receiver<()>,
) -> Result<PastPart, Unread> {
    let mut lines = Vec::new();
    let mut known = query.known;
    let log = LogQuery { since_micros: Some(moment), ..log_query(query) };
    let is_end = each_line(connect, log, end, |line| {
        if !query.choice.has(&line) {
            return true;
        }
        if known > 0 && line.time == moment {
            known -= 1;
            return true;
        }
        lines.push(line);
        lines.len() < READ_LINES
    })?;
    Ok(PastPart { lines, is_end })
}

/// The VSP counts what it sends, not what is wanted of it: it is asked for more until enough is.
fn backwards(
    connect: &Connect,
    query: &PastQuery,
    moment: i64,
    end: &Receiver<()>,
) -> Result<PastPart, Unread> {
    let wanted = READ_LINES + query.known;
    let mut asked = u32::try_from(wanted).unwrap_or(u32::MAX);
    loop {
        let mut lines = VecDeque::new();
        let mut came = 0;
        let log =
            LogQuery { until_micros: Some(moment.saturating_add(1)), last: Some(asked), ..log_query(query) };
        each_line(connect, log, end, |line| {
            came += 1;
            if query.choice.has(&line) {
                lines.push_back(line);
                if lines.len() > wanted {
                    lines.pop_front();
                }
            }
            true
        })?;
        if lines.len() < wanted && came >= asked {
            asked = asked.saturating_mul(4);
            continue;
        }
        let is_end = came < asked && lines.len() <= wanted;
        let of_moment = lines.iter().rev().take_while(|line| line.time == moment).count();
        lines.truncate(lines.len() - query.known.min(of_moment));
        return Ok(PastPart { lines: lines.into(), is_end });
    }
}

/// The VSP's part of the choice.
fn log_query(query: &PastQuery) -> LogQuery {
    let (source, consoles) = match &query.choice.source {
        Source::All => (None, Consoles::Also),
        Source::Vsp => (Some(LogSource::Vsp), Consoles::Without),
        Source::Guests => (None, Consoles::Without),
        Source::Consoles => (None, Consoles::Only),
        Source::Guest(name) => (Some(LogSource::Guest(name.clone())), Consoles::Also),
    };
    LogQuery { source, consoles, level: query.choice.level, ..LogQuery::default() }
}

/// Gives each line that the VSP sends to `take`, until that has enough. Whether all were given.
fn each_line(
    connect: &Connect,
    query: LogQuery,
    end: &Receiver<()>,
    mut take: impl FnMut(Line) -> bool,
) -> Result<bool, Unread> {
    let subscribe = || anyhow::Ok(running(connect)?.subscribe(Subscription::Log(query))?);
    let stream = subscribe().map_err(|error| Unread::Failed(format!("{error:#}")))?;
    loop {
        let event = select! {
            recv(stream.events()) -> event => event,
            recv(end) -> _ => return Err(Unread::Unwanted),
        };
        match event {
            Ok(Ok(Event::Log { record, .. })) => {
                if !take(record.into()) {
                    return Ok(false);
                }
            }
            Ok(Ok(Event::ReplayDone)) => return Ok(true),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(Unread::Failed(super::error_chain(&error))),
            Err(_) => return Err(Unread::Failed("the connection has ended".to_owned())),
        }
    }
}
