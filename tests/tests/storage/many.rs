//! Many disks in a guest, many guests with disks.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use ipc::message::GuestState;
use nix::sys::signal::Signal;
use tests::linux::{self, begin, come_up_bare, shell};
use tests::{Console, Deadline, Guest, Vsp};

use crate::checked;

/// Most AVIO devices of a guest.
const DISKS: usize = 256;
/// Bytes written to each of them, and their size.
const PATTERN: usize = 64 << 10;
const SIZE: usize = 1 << 20;

/// Bus, slot and target of each disk by the name of its file, as `hpvmstatus -d` lists them.
fn places(guest: &Guest<'_>) -> Vec<(String, String)> {
    let listed = guest.run("status", &["-d"]).ok();
    let place = |line: &str| {
        let rest = line.strip_prefix("disk:avio_stor:")?;
        let (address, path) = rest.split_once(":file:")?;
        Some((address.to_owned(), path.to_owned()))
    };
    listed.lines().filter_map(place).collect()
}

#[test]
fn a_guest_has_256_disks_and_each_is_its_own() {
    let vsp = Vsp::new();
    let Some(guest) = linux::create(&vsp, "lin", "2", &[]) else { return };
    let disks: Vec<_> = (0..DISKS)
        .map(|n| format!("disk:avio_stor::file:{}", vsp.disk(&format!("disk{n}"), SIZE as u64)))
        .collect();
    for part in disks.chunks(64) {
        let options: Vec<_> = part.iter().flat_map(|disk| ["-a", disk]).collect();
        guest.run("modify", &options).ok();
    }
    let places = places(&guest);
    assert_eq!(places.len(), DISKS);

    let mut console = begin(&guest);
    come_up_bare(&mut console);
    shell(
        &mut console,
        &format!("until [ $(ls -d /sys/block/sd* | wc -l) = {DISKS} ]; do usleep 100000; done"),
    );
    // …/pci0000:BUS/0000:BUS:SLOT.0/virtioN/hostN/targetN:0:TARGET/N:0:TARGET:0
    console.line("for d in /sys/block/sd*; do p=$(readlink -f $d/device)");
    console.line("b=${p#*pci0000:}; b=${b%%/*}; s=${p#*/0000:$b:}; s=${s%%.*}; t=${p%:0}; t=${t##*:}");
    console.line(&format!("yes $((0x$b)),$((0x$s)),$t | head -c {PATTERN} >/dev/${{d##*/}} || echo lost"));
    shell(&mut console, "done; sync");
    let output = shell(
        &mut console,
        "dmesg | grep -v 'Power-on or device reset' | grep -ciE 'i/o error|abort|reset' ; true",
    );
    assert!(output.lines().any(|line| line.trim() == "0"), "{output}");
    console.line("poweroff");
    guest.wait_until(GuestState::Off, Deadline::System);

    for (address, path) in places {
        let mut expected: Vec<u8> = format!("{address}\n").bytes().cycle().take(PATTERN).collect();
        expected.resize(SIZE, 0);
        assert!(fs::read(&path).unwrap() == expected, "what {address} was given is not in '{path}'");
        let allocated = fs::metadata(&path).unwrap().blocks() * 512;
        assert!(allocated <= 4 * PATTERN as u64, "'{path}' is not sparse any more: {allocated}");
    }
    checked("256 AVIO disks in Linux, each with its own pattern, compared on the host");
}

const GUESTS: usize = 4;
const NAMES: [&str; GUESTS] = ["lin1", "lin2", "lin3", "lin4"];

/// Waits for the shell and mounts the two disks at /one and /two.
fn mount(console: &mut Console<'_>) {
    come_up_bare(console);
    for (target, directory) in ["one", "two"].into_iter().enumerate() {
        let path = format!("/sys/bus/scsi/devices/0:0:{target}:0/block");
        shell(console, &format!("until [ -e {path}/sd? ]; do usleep 100000; done; mkdir -p /{directory}"));
        shell(console, &format!("mount -t ext4 /dev/$(ls {path}) /{directory}"));
    }
}

fn verify(console: &mut Console<'_>) {
    for directory in ["one", "two"] {
        let output = shell(console, &format!("cd /{directory} && md5sum -c sums; cd /"));
        assert_eq!(output.matches(": OK").count(), 3, "{output}");
    }
}

/// Another program's opinion of a file system.
fn fsck(path: &std::path::Path, repair: bool) {
    let mut fsck = Command::new("e2fsck");
    // Without repair even a journal to be replayed is an error.
    let output = fsck.arg("-f").arg(if repair { "-p" } else { "-n" }).arg(path).output().unwrap();
    assert!(output.status.code().is_some_and(|status| status <= i32::from(repair)), "{output:?}");
}

#[test]
fn four_guests_keep_their_files_and_do_not_feel_that_one_is_killed() {
    let vsp = Vsp::new();
    let mut guests = Vec::new();
    for name in NAMES {
        let mut devices = Vec::new();
        for disk in ["one", "two"] {
            let path = vsp.disk(&format!("{name}-{disk}"), 64 << 20);
            let made = Command::new("mke2fs").args(["-q", "-t", "ext4", &path]).status();
            if !made.is_ok_and(|status| status.success()) {
                return println!("skipped: mke2fs is not installed");
            }
            devices.push(format!("disk:avio_stor::file:{path}"));
        }
        let Some(guest) = linux::create(&vsp, name, "1", &devices) else { return };
        guests.push(guest);
    }
    let mut consoles: Vec<_> = guests.iter().map(begin).collect();
    for console in &mut consoles {
        mount(console);
        for directory in ["one", "two"] {
            shell(
                console,
                &format!("cd /{directory}; for f in a b c; do dd if=/dev/urandom of=$f bs=1M count=2; done"),
            );
            shell(console, "md5sum a b c > sums; sync; cd /");
        }
    }
    // All of them write when the last one is killed.
    for console in &mut consoles {
        shell(
            console,
            "(while :; do dd if=/dev/zero of=/one/more bs=64k count=64 conv=fsync 2>/dev/null; done) & W=$!",
        );
    }
    let (killed, others) = (&guests[GUESTS - 1], &guests[..GUESTS - 1]);
    killed.signal(Signal::SIGKILL);
    killed.wait_until(GuestState::Off, Deadline::Soon);
    assert_eq!(killed.reason(), "The guest process ended unexpectedly: killed by signal 9 (SIGKILL).");
    consoles.truncate(others.len());
    for (guest, console) in others.iter().zip(&mut consoles) {
        shell(console, "kill $W; wait $W; echo 3 > /proc/sys/vm/drop_caches");
        verify(console);
        let output = shell(
            console,
            "dmesg | grep -v 'Power-on or device reset' | grep -ciE 'i/o error|abort|reset|ext4-fs error' ; true",
        );
        assert!(output.lines().any(|line| line.trim() == "0"), "{output}");
        assert_eq!(guest.state(), GuestState::OnOs);
        shell(console, "umount /one /two");
        console.line("poweroff");
    }
    for guest in others {
        guest.wait_until(GuestState::Off, Deadline::System);
    }
    for name in NAMES {
        for disk in ["one", "two"] {
            fsck(&vsp.path(&format!("{name}-{disk}")), name == killed.name());
        }
    }
    drop(consoles);
    let mut consoles: Vec<_> = guests.iter().map(begin).collect();
    for console in &mut consoles {
        mount(console);
        verify(console);
    }
    checked("four Linux guests, ext4 on two disks each, one killed, all compared after a restart");
}
