//! Drives and media: the VSP's devices, who holds each now, and what lies in those that it emulates.
//!
//! Only what [`ipc::io`] tells is known here; places of a library that nothing lies in are rows, too, for a cartridge can
//! be moved there.

use crate::console::msg::Inventory;
use ipc::io::{Emulated, IoDevice, Medium};
use ipc::message::GuestState;
use std::collections::BTreeMap;

/// One row: a library as a whole, a device, or a place of a library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    /// What it belongs to, or is, where the VSP emulates it.
    pub(crate) emulated: Option<&'a Emulated>,
    /// The device, where it is one.
    pub(crate) device: Option<&'a IoDevice>,
    /// The place within a library.
    pub(crate) place: Option<&'a str>,
    /// What lies in it.
    pub(crate) medium: Option<&'a Medium>,
}

impl<'a> Item<'a> {
    /// What it is, in a word.
    pub(crate) fn label(&self) -> String {
        match (self.place, self.device, self.emulated) {
            (Some(place), ..) => format!("  {place}"),
            (None, Some(_), Some(emulated)) if emulated.kind == LIBRARY => "  changer".to_owned(),
            (None, Some(device), _) => device.attaches_as.clone().unwrap_or_else(|| device.class.clone()),
            (None, None, Some(emulated)) => emulated.kind.clone(),
            (None, None, None) => String::new(),
        }
    }

    /// The name by which commands know it; a place has none.
    pub(crate) fn name(&self) -> &'a str {
        match (self.device, self.emulated, self.place) {
            (Some(device), ..) => device.files.first().map_or("", String::as_str),
            (None, Some(emulated), None) => &emulated.path,
            _ => "",
        }
    }

    /// Who holds it now: a guest, or the VSP.
    pub(crate) fn holder(&self) -> Option<&'a str> {
        self.device?.in_use_by.as_deref()
    }

    /// The library that it is, or belongs to.
    pub(crate) fn library(&self) -> Option<&'a Emulated> {
        self.emulated.filter(|emulated| emulated.kind == LIBRARY)
    }

    /// The burner that it is.
    pub(crate) fn burner(&self) -> Option<&'a Emulated> {
        self.emulated.filter(|emulated| emulated.kind == BURNER)
    }

    /// Whether a row's text has these small letters.
    pub(crate) fn has_text(&self, text: &str) -> bool {
        let medium = self.medium.map_or("", |medium| &medium.name);
        let path = self.emulated.map_or("", |emulated| &emulated.path);
        let device = self.device.map(|device| [device.vendor.as_str(), &device.product].join(" "));
        [&self.label(), self.name(), self.holder().unwrap_or_default(), medium, path]
            .into_iter()
            .chain(device.as_deref())
            .any(|own| own.to_lowercase().contains(text))
    }
}

/// [`Emulated::kind`] of a library.
pub(crate) const LIBRARY: &str = "library";
/// [`Emulated::kind`] of a burner.
pub(crate) const BURNER: &str = "burner";
/// Who holds a device that an operator keeps from guests.
pub(crate) const VSP: &str = "VSP";

/// All rows: what is emulated, then the host's devices that guests can be given, then the others.
pub(crate) fn items(inventory: &Inventory) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut own: Vec<&IoDevice> = Vec::new();
    for emulated in &inventory.emulated {
        let with_file = |file: &String| inventory.devices.iter().find(|device| device.files.contains(file));
        let devices: Vec<&IoDevice> = emulated.files.iter().filter_map(with_file).collect();
        own.extend(&devices);
        let whole = Item { emulated: Some(emulated), device: None, place: None, medium: None };
        if emulated.kind == LIBRARY && emulated.fault.is_none() {
            items.push(whole);
            push_library(emulated, &devices, whole, &mut items);
            continue;
        }
        items.push(Item { device: devices.first().copied(), medium: emulated.media.first(), ..whole });
    }
    let of_host = |device: &&IoDevice| !own.iter().any(|known| known.lun_path == device.lun_path);
    let (attachable, others): (Vec<&IoDevice>, Vec<&IoDevice>) =
        inventory.devices.iter().filter(of_host).partition(|device| device.attaches_as.is_some());
    let item = |device| Item { emulated: None, device: Some(device), place: None, medium: None };
    items.extend(attachable.into_iter().chain(others).map(item));
    items
}

