//! What forms take, what they say against it, and what they ask for.

use super::rule::{name_problem, parse_memory};
use super::*;
use crate::console::figures::Figures;
use crate::console::{command, samples};
use ipc::message::GuestState;

fn none() -> GuestsScreen {
    GuestsScreen::default()
}

fn filled(purpose: Purpose, values: &[(Key, &str)]) -> Form {
    let mut form = Form::new(purpose);
    for (key, value) in values {
        let field = form.fields.iter_mut().find(|field| field.key == *key).expect("there is such a field");
        field.input = Input::new((*value).to_owned());
    }
    form
}

fn asks_for(form: &Form) -> Option<String> {
    form.request(&none()).and_then(|request| command::line(&request))
}

#[test]
fn complete_forms_ask_for_what_a_command_would() {
    let create = filled(
        Purpose::Create,
        &[
            (Key::Name, "lin1"),
            (Key::Vcpus, "4"),
            (Key::Memory, "2G"),
            (Key::Kernel, "/k"),
            (Key::Initrd, "/i"),
            (Key::Append, "root=/dev/sda quiet"),
            (Key::Path, "/d"),
            (Key::Label, "a label"),
            (Key::Entitlement, "20:50"),
            (Key::Users, "anna:admin"),
            (Key::Keywords, "graceful_stop_timeout=60"),
        ],
    );
    assert_eq!(
        asks_for(&create).as_deref(),
        Some(
            "hpvmcreate -P lin1 -O linux -c 4 -r 2G -x kernel=/k -x initrd=/i -x 'append=root=/dev/sda quiet' \
             -B manual -l 'a label' -e 20:50 -u anna:admin -x graceful_stop_timeout=60 -a disk:avio_stor::file:/d"
        )
    );
    let mut guest = Box::new(samples::detail());
    let copied =
        [(Key::Vcpus, "8"), (Key::Fate(0), "copy"), (Key::Copy(0), "/new"), (Key::Fate(1), "leave out")];
    assert_eq!(asks_for(&filled(Purpose::Clone(guest.clone()), &copied)), None, "it is on");
    guest.summary.state = GuestState::Off;
    let clone = filled(Purpose::Clone(guest), &copied);
    assert_eq!(
        asks_for(&clone).as_deref(),
        Some(
            "hpvmclone -P demo -N demo-2 -c 8 -d dvd:avio_stor:0,1,1:null:/iso -b disk:avio_stor:0,1,0:file:/new"
        )
    );
    let add = filled(
        Purpose::AddDevice { guest: "demo".into(), attached: None },
        &[(Key::Path, "/dev/vg/lv"), (Key::Address, "0,2,1")],
    );
    assert_eq!(asks_for(&add).as_deref(), Some("hpvmmodify -P demo -a disk:avio_stor:0,2,1:disk:/dev/vg/lv"));
    let tape = Some(("tape".to_owned(), "/dev/rtape/tape1_BEST".to_owned()));
    let attach = Form::new(Purpose::AddDevice { guest: "demo".into(), attached: tape });
    assert!(attach.unchecked_paths().is_empty(), "it is no file");
    assert_eq!(
        asks_for(&attach).as_deref(),
        Some("hpvmmodify -P demo -a tape:avio_stor::attach_path:/dev/rtape/tape1_BEST")
    );
    let entry = filled(Purpose::AddEntry, &[(Key::Name, "/iso"), (Key::Share, "yes")]);
    assert_eq!(asks_for(&entry).as_deref(), Some("hpvmdevmgmt -a gdev:/iso:attr:SHARE=YES"));
    let file = filled(Purpose::CreateFile, &[(Key::Path, "/f"), (Key::Size, "1G")]);
    assert_eq!(asks_for(&file).as_deref(), Some("hpvmdevmgmt -S 1073741824 /f"));
}

#[test]
fn modification_asks_only_for_what_differs() {
    let guest = samples::detail();
    let name = guest.summary.name.clone();
    let same = Form::new(Purpose::Modify(Box::new(guest.clone())));
    assert_eq!(asks_for(&same), None);
    let changed = filled(Purpose::Modify(Box::new(guest)), &[(Key::Vcpus, "3"), (Key::Label, "new")]);
    assert_eq!(asks_for(&changed), Some(format!("hpvmmodify -P {name} -c 3 -l new")));
}

