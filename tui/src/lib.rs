//! The operator console and the commands; the executable `hpvm` is [`main`] alone.

mod cli;
mod console;
mod terminal;
mod view;

#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs what the arguments of this process ask for.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1).and_then(|role| role.to_str()) {
        // The processes of a VSP are this executable again, under these names.
        Some(cli::vsp::PROCESS_ROLE) => cli::vsp::process(&arguments[2..]),
        Some(cli::vsp::GUEST_ROLE) => guest_proc::main(arguments.into_iter().skip(1)),
        _ => cli::main(&arguments),
    }
}
