//! Discs burnt by a real Linux' `cdrskin` while the VSP is killed again and again: the guest notices nothing, and the disc
//! holds what was burnt, read back by the guest and by others' programs outside.

use std::fs;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::linux::{attempt, boot, shell};
use tests::{Console, Deadline, Guest, Vsp, wait_for};

use crate::attached::{file, guest};
use crate::checked;
use crate::deaths::{kills, replace_vsp};

const SECTOR: usize = 2048;
/// Kills during one burn, which takes a few seconds.
const MOST_KILLS: u32 = 3;
/// Bytes of the image that is burnt.
const IMAGE: usize = 12 << 20;

/// A guest with a burner, at its shell.
struct Bench<'a> {
    vsp: &'a Vsp,
    guest: &'a Guest<'a>,
    console: Console<'a>,
    drive: String,
    /// Deaths of a VSP while something was being burnt.
    deaths: u32,
}

impl<'a> Bench<'a> {
    fn shell(&mut self, command: &str) -> String {
        shell(&mut self.console, command)
    }

    /// Runs `cdrskin`, and kills the VSP while it does; its status, and what it wrote.
    fn burn_under_kills(&mut self, options: &str) -> (String, String) {
        let burn = format!("chroot /programs cdrskin dev={} {options}", self.drive);
        self.shell(&format!("rm -f /tmp/done; ({burn} >/tmp/log 2>&1; echo $? >/tmp/done) & true"));
        for _ in 0..kills().min(MOST_KILLS) {
            self.console = replace_vsp(self.vsp, self.guest);
            self.deaths += u32::from(attempt(&mut self.console, "[ ! -e /tmp/done ]").0 == 0);
        }
        self.shell("until [ -s /tmp/done ]; do usleep 100000; done");
        let log = self.shell("cat /tmp/log");
        let status = self.shell("cat /tmp/done");
        (status.lines().last().unwrap_or_default().trim().to_owned(), log)
    }

    #[track_caller]
    fn burn(&mut self, options: &str) -> String {
        let (status, log) = self.burn_under_kills(options);
        assert_eq!(status, "0", "cdrskin {options}: {log}\n{}", self.vsp.logs());
        log
    }

    /// Another disc is put in.
    fn insert(&mut self, name: &str, kind: &str) {
        let discs = self.vsp.path("discs").display().to_string();
        // Linux has not looked into the drive before it is asked to.
        assert_eq!(self.vsp.run(&["burner", "eject", &discs, "--force"]).status(), 0);
        assert_eq!(self.vsp.run(&["burner", "insert", &discs, name, "--kind", kind]).status(), 0);
    }

    /// Whether the guest reads the image at this sector.
    #[track_caller]
    fn reads_back(&mut self, sector: usize) {
        let (drive, count) = (self.drive.clone(), IMAGE / SECTOR);
        // Linux asks how much there is when a disc comes in.
        for option in ["-eject", "-load"] {
            self.shell(&format!("chroot /programs cdrskin dev={drive} {option}"));
        }
        self.shell(&format!(
            "dd if={drive} bs={SECTOR} skip={sector} count={count} 2>/dev/null | cmp - /programs/tmp/image"
        ));
    }
}

/// An ISO image of this length, made by a program that is not ours.
fn iso(vsp: &Vsp) -> Option<Vec<u8>> {
    let (files, image) = (vsp.path("files"), vsp.path("made.iso"));
    fs::create_dir(&files).unwrap();
    let mut content = vec![0; IMAGE - (512 << 10)];
    let mut state = 1u64;
    for bytes in content.chunks_mut(8) {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        bytes.copy_from_slice(&state.to_be_bytes()[..bytes.len()]);
    }
    fs::write(files.join("random"), content).unwrap();
    let made = Command::new("genisoimage").args(["-quiet", "-R", "-o"]).args([&image, &files]).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: genisoimage is not installed");
        return None;
    }
    let mut iso = fs::read(image).unwrap();
    assert!(iso.len() <= IMAGE);
    iso.resize(IMAGE, 0);
    Some(iso)
}

/// Neither the guest nor the VSP comes to the end of a burn: what was recorded until then can be read.
fn everything_dies_in_the_middle(mut bench: Bench<'_>, iso: &[u8]) {
    bench.insert("torn", "CD-R");
    // No more than a half of it comes.
    let half = "dd if=/programs/tmp/image bs=1M count=6 2>/dev/null; sleep 100000";
    let burn = format!(
        "chroot /programs cdrskin dev={} -v padsize=0 -tao tsize={IMAGE} - >/tmp/log 2>&1",
        bench.drive
    );
    bench.shell(&format!("({half}) | {burn} & true"));
    let Bench { vsp, guest, console, drive, .. } = bench;
    let image = vsp.path("discs").join("torn.iso");
    let len = || fs::metadata(&image).map_or(0, |metadata| metadata.len() as usize);
    let has_begun = || (len() > IMAGE / 4).then_some(());
    wait_for(Deadline::System, "a quarter of the image to be recorded", || vsp.logs(), has_begun);
    let pid = Pid::from_raw(guest.pid());
    vsp.kill();
    kill(pid, Signal::SIGKILL).unwrap();
    drop(console);
    let recorded = len() / SECTOR;
    assert!(recorded < IMAGE / SECTOR);
    assert!(fs::read(&image).unwrap()[..recorded * SECTOR] == iso[..recorded * SECTOR]);
    assert_eq!(vsp.run(&["status"]).status(), 0);
    let mut console = boot(guest);
    let data = format!("dd if=$DATA bs={SECTOR} count={recorded} of=/tmp/image");
    shell(&mut console, &data);
    file(&mut console, &drive);
    shell(
        &mut console,
        &format!("dd if={drive} bs={SECTOR} count={recorded} of=/tmp/read && cmp /tmp/read /tmp/image"),
    );
}

