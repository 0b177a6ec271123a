use super::*;
use crate::hardware::Hardware;
use ipc::message::DeviceChange;

/// A state directory without guests.
pub(super) struct Fixture {
    _directory: tempfile::TempDir,
    pub(super) root: StateRoot,
    pub(super) guests: GuestDb,
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let root = StateRoot::at(directory.path());
        fs::create_dir_all(root.common()).unwrap();
        fs::create_dir_all(root.guests()).unwrap();
        let guests = GuestDb::open(&root).unwrap();
        Fixture { _directory: directory, root, guests }
    }

    pub(super) fn open(&self) -> DeviceDb {
        DeviceDb::open(&self.root, &self.guests, Hardware::open(&self.root))
    }

    fn file(&self, name: &str) -> String {
        let path = self.root.path().join(name);
        fs::write(&path, [0; 512]).unwrap();
        path.display().to_string()
    }

    /// Stores a guest with these files as disks, as the supervisor does.
    fn put(&mut self, db: &mut DeviceDb, name: &str, files: &[&str]) {
        let config = guest(name, files);
        db.before_change(&config).unwrap();
        self.guests.put(config).unwrap();
        db.after_change(name, files).unwrap();
    }
}

fn guest(name: &str, files: &[&str]) -> GuestConfig {
    let mut config = GuestConfig::new(name.into(), 1);
    let add = |file: &&str| DeviceChange::Add(format!("disk:avio_stor::file:{file}"));
    config.apply_devices(&files.iter().map(add).collect::<Vec<_>>()).unwrap();
    config
}

fn lines(db: &DeviceDb) -> Vec<String> {
    let without_id = |entry: DeviceEntry| entry.to_string().rsplit_once(':').unwrap().0.to_owned();
    db.list(None, &DeviceFilter::All).into_iter().map(without_id).collect()
}

#[test]
fn guests_become_dependents_and_entries_nobody_needs_vanish() {
    let mut fixture = Fixture::new();
    let mut db = fixture.open();
    let (a, b) = (fixture.file("a"), fixture.file("b"));
    fixture.put(&mut db, "ivm1", &[&a, &b]);
    fixture.put(&mut db, "ivm2", &[&a]);
    let line = |path: &str, more: &str| format!("{path}:CONFIG=gdev,EXIST=YES,DEVTYPE=FILE,SHARE=NO{more}");
    assert_eq!(lines(&db), [line(&a, ":ivm1,ivm2"), line(&b, ":ivm1")]);
    db.set_attribute(DeviceKind::Gdev, &b, "PRESERVE", "YES").unwrap();
    fixture.put(&mut db, "ivm1", &[]);
    assert_eq!(lines(&db), [line(&a, ":ivm2"), line(&b, ",PRESERVE=YES:")]);
    fixture.put(&mut db, "ivm2", &[]);
    assert_eq!(lines(&db), [line(&b, ",PRESERVE=YES:")]);
    assert_eq!(lines(&fixture.open()), lines(&db), "and so it is on disk");
}

#[test]
fn two_names_of_one_file_are_one_entry() {
    let mut fixture = Fixture::new();
    let mut db = fixture.open();
    let a = fixture.file("a");
    let link = format!("{a}.link");
    fs::hard_link(&a, &link).unwrap();
    fixture.put(&mut db, "ivm1", &[&a]);
    fixture.put(&mut db, "ivm2", &[&link]);
    assert_eq!(lines(&db), [format!("{a},{link}:CONFIG=gdev,EXIST=YES,DEVTYPE=FILE,SHARE=NO:ivm1,ivm2")]);
    assert!(!db.is_shared(&link));
    db.set_attribute(DeviceKind::Gdev, &a, "SHARE", "YES").unwrap();
    assert!(db.is_shared(&link));
    db.delete_alias(&link).unwrap();
    assert_eq!(db.delete_alias(&a), Err(format!("'{a}' is the only name of its entry.")));
}

#[test]
fn entries_with_dependents_stay() {
    let mut fixture = Fixture::new();
    let mut db = fixture.open();
    let a = fixture.file("a");
    fixture.put(&mut db, "ivm1", &[&a]);
    let refusal = format!("Unable to delete 'gdev:{a}': entry has dependents (ivm1).");
    assert_eq!(db.delete(DeviceKind::Gdev, &a), Err(refusal));
    db.delete_dependent(Some(&a), "ivm1").unwrap();
    assert!(lines(&db).is_empty());
    let repair = db.repair(fixture.guests.configs());
    assert_eq!(
        repair,
        ["#!/bin/sh".to_owned(), format!("hpvmmodify -P ivm1 -m disk:avio_stor:0,0,0:file:{a}")]
    );
    fixture.put(&mut db, "ivm1", &[&a]);
    assert_eq!(db.repair(fixture.guests.configs()).len(), 1);
}

