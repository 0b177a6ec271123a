//! One boot of the kernel from the command line: a command in the guest, everything it printed, how the machine ended.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tests::shared::guest_file;
use tests::{Deadline, hpvm};

/// A boot to be made.
pub(crate) struct Boot {
    vcpus: u32,
    initrd: bool,
    append: String,
    disks: Vec<String>,
    options: Vec<String>,
}

/// What came of it.
pub(crate) struct Ended {
    /// Everything on the guest's console.
    pub(crate) console: String,
    /// Exit status of the guest process.
    pub(crate) status: Option<i32>,
}

/// A boot from the RAM disk that runs `command` and powers off (blanks become `+`, as its `/init` wants).
pub(crate) fn boot(command: &str) -> Boot {
    let append = format!("console=ttyS0 run={}", command.replace(' ', "+"));
    Boot { vcpus: 1, initrd: true, append, disks: Vec::new(), options: Vec::new() }
}

impl Boot {
    pub(crate) fn vcpus(mut self, vcpus: u32) -> Boot {
        self.vcpus = vcpus;
        self
    }

    pub(crate) fn disk(mut self, path: &str) -> Boot {
        self.disks.push(path.to_owned());
        self
    }

    /// From the first disk in place of the RAM disk.
    pub(crate) fn root_on_disk(mut self) -> Boot {
        self.initrd = false;
        self.append.push_str(" root=/dev/sda rw init=/init");
        self
    }

    pub(crate) fn option(mut self, option: &str) -> Boot {
        self.options.push(option.to_owned());
        self
    }

    /// Boots and waits for the end; `None` (after saying so) where the images are missing.
    pub(crate) fn run(self) -> Option<Ended> {
        let kernel = guest_file("vmlinux.gz")?;
        let mut command = Command::new(hpvm());
        command.args(["guest-proc", "run", "--memory", "512M", "--kernel", &kernel]);
        command.args(["--vcpus", &self.vcpus.to_string(), "--append", &self.append]);
        if self.initrd {
            command.args(["--initrd", &guest_file("initramfs.gz")?]);
        }
        for disk in &self.disks {
            command.args(["--disk", disk]);
        }
        command.args(&self.options);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("hpvm starts");
        let mut output = child.stdout.take().expect("its output is ours");
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut console = Vec::new();
            let read = output.read_to_end(&mut console);
            _ = sender.send(read.map(|_| String::from_utf8_lossy(&console).into_owned()));
        });
        let console = match receiver.recv_timeout(limit()) {
            Ok(console) => console.expect("a pipe can be read"),
            Err(_) => {
                _ = child.kill();
                let console = receiver.recv().ok().and_then(Result::ok).unwrap_or_default();
                panic!("the guest did not end within {:?}; its console:\n{console}", limit());
            }
        };
        let status = child.wait().expect("it can be waited for").code();
        Some(Ended { console, status })
    }
}

fn limit() -> Duration {
    Deadline::System.length()
}

impl Ended {
    /// Demands that the command ended well and the machine was powered off.
    #[track_caller]
    pub(crate) fn well(self) -> Ended {
        assert!(self.console.contains("guest ready"), "the kernel did not come up:\n{}", self.console);
        assert!(self.console.contains("run: status 0"), "the command failed:\n{}", self.console);
        assert_eq!(self.status, Some(0), "power-off ends the guest process with 0:\n{}", self.console);
        self
    }

    /// Demands a line with this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Ended {
        assert!(self.console.contains(text), "no '{text}' in:\n{}", self.console);
        self
    }
}
