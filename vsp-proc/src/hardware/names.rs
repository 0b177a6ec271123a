//! Names of devices as HP-UX has them: class, driver and device files by instance, and hardware paths (hpvm.md 7.4, 10.1).

use serde::{Deserialize, Serialize};

/// Class of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Class {
    /// Media changers.
    Autoch,
    /// Disks, and CD and DVD drives.
    Disk,
    /// Tape drives.
    Tape,
}

/// Variants of a tape's device file: rewinding on close or not (`n`), of either behaviour at filemarks (`b`: Berkeley).
const TAPE_FILES: [&str; 4] = ["_BEST", "_BESTb", "_BESTn", "_BESTnb"];

impl Class {
    const ALL: [Class; 3] = [Class::Autoch, Class::Disk, Class::Tape];

    /// As `ioscan` has it, and as device files begin.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Class::Autoch => "autoch",
            Class::Disk => "disk",
            Class::Tape => "tape",
        }
    }

    /// The driver that claims it.
    pub(crate) fn driver(self) -> &'static str {
        match self {
            Class::Autoch => "eschgr",
            Class::Disk => "esdisk",
            Class::Tape => "estape",
        }
    }

    /// Device files of an instance, the pass-through file apart.
    pub(crate) fn files(self, instance: u32) -> Vec<String> {
        match self {
            Class::Autoch => vec![format!("/dev/rchgr/autoch{instance}")],
            Class::Disk => vec![format!("/dev/disk/disk{instance}"), format!("/dev/rdisk/disk{instance}")],
            Class::Tape => {
                TAPE_FILES.iter().map(|variant| format!("/dev/rtape/tape{instance}{variant}")).collect()
            }
        }
    }

    /// The pass-through device file.
    pub(crate) fn pass_through(self, instance: u32) -> String {
        format!("/dev/pt/pt_{}{instance}", self.word())
    }
}

/// Class and instance of a device file's name.
pub(crate) fn parse(name: &str) -> Option<(Class, u32)> {
    let file = name.rsplit('/').next()?;
    let file = file.strip_prefix("pt_").unwrap_or(file);
    let class = Class::ALL.into_iter().find(|class| file.starts_with(class.word()))?;
    let digits: String = file[class.word().len()..].chars().take_while(char::is_ascii_digit).collect();
    let instance = digits.parse().ok()?;
    let is_name = name == class.pass_through(instance) || class.files(instance).iter().any(|own| own == name);
    is_name.then_some((class, instance))
}

/// Whether a path can only be a name of this kind, and not a file of the host.
pub(crate) fn is_device_file(name: &str) -> bool {
    ["/dev/rtape/", "/dev/rchgr/", "/dev/rdisk/", "/dev/pt/"].iter().any(|prefix| name.starts_with(prefix))
        || parse(name).is_some()
}

/// LUN hardware path.
pub(crate) fn lun_path(lun: u32) -> String {
    format!("64000/0xfa00/{lun:#x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_files_are_read_as_they_are_made() {
        for class in Class::ALL {
            for name in class.files(12).into_iter().chain([class.pass_through(12)]) {
                assert_eq!(parse(&name), Some((class, 12)), "{name}");
                assert!(is_device_file(&name));
            }
        }
        let tape = [
            "/dev/rtape/tape1_BEST",
            "/dev/rtape/tape1_BESTb",
            "/dev/rtape/tape1_BESTn",
            "/dev/rtape/tape1_BESTnb",
        ];
        assert_eq!(Class::Tape.files(1), tape);
        assert_eq!(Class::Disk.files(7), ["/dev/disk/disk7", "/dev/rdisk/disk7"]);
        assert_eq!(
            (Class::Autoch.files(1)[0].as_str(), lun_path(10).as_str()),
            ("/dev/rchgr/autoch1", "64000/0xfa00/0xa")
        );
        for name in [
            "/dev/rtape/tape1",
            "/dev/disk/disk7_p1",
            "/dev/disk/by-id",
            "/dev/disk/disk07",
            "/tape1_BEST",
            "tape",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
        assert!(!is_device_file("/dev/disk/by-id/x") && is_device_file("/dev/rtape/x"));
    }
}
