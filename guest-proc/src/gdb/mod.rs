//! Debugging with gdb: a server that gdb connects to ([`serve`]), and the gate ([`gate::Gate`]) at which vCPU threads
//! stand still while it looks at them.
//!
//! In gdb: `set arch ia64-elf64`, then `target remote HOST:PORT`. Virtual processors are threads; while one is stepped
//! the others stand still, and so does the guest's clock.

pub mod gate;
mod registers;
mod stack;
mod target;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use gdbstub::common::Signal;
use gdbstub::conn::ConnectionExt;
use gdbstub::stub::run_blocking::{BlockingEventLoop, Event, WaitForStopReasonError};
use gdbstub::stub::{DisconnectReason, GdbStub, MultiThreadStopReason};
use tracing::{info, warn};

use self::gate::{Gate, Order};
use self::target::{Processors, thread_id};
use crate::control::{Control, Outcome};

/// How often a running guest's connection is looked at for an interruption by the user.
const POLL: Duration = Duration::from_millis(50);

/// Serves one gdb after the other until the machine has ended. Blocks; has a thread of its own.
pub fn serve(listener: &TcpListener, gate: &Arc<Gate>, control: &Arc<Control>) {
    for connection in listener.incoming() {
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                warn!(%error, "gdb's connection failed");
                continue;
            }
        };
        info!("gdb has connected");
        gate.stop_all();
        let mut processors = Processors::new(gate.clone(), control.clone());
        match GdbStub::new(connection).run_blocking::<EventLoop>(&mut processors) {
            Ok(DisconnectReason::Kill) => control.end(Outcome::Stopped),
            Ok(reason) => info!(?reason, "gdb has left"),
            Err(error) => warn!(%error, "gdb's session ended"),
        }
        gate.set_breakpoints(Vec::new());
        gate.resume(Order::Run);
    }
}

enum EventLoop {}

impl BlockingEventLoop for EventLoop {
    type Target = Processors;
    type Connection = TcpStream;
    type StopReason = MultiThreadStopReason<u64>;

    fn wait_for_stop_reason(
        target: &mut Processors,
        connection: &mut TcpStream,
    ) -> Result<Event<Self::StopReason>, WaitForStopReasonError<anyhow::Error, std::io::Error>> {
        loop {
            if connection.peek().map_err(WaitForStopReasonError::Connection)?.is_some() {
                let byte = ConnectionExt::read(connection).map_err(WaitForStopReasonError::Connection)?;
                return Ok(Event::IncomingData(byte));
            }
            if let Some(outcome) = target.control.outcome() {
                let code = crate::cli::exit_code(&outcome);
                return Ok(Event::TargetStopped(MultiThreadStopReason::Exited(code)));
            }
            if let Some(stop) = target.gate.wait_stop(POLL) {
                let tid = thread_id(stop.vcpu);
                return Ok(Event::TargetStopped(if stop.is_breakpoint {
                    MultiThreadStopReason::SwBreak(tid)
                } else {
                    // A finished step: `DoneStep` would not say whose.
                    MultiThreadStopReason::SignalWithThread { tid, signal: Signal::SIGTRAP }
                }));
            }
        }
    }

    fn on_interrupt(target: &mut Processors) -> Result<Option<Self::StopReason>, anyhow::Error> {
        target.gate.stop_all();
        Ok(Some(MultiThreadStopReason::SignalWithThread { tid: thread_id(0), signal: Signal::SIGINT }))
    }
}
