//! The layouts of `ioscan`.

use clap::ValueEnum;
use ipc::io::IoDevice;

use super::Property;
use super::node::{Node, description, health};

/// Blanks before device files.
const INDENT: usize = 22;
/// Most that device files of a line take up, blanks between them included.
const FILES_WIDTH: usize = 84;

/// `-f`.
pub(super) fn full(nodes: &[&Node], with_files: bool) -> String {
    if nodes.is_empty() {
        return String::new();
    }
    let mut text = heading("Class     I  H/W Path  Driver S/W State   H/W Type     Description", 67);
    for node in nodes {
        let Node { class, instance, path, driver, hardware, description, .. } = node;
        let state = node.state();
        text += &line(&format!(
            "{class:<8}{instance:>3}  {path:<18} {driver:<8} {state:<11} {hardware:<12} {description}"
        ));
        if with_files {
            text += &columns(&node.files);
        }
    }
    text
}

/// Without `-f`.
pub(super) fn brief(nodes: &[&Node], with_files: bool) -> String {
    let Some(width) = nodes.iter().map(|node| node.path.len()).max() else { return String::new() };
    let width = width.max("H/W Path".len()) + 2;
    let mut text = heading(&format!("{:<width$}{:<10}Description", "H/W Path", "Class"), width + 21);
    for node in nodes {
        text += &line(&format!("{:<width$}{:<10}{}", node.path, node.class, node.description));
        if with_files {
            text += &columns(&node.files);
        }
    }
    text
}

/// `-F`.
pub(super) fn fields(nodes: &[&Node], with_health: bool) -> String {
    let of = |node: &&Node| {
        let (block, character) = node.majors;
        let flag = |is: bool| if is { "T" } else { "F" };
        let Node { class, driver, path, instance, module_path, hardware, description, .. } = node;
        let fields = [
            "scsi:wsio".to_owned(),
            format!("{}:{}:F", flag(block >= 0), flag(character >= 0)),
            format!("{block}:{character}:{instance}:{class}:{driver}:{path}"),
            // Nothing is known of identify bytes.
            String::new(),
            format!("{instance}:{module_path}:{driver}:{}:{hardware}:{description}:", node.state()),
        ];
        let health = if with_health { format!(":::{}", health(node.is_present)) } else { String::new() };
        format!("{}{health}\n", fields.join(":"))
    };
    nodes.iter().map(of).collect()
}

/// `-P`.
pub(super) fn property(nodes: &[&Node], property: Property) -> String {
    if nodes.is_empty() {
        return String::new();
    }
    let name = property.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let mut text = heading(&format!("Class     I  H/W Path           {name}"), 32 + name.len());
    for node in nodes {
        let Node { class, instance, path, .. } = node;
        let value = match property {
            Property::Health => health(node.is_present),
            Property::InUseBy => node.in_use_by.as_deref().unwrap_or("-"),
        };
        text += &line(&format!("{class:<8}{instance:>3}  {path:<18} {value}"));
    }
    text
}

/// `-m lun`.
pub(super) fn luns(devices: &[&IoDevice]) -> String {
    if devices.is_empty() {
        return String::new();
    }
    let mut text =
        heading("Class     I  Lun H/W Path  Driver  S/W State   H/W Type     Health  Description", 70);
    for device in devices {
        let IoDevice { class, instance, lun_path, driver, is_present, .. } = device;
        let state = if *is_present { "CLAIMED" } else { "NO_HW" };
        text += &line(&format!(
            "{class:<8}{instance:>3}  {lun_path:<18} {driver:<7} {state:<11} {:<12} {:<8} {}",
            "DEVICE",
            health(*is_present),
            description(device)
        ));
        for (_, path) in &device.lunpaths {
            text += &format!("{:13}{path}\n", "");
        }
        text += &columns(&device.files);
    }
    text
}

