//! Thin executable of the guest process; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    guest_proc::main(std::env::args_os())
}
