use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<StorageStatement, String> {
    text.parse::<StorageStatement>().map_err(|refusal| refusal.to_string())
}

#[test]
fn statements_of_the_manual_are_read_and_printed_back() {
    for text in [
        "disk:avio_stor:0,1,0:file:/pathname/file",
        "disk:avio_stor::disk:/dev/rdisk/disk12",
        "disk:avio_stor::lv:/dev/vgname/rlvname",
        "disk:avio_stor:7,7,127:file:/a",
        "dvd:avio_stor::disk:/dev/rdisk/disk5",
        "dvd:avio_stor:0,1:file:/pathname/file.ISO",
        "dvd:avio_stor:0,1,2:null:/directory/",
        "tape:avio_stor::attach_path:0/7/1/1.0x500104f00048b29e.0x0",
        "changer:avio_stor:0,4:attach_path:0/7/1/1.0x500104f00048b29d.0x0",
        "burner:avio_stor:,,9:attach_path:0/0/3/0.0x0.0x0",
        "disk:avio_stor:0,,3:file:/with:colons and blanks",
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn words_are_taken_in_any_case_and_adapters_by_their_short_name() {
    assert_eq!(parse("Disk:AVIO_stor::FILE:/F").unwrap().to_string(), "disk:avio_stor::file:/F");
    assert_eq!(parse("disk:aviostor:00,1,:file:/f").unwrap().to_string(), "disk:avio_stor:0,1:file:/f");
}

#[test]
fn refusals_name_the_offending_field() {
    #[rustfmt::skip] // One case a line: statement, message.
    let cases = [
        ("", "Illegal resource statement ''. Expected device:adapter:bus,slot,target:storage:location."),
        ("disk:avio_stor:file:/f", "Illegal resource statement 'disk:avio_stor:file:/f'. Expected device:adapter:bus,slot,target:storage:location."),
        ("floppy:avio_stor::file:/f", "Illegal device type 'floppy'."),
        ("disk:scsi::file:/f", "Illegal adapter type 'scsi'. Expected avio_stor."),
        ("disk:avio_lan::file:/f", "Illegal adapter type 'avio_lan'. Expected avio_stor."),
        ("disk:avio_stor:8,0,0:file:/f", "Illegal bus 8 (valid range is 0-7)."),
        ("disk:avio_stor:0,8,0:file:/f", "Illegal slot 8 (valid range is 0-7)."),
        ("disk:avio_stor:0,0,128:file:/f", "Illegal target 128 (valid range is 0-127)."),
        ("disk:avio_stor:0,0,-1:file:/f", "Illegal target -1 (valid range is 0-127)."),
        ("disk:avio_stor:+0,0,1:file:/f", "Illegal bus +0 (valid range is 0-7)."),
        ("disk:avio_stor:0,x,1:file:/f", "Illegal slot x (valid range is 0-7)."),
        ("disk:avio_stor:0,0,99999999999999999999:file:/f", "Illegal target 99999999999999999999 (valid range is 0-127)."),
        ("disk:avio_stor:0,0,0,0:file:/f", "Illegal address '0,0,0,0'. Expected bus,slot,target."),
        ("disk:avio_stor::tape:/f", "Illegal storage type 'tape'."),
        ("disk:avio_stor::null:/f", "Storage type 'null' is valid for DVD devices only."),
        ("tape:avio_stor::null:/f", "Storage type 'null' is valid for DVD devices only."),
        ("hba:avio_stor:1,1,0x50060b00006499a8,0x50060b00006499a9:npiv:/dev/fcd0", "Device type 'hba' (NPIV) is not supported."),
        ("disk:avio_stor::attach:/dev/pt/pt_disk1", "Storage type 'attach' is not supported for device type 'disk'."),
        ("burner:avio_stor::attach:pt_disk1", "Illegal location 'pt_disk1'. Expected an absolute path."),
        ("dvd:avio_stor::lv:/dev/vg/rlv", "Storage type 'lv' is not supported for device type 'dvd'."),
        ("tape:avio_stor::file:/f", "Storage type 'file' is not supported for device type 'tape'."),
        ("disk:avio_stor::attach_path:0/1", "Storage type 'attach_path' is not supported for device type 'disk'."),
        ("disk:avio_stor::file:", "Illegal location ''. Expected an absolute path."),
        ("disk:avio_stor::file:relative", "Illegal location 'relative'. Expected an absolute path."),
        ("tape:avio_stor::attach_path:", "Illegal lunpath ''."),
        ("tape:avio_stor::attach_path:/dev/rtape/tape1", "Illegal lunpath '/dev/rtape/tape1'."),
    ];
    for (statement, message) in cases {
        assert_eq!(parse(statement), Err(message.to_owned()), "{statement}");
    }
    assert!(parse("disk:avio_stor::file:/a\nb").is_err(), "a statement is one line");
    let long = format!("disk:avio_stor::file:/{}", "a".repeat(5000));
    assert_eq!(parse(&long), Err("Resource statement is longer than 4160 characters.".to_owned()));
}

#[test]
fn each_device_type_goes_with_its_storage_types_and_no_other() {
    let allowed = [
        ("disk", "disk lv file"),
        ("dvd", "disk file null"),
        ("tape", "attach attach_path"),
        ("changer", "attach attach_path"),
        ("burner", "attach attach_path"),
    ];
    for (device, storages) in allowed {
        for storage in ["disk", "lv", "file", "null", "attach", "attach_path"] {
            let location = if storage == "attach_path" { "0/1.0x1.0x0" } else { "/x" };
            let text = format!("{device}:avio_stor:0,1,2:{storage}:{location}");
            let is_allowed = storages.split(' ').any(|allowed| allowed == storage);
            assert_eq!(parse(&text).map(|s| s.to_string()).ok(), is_allowed.then_some(text));
        }
    }
}

#[test]
fn storage_types_of_older_adapters_are_described_but_not_used() {
    let refusal = |text: &str| parse(text).unwrap().check_usable().map_err(|refusal| refusal.to_string());
    assert_eq!(
        refusal("tape:avio_stor::attach:/dev/pt/pt_tape1"),
        Err("Storage type 'attach' is not supported with avio_stor. Use attach_path.".to_owned())
    );
    for usable in [
        "changer:avio_stor:0,4:attach_path:0/7/1/1.0x500104f00048b29d.0x0",
        "disk:avio_stor::lv:/dev/vg/lv",
        "dvd:avio_stor::null:/isos",
        "dvd:avio_stor::disk:/dev/sr0",
    ] {
        assert_eq!(refusal(usable), Ok(()));
    }
}

fn take(layout: &mut Layout, placement: &str) -> Result<String, String> {
    layout.take(placement.parse().unwrap()).map(|a| a.to_string()).map_err(|r| r.to_string())
}

#[test]
fn free_places_are_given_out_in_order() {
    let mut layout = Layout::new();
    layout.reserve(0, 0, SlotUse::Network);
    assert_eq!(take(&mut layout, ""), Ok("0,1,0".into()));
    assert_eq!(take(&mut layout, ""), Ok("0,1,1".into()));
    assert_eq!(take(&mut layout, "0,5"), Ok("0,5,0".into()));
    assert_eq!(take(&mut layout, "0,1,3"), Ok("0,1,3".into()));
    assert_eq!(take(&mut layout, ""), Ok("0,1,2".into()));
    assert_eq!(take(&mut layout, ""), Ok("0,1,4".into()));
    assert_eq!(take(&mut layout, ",,4"), Ok("0,5,4".into()));
    assert_eq!(take(&mut layout, "3"), Ok("3,0,0".into()));
    assert!(layout.free(Address::new(0, 1, 1).unwrap()));
    assert_eq!(take(&mut layout, ""), Ok("0,1,1".into()));
}

#[test]
fn taken_places_are_refused() {
    let mut layout = Layout::new();
    layout.reserve(0, 1, SlotUse::Network);
    take(&mut layout, "0,2,5").unwrap();
    assert_eq!(take(&mut layout, "0,2,5"), Err("Address 0,2,5 is already in use.".into()));
    assert_eq!(take(&mut layout, "0,1,0"), Err("PCI slot 0,1 is in use by a network adapter.".into()));
}

#[test]
fn limits_of_adapter_and_guest_hold() {
    let mut layout = Layout::new();
    for _ in 0..128 {
        take(&mut layout, "0,1").unwrap();
    }
    assert_eq!(take(&mut layout, "0,1"), Err("Adapter 0,1 has the maximum of 128 devices.".into()));
    assert_eq!(take(&mut layout, ""), Ok("0,0,0".into()), "a full adapter is followed by a new one");
    for _ in 129..256 {
        take(&mut layout, "").unwrap();
    }
    assert_eq!(take(&mut layout, ""), Err("Guest has the maximum of 256 storage devices.".into()));
    assert_eq!(layout.devices().count(), 256);
}

fn placements() -> impl Strategy<Value = Placement> {
    let part = |count| proptest::option::of(0u8..count);
    (part(8), part(8), part(128)).prop_map(|(bus, slot, target)| {
        let text = |part: Option<u8>| part.map(|n| n.to_string()).unwrap_or_default();
        format!("{},{},{}", text(bus), text(slot), text(target)).parse().unwrap()
    })
}

fn statements() -> impl Strategy<Value = StorageStatement> {
    let types: Vec<_> = DeviceType::ALL
        .iter()
        .flat_map(|device| device.storage_types().iter().map(|storage| (*device, *storage)))
        .collect();
    (proptest::sample::select(types), placements(), "/[^\\p{Cc}]{0,40}", "[0-9][!-~]{0,40}").prop_map(
        |((device, storage), placement, path, lunpath)| {
            let location = if storage == StorageType::AttachPath { lunpath } else { path };
            StorageStatement::new(device, placement, storage, &location).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn printed_statements_read_back_the_same(statement in statements()) {
        prop_assert_eq!(statement.to_string().parse::<StorageStatement>(), Ok(statement));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        if let Ok(statement) = text.parse::<StorageStatement>() {
            prop_assert_eq!(statement.to_string().parse::<StorageStatement>(), Ok(statement));
        }
    }

    #[test]
    fn nearly_right_text_is_read_or_refused(
        text in "(disk|dvd|tape|x)?:(avio_stor|aviostor|scsi)?:[0-9,-]{0,8}:(file|lv|null|attach|attach_path)?:[/0-9a-z:]{0,9}"
    ) {
        if let Ok(statement) = text.parse::<StorageStatement>() {
            prop_assert_eq!(statement.to_string().parse::<StorageStatement>(), Ok(statement));
        }
    }

    #[test]
    fn no_two_devices_share_a_place(wanted in proptest::collection::vec(placements(), 1..300)) {
        let mut layout = Layout::new();
        layout.reserve(2, 2, SlotUse::Reserved);
        let mut given = std::collections::HashSet::new();
        for placement in wanted {
            if let Ok(address) = layout.take(placement) {
                prop_assert!(given.insert(address));
                prop_assert!(address.adapter() != (2, 2));
                prop_assert!(placement.bus().is_none_or(|b| b == address.bus()));
                prop_assert!(placement.slot().is_none_or(|s| s == address.slot()));
                prop_assert!(placement.target().is_none_or(|t| t == address.target()));
            }
        }
        prop_assert!(given.len() <= MAX_DEVICES);
    }
}
