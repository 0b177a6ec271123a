//! Standard input for menu and console: one thread reads it, and the terminal's mode says how.

use std::io::{self, IsTerminal, Read};
use std::thread;

use crossbeam_channel::{Receiver, bounded};

/// What is typed, or comes through a pipe.
pub(super) struct Input {
    chunks: Receiver<Vec<u8>>,
    pending: Vec<u8>,
    is_terminal: bool,
}

/// Standard input has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended;

impl Input {
    /// Begins to read.
    pub(super) fn start() -> io::Result<Input> {
        let (sender, chunks) = bounded(16);
        thread::Builder::new().name("stdin".into()).spawn(move || {
            let mut stdin = io::stdin().lock();
            let mut buffer = [0; 4096];
            loop {
                match stdin.read(&mut buffer) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return,
                    Ok(count) if sender.send(buffer[..count].to_vec()).is_err() => return,
                    Ok(_) => {}
                }
            }
        })?;
        Ok(Input { chunks, pending: Vec::new(), is_terminal: io::stdin().is_terminal() })
    }

    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Input {
        Input { chunks: crossbeam_channel::never(), pending: bytes.to_vec(), is_terminal: false }
    }

    /// Is it somebody's keyboard?
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next line, without its end.
    pub(super) fn line(&mut self) -> Result<String, Ended> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).trim().to_owned());
            }
            match self.chunks.recv() {
                Ok(chunk) => self.pending.extend(chunk),
                Err(_) if self.pending.is_empty() => return Err(Ended),
                Err(_) => self.pending.push(b'\n'),
            }
        }
    }

    /// What has been read and not used.
    pub(super) fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    /// Gives back what is for somebody else.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.pending.splice(..0, bytes.iter().copied());
    }

    /// What comes, to wait on.
    pub(super) fn chunks(&self) -> &Receiver<Vec<u8>> {
        &self.chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_terminals_and_files_end_them() {
        let mut input = Input::of(b"co\r cm \nleft");
        assert_eq!((input.line(), input.line()), (Ok("co".into()), Ok("cm".into())));
        assert_eq!(input.take_pending(), b"left");
        input.put_back(b"x\n");
        assert_eq!(input.line(), Ok("x".into()));
    }
}