#[test]
fn discs_come_from_where_the_drive_says_and_go_back_there() {
    let mut drive = samples::detail().devices.remove(1);
    let insert = Purpose::Insert { guest: "demo".into(), drive: Box::new(drive.clone()) };
    assert_eq!(Form::new(insert.clone()).focused().value(), "/iso/");
    let form = filled(insert, &[(Key::Path, "/iso/a.iso")]);
    assert_eq!(asks_for(&form).as_deref(), Some("hpvmmodify -P demo -m dvd:avio_stor:0,1,1:file:/iso/a.iso"));
    (drive.storage, drive.location) = ("file".into(), "/iso/a.iso".into());
    assert_eq!(build::emptied(&drive), "dvd:avio_stor:0,1,1:null:/iso");
}

#[test]
fn bad_names_are_refused_with_the_reason() {
    for (name, reason) in [
        ("", "needs a name"),
        ("a b", "cannot contain ' '"),
        ("-a", "begin with"),
        ("42", "digits alone"),
        ("..", "directory"),
        ("ä", "cannot contain"),
    ] {
        let problem = name_problem(name, &none()).unwrap_or_default();
        assert!(problem.contains(reason), "{name:?}: {problem:?}");
    }
    assert_eq!(name_problem("ivm-1.a_B", &none()), None);
    let mut guests = none();
    guests.replace(samples::guests(3), &Figures::default());
    assert!(name_problem("guest001", &guests).is_some_and(|problem| problem.contains("already exists")));
}

#[test]
fn memory_is_a_multiple_of_64_megabytes() {
    assert_eq!(parse_memory("512M"), Ok(512 << 20));
    assert_eq!(parse_memory("2gb"), Ok(2 << 30));
    assert_eq!(parse_memory("128"), Ok(128 << 20));
    let wrong =
        ["", "M", "12", "100M", "257G", "99999999999999999999G", "18446744073709551615G", "1T", "-1G", "５G"];
    assert!(wrong.iter().all(|wrong| parse_memory(wrong).is_err()));
}

#[test]
fn addresses_are_within_their_bounds() {
    for (address, is_good) in
        [("", true), ("0,1,0", true), ("7,7,127", true), ("8,0,0", false), ("0,1", false), ("0,0,128", false)]
    {
        let form = filled(
            Purpose::AddDevice { guest: "g".into(), attached: None },
            &[(Key::Path, "/d"), (Key::Address, address)],
        );
        assert_eq!(form.request(&none()).is_some(), is_good, "{address}");
    }
}

#[test]
fn empty_fields_complain_only_after_they_were_left() {
    let mut form = Form::new(Purpose::Create);
    assert_eq!(form.complaint(&form.fields[0], &none()), None);
    form.step(true);
    assert!(form.complaint(&form.fields[0], &none()).is_some());
}

#[test]
fn files_are_looked_at_once_and_their_problem_is_shown() {
    let mut form =
        filled(Purpose::Create, &[(Key::Name, "g"), (Key::Kernel, "/no/kernel"), (Key::Path, "disk")]);
    assert_eq!(form.unchecked_paths(), ["/no/kernel"]);
    form.note_file("/no/kernel".to_owned(), Some("There is no such file".to_owned()));
    assert!(form.unchecked_paths().is_empty());
    let complaint = |form: &Form, key| {
        let field = form.fields.iter().find(|field| field.key == key).expect("there is such a field");
        form.complaint(field, &none()).unwrap_or_default()
    };
    assert_eq!(complaint(&form, Key::Kernel), "There is no such file");
    assert!(complaint(&form, Key::Path).contains("whole path"));
    form.go_to_first_problem(&none());
    assert_eq!(form.focused().key, Key::Kernel);
}

#[test]
fn initial_ram_disk_needs_a_kernel() {
    assert_eq!(asks_for(&filled(Purpose::Create, &[(Key::Name, "g"), (Key::Initrd, "/i")])), None);
}

