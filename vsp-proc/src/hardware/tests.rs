//! Devices by their names, and a library that two guests have.

use super::*;

const LIBRARY: EmulatedPlan =
    EmulatedPlan::Library { drives: 1, slots: 4, ports: 1, cartridges: 2, capacity: 1 << 20 };

struct Bench {
    directory: tempfile::TempDir,
    hardware: Hardware,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let hardware = open(directory.path());
        Bench { directory, hardware }
    }

    fn library(&self) -> String {
        self.directory.path().join("library").display().to_string()
    }

    /// The changer's lunpath.
    fn changer(&self) -> String {
        let devices = self.hardware.create(&self.library(), &LIBRARY).unwrap();
        devices.iter().find(|device| device.class == "autoch").unwrap().lunpaths[0].1.clone()
    }

    /// A guest registers with the changer for longer than it runs.
    fn register(&self) {
        /// PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY, with APTPL.
        const REGISTER: [u8; 10] = [0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0];
        let device = statement(&format!("changer:avio_stor::attach_path:{}", self.changer()));
        let guest = (Initiator(uuid::Uuid::from_u128(1)), "ivm1");
        let port = self.hardware.port(&device, guest, Denial::Busy).unwrap();
        let mut list = [0; 24];
        (list[15], list[20]) = (5, 1);
        let done = send(&port, &REGISTER, &list);
        assert!(matches!(done, storage::scsi::Execution::Done(done) if done.sense.is_none()), "{done:?}");
    }
}

/// Files of persistent reservations.
fn kept(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("reservations-")).count()
}

/// Without any hardware of the host.
fn open(directory: &Path) -> Hardware {
    open_after(directory, Power::Lost)
}

/// As [`open`], after a VSP that was killed, with guests that run on or not.
fn open_after(directory: &Path, power: Power) -> Hardware {
    let units = directory.join("units");
    fs::create_dir_all(&units).unwrap();
    let keep = Keep { units, reservations: directory.to_owned(), power };
    Hardware::open_at(directory, directory, keep, &directory.join("sys"))
}

/// Sends a command twice: the first finds the unit attention of a power-on.
fn send(port: &Arc<dyn Target>, cdb: &[u8], data: &[u8]) -> storage::scsi::Execution {
    let mut data = data.to_vec();
    let (data_out, data_in) =
        (storage::segments::Segments::from_slice(&mut data), storage::segments::Segments::empty());
    let delivery = storage::scsi::Delivery::default();
    let command = storage::scsi::Command { cdb, data_out: &data_out, data_in: &data_in, delivery };
    let execute = || port.execute(&command, storage::backing::Patience::Unlimited);
    execute();
    execute()
}

fn statement(text: &str) -> StorageStatement {
    text.parse().unwrap()
}

#[test]
fn names_of_a_device_all_lead_to_it() {
    let bench = Bench::new();
    let lunpath = bench.changer();
    let hardware = &bench.hardware;
    for name in ["/dev/rchgr/autoch1", "/dev/pt/pt_autoch1"] {
        let translated = hardware.translate(&format!("changer:avio_stor:0,1:attach_path:{name}"));
        assert_eq!(translated, Ok(format!("changer:avio_stor:0,1:attach_path:{lunpath}")));
        assert_eq!(hardware.entry_names(name), [lunpath.as_str()]);
    }
    let same = format!("changer:avio_stor::attach_path:{lunpath}");
    assert_eq!(hardware.translate(&same), Ok(same.clone()));
    for text in ["disk:avio_stor::file:/dev/rchgr/autoch1", "disk:avio_stor::disk:/dev/sda", "nonsense", ""] {
        assert_eq!(hardware.translate(text).as_deref(), Ok(text));
    }
    let missing = Err("Device '/dev/rtape/tape7_BEST' does not exist.".to_owned());
    assert_eq!(hardware.translate("tape:avio_stor::attach_path:/dev/rtape/tape7_BEST"), missing);
    assert_eq!(hardware.files(&lunpath), ["/dev/rchgr/autoch1"]);
}

