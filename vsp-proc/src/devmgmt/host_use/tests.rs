use std::os::unix::fs::symlink;

use super::*;
use crate::devmgmt::tests::Fixture as State;
use ipc::device::DeviceFilter;

/// Home below `devices`, number, further files with what they say.
type Device<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// A tree of `/sys` with these devices.
fn sysfs(directory: &std::path::Path, devices: &[Device<'_>]) -> Sysfs {
    fs::create_dir_all(directory.join("dev/block")).unwrap();
    for (home, number, files) in devices {
        let place = directory.join("devices").join(home);
        for (name, text) in [("dev", *number)].iter().chain(*files) {
            fs::create_dir_all(place.join(name).parent().unwrap()).unwrap();
            fs::write(place.join(name), format!("{text}\n")).unwrap();
        }
        symlink(&place, directory.join("dev/block").join(number)).unwrap();
    }
    Sysfs::at(directory)
}

/// Lines as of real hosts: a root file system on a logical volume, `/boot` on a partition of the same disk, btrfs on a
/// second one, a DVD, an image, an array without use, and a disk that nobody has.
#[test]
fn devices_in_use_are_found_with_the_disks_they_lie_on() {
    let directory = tempfile::tempdir().unwrap();
    let swap_file = directory.path().join("swap file");
    fs::write(&swap_file, [0; 4096]).unwrap();
    let sysfs = sysfs(
        directory.path(),
        &[
            ("sda", "8:0", &[("uevent", "DEVNAME=sda")]),
            ("sda/sda1", "8:1", &[("partition", "1"), ("uevent", "DEVNAME=sda1")]),
            (
                "sda/sda2",
                "8:2",
                &[("partition", "2"), ("uevent", "DEVNAME=sda2"), ("holders/dm-0/dev", "253:0")],
            ),
            ("dm-0", "253:0", &[("dm/name", "vg-root"), ("slaves/sda2/dev", "8:2")]),
            ("dm-1", "253:1", &[("dm/name", "vg-guest"), ("slaves/sda2/dev", "8:2")]),
            ("sdb", "8:16", &[("uevent", "DEVNAME=sdb")]),
            ("sdc", "8:32", &[("uevent", "DEVNAME=sdc"), ("holders/md0/dev", "9:0")]),
            ("md0", "9:0", &[("uevent", "DEVNAME=md0"), ("slaves/sdc/dev", "8:32")]),
            ("sr0", "11:0", &[("uevent", "DEVNAME=sr0"), ("device/type", "5")]),
            ("sdd", "8:48", &[("uevent", "DEVNAME=sdd")]),
        ],
    );
    let data = directory.path().join("fs/btrfs/0b8c/devices/sdb");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("dev"), "8:16\n").unwrap();
    let mountinfo = "\
        22 27 0:21 / /proc rw,relatime - proc proc rw\n\
        27 1 253:0 / / rw,relatime - ext4 /dev/mapper/vg-root rw\n\
        41 27 8:1 / /boot rw,relatime shared:3 - ext2 /dev/sda1 rw\n\
        50 27 0:44 /sub /data rw,relatime - btrfs /dev/sdb rw\n\
        51 27 11:0 / /media rw,relatime - iso9660 /dev/sr0 ro\n\
        garbage\n";
    let swaps = format!(
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n{}\tfile\t\t1024\t0\t-2\n/gone\tpartition\t8\t0\t-3\n",
        swap_file.display().to_string().replace(' ', "\\040")
    );
    let host = HostStorage { mountinfo: mountinfo.into(), swaps, sysfs };
    let expected = ["/dev/mapper/vg-root", "/dev/sda", "/dev/sdb", "/dev/sdc"].map(PathBuf::from);
    let expected: BTreeSet<PathBuf> = expected.into_iter().chain([swap_file]).collect();
    assert_eq!(host.used(), expected);
}

/// The kernel's own files, against what findmnt and lsblk of util-linux say, where they are installed.
#[test]
fn the_disk_of_the_root_file_system_is_among_them() {
    let ask = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(source) = ask("findmnt", &["-no", "SOURCE", "/"]).filter(|path| path.starts_with("/dev/"))
    else {
        return;
    };
    // A container's root may come from a device that it does not see.
    let Some(lines) = ask("lsblk", &["-nso", "PATH,TYPE", "--raw", &source]) else { return };
    let used = HostStorage::read().used();
    for disk in lines.lines().filter_map(|line| line.strip_suffix(" disk")) {
        assert!(used.contains(std::path::Path::new(disk)), "{disk} is not in {used:?}");
    }
}

#[test]
fn blanks_in_paths_are_understood() {
    assert_eq!(unescaped("/a\\040b\\134c"), PathBuf::from("/a b\\c"));
    assert_eq!(unescaped("/a\\04"), PathBuf::from("/a\\04"));
    assert_eq!(unescaped("/a\\9zz"), PathBuf::from("/a\\9zz"));
}

struct Fixture {
    state: State,
    db: DeviceDb,
}

