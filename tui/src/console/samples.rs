//! Guests, log records and whole consoles for tests.

use super::msg::{ConsoleEvent, Millis, Msg, VspMsg};
use super::screens::guest_console::ConsoleId;
use super::state::State;
use super::update::update;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ipc::guest::Stats;
use ipc::log::{Level, LogRecord, LogSource};
use ipc::message::{GuestState, GuestSummary, VspStatus};
use jiff::tz::TimeZone;
use uuid::Uuid;

/// 2026-11-23 20:00:00 UTC.
pub(crate) const NOW: Millis = 1_795_464_000_000;

/// A guest that is in `state` for two minutes.
pub(crate) fn guest(number: u32, name: &str, state: GuestState) -> GuestSummary {
    let is_on = state.is_on();
    GuestSummary {
        name: name.to_owned(),
        number,
        uuid: Uuid::from_u128(u128::from(number)),
        os_type: "LINUX".to_owned(),
        state,
        vcpus: 2,
        devices: 1,
        networks: 0,
        memory_bytes: 512 << 20,
        pid: is_on.then_some(4711),
        since_micros: is_on.then_some((NOW - 123_000) * 1000),
        reason: None,
        stats: is_on.then(Stats::default),
    }
}

/// As many guests, the first three of each ten running.
pub(crate) fn guests(count: u32) -> Vec<GuestSummary> {
    let state = |number| if number % 10 < 3 { GuestState::OnOs } else { GuestState::Off };
    (1..=count).map(|number| guest(number, &format!("guest{number:03}"), state(number))).collect()
}

/// A VSP that runs for three hours and a quarter.
pub(crate) fn status() -> Box<VspStatus> {
    Box::new(VspStatus {
        build: "0.1.0".to_owned(),
        pid: 4242,
        root: "/var/opt/hpvm".to_owned(),
        since_micros: (NOW - 11_700_000) * 1000,
        guests: 3,
        running: 1,
        clients: 1,
    })
}

/// A log record of `source`, some seconds ago.
pub(crate) fn record(source: &str, level: Level, seconds_ago: Millis, message: &str) -> LogRecord {
    LogRecord {
        source: if source == "vsp" { LogSource::Vsp } else { LogSource::Guest(source.to_owned()) },
        time_micros: (NOW - seconds_ago * 1000) * 1000,
        level,
        target: "vsp".to_owned(),
        message: message.to_owned(),
        fields: vec![("pid".to_owned(), "4711".to_owned())],
    }
}

/// A console before its first connection.
pub(crate) fn unconnected(size: (u16, u16)) -> State {
    let mut state = State::new(size, NOW, TimeZone::UTC);
    update(&mut state, Msg::Tick { now: NOW, host_load: Some(0.42) });
    state
}

/// A console on a VSP with these guests.
pub(crate) fn connected(size: (u16, u16), guests: Vec<GuestSummary>) -> State {
    let mut state = unconnected(size);
    update(&mut state, Msg::Vsp(VspMsg::Up(status())));
    update(&mut state, Msg::Vsp(VspMsg::Guests { at: NOW, guests }));
    state
}

/// A console on a VSP with three guests, one running and selected, its console and the log filled.
pub(crate) fn busy(size: (u16, u16)) -> State {
    let mut off = guest(3, "oracle-test", GuestState::Off);
    off.reason = Some("switched off by its operating system".to_owned());
    off.memory_bytes = 16 << 30;
    off.os_type = "HPUX".to_owned();
    let running = guest(1, "demo", GuestState::OnOs);
    let mut state = connected(size, vec![running.clone(), guest(2, "sles01", GuestState::Starting), off]);
    let mut later = running;
    later.stats = Some(Stats { cpu_micros: 1_040_000, instructions: 312_000_000, ..Stats::default() });
    update(&mut state, Msg::Vsp(VspMsg::Guest { at: NOW + 2000, guest: Box::new(later) }));
    output(&mut state, b"Linux version 6.6.144 (ia64-unknown-linux-gnu-gcc) #1 SMP\r\n");
    output(&mut state, b"\x1b[32mguest ready\x1b[0m\r\n/ # ");
    for (source, level, ago, message) in [
        ("vsp", Level::Info, 11_699, "VSP ready"),
        ("vsp", Level::Info, 125, "guest started"),
        ("demo", Level::Info, 123, "firmware hands over"),
        ("demo", Level::Debug, 122, "PCI configuration write"),
        ("demo", Level::Warn, 60, "unimplemented SAL procedure, the guest was told so"),
        ("vsp", Level::Error, 5, "backing store cannot be opened: No such file or directory (os error 2)"),
    ] {
        log(&mut state, record(source, level, ago, message));
    }
    state
}

/// The opening of the console that is shown.
pub(crate) fn console_id(state: &State) -> ConsoleId {
    state.console().expect("a console is open").id
}

/// The shown guest prints; on a screen too small for any console nobody listens.
pub(crate) fn output(state: &mut State, bytes: &[u8]) {
    let Some(id) = state.console().map(|console| console.id) else { return };
    update(state, Msg::Vsp(VspMsg::Console { id, event: ConsoleEvent::Output(bytes.to_vec()) }));
}

/// A log record arrives.
pub(crate) fn log(state: &mut State, record: LogRecord) {
    update(state, Msg::Vsp(VspMsg::Log(Box::new(record))));
}

/// A key without modifiers.
pub(crate) fn key(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// A character held with Ctrl.
pub(crate) fn ctrl(character: char) -> Msg {
    Msg::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL))
}

/// Types every character of `text`.
pub(crate) fn type_text(state: &mut State, text: &str) {
    for character in text.chars() {
        update(state, key(KeyCode::Char(character)));
    }
}
