//! The operator console: what `hpvm` without arguments opens.
//!
//! ```text
//!  keys, signals ──┐            ┌── effects ──▶ link: threads that talk to the VSP, one a connection
//!  link ───────────┼─▶ update ──┤
//!  ticks ──────────┘            └── state ────▶ view ──▶ terminal
//! ```
//!
//! The loop never waits for anything but its channels: all that can block happens in threads of [`link`].
//! `update` and the view are pure, so every screen is tested without a terminal and without a VSP.

mod effect;
pub(crate) mod emulator;
pub(crate) mod keymap;
mod keys;
pub(crate) mod layout;
mod link;
pub(crate) mod msg;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod screens;
pub(crate) mod state;
pub(crate) mod update;

use crate::terminal::Screen;
use crate::view;
use crate::view::theme::Theme;
use anyhow::{Context as _, bail};
use crossbeam_channel::{Receiver, Sender, bounded, never, select, tick};
use crossterm::event::Event;
use effect::Effect;
use link::Link;
pub(crate) use link::{Connect, WhereNoneRuns};
use msg::{Millis, Msg};
use signal_hook::consts::{SIGHUP, SIGTERM};
use signal_hook::iterator::Signals;
use state::State;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// How often time passes for the state.
const TICK: Duration = Duration::from_millis(500);
/// How long messages of the VSP are taken before keys and the screen have their turn.
const TURN: Duration = Duration::from_millis(8);
/// Messages that wait for the loop. When they are that many the VSP's are left where they are, and the
/// VSP counts what it cannot send.
const WAITING_MESSAGES: usize = 256;

/// How the console is opened.
pub(crate) struct Options {
    /// Makes a connection to the VSP.
    pub(crate) connect: Connect,
    /// Draw with ASCII alone.
    pub(crate) ascii: bool,
    /// Use colours.
    pub(crate) color: bool,
}

impl Options {
    /// Colours and borders as the environment has it: `NO_COLOR` (set and not empty) takes the colours away,
    /// and a locale without UTF-8 everything but ASCII.
    pub(crate) fn from_env(connect: Connect) -> Self {
        let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default();
        let is_utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
        Self { connect, ascii: !is_utf8, color: value("NO_COLOR").is_none() }
    }
}

/// Opens the console and returns when the operator leaves it. Guests and VSP go on.
///
/// # Errors
/// When there is no terminal, or it is lost.
pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        bail!("the operator console needs a terminal; 'hpvm help' lists the commands that do not");
    }
    let (input, keys) = bounded(WAITING_MESSAGES);
    let (sender, vsp) = bounded(WAITING_MESSAGES);
    let mut link = Link::new(options.connect, sender);
    watch_signals(input.clone())?;
    let mut screen = Screen::enter().context("cannot use the terminal")?;
    read_input(input)?;

    let theme = Theme::new(options.color, options.ascii);
    let mut state = State::new(screen.size(), now(), jiff::tz::TimeZone::system());
    let mut desk = Desk { screen: &mut screen, link: &mut link, state: &mut state };
    for effect in update::initial_effects() {
        desk.perform(effect)?;
    }
    desk.take(time_passes())?;
    desk.work(&theme, &keys, &vsp)?;
    Ok(ExitCode::SUCCESS)
}

/// The loop with all it works on.
struct Desk<'a> {
    screen: &'a mut Screen,
    link: &'a mut Link,
    state: &'a mut State,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Leave,
}

impl Desk<'_> {
    fn work(&mut self, theme: &Theme, keys: &Receiver<Msg>, vsp: &Receiver<Msg>) -> anyhow::Result<()> {
        let ticks = tick(TICK);
        let mut drawn: Option<Instant> = None;
        let mut is_dirty = true;
        loop {
            let until_frame = drawn.map_or(Duration::ZERO, |drawn| FRAME.saturating_sub(drawn.elapsed()));
            if is_dirty && until_frame.is_zero() {
                self.screen
                    .draw(|frame| view::draw(self.state, theme, frame))
                    .context("the terminal is gone")?;
                drawn = Some(Instant::now());
                is_dirty = false;
            }
            let frame_due = if is_dirty { crossbeam_channel::after(until_frame) } else { never() };
            let msg = select! {
                recv(keys) -> msg => msg.context("the keyboard is gone")?,
                recv(vsp) -> msg => msg.context("the connection's threads are gone")?,
                recv(ticks) -> _ => time_passes(),
                recv(frame_due) -> _ => continue,
            };
            is_dirty = true;
            if self.take(msg)? == Flow::Leave || self.take_waiting(keys, vsp)? == Flow::Leave {
                return Ok(());
            }
        }
    }

    /// Takes what waits, keys first, for one turn.
    fn take_waiting(&mut self, keys: &Receiver<Msg>, vsp: &Receiver<Msg>) -> anyhow::Result<Flow> {
        let turn = Instant::now();
        while turn.elapsed() < TURN {
            let Ok(msg) = keys.try_recv().or_else(|_| vsp.try_recv()) else { break };
            if self.take(msg)? == Flow::Leave {
                return Ok(Flow::Leave);
            }
        }
        Ok(Flow::GoOn)
    }

    fn take(&mut self, msg: Msg) -> anyhow::Result<Flow> {
        if let Msg::Resize(columns, lines) = msg {
            self.screen.resize(columns, lines).context("the terminal is gone")?;
        }
        for effect in update::update(self.state, msg) {
            if self.perform(effect)? == Flow::Leave {
                return Ok(Flow::Leave);
            }
        }
        Ok(Flow::GoOn)
    }

    fn perform(&mut self, effect: Effect) -> anyhow::Result<Flow> {
        match effect {
            Effect::Quit => return Ok(Flow::Leave),
            Effect::Redraw => self.screen.clear().context("the terminal is gone")?,
            other => {
                if let Some(msg) = self.link.perform(other) {
                    return self.take(msg);
                }
            }
        }
        Ok(Flow::GoOn)
    }
}

fn time_passes() -> Msg {
    Msg::Tick { now: now(), host_load: host_load() }
}

/// The wall clock, in milliseconds since 1970.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The first figure of `/proc/loadavg`: runnable tasks on average over the last minute.
fn host_load() -> Option<f32> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn read_input(input: Sender<Msg>) -> anyhow::Result<()> {
    let read = move || {
        loop {
            let msg = match crossterm::event::read() {
                Ok(Event::Key(key)) => Msg::Key(key),
                Ok(Event::Paste(text)) => Msg::Paste(text),
                Ok(Event::Resize(columns, lines)) => Msg::Resize(columns, lines),
                Ok(_) => continue,
                // The terminal is gone, and nobody is there to be told.
                Err(_) => Msg::Terminate,
            };
            let is_last = matches!(msg, Msg::Terminate);
            if input.send(msg).is_err() || is_last {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).context("cannot start a thread")?;
    Ok(())
}

fn watch_signals(input: Sender<Msg>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    let watch = move || {
        for _ in &mut signals {
            if input.send(Msg::Terminate).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).context("cannot start a thread")?;
    Ok(())
}

#[cfg(test)]
mod tests;
