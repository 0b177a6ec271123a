//! Elements, their addresses, and what is said of them: READ ELEMENT STATUS (SMC-3 clause 6.11).
//!
//! ```text
//!   0000h         the medium transport element
//!   0010h …       import/export elements
//!   0100h …       data transfer elements
//!   0400h …       storage elements
//! ```

use std::sync::atomic::Ordering;

use super::super::command::{Moved, Stop, Task};
use super::super::{Sense, VENDOR, vpd};
use super::{Changer, ChangerPort};
use crate::library::{Cartridge, Library, MAXIMUM_DRIVES, MAXIMUM_PORTS, MAXIMUM_SLOTS, Place};

/// Address of the medium transport element.
pub(super) const TRANSPORT: u16 = 0x0000;
/// Address of the first import/export element.
pub(super) const FIRST_PORT: u16 = 0x0010;
/// Address of the first data transfer element.
pub(super) const FIRST_DRIVE: u16 = 0x0100;
/// Address of the first storage element.
pub(super) const FIRST_SLOT: u16 = 0x0400;

const _: () =
    assert!(FIRST_PORT + MAXIMUM_PORTS <= FIRST_DRIVE && FIRST_DRIVE + MAXIMUM_DRIVES <= FIRST_SLOT);
const _: () = assert!(MAXIMUM_SLOTS < u16::MAX - FIRST_SLOT);

/// ELEMENT TYPE CODE (SMC-3 table 10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Type {
    Transport = 1,
    Storage = 2,
    ImportExport = 3,
    DataTransfer = 4,
}

/// An element: the transport, or a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Element {
    address: u16,
    kind: Type,
    place: Option<Place>,
}

/// Address of a place.
pub(super) fn address_of(place: Place) -> u16 {
    // Numbers are from 1, and checked when the library was read.
    match place {
        Place::Port(number) => FIRST_PORT + (number - 1),
        Place::Drive(number) => FIRST_DRIVE + (number - 1),
        Place::Slot(number) => FIRST_SLOT + (number - 1),
    }
}

/// The place with this address.
pub(super) fn place_at(library: &Library, address: u16) -> Option<Place> {
    elements(library).find(|element| element.address == address)?.place
}

/// All elements by ascending address; those of a type stand together.
fn elements(library: &Library) -> impl Iterator<Item = Element> {
    let (slots, ports, drives) = library.sizes();
    let places = (1..=ports)
        .map(|n| (Type::ImportExport, Place::Port(n)))
        .chain((1..=drives).map(|n| (Type::DataTransfer, Place::Drive(n))))
        .chain((1..=slots).map(|n| (Type::Storage, Place::Slot(n))))
        .map(|(kind, place)| Element { address: address_of(place), kind, place: Some(place) });
    [Element { address: TRANSPORT, kind: Type::Transport, place: None }].into_iter().chain(places)
}

/// What READ ELEMENT STATUS was asked to tell.
#[derive(Clone, Copy)]
struct Wanted {
    volume_tags: bool,
    device_ids: bool,
}

impl ChangerPort {
    /// READ ELEMENT STATUS. With CURDATA or without: nothing has to be moved to know.
    pub(super) fn read_element_status(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let kind = task.cdb.byte(1) & 0x0f;
        if kind > Type::DataTransfer as u8 {
            return Err(Sense::cdb_field(1, 3).into());
        }
        let (start, most) = (task.cdb.be16(2), task.cdb.be16(4));
        let wanted = Wanted { volume_tags: task.cdb.bit(1, 4), device_ids: task.cdb.bit(6, 0) };
        let allocation_len = task.cdb.be32(6) & 0x00ff_ffff;
        let library = self.changer.library();
        let told: Vec<Element> = elements(&library)
            .filter(|element| element.address >= start && (kind == 0 || element.kind as u8 == kind))
            .take(usize::from(most))
            .collect();
        let pages: Vec<u8> = told
            .chunk_by(|one, other| one.kind == other.kind)
            .flat_map(|page| self.changer.page(&library, page, wanted))
            .collect();
        drop(library);
        let first = told.first().map_or(0, |element| element.address);
        let header = [first.to_be_bytes(), (told.len() as u16).to_be_bytes()].concat();
        task.reply(
            &[header, (pages.len() as u32).to_be_bytes().to_vec(), pages].concat(),
            allocation_len as usize,
        )
    }
}