#[test]
fn a_crash_between_the_two_files_leaves_nothing_wrong_after_the_next_start() {
    let mut fixture = Fixture::new();
    let mut db = fixture.open();
    let (a, b) = (fixture.file("a"), fixture.file("b"));
    fixture.put(&mut db, "ivm1", &[&a]);
    // The VSP dies before the guest's file is written, or before its former dependents are taken away.
    db.before_change(&guest("ivm1", &[&b])).unwrap();
    let mut again = fixture.open();
    assert!(lines(&again)[1].ends_with("SHARE=NO:"), "{:?}", lines(&again));
    again.delete(DeviceKind::Gdev, &b).unwrap();
}

#[test]
fn a_damaged_database_is_recovered_whole_or_made_from_the_guests() {
    let mut fixture = Fixture::new();
    let mut db = fixture.open();
    let a = fixture.file("a");
    fixture.put(&mut db, "ivm1", &[&a]);
    db.add(DeviceKind::Rdev, "/etc", &[]).unwrap();
    db.set_attribute(DeviceKind::Gdev, &a, "SHARE", "YES").unwrap();
    let intact = lines(&db);
    assert_eq!((intact.len(), db.notice()), (2, None));
    let damage =
        |path: &Path| fs::write(path, "schema = 1\n[[device]]\nkind = \"gdev\"\nnames = []\n").unwrap();
    damage(&db.path);
    let recovered = fixture.open();
    assert_eq!(lines(&recovered), intact);
    assert!(recovered.notice().is_some_and(|text| text.contains("hpvm_mgmtdb.damaged'")));
    fs::remove_file(&db.path).unwrap();
    assert_eq!(lines(&fixture.open()), intact);
    // A copy that is damaged is written anew; with both of them gone the guests are what is left.
    damage(&db.copy());
    assert_eq!(lines(&fixture.open()), intact);
    assert_eq!(fs::read(db.copy()).unwrap(), fs::read(&db.path).unwrap());
    damage(&db.path);
    damage(&db.copy());
    let anew = lines(&fixture.open());
    assert!(anew.len() == 1 && anew[0].ends_with("SHARE=NO:ivm1"), "{anew:?}");
}

#[test]
fn restrictions_reach_as_far_as_they_say() {
    let fixture = Fixture::new();
    let mut db = fixture.open();
    let file = fixture.file("a");
    let directory = fixture.root.path().display().to_string();
    assert!(!db.restricts(&file));
    db.add(DeviceKind::Rdev, &directory, &[]).unwrap();
    assert!(db.restricts(&directory) && !db.restricts(&file));
    db.set_attribute(DeviceKind::Rdev, &directory, "RECURSIVE", "FS").unwrap();
    assert!(
        db.restricts(&file)
            && db.restricts(&format!("{directory}/../{}/a", directory.rsplit('/').next().unwrap()))
    );
    assert_eq!(
        db.add(DeviceKind::Gdev, &file, &[]),
        Err(format!("Device '{file}' is restricted (rdev) and cannot be used by a guest."))
    );
    db.delete(DeviceKind::Rdev, &directory).unwrap();
    db.add(DeviceKind::Rdev, &file, &[]).unwrap();
    let link = format!("{file}.link");
    fs::hard_link(&file, &link).unwrap();
    assert!(db.restricts(&link));
}

#[test]
fn wrong_requests_say_what_is_wrong() {
    let fixture = Fixture::new();
    let mut db = fixture.open();
    let a = fixture.file("a");
    db.add(DeviceKind::Gdev, &a, &[("USAGE".into(), "DISK".into())]).unwrap();
    assert_eq!(db.add(DeviceKind::Gdev, &a, &[]), Err(format!("Entry 'gdev:{a}' already exists.")));
    assert_eq!(
        db.add(DeviceKind::Gdev, "myswitch", &[]),
        Err("Illegal entry name 'myswitch'. Expected an absolute path or a lunpath (this VSP has no virtual switches).".into())
    );
    let by_hand = "Attribute 'AUTORDEV' is not changed by hand. See hpvmhostrdev.";
    assert_eq!(db.delete_attribute(DeviceKind::Gdev, &a, "autordev"), Err(by_hand.into()));
    assert_eq!(db.delete(DeviceKind::Rdev, &a), Err(format!("Entry 'rdev:{a}' does not exist.")));
    assert_eq!(
        db.set_attribute(DeviceKind::Gdev, "/none", "SHARE", "YES"),
        Err("Entry 'gdev:/none' does not exist.".into())
    );
    assert_eq!(db.delete_dependent(None, "ivm9"), Err("'ivm9' is no dependent.".into()));
    assert_eq!(quoted("a'b"), r"'a'\''b'");
}
