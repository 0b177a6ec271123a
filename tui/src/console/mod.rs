//! The operator console: what `hpvm` without arguments opens.
//!
//! ```text
//!  keys, signals ──┐            ┌── effects ──▶ link: threads that talk to the VSP, one a connection
//!  link ───────────┼─▶ update ──┤
//!  ticks ──────────┘            └── state ────▶ view ──▶ terminal
//! ```
//!
//! The loop never waits for anything but its channels: all that can block happens in threads of [`link`], and of
//! [`Screen`] for a terminal that takes no more.
//! `update` and the view are pure, so every screen is tested without a terminal and without a VSP.

pub(crate) mod command;
pub(crate) mod effect;
pub(crate) mod emulator;
pub(crate) mod figures;
pub(crate) mod keymap;
mod keys;
pub(crate) mod layout;
mod link;
pub(crate) mod msg;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod samples;
pub(crate) mod screens;
pub(crate) mod settings;
pub(crate) mod state;
mod system;
pub(crate) mod update;

use crate::terminal::Screen;
use crate::view;
use crate::view::ClickMap;
use crate::view::theme::{Palette, Theme};
use anyhow::{Context as _, bail};
use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, tick};
use crossterm::event::{Event, MouseEventKind};
use effect::Effect;
use link::Link;
pub(crate) use link::{Connect, WhereNoneRuns};
use msg::{Msg, VspMsg};
use screens::guest_console::ConsoleId;
use settings::{Borders, Colors, Settings, WhereAbsent};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use state::{Layer, Message, State};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// What a guest prints for so long after a key was typed at it is taken for its echo, which may come in several pieces.
const ECHO: Duration = Duration::from_millis(40);
/// How often time passes for the state.
const TICK: Duration = Duration::from_millis(500);
/// How long messages of the VSP are taken before keys and the screen have their turn.
const TURN: Duration = Duration::from_millis(4);
/// Messages that wait for the loop. When they are that many the VSP's are left where they are, and the
/// VSP counts what it cannot send.
const WAITING_MESSAGES: usize = 256;
/// What is said where there is none to say it on.
const TERMINAL_GONE: &str = "the terminal is gone";

/// How the console is opened.
pub(crate) struct Options {
    /// Makes a connection to the VSP.
    pub(crate) connect: Connect,
    /// Start a VSP where none runs, whatever the settings say.
    pub(crate) start: bool,
    /// At most so many frames a second, whatever the settings say.
    pub(crate) frames_per_second: Option<u16>,
}

/// Opens the console and returns when the operator leaves it. Guests and VSP go on.
///
/// # Errors
/// When there is no terminal, or it is lost.
pub(crate) fn run(options: Options) -> anyhow::Result<ExitCode> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        bail!("the operator console needs a terminal; 'hpvm help' lists the commands that do not");
    }
    let Some(kind) = system::terminal() else {
        bail!(
            "the operator console needs a terminal that is not 'dumb'; 'hpvm help' lists the commands that do not"
        );
    };
    let (settings, complaint) = settings(&options);
    let (input, keys) = bounded(WAITING_MESSAGES);
    let (sender, vsp) = bounded(WAITING_MESSAGES);
    let mut link = Link::new(options.connect, sender);
    watch_signals(input.clone())?;
    let mut screen =
        Screen::enter(settings.mouse, settings.frames_per_second).context("cannot use the terminal")?;
    read_input(input)?;

    let is_ascii = match settings.borders {
        Borders::Auto => !system::has_utf8() || kind.has_few_characters,
        Borders::Utf8 => false,
        Borders::Ascii => true,
    };
    let palette = match settings.theme {
        _ if system::wants_no_color() => Palette::None,
        Colors::Auto => kind.palette,
        Colors::Dark => Palette::Dark,
        Colors::Light => Palette::Light,
        Colors::Sixteen => Palette::Sixteen,
        Colors::None => Palette::None,
    };
    let mut state = State::new(screen.size(), system::now(), jiff::tz::TimeZone::system(), settings);
    state.palette = palette;
    if let Some(text) = complaint {
        let title = "The settings are not used".to_owned();
        state.layers.push(Layer::Message(Message { title, text, is_bad: true, top: 0 }));
    }
    let first = update::initial_effects(&state);
    let clicks = ClickMap::default();
    let mut desk =
        Desk { screen: &mut screen, link: &mut link, state: &mut state, is_ascii, clicks, typed: None };
    for effect in first {
        desk.perform(effect)?;
    }
    desk.take(time_passes())?;
    desk.work(&keys, &vsp)?;
    Ok(ExitCode::SUCCESS)
}

/// The settings, and what is wrong with their file.
fn settings(options: &Options) -> (Settings, Option<String>) {
    let read = settings::path().map_or_else(|| Ok(Settings::default()), |path| settings::read(&path));
    let (mut settings, complaint) = match read {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::default(), Some(format!("{error:#}"))),
    };
    if options.start {
        settings.vsp = WhereAbsent::Start;
    }
    if let Some(frames) = options.frames_per_second {
        settings.frames_per_second = frames;
    }
    (settings, complaint)
}