#[test]
fn statements_are_checked_against_what_is_there() {
    let bench = Bench::new();
    let lunpath = bench.changer();
    let examine = |text: String| bench.hardware.examine(&statement(&text));
    let found = examine(format!("changer:avio_stor::attach_path:{lunpath}")).unwrap();
    let library = Footprint::of(&fs::metadata(bench.library()).unwrap(), &Sysfs::default());
    assert!(found.footprint.overlaps(&library), "a directory in use cannot be something else, too");
    let refusal = |text: String| examine(text).unwrap_err();
    assert_eq!(
        refusal(format!("tape:avio_stor::attach_path:{lunpath}")),
        format!("Lunpath '{lunpath}' is not a tape device.")
    );
    let absent = refusal("tape:avio_stor::attach_path:0/7/1/1.0x500104f00048b29e.0x0".into());
    assert_eq!(absent, "Lunpath '0/7/1/1.0x500104f00048b29e.0x0' does not exist.");
}

#[test]
fn who_holds_a_device_is_shown_and_known_to_the_next_vsp() {
    const RESERVE: [u8; 6] = [0x16, 0, 0, 0, 0, 0];
    let bench = Bench::new();
    let lunpath = bench.changer();
    let device = statement(&format!("changer:avio_stor::attach_path:{lunpath}"));
    let ivm1 = Initiator(uuid::Uuid::from_u128(1));
    let Bench { directory, hardware } = bench;
    let port = hardware.port(&device, (ivm1, "ivm1"), Denial::Busy).unwrap();
    assert_eq!(hardware.in_use_by(&lunpath), None);
    send(&port, &RESERVE, &[]);
    assert_eq!(hardware.in_use_by(&lunpath).as_deref(), Some("ivm1"));
    assert_eq!(hardware.describe("/dev/rchgr/autoch1"), Err(OpenFailure::Busy));
    assert_eq!(
        hardware.hold("/dev/rchgr/autoch1"),
        Err("Device '/dev/rchgr/autoch1' is in use by ivm1.".into())
    );
    let noted = fs::read_to_string(directory.path().join("holds")).unwrap();
    drop(port);
    assert_eq!(hardware.describe("/dev/rchgr/autoch1").unwrap().kind, "medium changer");
    drop(hardware);

    // As if the VSP had been killed while the guest held it.
    for (running, holder) in [(true, Some("ivm1")), (false, None)] {
        fs::write(directory.path().join("holds"), &noted).unwrap();
        let later = open(directory.path());
        let guests = if running { BTreeMap::from([(ivm1, "ivm1".to_owned())]) } else { BTreeMap::new() };
        later.keep_holders(&guests);
        assert_eq!(later.in_use_by(&lunpath).as_deref(), holder);
    }
}

#[test]
fn what_the_vsp_holds_is_not_attached() {
    let bench = Bench::new();
    let lunpath = bench.changer();
    let (hardware, name) = (&bench.hardware, "/dev/rchgr/autoch1");
    let device = statement(&format!("changer:avio_stor::attach_path:{lunpath}"));
    hardware.check_free(&device).unwrap();
    hardware.hold(name).unwrap();
    assert_eq!(hardware.check_free(&device), Err(format!("Device '{lunpath}' is in use by the VSP.")));
    assert_eq!(hardware.in_use_by(&lunpath).as_deref(), Some("VSP"));
    assert_eq!(hardware.hold(name), Err(format!("Device '{name}' is held already.")));
    hardware.release(name).unwrap();
    assert_eq!(hardware.release(name), Err(format!("Device '{name}' is not held.")));
    hardware.check_free(&device).unwrap();
}

