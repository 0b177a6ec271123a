//! An adapter that is lost, and one whose VSP leaves: a guest's tape stays its own.

use storage::statement::StorageStatement;

use super::*;
use crate::avio::testing::{Driver, sealed_ram};
use crate::hardware::Hardware;
use crate::root::StateRoot;
use ipc::io::EmulatedPlan;
use ipc::message::DeviceChange;

const AT: (u8, u8) = (0, 1);
const TEST_UNIT_READY: [u8; 6] = [0; 6];
const RESERVE: [u8; 6] = [0x16, 0, 0, 0, 0, 0];

struct Bench {
    directory: tempfile::TempDir,
    hardware: Hardware,
    lunpath: String,
    adapters: Adapters,
}

impl Bench {
    /// A guest with a tape.
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let root = StateRoot::at(directory.path());
        for place in [root.common(), root.run(), root.reservations()] {
            std::fs::create_dir_all(place).unwrap();
        }
        let hardware = Hardware::open(&root);
        let path = directory.path().join("a.tap");
        let made = hardware.create(path.to_str().unwrap(), &EmulatedPlan::Tape { capacity: 1 << 20 });
        let lunpath = made.unwrap()[0].lunpaths[0].1.clone();
        let mut config = GuestConfig::new("ivm1".into(), 1);
        let tape: StorageStatement = format!("tape:avio_stor:0,1,0:attach_path:{lunpath}").parse().unwrap();
        config.apply_devices(&[DeviceChange::Add(tape.to_string())]).unwrap();
        let supply =
            Supply { reservations: root.reservations(), units: root.units(), hardware: hardware.clone() };
        let adapters = Adapters::new(config, supply, vec![AT], Vec::new());
        Bench { directory, hardware, lunpath, adapters }
    }

    fn holder(&self) -> Option<String> {
        self.hardware.in_use_by(&self.lunpath)
    }
}

fn driver(stream: UnixStream) -> Driver {
    let mut driver = Driver::new(stream, sealed_ram(), 3, 16);
    driver.start().unwrap();
    driver
}

/// Status of a command to the tape.
fn status(driver: &mut Driver, cdb: &[u8]) -> u8 {
    driver.command(0, cdb, &[], 0).status
}

/// The guest's driver reserves the tape, after it was told of its power-on and its cartridge.
fn reserve(driver: &mut Driver) {
    while status(driver, &TEST_UNIT_READY) != 0 {}
    assert_eq!(status(driver, &RESERVE), 0);
}

#[test]
fn adapter_that_is_lost_and_served_again_is_the_same_to_the_guest() {
    let bench = Bench::new();
    let mut first = driver(bench.adapters.serve(AT).unwrap());
    reserve(&mut first);
    assert_eq!(bench.holder().as_deref(), Some("ivm1"));
    assert!(bench.adapters.again(AT).is_none(), "it is not lost");
    drop(first);
    let mut second = driver(bench.adapters.again(AT).unwrap());
    assert_eq!(bench.holder().as_deref(), Some("ivm1"));
    assert_eq!(status(&mut second, &TEST_UNIT_READY), 0, "nothing has happened to the tape");
    bench.adapters.end();
    assert_eq!(bench.holder(), None, "the end of the guest is the end of it");
}

#[test]
fn guest_that_is_left_keeps_its_tape() {
    let bench = Bench::new();
    reserve(&mut driver(bench.adapters.serve(AT).unwrap()));
    bench.adapters.leave();
    let holds = std::fs::read_to_string(StateRoot::at(bench.directory.path()).run().join("holds")).unwrap();
    assert!(holds.contains("reservation"), "{holds}");
    let units = StateRoot::at(bench.directory.path()).units();
    let states = std::fs::read_dir(units).unwrap().flatten();
    let texts: Vec<u8> = states.flat_map(|state| std::fs::read(state.path()).unwrap()).collect();
    assert!(String::from_utf8_lossy(&texts).contains("reserved "), "for the next VSP");
    assert!(bench.adapters.again(AT).is_none() && bench.adapters.serve(AT).is_err(), "not by this VSP");
}
