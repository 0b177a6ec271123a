//! The command line of a guest process: `run` for a developer's terminal, `managed` for the VSP.

mod inherited;
mod managed;
mod run;
mod size;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::console::LogWriter;
use crate::control::Outcome;

const EXIT_CODES: &str = "\
Exit status:
  0  the guest switched itself off
  1  the machine could not be made, loaded or run
  2  wrong arguments
  3  the guest asked for a reset and --no-reboot was given
  4  the guest cannot go on: a fatal loop, or a fault with nobody to handle it
  5  stopped by the operator (leave key or signal)

Trace levels (--trace) are those of the `tracing` crate, e.g. debug, or guest_proc::firmware=debug,ia64=trace.";

/// One Itanium guest as a process.
#[derive(Parser)]
#[command(name = "guest-proc", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Run a guest on this terminal
    Run(RunArguments),
    /// Run a guest for the VSP, which says everything else over an inherited socket
    Managed {
        /// Descriptor of the connected Unix socket
        #[arg(long, value_name = "N")]
        control_fd: i32,
        /// Directory for log files; without it the log goes to standard error
        #[arg(long, value_name = "DIR")]
        log_dir: Option<PathBuf>,
        /// Name of the guest in its log
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
}

/// What `run` is told; of an option given twice the last counts.
#[derive(Args)]
#[command(args_override_self = true)]
struct RunArguments {
    /// Kernel: an ia64 ELF executable, perhaps gzip-compressed
    #[arg(long, value_name = "FILE")]
    kernel: PathBuf,
    /// Initial RAM disk
    #[arg(long, value_name = "FILE")]
    initrd: Option<PathBuf>,
    /// Kernel command line
    #[arg(long, value_name = "STRING", default_value = "")]
    append: String,
    /// RAM, with suffix K, M or G; megabytes without
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size::parse)]
    memory: u64,
    /// Virtual processors, 1 to 16
    #[arg(long, value_name = "N", default_value_t = 1)]
    vcpus: usize,
    /// Raw disk image, served by a process of its own; may be repeated
    #[arg(long, value_name = "FILE")]
    disk: Vec<PathBuf>,
    /// Wait for gdb at this TCP address (HOST:PORT) before the first instruction
    #[arg(long, value_name = "ADDR")]
    gdb: Option<String>,
    /// End instead of starting anew when the guest asks for a reset
    #[arg(long)]
    no_reboot: bool,
    /// What to log on standard error
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    trace: String,
}

/// Exit status for how a machine ended.
pub(crate) fn exit_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::PowerOff => 0,
        Outcome::Reset => 3,
        Outcome::Fatal(_) => 4,
        Outcome::Stopped => 5,
    }
}

/// The whole program: takes the arguments (the program's name first), returns the exit status.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output; a closed one is no error.
            _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let result = match cli.role {
        Role::Run(arguments) => log_for_people(&arguments.trace).and_then(|()| run::run(&arguments)),
        Role::Managed { control_fd, log_dir, name } => {
            managed::run(control_fd, log_dir.as_deref(), name.as_deref())
        }
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(format_args!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

/// One line for the operator on standard error; nobody may be reading it.
fn say(line: std::fmt::Arguments<'_>) {
    _ = LogWriter.write_all(format!("guest-proc: {line}\n").as_bytes());
}

fn log_for_people(filter: &str) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| anyhow::anyhow!("--trace {filter:?}: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogWriter)
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}