#[test]
fn choices_go_round() {
    let mut form = Form::new(Purpose::AddDevice { guest: "g".into(), attached: None });
    assert!(form.focused_input().is_none(), "nothing is typed there");
    for value in ["dvd", "tape", "changer", "burner", "disk"] {
        assert!(form.choose(true) && form.focused().value() == value);
    }
    form.step(true);
    assert!(!form.choose(true));
}

#[test]
fn emulated_devices_are_made_and_filled_as_by_commands() {
    let library = [(Key::Path, "/tapes"), (Key::Drives, "2"), (Key::Cartridges, "9")];
    assert_eq!(asks_for(&filled(Purpose::NewLibrary, &library)), None, "there are eight slots");
    let library = [(Key::Path, "/tapes"), (Key::Drives, "2"), (Key::Slots, "9"), (Key::Cartridges, "9")];
    for (form, command) in [
        (
            filled(Purpose::NewLibrary, &library),
            "hpvm library create /tapes --drives 2 --slots 9 --ports 1 --cartridges 9 --capacity 1G",
        ),
        (filled(Purpose::NewTape, &[(Key::Path, "/t.tap")]), "hpvm tape create /t.tap --capacity 1G"),
        (filled(Purpose::NewBurner, &[(Key::Path, "/discs")]), "hpvm burner create /discs"),
        (
            filled(Purpose::Import { library: "/tapes".into() }, &[(Key::Name, "KIT_9"), (Key::Size, "64M")]),
            "hpvm library import /tapes KIT_9 --capacity 64M",
        ),
        (
            filled(
                Purpose::InsertDisc { burner: "/discs".into() },
                &[(Key::Name, "b1"), (Key::Kind, "CD-R")],
            ),
            "hpvm burner insert /discs b1 --kind CD-R",
        ),
        (
            filled(Purpose::InsertDisc { burner: "/discs".into() }, &[(Key::Name, "b1")]),
            "hpvm burner insert /discs b1",
        ),
    ] {
        assert_eq!(asks_for(&form).as_deref(), Some(command));
    }
    let wrong: [(Purpose, Key, &[&str]); 4] = [
        (Purpose::NewLibrary, Key::Drives, &["0", "65", "x", ""]),
        (Purpose::NewTape, Key::Size, &["0", "big"]),
        (Purpose::Import { library: "/tapes".into() }, Key::Name, &["", "kit", "A B", "A/B"]),
        (Purpose::InsertDisc { burner: "/discs".into() }, Key::Name, &["", "../x", ".hidden", "a b"]),
    ];
    for (purpose, key, values) in wrong {
        for value in values {
            let form = filled(purpose.clone(), &[(key, value)]);
            let field = form.fields.iter().find(|field| field.key == key).expect("there is such a field");
            assert!(form.problem(field, &none()).is_some(), "{key:?} {value}");
        }
    }
}

#[test]
fn device_stays_what_it_is_on_another_store() {
    let (guest, _) = samples::attached();
    for (place, storage, path, command) in [
        (2, "attach_path", "0/1/1/0.0x5.0x0", "-m tape:avio_stor:0,4,0:attach_path:0/1/1/0.0x5.0x0"),
        (0, "file", "/dev/sdb", "-m disk:avio_stor:0,1,0:disk:/dev/sdb"),
        (0, "lv", "/dev/vg1/rlv2", "-m disk:avio_stor:0,1,0:lv:/dev/vg1/rlv2"),
        (0, "lv", "/a.img", "-m disk:avio_stor:0,1,0:file:/a.img"),
        (1, "null", "/iso/a.iso", "-m dvd:avio_stor:0,1,1:file:/iso/a.iso"),
    ] {
        let device = DeviceDetail { storage: storage.to_owned(), ..guest.devices[place].clone() };
        let purpose = Purpose::ModifyDevice { guest: "demo".to_owned(), device: Box::new(device) };
        let wanted = format!("hpvmmodify -P demo {command}");
        assert_eq!(asks_for(&filled(purpose, &[(Key::Path, path)])), Some(wanted));
    }
}