/// `-m dsf`: the host's own names take the place of legacy files.
pub(super) fn device_files(devices: &[&IoDevice]) -> String {
    let mut text = heading("Persistent DSF           Legacy DSF(s)", 40);
    let raw = |file: &&String| !file.starts_with("/dev/disk/");
    for device in devices {
        let files = device.files.iter().filter(raw).map(|file| (file, device.host_path.as_ref()));
        for (file, host) in files {
            text += &match host {
                Some(host) if file.len() >= 25 => format!("{file}   {host}\n"),
                Some(host) => format!("{file:<25}{host}\n"),
                None => format!("{file}\n"),
            };
        }
    }
    text
}

/// `-m hwpath`.
pub(super) fn paths(devices: &[&IoDevice]) -> String {
    let mut text = heading("Lun H/W Path     Lunpath H/W Path     Legacy H/W Path", 68);
    for device in devices {
        text += &format!("{}\n", device.lun_path);
        for (_, path) in &device.lunpaths {
            text += &format!("{:17}{path}\n", "");
        }
    }
    text
}

fn heading(text: &str, underline: usize) -> String {
    format!("{text}\n{}\n", "=".repeat(underline))
}

fn line(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// Device files, sorted down the columns.
fn columns(files: &[String]) -> String {
    let Some(longest) = files.iter().map(String::len).max() else { return String::new() };
    let width = longest + 2;
    let rows = files.len().div_ceil((FILES_WIDTH / width).max(1));
    let row = |number: usize| -> String {
        let own = files.iter().skip(number).step_by(rows).map(|file| format!("{file:<width$}"));
        line(&format!("{:INDENT$}{}", "", own.collect::<String>()))
    };
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tape() -> IoDevice {
        let files = ["", "b", "n", "nb"].map(|variant| format!("/dev/rtape/tape1_BEST{variant}"));
        IoDevice {
            class: "tape".into(),
            instance: 1,
            lun_path: "64000/0xfa00/0x0".into(),
            driver: "estape".into(),
            is_present: true,
            vendor: "STK".into(),
            product: "T9940B".into(),
            wwid: "naa.500104f00048b29d".into(),
            lunpaths: vec![
                (20, "0/1/1/1.0x500104f00048b29d.0x0".into()),
                (21, "0/7/1/1.0x500104f00048b29e.0x0".into()),
            ],
            files: files.to_vec(),
            pass_through: "/dev/pt/pt_tape1".into(),
            host_path: Some("/dev/nst0".into()),
            in_use_by: None,
            attaches_as: Some("tape".into()),
        }
    }

    /// hpvm.md 7.4; of blanks between columns the manual has fewer than the transcripts that this follows.
    #[test]
    fn luns_are_listed_with_their_paths_and_files() {
        let expected = "\
Class     I  Lun H/W Path  Driver  S/W State   H/W Type     Health  Description
======================================================================
tape      1  64000/0xfa00/0x0   estape  CLAIMED     DEVICE       online   STK     T9940B
             0/1/1/1.0x500104f00048b29d.0x0
             0/7/1/1.0x500104f00048b29e.0x0
                      /dev/rtape/tape1_BEST    /dev/rtape/tape1_BESTn
                      /dev/rtape/tape1_BESTb   /dev/rtape/tape1_BESTnb
";
        assert_eq!(luns(&[&tape()]), expected);
        assert_eq!(luns(&[]), "");
    }

    /// The lines of hpvm.md 10.1 that are marked exact.
    #[test]
    fn disks_are_listed_as_in_transcripts() {
        let disk = |instance, lun_path: &str, product: &str, files: &[&str]| IoDevice {
            class: "disk".into(),
            instance,
            lun_path: lun_path.into(),
            driver: "esdisk".into(),
            vendor: "HP".into(),
            product: product.into(),
            lunpaths: Vec::new(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            ..tape()
        };
        let partitions = [
            "/dev/disk/disk8",
            "/dev/disk/disk8_p1",
            "/dev/disk/disk8_p2",
            "/dev/disk/disk8_p3",
            "/dev/rdisk/disk8",
            "/dev/rdisk/disk8_p1",
            "/dev/rdisk/disk8_p2",
            "/dev/rdisk/disk8_p3",
        ];
        let cluster = ["/dev/cdisk/disk6", "/dev/disk/disk18", "/dev/rcdisk/disk6", "/dev/rdisk/disk18"];
        let devices = [
            disk(8, "64000/0xfa00/0x1", "EG0300FAWHV", &partitions),
            disk(18, "64000/0xfa00/0xc", "OPEN-V", &cluster),
        ];
        let nodes: Vec<Node> = devices.iter().flat_map(Node::of).collect();
        let expected = "\
Class     I  H/W Path  Driver S/W State   H/W Type     Description
===================================================================
disk      8  64000/0xfa00/0x1   esdisk   CLAIMED     DEVICE       HP      EG0300FAWHV
                      /dev/disk/disk8      /dev/disk/disk8_p2   /dev/rdisk/disk8     /dev/rdisk/disk8_p2
                      /dev/disk/disk8_p1   /dev/disk/disk8_p3   /dev/rdisk/disk8_p1  /dev/rdisk/disk8_p3
disk     18  64000/0xfa00/0xc   esdisk   CLAIMED     DEVICE       HP      OPEN-V
                      /dev/cdisk/disk6   /dev/disk/disk18   /dev/rcdisk/disk6  /dev/rdisk/disk18
";
        assert_eq!(full(&nodes.iter().collect::<Vec<_>>(), true), expected);
    }

    #[test]
    fn one_property_of_each_device() {
        let held = IoDevice { in_use_by: Some("ivm1".into()), lunpaths: Vec::new(), ..tape() };
        let gone = IoDevice { is_present: false, instance: 12, lunpaths: Vec::new(), ..tape() };
        let nodes: Vec<Node> = [held, gone].iter().flat_map(Node::of).collect();
        let nodes: Vec<&Node> = nodes.iter().collect();
        let expected = "\
Class     I  H/W Path           in_use_by
=========================================
tape      1  64000/0xfa00/0x0   ivm1
tape     12  64000/0xfa00/0x0   -
";
        assert_eq!(property(&nodes, Property::InUseBy), expected);
        assert!(
            property(&nodes, Property::Health)
                .ends_with("0x0   online\ntape     12  64000/0xfa00/0x0   offline\n")
        );
        assert_eq!(property(&[], Property::Health), "");
    }

    #[test]
    fn paths_and_fields_of_a_device() {
        let (tape, nodes) = (tape(), Node::of(&tape()));
        let nodes: Vec<&Node> = nodes.iter().collect();
        let lunpath = full(&nodes[1..2], false);
        assert!(lunpath.ends_with(
            "lunpath  21  0/7/1/1.0x500104f00048b29e.0x0 eslpt    CLAIMED     LUN_PATH     LUN path for tape1\n"
        ));
        assert_eq!(
            fields(&nodes[2..], true),
            "scsi:wsio:F:T:F:-1:205:1:tape:estape:64000/0xfa00/0x0::1:root.esvroot.estape:estape:CLAIMED:DEVICE:STK     T9940B::::online\n"
        );
        let dsf = device_files(&[&tape]);
        assert!(dsf.contains("/dev/rtape/tape1_BEST    /dev/nst0\n"), "{dsf}");
        assert!(dsf.contains("/dev/rtape/tape1_BESTnb  /dev/nst0\n"), "{dsf}");
        assert!(paths(&[&tape]).ends_with("\n64000/0xfa00/0x0\n                 0/1/1/1.0x500104f00048b29d.0x0\n                 0/7/1/1.0x500104f00048b29e.0x0\n"));
        assert_eq!((full(&[], true), brief(&[], true)), (String::new(), String::new()));
    }
}