/// The loop with all it works on.
struct Desk<'a> {
    screen: &'a mut Screen,
    link: &'a mut Link,
    state: &'a mut State,
    /// Only ASCII is drawn.
    is_ascii: bool,
    /// What was drawn last, for the mouse.
    clicks: ClickMap,
    /// Where something was typed last, and when.
    typed: Option<(ConsoleId, Instant)>,
}

/// Whether the screen is as the state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dirt {
    /// It is.
    Clean,
    /// Something has changed.
    Some,
    /// The operator did something.
    Urgent,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Leave,
}

impl Desk<'_> {
    fn work(&mut self, keys: &Receiver<Msg>, vsp: &Receiver<Msg>) -> anyhow::Result<()> {
        let ticks = tick(TICK);
        let written = self.screen.written();
        let mut dirt = Dirt::Urgent;
        loop {
            let until_frame = match dirt {
                Dirt::Clean => None,
                Dirt::Some | Dirt::Urgent => self.screen.until_frame(dirt == Dirt::Urgent),
            };
            if until_frame.is_some_and(|wait| wait.is_zero()) {
                self.draw()?;
                dirt = Dirt::Clean;
                continue;
            }
            let frame_due = until_frame.map_or_else(never, crossbeam_channel::after);
            // In this order: a guest that prints on and on has always something to say.
            let (msg, comes_from) = select_biased! {
                recv(written) -> result => {
                    self.screen.take(result.map_err(io::Error::other).flatten().context(TERMINAL_GONE)?);
                    continue;
                }
                recv(keys) -> msg => (msg.context("the keyboard is gone")?, Dirt::Urgent),
                recv(ticks) -> _ => (time_passes(), Dirt::Some),
                recv(vsp) -> msg => {
                    let msg = msg.context("the connection's threads are gone")?;
                    let dirt = self.dirt_of(&msg);
                    (msg, dirt)
                }
                recv(frame_due) -> _ => continue,
            };
            dirt = dirt.max(comes_from);
            if self.take(msg)? == Flow::Leave {
                return Ok(());
            }
            match self.take_waiting(keys, vsp, comes_from)? {
                (Flow::Leave, _) => return Ok(()),
                (Flow::GoOn, came) => dirt = dirt.max(came),
            }
        }
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let theme = Theme::new(self.state.palette, self.is_ascii);
        let (state, clicks) = (&*self.state, &mut self.clicks);
        let draw = |frame: &mut ratatui::Frame<'_>| *clicks = view::draw(state, &theme, frame);
        self.screen.draw(draw).context(TERMINAL_GONE)?;
        self.state.note_drawn();
        Ok(())
    }

    /// Takes what waits, keys first, for one turn; also says what came.
    fn take_waiting(
        &mut self,
        keys: &Receiver<Msg>,
        vsp: &Receiver<Msg>,
        mut came: Dirt,
    ) -> anyhow::Result<(Flow, Dirt)> {
        let turn = Instant::now();
        while turn.elapsed() < TURN {
            let (msg, from) = match (keys.try_recv(), came) {
                (Ok(msg), _) => (msg, Dirt::Urgent),
                // What a key did is shown before more of the VSP is taken.
                (Err(_), Dirt::Urgent) => break,
                (Err(_), _) => match vsp.try_recv() {
                    Ok(msg) => {
                        let dirt = self.dirt_of(&msg);
                        (msg, dirt)
                    }
                    Err(_) => break,
                },
            };
            came = came.max(from);
            if self.take(msg)? == Flow::Leave {
                return Ok((Flow::Leave, came));
            }
        }
        Ok((Flow::GoOn, came))
    }

    /// How soon a message of the VSP is to be seen: a guest's echo belongs to the key.
    fn dirt_of(&self, msg: &Msg) -> Dirt {
        match (msg, self.typed) {
            (Msg::Vsp(VspMsg::Console { id, .. }), Some((typed_at, at)))
                if *id == typed_at && at.elapsed() < ECHO =>
            {
                Dirt::Urgent
            }
            _ => Dirt::Some,
        }
    }

    fn take(&mut self, mut msg: Msg) -> anyhow::Result<Flow> {
        match &mut msg {
            Msg::Resize(columns, lines) => {
                self.screen.resize(*columns, *lines);
            }
            Msg::Mouse { event, target } => *target = self.clicks.at(event.column, event.row),
            _ => {}
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
            Effect::Redraw => self.screen.clear(),
            Effect::Copy(text) => self.screen.copy(text),
            other => {
                if let Effect::Input { id, .. } = &other {
                    self.typed = Some((*id, Instant::now()));
                }
                if let Some(msg) = self.link.perform(other) {
                    return self.take(msg);
                }
            }
        }
        Ok(Flow::GoOn)
    }
}

fn time_passes() -> Msg {
    Msg::Tick { now: system::now(), host: system::host() }
}

fn read_input(input: Sender<Msg>) -> anyhow::Result<()> {
    let read = move || {
        loop {
            let msg = match crossterm::event::read() {
                Ok(Event::Key(key)) => Msg::Key(key),
                Ok(Event::Paste(text)) => Msg::Paste(text),
                // Where the mouse only moves, nothing happens.
                Ok(Event::Mouse(event)) if event.kind != MouseEventKind::Moved => {
                    Msg::Mouse { event, target: None }
                }
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
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT]).context("cannot watch for signals")?;
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