#[test]
fn emulated_devices_are_there_again_and_go_when_they_are_removed() {
    let bench = Bench::new();
    let lunpath = bench.changer();
    let library = bench.library();
    assert!(
        bench.hardware.create(&library, &LIBRARY).unwrap_err().ends_with("is an emulated device already.")
    );
    let Bench { directory, hardware } = bench;
    drop(hardware);
    let later = open(directory.path());
    let names = |hardware: &Hardware| {
        hardware
            .list()
            .into_iter()
            .map(|device| (device.files[0].clone(), device.is_present))
            .collect::<Vec<_>>()
    };
    assert!(names(&later).contains(&("/dev/rchgr/autoch1".into(), true)));
    assert!(later.lunpaths_of("/dev/rchgr/autoch1").unwrap().contains(&lunpath));
    let emulated = later.emulated();
    assert_eq!((emulated[0].kind.as_str(), emulated[0].media.len()), ("library", 2));
    later.remove("/dev/rchgr/autoch1").unwrap();
    assert_eq!(names(&later), []);
    let left = fs::read_dir(directory.path().join("units")).unwrap().count();
    assert_eq!(left, 0, "nothing is left of it but its media");
    // Its cartridges stay, and it can be had again.
    assert!(later.create(&library, &LIBRARY).is_ok());
    assert_eq!(later.emulated()[0].media.len(), 2);
}

#[test]
fn what_is_reserved_of_a_device_goes_with_it() {
    let bench = Bench::new();
    bench.register();
    assert_eq!(kept(bench.directory.path()), 1, "it outlives the guest");
    bench.hardware.remove("/dev/rchgr/autoch1").unwrap();
    assert_eq!(kept(bench.directory.path()), 0);
}

#[test]
fn library_that_cannot_be_opened_is_still_known_and_goes_without_leftovers() {
    let bench = Bench::new();
    bench.register();
    let library = bench.library();
    let Bench { directory, hardware } = bench;
    drop(hardware);
    fs::write(Path::new(&library).join("library.toml"), "nonsense").unwrap();
    let later = open(directory.path());
    assert!(later.emulated()[0].fault.is_some());
    assert_eq!(kept(directory.path()), 1);
    // By these it is found that a guest is configured with it.
    for name in [library.as_str(), "/dev/rchgr/autoch1"] {
        assert_eq!(later.lunpaths_of(name).unwrap().len(), 2);
    }
    later.remove("/dev/rchgr/autoch1").unwrap();
    assert_eq!((kept(directory.path()), later.list().len(), later.emulated().len()), (0, 0, 0));
}

#[test]
fn guest_that_ended_while_there_was_no_vsp_leaves_no_lock_and_no_reservation() {
    const PREVENT: [u8; 6] = [0x1e, 0, 0, 0, 1, 0];
    const RESERVE: [u8; 6] = [0x16, 0, 0, 0, 0, 0];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one.tap").display().to_string();
    let (gone, other) = (Initiator(uuid::Uuid::from_u128(1)), Initiator(uuid::Uuid::from_u128(2)));
    let device = |hardware: &Hardware| {
        let all = hardware.list();
        let lunpath = &all.iter().find(|device| device.class == "tape").unwrap().lunpaths[0].1;
        statement(&format!("tape:avio_stor::attach_path:{lunpath}"))
    };
    let hardware = open(directory.path());
    hardware.create(&path, &EmulatedPlan::Tape { capacity: 1 << 20 }).unwrap();
    let port = hardware.port(&device(&hardware), (gone, "gone"), Denial::Busy).unwrap();
    send(&port, &[0; 6], &[]);
    for cdb in [PREVENT, RESERVE] {
        send(&port, &cdb, &[]);
    }
    port.leave();
    drop((port, hardware));
    let later = open_after(directory.path(), Power::Kept);
    later.keep_holders(&BTreeMap::from([(other, "other".to_owned())]));
    let port = later.port(&device(&later), (other, "other"), Denial::Busy).unwrap();
    // Power-on, and the cartridge.
    send(&port, &[0; 6], &[]);
    let unloaded = send(&port, &[0x1b, 0, 0, 0, 0, 0], &[]);
    assert!(matches!(unloaded, storage::scsi::Execution::Done(done) if done.sense.is_none()), "{unloaded:?}");
}
