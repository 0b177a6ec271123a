//! A stand-alone back-end for one machine.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tests::{Deadline, hpvm, wait_for};

/// `vsp-proc avio` that listens.
pub(crate) struct BackEnd {
    process: Child,
    socket: PathBuf,
}

impl BackEnd {
    /// Listens in `directory` with these devices.
    pub(crate) fn listen(directory: &Path, devices: &[&str]) -> BackEnd {
        let socket = directory.join("socket");
        let mut command = Command::new(hpvm());
        command.args(["vsp-proc", "avio", "--listen"]).arg(&socket).args(devices);
        let process = command.stdin(Stdio::null()).spawn().expect("hpvm starts");
        let back_end = BackEnd { process, socket };
        let explain = || back_end.socket.display().to_string();
        wait_for(Deadline::Soon, "the back-end to listen", explain, || {
            back_end.socket.exists().then_some(())
        });
        back_end
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for BackEnd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