#[test]
fn discs_burnt_while_the_vsp_is_killed_are_whole() {
    let vsp = Vsp::new();
    let Some(iso) = iso(&vsp) else { return };
    let discs = vsp.path("discs").display().to_string();
    let made = vsp.run(&["burner", "create", &discs]).ok();
    let burner = made.split_whitespace().next().expect("a device file").to_owned();
    assert_eq!(vsp.run(&["burner", "insert", &discs, "cd", "--kind", "CD-RW"]).status(), 0);
    let Some(guest) = guest(&vsp, "lin", &[], &[&format!("burner {burner}")]) else { return };
    // The empty disk of the guest begins with the image.
    let data = fs::File::options().write(true).open(vsp.path("data-lin")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&data, &iso, 0).unwrap();
    let mut console = boot(&guest);
    let drive = file(&mut console, "/dev/sr0");
    let mut bench = Bench { vsp: &vsp, guest: &guest, console, drive, deaths: 0 };
    bench.shell("mount -t tmpfs tmp /programs/tmp");
    bench.shell(&format!("dd if=$DATA bs=1M count={} of=/programs/tmp/image", IMAGE >> 20));
    let outside = |name: &str, sector: usize| {
        let image = fs::read(vsp.path("discs").join(format!("{name}.iso"))).unwrap();
        assert!(image[sector * SECTOR..][..IMAGE] == iso, "{name} at sector {sector}");
    };
    const BURN: &str = "-v padsize=0 speed=0";

    // Two sessions, the disc still open; then the third one, at the end of which it is finalised.
    bench.burn(&format!("{BURN} -tao -multi /tmp/image"));
    bench.reads_back(0);
    bench.burn(&format!("{BURN} -tao -multi /tmp/image"));
    let second = IMAGE / SECTOR + 11_400;
    outside("cd", second);
    bench.burn(&format!("{BURN} -tao /tmp/image"));
    outside("cd", second + IMAGE / SECTOR + 6_900);
    let (status, log) = bench.burn_under_kills(&format!("{BURN} -tao /tmp/image"));
    assert!(status != "0" && log.contains("closed"), "a finalised disc: {log}");
    bench.burn("blank=fast");
    bench.burn(&format!("{BURN} -sao /tmp/image"));
    bench.reads_back(0);
    outside("cd", 0);
    let listed = Command::new("isoinfo").arg("-i").arg(vsp.path("discs/cd.iso")).args(["-R", "-f"]).output();
    if let Ok(listed) = listed {
        assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), "/random");
    }

    // What is only simulated leaves the disc as it was.
    bench.insert("test", "CD-R");
    for mode in ["-tao", "-sao"] {
        bench.burn(&format!("{BURN} -dummy {mode} /tmp/image"));
        assert_eq!(fs::metadata(vsp.path("discs/test.iso")).unwrap().len(), 0, "{mode}");
    }
    let (status, log) = bench.burn_under_kills(&format!("{BURN} -audio -tao /tmp/image"));
    assert_ne!(status, "0", "audio is refused: {log}");
    assert_eq!(fs::metadata(vsp.path("discs/test.iso")).unwrap().len(), 0);

    // DVDs in sequence and in any order.
    bench.insert("minus", "DVD-RW");
    bench.burn(&format!("{BURN} -multi /tmp/image"));
    outside("minus", 0);
    bench.burn("blank=format_overwrite");
    bench.burn(&format!("{BURN} /tmp/image"));
    bench.reads_back(0);
    bench.burn("blank=deformat_sequential_quickest");
    assert_eq!(fs::metadata(vsp.path("discs/minus.iso")).unwrap().len(), 0);
    bench.burn(&format!("{BURN} -sao /tmp/image"));
    outside("minus", 0);
    bench.insert("plus", "DVD+RW");
    bench.burn("blank=format_if_needed");
    bench.burn(&format!("{BURN} /tmp/image"));
    bench.reads_back(0);
    outside("plus", 0);
    bench.insert("once", "DVD+R");
    bench.burn(&format!("{BURN} -multi /tmp/image"));
    bench.burn(&format!("{BURN} /tmp/image"));
    bench.reads_back(0);
    let errors = "dmesg | grep -v Power-on | grep -iE 'abort|reset|timed out'";
    let (_, errors) = attempt(&mut bench.console, errors);
    assert!(!errors.contains("0:0:2:0"), "{errors}");
    assert!(bench.deaths > 0, "no VSP died while something was burnt");
    println!("{} deaths of a VSP during burns", bench.deaths);
    everything_dies_in_the_middle(bench, &iso);
    guest.stop();
    checked("Linux cdrskin under a VSP that is killed: sessions, blank, format, finalise, test");
}
