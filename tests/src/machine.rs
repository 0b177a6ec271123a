//! A small x86 machine in QEMU, with Debian's kernel, for what needs a kernel with SCSI drivers: a RAM disk with busybox,
//! the kernel's SCSI modules and whatever a test puts into it, and a script that runs there.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{Deadline, wait_for};

const QEMU: &str = "qemu-system-x86_64";
const BUSYBOX: &str = "/bin/busybox";
/// Modules that are loaded, with those they depend on before them.
const MODULES: &[&str] = &["virtio_pci", "virtio_scsi", "sd_mod", "sg", "st", "ch", "sr_mod"];
/// Modules that are at hand for a script to load, without those they depend on.
const AT_HAND: &[&str] = &["scsi_debug", "dm_mod", "loop"];
/// Printed by the RAM disk's `init` before and after the script.
const BEGIN: &str = "== script begins";
const END: &str = "== script ended with status";

/// A machine that is not started yet.
pub struct Machine {
    root: TempDir,
    modules: PathBuf,
    kernel: PathBuf,
    options: Vec<String>,
    memory_mib: u32,
}

impl Machine {
    /// A machine, or `None` where something is missing that it needs; the line that says so is printed.
    ///
    /// # Panics
    /// If there is no room for its RAM disk.
    pub fn new() -> Option<Machine> {
        let missing = |what: &str| {
            println!("skipped: {what} is not installed");
            None
        };
        if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
            return missing(QEMU);
        }
        if Command::new("cpio").arg("--version").stdout(Stdio::null()).status().is_err() {
            return missing("cpio");
        }
        if !Path::new(BUSYBOX).exists() {
            return missing("busybox-static");
        }
        let Some((kernel, modules)) = newest_kernel() else { return missing("linux-image-amd64") };
        let root = tempfile::tempdir().expect("a directory");
        let machine = Machine { root, modules, kernel, options: Vec::new(), memory_mib: 1024 };
        for directory in ["bin", "dev", "proc", "sys", "tmp", "run", "modules"] {
            fs::create_dir(machine.root.path().join(directory)).expect("a directory");
        }
        Some(machine.with_file("bin/busybox", Path::new(BUSYBOX)))
    }

    /// The machine with a copy of `file` at `name`.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[must_use]
    pub fn with_file(self, name: &str, file: &Path) -> Machine {
        let to = self.root.path().join(name);
        fs::create_dir_all(to.parent().expect("a name in the machine")).expect("a directory");
        fs::copy(file, &to).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self
    }

    /// The machine with an executable of this host at `/bin/NAME`, without its debug information, and the libraries it
    /// needs.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[must_use]
    pub fn with_executable(self, name: &str, file: &Path) -> Machine {
        let bytes = Command::new("ldd").arg(file).output().expect("ldd runs").stdout;
        let libraries = String::from_utf8(bytes).expect("names of libraries");
        let paths = libraries.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
        let machine = paths.fold(self, |machine, path| {
            let name = path.strip_prefix("/").expect("absolute").display().to_string();
            machine.with_file(&name, &path)
        });
        let machine = machine.with_file(&format!("bin/{name}"), file);
        let copy = machine.root.path().join("bin").join(name);
        // Without binutils it is only larger.
        let _ = Command::new("strip").arg(copy).status();
        machine
    }

    /// The machine with more arguments for QEMU.
    #[must_use]
    pub fn with_options(mut self, options: &[&str]) -> Machine {
        self.options.extend(options.iter().map(|option| (*option).to_owned()));
        self
    }

    /// The machine with memory that a vhost-user back-end at `socket` serves a SCSI adapter from.
    #[must_use]
    pub fn with_adapter(self, socket: &Path) -> Machine {
        let size = self.memory_mib;
        let memory = format!("memory-backend-memfd,id=ram,size={size}M,share=on");
        let chardev = format!("socket,id=vsp,path={}", socket.display());
        let options = ["-object", &memory, "-numa", "node,memdev=ram", "-chardev", &chardev];
        self.with_options(&options).with_options(&["-device", "vhost-user-scsi-pci,chardev=vsp"])
    }

    /// Runs `script` by busybox' shell, as root, with the SCSI drivers loaded; what it printed, once it has ended.
    ///
    /// # Panics
    /// If the machine does not come up, the script fails, or neither ends.
    #[track_caller]
    pub fn run(self, script: &str) -> String {
        let output = self.run_to_the_end(script);
        let (_, printed) =
            output.split_once(BEGIN).unwrap_or_else(|| panic!("it did not come up:\n{output}"));
        let (printed, status) = printed.split_once(END).unwrap_or_else(|| panic!("it has died:\n{output}"));
        assert_eq!(status.split_whitespace().next(), Some("0"), "the script failed:\n{output}");
        printed.replace('\r', "")
    }

    fn run_to_the_end(self, script: &str) -> String {
        let root = self.root.path();
        let modules = self.copy_modules();
        let loads: String =
            modules.iter().map(|name| format!("/bin/busybox insmod /modules/{name}\n")).collect();
        let init = format!(
            "#!/bin/busybox sh\n\
             /bin/busybox --install -s /bin\n\
             export PATH=/bin HOME=/tmp\n\
             mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp\n\
             mkdir -p /dev/pts; mount -t devpts pts /dev/pts; ip link set lo up\n\
             {loads}\
             echo '{BEGIN}'\n\
             sh -e /script </dev/null 2>&1\n\
             echo \"{END} $?\"\n\
             poweroff -f\n"
        );
        write_executable(&root.join("init"), &init);
        write_executable(&root.join("script"), script);
        let archive = tempfile::NamedTempFile::new().expect("a file");
        pack(root, archive.path());

        let serial = tempfile::NamedTempFile::new().expect("a file");
        let mut qemu = Command::new(QEMU);
        // Everywhere, and alike: not every host that has /dev/kvm lets it be used.
        qemu.args(["-accel", "tcg", "-cpu", "max", "-display", "none", "-no-reboot", "-nic", "none"]);
        qemu.args(["-m", &self.memory_mib.to_string()]).arg("-kernel").arg(&self.kernel);
        qemu.arg("-initrd").arg(archive.path());
        qemu.args(["-append", "console=ttyS0 panic=-1 quiet"]).args(&self.options);
        qemu.arg("-serial").arg(format!("file:{}", serial.path().display()));
        let mut qemu =
            Ended(qemu.stdin(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("QEMU starts"));
        let said = || String::from_utf8_lossy(&fs::read(serial.path()).unwrap_or_default()).into_owned();
        wait_for(Deadline::Nested, "the machine to end", said, || {
            qemu.0.try_wait().expect("it can be waited for")
        });
        said()
    }

    /// Copies the modules with all they depend on; their names in the order of loading.
    fn copy_modules(&self) -> Vec<String> {
        let text =
            fs::read_to_string(self.modules.join("modules.dep")).expect("the kernel's list of modules");
        let mut names: Vec<String> = Vec::new();
        // Files have whichever of the two dashes their author likes.
        let is_of = |name: &str, module: &str| {
            name.split('.').next().is_some_and(|name| name.replace('-', "_") == module)
        };
        for wanted in MODULES.iter().chain(AT_HAND) {
            let is_it = |path: &str| is_of(path.rsplit('/').next().unwrap_or_default(), wanted);
            let line = text.lines().find(|line| is_it(line.split(':').next().unwrap_or_default()));
            let Some((own, needed)) = line.and_then(|line| line.split_once(':')) else { continue };
            // The last one needs nothing.
            for path in needed.split_whitespace().rev().chain([own]) {
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                let to = self.root.path().join("modules").join(&name);
                if !to.exists() {
                    fs::copy(self.modules.join(path), to).expect("a module can be copied");
                    names.push(name);
                }
            }
        }
        names.retain(|name| !AT_HAND.iter().any(|module| is_of(name, module)));
        names
    }
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The newest kernel of this host, and its modules.
fn newest_kernel() -> Option<(PathBuf, PathBuf)> {
    let entries = fs::read_dir("/lib/modules").into_iter().flatten().flatten();
    let pairs = entries.filter_map(|entry| {
        let kernel = Path::new("/boot").join(format!("vmlinuz-{}", entry.file_name().to_str()?));
        (kernel.exists() && entry.path().join("modules.dep").exists()).then(|| (kernel, entry.path()))
    });
    pairs.max()
}

fn write_executable(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

fn pack(root: &Path, archive: &Path) {
    let list = Command::new("find").arg(".").current_dir(root).output().expect("find runs").stdout;
    let file = File::create(archive).expect("a file");
    let mut cpio = Command::new("cpio");
    cpio.args(["-o", "-H", "newc", "--quiet"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::from(file));
    let mut cpio = cpio.spawn().expect("cpio starts");
    cpio.stdin.take().expect("a pipe").write_all(&list).expect("cpio reads");
    assert!(cpio.wait().expect("cpio ends").success());
}