impl Fixture {
    fn new() -> Fixture {
        let state = State::new();
        let db = state.open();
        Fixture { state, db }
    }

    /// A host whose swap is these files, which are made; a regular file can be looked at without rights.
    fn host(&self, names: &[&str]) -> HostStorage {
        let mut swaps = "Filename Type Size Used Priority\n".to_owned();
        for name in names {
            fs::write(self.path(name), [0; 512]).unwrap();
            swaps += &format!("{} file 1 0 -2\n", self.path(name));
        }
        let sysfs = Sysfs::at(&self.state.root.path().join("no-sysfs"));
        HostStorage { mountinfo: String::new(), swaps, sysfs }
    }

    fn path(&self, name: &str) -> String {
        self.state.root.path().join(name).display().to_string()
    }

    fn restricted(&self) -> Vec<String> {
        let entries = self.db.list(Some(DeviceKind::Rdev), &DeviceFilter::All);
        entries.into_iter().map(|entry| entry.to_string().rsplit_once(':').unwrap().0.to_owned()).collect()
    }
}

#[test]
fn restrictions_come_and_go_with_the_use() {
    let mut fixture = Fixture::new();
    let line = |fixture: &Fixture, name: &str, more: &str| {
        format!("{}:CONFIG=rdev,EXIST=YES,DEVTYPE=FILE,SHARE=NO{more}:", fixture.path(name))
    };
    let host = fixture.host(&["a", "b"]);
    fixture.db.restrict_host(&host).unwrap();
    let marked = ",AUTORDEV=YES";
    assert_eq!(fixture.restricted(), [line(&fixture, "a", marked), line(&fixture, "b", marked)]);
    assert!(fixture.db.restricts(&fixture.path("a")));

    // An operator's own restriction stays his, whatever is used.
    fs::write(fixture.path("c"), [0; 512]).unwrap();
    fixture.db.add(DeviceKind::Rdev, &fixture.path("c"), &[]).unwrap();
    let host = fixture.host(&["b", "c"]);
    fixture.db.restrict_host(&host).unwrap();
    assert_eq!(fixture.restricted(), [line(&fixture, "b", marked), line(&fixture, "c", "")]);
    assert!(!fixture.db.restricts(&fixture.path("a")));

    fixture.db.release_host().unwrap();
    assert_eq!(fixture.restricted(), [line(&fixture, "c", "")]);
    fixture.db.restore(&fixture.state.guests).unwrap();
    assert_eq!(fixture.restricted(), [line(&fixture, "b", marked), line(&fixture, "c", "")]);
    assert_eq!(
        fixture.db.restore(&fixture.state.guests),
        Err("There is no former state of the device database to be restored.".into())
    );
}

#[test]
fn a_run_that_changes_nothing_leaves_the_former_state_to_be_restored() {
    let mut fixture = Fixture::new();
    let host = fixture.host(&["a"]);
    fixture.db.restrict_host(&host).unwrap();
    fixture.db.restrict_host(&host).unwrap();
    fixture.db.restore(&fixture.state.guests).unwrap();
    assert!(fixture.restricted().is_empty());
}

#[test]
fn a_name_that_means_another_device_now_restricts_that_one() {
    let mut fixture = Fixture::new();
    let host = fixture.host(&["a"]);
    fixture.db.restrict_host(&host).unwrap();
    fs::rename(fixture.path("a"), fixture.path("old")).unwrap();
    let host = fixture.host(&["a"]);
    fixture.db.restrict_host(&host).unwrap();
    fs::hard_link(fixture.path("a"), fixture.path("link")).unwrap();
    assert!(fixture.db.restricts(&fixture.path("link")) && !fixture.db.restricts(&fixture.path("old")));
}

#[test]
fn the_start_switch_is_an_entry_of_the_server() {
    let mut fixture = Fixture::new();
    assert!(fixture.db.is_restricting_at_start());
    fixture.db.set_restricting_at_start(false).unwrap();
    fixture.db.set_restricting_at_start(false).unwrap();
    let listed = fixture.db.list(Some(DeviceKind::Server), &DeviceFilter::All);
    let [entry] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(entry.to_string(), "hpvmhostrdev:CONFIG=server,AT_START=DISABLED::");
    let again = fixture.state.open();
    assert!(!again.is_restricting_at_start());
    fixture.db.set_restricting_at_start(true).unwrap();
    assert!(fixture.db.is_restricting_at_start());
}

#[test]
fn guests_that_have_such_a_device_are_named() {
    let mut fixture = Fixture::new();
    let host = fixture.host(&["a"]);
    let mut config = crate::db::GuestConfig::new("ivm1".into(), 1);
    let statement = format!("disk:avio_stor::file:{}", fixture.path("a"));
    config.apply_devices(&[ipc::message::DeviceChange::Add(statement)]).unwrap();
    fixture.db.before_change(&config).unwrap();
    assert!(fixture.db.hindered().is_empty());
    fixture.db.restrict_host(&host).unwrap();
    assert_eq!(fixture.db.hindered(), [(fixture.path("a"), "ivm1".to_owned())]);
}