/// The changer, then every place; the drives' devices come behind the changer's, in their order.
fn push_library<'a>(
    library: &'a Emulated,
    devices: &[&'a IoDevice],
    whole: Item<'a>,
    items: &mut Vec<Item<'a>>,
) {
    let mut devices = devices.iter().copied();
    items.extend(devices.next().map(|changer| Item { device: Some(changer), ..whole }));
    let media: BTreeMap<&str, &Medium> =
        library.media.iter().map(|medium| (medium.place.as_str(), medium)).collect();
    for place in &library.places {
        let device = if place.starts_with("drive ") { devices.next() } else { None };
        items.push(Item { device, place: Some(place), medium: media.get(place.as_str()).copied(), ..whole });
    }
}

/// The places of a library that nothing lies in.
pub(crate) fn free_places(library: &Emulated) -> Vec<&str> {
    let is_free = |place: &&str| !library.media.iter().any(|medium| medium.place == *place);
    library.places.iter().map(String::as_str).filter(is_free).collect()
}

/// The guests that have a device, and their states.
pub(crate) fn guests_with<'a>(inventory: &'a Inventory, device: &IoDevice) -> Vec<(&'a str, GuestState)> {
    let has_it = |location: &str| device.lunpaths.iter().any(|(_, path)| path == location);
    let guests = inventory.guests.iter().filter(|guest| {
        guest.devices.iter().any(|own| own.storage == "attach_path" && has_it(&own.location))
    });
    guests.map(|guest| (guest.summary.name.as_str(), guest.summary.state)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples;

    #[test]
    fn library_is_told_place_by_place_with_who_holds_its_drives() {
        let inventory = samples::inventory();
        let items = items(&inventory);
        let rows: Vec<(String, &str, Option<&str>, Option<&str>)> = items
            .iter()
            .map(|item| {
                let medium = item.medium.map(|medium| medium.name.as_str());
                (item.label(), item.name(), item.holder(), medium)
            })
            .collect();
        let expected = [
            ("library", "/tapes", None, None),
            ("  changer", "/dev/rchgr/autoch1", None, None),
            ("  drive 1", "/dev/rtape/tape1_BEST", Some("sles01"), Some("KIT001")),
            ("  drive 2", "/dev/rtape/tape2_BEST", None, None),
            ("  slot 1", "", None, None),
            ("  slot 2", "", None, Some("KIT002")),
            ("  port 1", "", None, Some("KIT003")),
            ("burner", "/dev/disk/disk5", Some("VSP"), Some("backup1")),
            ("tape", "/dev/rtape/tape0_BEST", None, None),
            ("disk", "/dev/disk/disk1", None, None),
        ];
        let expected = expected.map(|(label, name, holder, medium)| (label.to_owned(), name, holder, medium));
        assert_eq!(rows, expected);
        assert_eq!(free_places(&inventory.emulated[0]), ["drive 2", "slot 1"]);
        let with_kit = items.iter().filter(|item| item.has_text("kit00"));
        assert_eq!(with_kit.count(), 3);
        let drive = items[2].device.expect("a drive is a device");
        assert_eq!(guests_with(&inventory, drive), [("demo", GuestState::OnOs)]);
    }

    #[test]
    fn what_cannot_be_used_is_one_row() {
        let mut inventory = samples::inventory();
        inventory.emulated.truncate(1);
        inventory.devices.clear();
        inventory.emulated[0].fault = Some("Tape library '/tapes' is in use.".to_owned());
        let rows: Vec<String> = items(&inventory).iter().map(Item::label).collect();
        assert_eq!(rows, ["library"]);
    }
}
