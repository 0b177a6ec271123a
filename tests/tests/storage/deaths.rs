//! A VSP that dies at any moment, and the one that comes after it.

use std::thread;
use std::time::{Duration, SystemTime};

use tests::{Console, Deadline, Guest, Vsp};

/// Times the VSP is killed during whatever is done; more in a long run.
pub(crate) fn kills() -> u32 {
    std::env::var("KITTSON_VSP_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Kills the VSP at any moment within a second; the next one is there when this returns, with a guest's console.
pub(crate) fn replace_vsp<'a>(vsp: &'a Vsp, guest: &'a Guest<'a>) -> Console<'a> {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
    thread::sleep(Duration::from_millis(u64::from(nanos % 1000)));
    vsp.kill();
    assert_eq!(vsp.run(&["status"]).status(), 0);
    let mut console = guest.console();
    at_prompt(&mut console);
    console
}

/// Comes to the shell's prompt, past what the console has said before, which a new viewer is told again.
pub(crate) fn at_prompt(console: &mut Console<'_>) {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
    // The echo of the line has no such number.
    console.line(&format!("echo here-$((1+{nanos}))="));
    console.expect(&format!("here-{}=", nanos + 1), Deadline::System);
    console.expect("guest# ", Deadline::System);
}
