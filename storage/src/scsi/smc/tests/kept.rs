//! A VSP that is killed at any moment of a move: the move is carried out once, and whoever sends it again hears so.

use std::cell::RefCell;
use std::fs;

use super::*;
use crate::scsi::TapeDrive;
use crate::scsi::reservation::Power;

const GUEST: Initiator = Initiator(Uuid::from_u128(1));
const OTHER: Initiator = Initiator(Uuid::from_u128(2));
const DRIVE: u16 = 0x100;
const SLOT: u16 = 0x400;

thread_local! {
    /// Called at each step of a drive.
    static AT_STEP: RefCell<Option<Box<dyn FnMut()>>> = const { RefCell::new(None) };
}

fn step() {
    AT_STEP.with_borrow_mut(|at| at.iter_mut().for_each(|at| at()));
}

/// A tape drive, and the moments before and after it gets or gives a cartridge.
struct Observed(Arc<TapeDrive>);

impl DataTransferElement for Observed {
    fn load(&self, cartridge: &Loading) -> Result<(), LoadError> {
        step();
        let loaded = DataTransferElement::load(&*self.0, cartridge);
        step();
        loaded
    }

    fn unload(&self, by: Initiator) -> Result<(), StillLoaded> {
        step();
        let unloaded = DataTransferElement::unload(&*self.0, by);
        step();
        unloaded
    }

    fn is_unloaded(&self) -> bool {
        self.0.is_unloaded()
    }
}

/// A library with its drives, in the hands of one process.
struct Process {
    changer: Arc<Changer>,
    port: Arc<ChangerPort>,
    drive: Arc<TapeDrive>,
    tape: Arc<dyn Target>,
    _elements: Vec<Arc<dyn DataTransferElement>>,
}

impl Process {
    fn begin(directory: &Path, power: Power) -> Process {
        let library = Library::open(directory).unwrap();
        let reservations = Reservations::kept_in(&directory.join("reservations"), power).unwrap();
        let changer = Changer::new(library, reservations).kept_in(&directory.join("state"), power);
        let changer = Arc::new(changer.unwrap());
        let drives: Vec<_> = (1..)
            .zip(changer.drives())
            .map(|(number, id)| {
                let file = directory.join(format!("drive{number}"));
                Arc::new(TapeDrive::kept_in(id, &file, Reservations::new()).unwrap())
            })
            .collect();
        let elements: Vec<_> = drives
            .iter()
            .map(|drive| Arc::new(Observed(Arc::clone(drive))) as Arc<dyn DataTransferElement>)
            .collect();
        (1..).zip(&elements).for_each(|(number, element)| changer.connect(number, element));
        changer.resume();
        let port = changer.port(GUEST);
        let tape = crate::attached::Device::port(Arc::clone(&drives[0]), GUEST);
        Process { changer, port, drive: Arc::clone(&drives[0]), tape, _elements: elements }
    }

    fn killed(self) {
        self.port.leave();
        self.drive.leave();
    }

    fn deliver(&self, cdb: &[u8], delivery: Delivery) -> Option<Sense> {
        match self.execute(cdb, &[], delivery) {
            Execution::Done(done) => done.sense,
            other => panic!("{cdb:02x?}: {other:?}"),
        }
    }

    fn execute(&self, cdb: &[u8], data_out: &[u8], delivery: Delivery) -> Execution {
        let mut list = data_out.to_vec();
        let (data_out, data_in) = (Segments::from_slice(&mut list), Segments::empty());
        self.port
            .execute(&Command { cdb, data_out: &data_out, data_in: &data_in, delivery }, Patience::Unlimited)
    }

    fn places(&self) -> Vec<(String, Place)> {
        let inventory = self.changer.inventory();
        inventory.iter().map(|cartridge| (cartridge.barcode.to_string(), cartridge.place)).collect()
    }

    /// The guest loads a cartridge and gives it back: it lies in the mouth of the drive.
    fn used(&self) {
        data(&*self.port, &move_medium(SLOT, DRIVE));
        // LOAD UNLOAD; the power-on and the cartridge are told first.
        for _ in 0..3 {
            run(&*self.tape, &[0x1b, 0, 0, 0, 0, 0], &[], 0);
        }
        assert!(self.drive.is_unloaded());
    }
}

fn library() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    drop(Library::create(directory.path(), &PLAN).unwrap());
    directory
}

fn first(number: u64) -> Delivery {
    Delivery { queue: 2, number, again: false }
}

fn again(number: u64) -> Delivery {
    Delivery { again: true, ..first(number) }
}

/// The directory as a process would leave it that dies now.
fn snapshot(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    // Drives know their cartridges by path.
    for number in 1..=PLAN.drives {
        let file = copy.path().join(format!("drive{number}"));
        rebase(&file, directory, copy.path());
    }
    copy
}

/// Both names have the same length, but the checksum has to be that of the text.
fn rebase(state: &Path, from: &Path, to: &Path) {
    let bytes = fs::read(state).unwrap();
    let moved = crate::scsi::kept::rewrite(&bytes, &from.display().to_string(), &to.display().to_string());
    fs::write(state, moved).unwrap();
}

