//! A process that writes a tape and is killed again and again, at any moment.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command as Process, Stdio};

use super::*;

/// Names the directory to the process that is to be killed.
const DIRECTORY: &str = "KITTSON_TAPE_WRITER";
/// Kills.
const KILLS: usize = 100;
/// Blocks and the filemark of a file.
const FILE: u64 = 5;

/// The object with this number: the data of a block, or a filemark.
fn object(number: u64) -> Option<Vec<u8>> {
    let len = 1 + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48);
    (number % FILE != FILE - 1).then(|| (0..len).map(|i| (i ^ number) as u8).collect())
}

/// Writes the objects in order, forever. Before each it notes its number where a VSP has its in-flight region, and
/// begins with the one that stands there, as a VSP would.
fn write_forever(directory: &Path) {
    let state = directory.join("state");
    let drive = Arc::new(TapeDrive::kept_in(Uuid::from_u128(0xd), &state, Reservations::new()).unwrap());
    let port = drive.nexus(initiator(1));
    if drive.cartridge().is_none() {
        drive.load(Cartridge::at(&directory.join("a.tap")).unwrap()).unwrap();
    }
    while port.attentions.take().is_some() {}
    let in_flight = File::options().read(true).write(true).open(directory.join("in-flight")).unwrap();
    let mut bytes = [0; 8];
    in_flight.read_exact_at(&mut bytes, 0).unwrap();
    for number in u64::from_le_bytes(bytes).. {
        let again = number == u64::from_le_bytes(bytes);
        in_flight.write_all_at(&number.to_le_bytes(), 0).unwrap();
        let object = object(number);
        let cdb = match &object {
            Some(data) => sized(0x0a, 0, data.len() as u32),
            None => sized(0x10, 0, 1),
        };
        let mut data = object.unwrap_or_default();
        let command = Command {
            cdb: &cdb,
            data_out: &Segments::from_slice(&mut data),
            data_in: &Segments::empty(),
            delivery: Delivery { queue: 0, number, again },
        };
        let execution = port.execute(&command, Patience::Unlimited);
        let data_out = if number % FILE == FILE - 1 { 0 } else { data.len() as u64 };
        assert_eq!(execution, Execution::Done(Completion { sense: None, data_out, data_in: 0 }));
        println!("done {number}");
        std::io::stdout().flush().unwrap();
    }
}

/// The objects of an image up to where it ends or breaks off, read in the plainest way.
fn objects(image: &[u8]) -> Vec<Option<Vec<u8>>> {
    let (mut objects, mut at) = (Vec::new(), 0);
    let word = |at: usize| Some(u32::from_le_bytes(image.get(at..at + 4)?.try_into().ok()?) as usize);
    while let Some(len) = word(at) {
        if len == 0 {
            objects.push(None);
            at += 4;
            continue;
        }
        let behind = at + 4 + len.next_multiple_of(2);
        match word(behind) {
            Some(same) => assert_eq!(same, len, "record {} is damaged", objects.len()),
            None => break,
        }
        objects.push(Some(image[at + 4..at + 4 + len].to_vec()));
        at = behind + 4;
    }
    objects
}

#[test]
fn killed_writer_loses_and_repeats_nothing() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write_forever(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    Image::create(&at("a.tap")).unwrap();
    std::fs::write(at("in-flight"), [0; 8]).unwrap();
    let name = std::thread::current().name().unwrap().to_owned();
    let mut acknowledged = None;
    for kill in 0..KILLS {
        let mut child = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // After so many answers; where it is then is up to the machine.
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut answers = lines.filter_map(|line| line.rsplit_once("done ")?.1.parse::<u64>().ok());
        let last = answers.by_ref().take(1 + kill * 7 % 23).last();
        child.kill().unwrap();
        acknowledged = answers.last().or(last).max(acknowledged);
        child.wait().unwrap();
        let found = objects(&std::fs::read(at("a.tap")).unwrap());
        for (found, number) in found.iter().zip(0..) {
            assert!(*found == object(number), "object {number} after {} kills", kill + 1);
        }
        let least = acknowledged.map_or(0, |last| last + 1);
        assert!(found.len() as u64 >= least, "{} of {least} objects after {} kills", found.len(), kill + 1);
    }
    assert!(acknowledged.is_some_and(|last| last >= KILLS as u64));
}
