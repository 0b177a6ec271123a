//! `guest-proc run`: a guest on the developer's terminal.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{debug, error, info};

use super::{RunArguments, exit_code, say};
use crate::avio;
use crate::console::{self, RawTerminal};
use crate::control::Outcome;
use crate::gdb;
use crate::loader::{BootSource, Image};
use crate::machine::Machine;
use crate::pci::host::Location;

/// Runs the guest until it ends; returns the exit status.
pub(super) fn run(arguments: &RunArguments) -> anyhow::Result<u8> {
    let source = BootSource {
        kernel: Image::open(&arguments.kernel)?,
        initrd: arguments.initrd.as_deref().map(Image::open).transpose()?,
        command_line: arguments.append.clone(),
    };
    let machine = Arc::new(Machine::new(arguments.memory, arguments.vcpus)?);
    let _back_end = if arguments.disk.is_empty() {
        None
    } else {
        let request_queues = arguments.vcpus as u16;
        let (connection, back_end) = avio::start_back_end(&arguments.disk, request_queues)?;
        avio::attach(&machine, Location { bus: 0, slot: 0 }, request_queues, connection)?;
        Some(back_end)
    };
    let mut start = machine.load(&source)?;

    if let Some(address) = &arguments.gdb {
        serve_gdb(&machine, address)?;
    }
    say(format_args!("Ctrl-] leaves and stops the guest"));
    let terminal = RawTerminal::enter();
    end_on_signals(&machine)?;
    let output = {
        let uart = machine.uart.clone();
        std::thread::Builder::new().name("console-out".into()).spawn(move || console::copy_output(&uart))?
    };
    {
        let machine = machine.clone();
        std::thread::Builder::new()
            .name("console-in".into())
            .spawn(move || console::copy_input(&machine.uart, &machine.control))?;
    }
    let outcome = loop {
        let outcome = machine.run(start)?;
        report(&outcome);
        let counters = &machine.counters;
        debug!(
            instructions = counters.instructions(),
            idle_millis = counters.idle_nanos() / 1_000_000,
            "figures since start"
        );
        if outcome != Outcome::Reset || arguments.no_reboot {
            break outcome;
        }
        machine.reset().context("cannot reset the machine")?;
        start = machine.load(&source)?;
    };
    // As power-off does; from here on no driver waits for the back-end.
    machine.pci.reset();
    machine.uart.close();
    _ = output.join();
    drop(terminal);
    Ok(exit_code(&outcome))
}

/// The log line of each way to end.
fn report(outcome: &Outcome) {
    match outcome {
        Outcome::PowerOff => info!("the guest switched itself off"),
        Outcome::Reset => info!("the guest is reset"),
        Outcome::Stopped => info!("stopped by the operator"),
        Outcome::Fatal(reason) => error!("the guest cannot go on: {reason}"),
    }
}

fn end_on_signals(machine: &Arc<Machine>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let machine = machine.clone();
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if signals.forever().next().is_some() {
            machine.control.end(Outcome::Stopped);
        }
    })?;
    Ok(())
}

/// Lets gdb connect at `address`; the machine waits for it.
fn serve_gdb(machine: &Machine, address: &str) -> anyhow::Result<()> {
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot listen for gdb at {address}"))?;
    let address = listener.local_addr()?;
    say(format_args!("waiting for gdb at {address} (set arch ia64-elf64; target remote {address})"));
    machine.gate.close();
    let (gate, control) = (machine.gate.clone(), machine.control.clone());
    std::thread::Builder::new().name("gdb".into()).spawn(move || gdb::serve(&listener, &gate, &control))?;
    Ok(())
}