#[test]
fn move_or_exchange_that_was_interrupted_anywhere_is_good_when_it_comes_again() {
    let out = move_medium(DRIVE, SLOT + 4);
    let across = move_medium(DRIVE, DRIVE + 1);
    let swap = exchange(SLOT + 1, DRIVE, SLOT);
    for (cdb, steps) in [(out, 2), (across, 4), (swap, 4)] {
        let directory = library();
        let process = Process::begin(directory.path(), Power::Lost);
        process.used();
        let source = directory.path().to_owned();
        let copies = std::rc::Rc::new(RefCell::new(Vec::new()));
        let list = std::rc::Rc::clone(&copies);
        AT_STEP.set(Some(Box::new(move || list.borrow_mut().push(snapshot(&source)))));
        assert_eq!(process.deliver(&cdb, first(9)), None);
        AT_STEP.set(None);
        copies.borrow_mut().push(snapshot(directory.path()));
        let expected = process.places();
        process.killed();
        assert_eq!(copies.borrow().len(), steps + 1);
        for (number, copy) in copies.borrow().iter().enumerate() {
            let later = Process::begin(copy.path(), Power::Kept);
            assert_eq!(later.places(), expected, "{cdb:02x?}, killed at step {number}");
            assert_eq!(later.deliver(&cdb, again(9)), None, "{cdb:02x?}, killed at step {number}");
            assert_eq!(later.places(), expected, "once");
            let inside = expected.iter().find(|(_, place)| *place == Place::Drive(1));
            let loaded = later.drive.cartridge().map(|cartridge| cartridge.label.barcode);
            assert_eq!(loaded.as_ref(), inside.map(|(barcode, _)| barcode));
            assert_eq!(later.deliver(&cdb, first(10)), Some(Sense::SOURCE_EMPTY), "another request");
        }
    }
}

#[test]
fn move_that_was_refused_is_refused_when_it_comes_again() {
    let directory = library();
    let process = Process::begin(directory.path(), Power::Lost);
    data(&*process.port, &move_medium(SLOT, DRIVE));
    let out = move_medium(DRIVE, SLOT);
    assert_eq!(process.deliver(&out, first(1)), Some(Sense::REMOVAL_PREVENTED));
    process.killed();
    let process = Process::begin(directory.path(), Power::Kept);
    assert_eq!(process.deliver(&out, again(1)), Some(Sense::REMOVAL_PREVENTED));
    assert_eq!(
        process.deliver(&out, again(2)),
        Some(Sense::REMOVAL_PREVENTED),
        "never carried out, and refused now"
    );
    assert!(process.drive.is_loaded());
}

#[test]
fn persistent_reservation_is_made_once() {
    let directory = library();
    let process = Process::begin(directory.path(), Power::Lost);
    let register = [0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    let list = [&0u64.to_be_bytes()[..], &5u64.to_be_bytes(), &[0; 8]].concat();
    let answer = process.execute(&register, &list, first(1));
    process.killed();
    let process = Process::begin(directory.path(), Power::Kept);
    assert_eq!(process.execute(&register, &list, again(1)), answer);
    assert_eq!(process.execute(&register, &list, first(2)), Execution::Conflict);
    let keys = data(&*process.port, &[0x5e, 0, 0, 0, 0, 0, 0, 0, 255, 0]);
    assert_eq!(keys, [0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
}

#[test]
fn locks_door_and_news_survive_the_vsp_and_not_the_power() {
    let directory = library();
    let process = Process::begin(directory.path(), Power::Lost);
    data(&*process.port, &[0x1b, 0, 0, 0x10, 0, 0]);
    data(&*process.port, &[0x1e, 0, 0, 0, 1, 0]);
    let other = process.changer.port(OTHER);
    process.changer.nexuses.tell(Sense::PORT_ACCESSED, |other| other == OTHER);
    data(&*process.port, &READY);
    other.leave();
    process.killed();
    drop(other);
    let process = Process::begin(directory.path(), Power::Kept);
    assert!(process.changer.is_prevented());
    assert_eq!(sense(&*process.port, &move_medium(SLOT, 0x10)), Sense::MAGAZINE_NOT_ACCESSIBLE);
    let other = process.changer.port(OTHER);
    assert_eq!(sense(&*other, &READY), Sense::PORT_ACCESSED);
    data(&*other, &READY);
    other.leave();
    process.killed();
    drop(other);
    let process = Process::begin(directory.path(), Power::Lost);
    assert!(!process.changer.is_prevented());
    data(&*process.port, &move_medium(SLOT, 0x10));
}

#[test]
fn drive_that_somebody_else_holds_keeps_its_cartridge() {
    use crate::attached::Device;
    use crate::attached::arbiter::Party;
    let directory = library();
    let process = Process::begin(directory.path(), Power::Lost);
    process.used();
    let out = move_medium(DRIVE, SLOT);
    for holder in [Party::Host, Party::Guest(OTHER)] {
        process.drive.set_holder(Some(holder));
        assert_eq!(sense(&*process.port, &out), Sense::REMOVAL_PREVENTED, "{holder:?}");
        assert_eq!(process.drive.cartridge().unwrap().label.barcode, "KIT001");
    }
    process.drive.set_holder(None);
    // RESERVE(6) of the drive by another guest, which is told of its power-on and of the cartridge first.
    let other = Arc::clone(&process.drive).port(OTHER);
    for _ in 0..3 {
        run(&*other, &[0x16, 0, 0, 0, 0, 0], &[], 0);
    }
    assert_eq!(sense(&*process.port, &out), Sense::REMOVAL_PREVENTED);
    drop(other);
    process.drive.set_holder(Some(Party::Guest(GUEST)));
    data(&*process.port, &out);
}
