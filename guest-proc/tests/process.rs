//! The guest process from the outside: what it prints, how it ends, what gdb sees.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const LOAD_ADDRESS: u64 = 0x200_0000;

/// By GNU as: `{ adds r8=1,r0; adds r9=2,r0;; adds r10=3,r9;; } { nop.m; nop.i; br.few . ;; }`
const ENDLESS: &str = "03400400002190100000424031480084 11000000010000000002000000000040";
/// By GNU as: stores "o" and "k" at the UART (physical, uncacheable), then SLP_EN with the type of S5 in PM1 control:
/// `movl r2=0x80000000ff5e0000; mov r3=111; st1 [r2]=r3; mov r3=107; st1 [r2]=r3; movl r4=0x800003fffc141504;
/// movl r5=0x3400; st2 [r4]=r5; br.few .`
const PRINT_AND_POWER_OFF: &str = "050000000140ff000000004000c00368 0118bc01002400000002000000000400 \
    0b000c04801130580300480000000400 05000c048011fcff030000804080aa68 0500000001000000000000a00000a061 \
    11001408881100000002000000000040";
/// By GNU as: `{ break.m 0x123; nop.i; nop.i;; }`
const BREAK: &str = "01180900000000000002000000000400";

/// An executable with these bundles, loaded and entered at [`LOAD_ADDRESS`].
fn executable(bundles: &str) -> Vec<u8> {
    let digits: Vec<u8> = bundles.bytes().filter(|byte| byte.is_ascii_hexdigit()).collect();
    let code: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([2, 0, 50, 0, 1, 0, 0, 0]);
    bytes.extend([LOAD_ADDRESS, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend([0x10, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    bytes.extend([1, 0, 0, 0, 7, 0, 0, 0]);
    let len = code.len() as u64;
    bytes.extend(
        [120, LOAD_ADDRESS, LOAD_ADDRESS, len, len, 0x1_0000].iter().flat_map(|word| word.to_le_bytes()),
    );
    bytes.extend(code);
    bytes
}

struct Kernel(TempDir);

impl Kernel {
    fn new(contents: &[u8]) -> Kernel {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("kernel"), contents).unwrap();
        Kernel(directory)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        command(&self.0.path().join("kernel"), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn command(kernel: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guest-proc"));
    command.args(["run", "--memory", "64M", "--kernel"]).arg(kernel).args(arguments).stdin(Stdio::null());
    command
}

/// Standard error without the line about the leave key.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("Ctrl-]")).collect();
    lines.join("\n")
}

#[test]
fn a_guest_that_switches_itself_off_ends_with_status_0() {
    let output = Kernel::new(&executable(PRINT_AND_POWER_OFF)).run(&[]);
    assert_eq!(
        (output.status.code(), &output.stdout[..], complaint(&output)),
        (Some(0), &b"ok"[..], String::new())
    );
}

#[test]
fn an_endless_loop_with_interrupts_off_is_fatal() {
    let output = Kernel::new(&executable(ENDLESS)).run(&["--vcpus", "2"]);
    assert_eq!(output.status.code(), Some(4));
    let complaint = complaint(&output);
    assert!(
        complaint.ends_with(
            "the guest cannot go on: processor 0 is in an endless loop with interrupts off at 0x2000010"
        ),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1);
}

#[test]
fn an_interruption_that_nobody_handles_is_fatal() {
    let output = Kernel::new(&executable(BREAK)).run(&[]);
    assert_eq!(output.status.code(), Some(4));
    let complaint = complaint(&output);
    assert!(
        complaint.contains("interruption 0x2c00 at 0x2000000 before the operating system"),
        "{complaint}"
    );
}

#[test]
fn what_cannot_be_booted_is_one_line_and_status_1() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing");
    let garbage = Kernel::new(b"this is not a kernel");
    let kernel = Kernel::new(&executable(ENDLESS));
    let cases: [(Command, &str); 5] = [
        (command(&missing, &[]), "cannot read"),
        (garbage.command(&[]), "it is not an ELF file"),
        (kernel.command(&["--memory", "16M"]), "guest memory of 16777216 bytes is not possible"),
        (kernel.command(&["--vcpus", "17"]), "17 virtual processors are not possible"),
        (kernel.command(&["--initrd", missing.to_str().unwrap()]), "cannot read"),
    ];
    for (mut command, expected) in cases {
        // Later options win.
        let output = command.output().unwrap();
        let complaint = complaint(&output);
        let first_word_is_ours = complaint.starts_with("guest-proc: ");
        assert!(
            first_word_is_ours && complaint.contains(expected) && complaint.lines().count() == 1,
            "{complaint}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn wrong_arguments_are_status_2() {
    let output = Kernel::new(b"").run(&["--memory", "lots"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A connection speaking gdb's remote protocol.
struct Gdb(TcpStream);

impl Gdb {
    fn send(&mut self, packet: &str) {
        let sum = packet.bytes().fold(0u8, |sum, byte| sum.wrapping_add(byte));
        self.0.write_all(format!("${packet}#{sum:02x}").as_bytes()).unwrap();
    }

    fn receive(&mut self) -> String {
        let mut byte = [0];
        let mut next = || {
            self.0.read_exact(&mut byte).unwrap();
            byte[0]
        };
        while next() != b'$' {}
        let mut packet = String::new();
        loop {
            match next() {
                b'#' => break,
                // Run-length encoding: the character before, again so many times.
                b'*' => {
                    let last = packet.chars().last().expect("a character to repeat");
                    packet.extend(std::iter::repeat_n(last, next() as usize - 29));
                }
                byte => packet.push(byte as char),
            }
        }
        next();
        next();
        self.0.write_all(b"+").unwrap();
        packet
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(packet);
        self.receive()
    }

    /// Word `n` of the register packet.
    fn register(&mut self, n: usize) -> u64 {
        let packet = self.ask("g");
        u64::from_str_radix(&packet[16 * n..16 * n + 16], 16).unwrap().swap_bytes()
    }
}

/// Words of the register packet: r8, and the instruction pointer behind 128 + 2 × 128 + 64 + 8 + 3 others.
const R8: usize = 8;
const IP: usize = 459;

fn with_gdb(bundles: &str) -> (Kernel, Child, Gdb) {
    let kernel = Kernel::new(&executable(bundles));
    let mut child =
        kernel.command(&["--vcpus", "2", "--gdb", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split_whitespace().find(|word| word.starts_with("127.")).expect("the address");
    let stream = TcpStream::connect(address).unwrap();
    (kernel, child, Gdb(stream))
}

#[test]
fn gdb_reads_steps_breaks_and_ends_the_guest() {
    let (_kernel, mut child, mut gdb) = with_gdb(ENDLESS);
    gdb.ask("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+");
    assert!(gdb.ask("?").starts_with('T'));
    assert_eq!(gdb.register(IP), LOAD_ADDRESS, "waits before the first instruction");
    assert_eq!(gdb.ask(&format!("m{LOAD_ADDRESS:x},10")), ENDLESS[..32]);
    assert_eq!(gdb.ask("qfThreadInfo").matches("p01").count(), 2, "virtual processors are threads");
    let stop = gdb.ask("vCont;s:p1.1");
    assert!(stop.starts_with("T05"), "{stop}");
    assert_eq!(gdb.register(R8), 1);
    assert_eq!(gdb.ask(&format!("Z0,{:x},0", LOAD_ADDRESS + 0x10)), "OK");
    let stop = gdb.ask("vCont;c");
    assert!(stop.contains("swbreak"), "{stop}");
    assert_eq!(gdb.register(IP), LOAD_ADDRESS + 0x10);
    assert_eq!(gdb.ask(&format!("z0,{:x},0", LOAD_ADDRESS + 0x10)), "OK");
    assert_eq!(gdb.ask(&format!("M{:x},2:beef", LOAD_ADDRESS + 0x1000)), "OK");
    assert_eq!(gdb.ask(&format!("m{:x},4", LOAD_ADDRESS + 0x1000)), "beef0000");
    assert!(gdb.ask("m0,8").starts_with('E'), "no memory there");
    gdb.send("vKill;1");
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

fn shared(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("KITTSON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let path = shared.join("guests").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is missing", path.display());
    None
}

/// Boots Linux with `arguments`, waits for its end, returns status and console.
fn linux(append: &str, arguments: &[&str]) -> Option<(Option<i32>, String)> {
    let (kernel, initrd) = (shared("vmlinux.gz")?, shared("initramfs.gz")?);
    let mut command = command(&kernel, &["--append", &format!("console=ttyS0 {append}"), "--initrd"]);
    let output = command.arg(initrd).args(arguments).args(["--memory", "512M"]).output().unwrap();
    Some((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[test]
fn linux_boots_with_two_processors_runs_a_command_and_powers_off() {
    let Some((status, console)) = linux("run=cat+/proc/cpuinfo", &["--vcpus", "2"]) else { return };
    assert!(console.contains("on ia64, 2 processor(s)") && console.contains("guest ready"), "{console}");
    assert!(console.contains("processor  : 1") && console.contains("run: status 0"), "{console}");
    assert!(console.contains("rtc-efi rtc-efi.0: setting system clock"), "{console}");
    assert_eq!(status, Some(0), "{console}");
}

#[test]
fn linux_that_reboots_ends_with_status_3_when_told_not_to() {
    let Some((status, console)) = linux("run=reboot+-f", &["--no-reboot"]) else { return };
    assert!(console.contains("reboot: Restarting system"), "{console}");
    assert_eq!(status, Some(3));
}
