//! The forms about devices that the VSP emulates: what `hpvm library`, `tape` and `burner` make and take in.

use super::build::{FixedRow, SIZE_HINT};
use super::rule::{Rule, parse_size};
use super::{Form, Key, Purpose};
use ipc::io::{CartridgeAction, EmulatedPlan, IoRequest};
use ipc::message::ClientToVsp;
use storage::library::{MAXIMUM_DRIVES, MAXIMUM_PORTS, MAXIMUM_SLOTS};

/// Kinds of blank discs; without one the disc must be there.
const DISCS: Rule = Rule::Choice(&[NO_KIND, "CD-R", "CD-RW", "DVD-R", "DVD-RW", "DVD+R", "DVD+RW"]);
const NO_KIND: &str = "none";

/// The fields of a form about emulated devices; none for other forms.
pub(super) fn fields(purpose: &Purpose) -> Vec<FixedRow> {
    let own = str::to_owned;
    match purpose {
        Purpose::NewLibrary => vec![
            (
                Key::Path,
                "Directory",
                Rule::SomePath,
                own(""),
                "Made if it is missing; a library in it is taken as it is",
            ),
            (
                Key::Drives,
                "Tape drives",
                Rule::Count(1, MAXIMUM_DRIVES),
                own("1"),
                "Guests are given each by itself",
            ),
            (Key::Slots, "Slots", Rule::Count(1, MAXIMUM_SLOTS), own("8"), "Where cartridges are kept"),
            (
                Key::Ports,
                "Import/export",
                Rule::Count(0, MAXIMUM_PORTS),
                own("1"),
                "Where cartridges go in and out",
            ),
            (
                Key::Cartridges,
                "Cartridges",
                Rule::Count(0, MAXIMUM_SLOTS),
                own("4"),
                "Blank ones in the first slots",
            ),
            (Key::Size, "Capacity", Rule::Size, own("1G"), SIZE_HINT),
        ],
        Purpose::NewTape => vec![
            (
                Key::Path,
                "Image",
                Rule::SomePath,
                own(""),
                "As /tapes/backup.tap; one that is there is taken as it is",
            ),
            (Key::Size, "Capacity", Rule::Size, own("1G"), SIZE_HINT),
        ],
        Purpose::NewBurner => {
            vec![(
                Key::Path,
                "Directory",
                Rule::SomePath,
                own(""),
                "Where its discs lie; made if it is missing",
            )]
        }
        Purpose::Import { .. } => vec![
            (
                Key::Name,
                "Cartridge",
                Rule::Barcode,
                own(""),
                "Its barcode; made blank if there is no image of that name",
            ),
            (Key::Size, "Capacity", Rule::Size, own("1G"), "Of a new one, as 512M or 10G"),
        ],
        Purpose::InsertDisc { .. } => vec![
            (Key::Name, "Disc", Rule::DiscName, own(""), "The image is the file of this name with .iso"),
            (
                Key::Kind,
                "Make a blank",
                DISCS,
                own(NO_KIND),
                "If there is none of that name; Left and Right choose",
            ),
        ],
        _ => Vec::new(),
    }
}

/// The request of such a form in which nothing is wrong.
pub(super) fn request(form: &Form) -> Option<ClientToVsp> {
    let count = |key| form.value(key).parse().ok();
    let capacity = || parse_size(form.value(Key::Size));
    let create = |plan| IoRequest::Create { path: form.value(Key::Path).to_owned(), plan };
    let name = || form.value(Key::Name).to_owned();
    let request = match &form.purpose {
        Purpose::NewLibrary => create(EmulatedPlan::Library {
            drives: count(Key::Drives)?,
            slots: count(Key::Slots)?,
            ports: count(Key::Ports)?,
            cartridges: count(Key::Cartridges)?,
            capacity: capacity()?,
        }),
        Purpose::NewTape => create(EmulatedPlan::Tape { capacity: capacity()? }),
        Purpose::NewBurner => create(EmulatedPlan::Burner),
        Purpose::Import { library } => IoRequest::Cartridge {
            name: library.clone(),
            action: CartridgeAction::Import { barcode: name(), capacity: capacity()? },
        },
        Purpose::InsertDisc { burner } => {
            let kind = Some(form.value(Key::Kind)).filter(|kind| *kind != NO_KIND).map(str::to_owned);
            let action = CartridgeAction::Insert { name: name(), kind };
            IoRequest::Cartridge { name: burner.clone(), action }
        }
        _ => return None,
    };
    Some(ClientToVsp::Io(request))
}