impl Changer {
    /// Element status page: of elements of one type, of which there is one at least.
    fn page(&self, library: &Library, elements: &[Element], wanted: Wanted) -> Vec<u8> {
        const PVOLTAG: u8 = 0x80;
        let kind = elements[0].kind;
        let descriptors: Vec<Vec<u8>> =
            elements.iter().map(|element| self.descriptor(library, element, wanted)).collect();
        let len = (descriptors[0].len() as u16).to_be_bytes();
        let descriptors = descriptors.concat();
        let flags = if wanted.volume_tags { PVOLTAG } else { 0 };
        [&[kind as u8, flags, len[0], len[1]], &(descriptors.len() as u32).to_be_bytes()[..], &descriptors]
            .concat()
    }

    /// Element descriptor (SMC-3 tables 42 to 45); all of a page have the same length.
    fn descriptor(&self, library: &Library, element: &Element, wanted: Wanted) -> Vec<u8> {
        /// SVALID: there is a source address.
        const SOURCE_VALID: u8 = 0x80;
        /// MEDIUM TYPE: data.
        const DATA_MEDIUM: u8 = 0x01;
        /// INCOMPATIBLE MEDIUM INSTALLED.
        const INCOMPATIBLE: [u8; 2] = [0x30, 0x00];
        const EXCEPT: u8 = 0x04;
        let cartridge = element.place.and_then(|place| library.at(place));
        let mut data = vec![0; 12];
        data[..2].copy_from_slice(&element.address.to_be_bytes());
        data[2] = self.flags(element, cartridge);
        if let Some(cartridge) = cartridge {
            if !library.image(&cartridge.barcode).is_file() {
                data[2] |= EXCEPT;
                data[4..6].copy_from_slice(&INCOMPATIBLE);
            }
            data[9] = DATA_MEDIUM;
            if let Some(source) = cartridge.source {
                data[9] |= SOURCE_VALID;
                data[10..12].copy_from_slice(&address_of(source).to_be_bytes());
            }
        }
        if wanted.volume_tags {
            data.extend(volume_tag(cartridge));
        }
        match element.place {
            Some(Place::Drive(number)) if wanted.device_ids => {
                let serial = library.drives().nth(usize::from(number) - 1).unwrap_or_default();
                data.extend(vpd::vendor_designator(VENDOR, serial));
            }
            _ => data.extend([0; 4]),
        }
        data
    }

    /// Byte 2 of a descriptor.
    fn flags(&self, element: &Element, cartridge: Option<&Cartridge>) -> u8 {
        const FULL: u8 = 0x01;
        const BY_OPERATOR: u8 = 0x02;
        const ACCESS: u8 = 0x08;
        const EXPORTS: u8 = 0x10;
        const IMPORTS: u8 = 0x20;
        let set = |condition: bool, flag: u8| if condition { flag } else { 0 };
        let full = set(cartridge.is_some(), FULL);
        full | match element.place {
            None => 0,
            Some(Place::Slot(_)) => ACCESS,
            Some(place @ Place::Drive(_)) => {
                let holds = self.drive_at(place).is_some_and(|drive| !drive.is_unloaded());
                set(cartridge.is_none() || !holds, ACCESS)
            }
            Some(Place::Port(_)) => {
                // What the library itself has moved has a source.
                let by_operator = cartridge.is_some_and(|cartridge| cartridge.source.is_none());
                let open = self.open.load(Ordering::Acquire);
                IMPORTS | EXPORTS | set(by_operator, BY_OPERATOR) | set(!open, ACCESS)
            }
        }
    }
}

/// Volume tag information (SMC-3 table 41): identification padded with spaces, no sequence number. Zeros when there is
/// no cartridge.
fn volume_tag(cartridge: Option<&Cartridge>) -> [u8; 36] {
    const IDENTIFICATION: usize = 32;
    let mut tag = [0; 36];
    if let Some(cartridge) = cartridge {
        tag[..IDENTIFICATION].fill(b' ');
        let barcode = cartridge.barcode.as_str().as_bytes();
        tag[..barcode.len()].copy_from_slice(barcode);
    }
    tag
}
