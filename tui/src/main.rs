//! `hpvm`: the operator console, every command, and the processes behind them, in one executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    hpvm::main()
}
