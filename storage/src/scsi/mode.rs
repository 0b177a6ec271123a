//! Mode parameters: headers, block descriptors and pages, read and selected (SPC-4 clause 7.5).

use super::Sense;
use super::cdb::Cdb;
use super::command::LogicalUnit;

/// PAGE CODE that stands for all pages.
const ALL_PAGES: u8 = 0x3f;
/// SUBPAGE CODE that stands for all subpages.
const ALL_SUBPAGES: u8 = 0xff;

/// Mode parameter block descriptor, by the kind of medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Geometry {
    /// SBC-3 clause 6.4.2.
    Direct {
        /// Blocks of the medium.
        blocks: u64,
        /// Bytes of each.
        block_len: u32,
    },
    /// SSC-3 clause 8.3.3.
    Sequential {
        /// DENSITY CODE.
        density: u8,
        /// Bytes of each block, 24 bits; 0 when they are of variable length.
        block_len: u32,
    },
}

/// A mode page without subpages.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) code: u8,
    /// Content from byte 2 on, as it is now.
    pub(super) current: Vec<u8>,
    /// The same after power-on.
    pub(super) default: Vec<u8>,
    /// The bits of it that MODE SELECT may change.
    pub(super) changeable: Vec<u8>,
}

impl Page {
    /// A page with nothing to change.
    pub(super) fn fixed(code: u8, content: &[u8]) -> Page {
        let content = content.to_vec();
        Page { code, default: content.clone(), changeable: vec![0; content.len()], current: content }
    }

    fn bytes(&self, content: &[u8]) -> Vec<u8> {
        [&[self.code, content.len() as u8], content].concat()
    }
}

/// The two forms of MODE SENSE and MODE SELECT.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Six,
    Ten,
}

/// Fields of a MODE SENSE command.
pub(super) struct SenseRequest {
    pub(super) form: Form,
    pub(super) without_descriptors: bool,
    pub(super) long_lba: bool,
    pub(super) page_control: u8,
    pub(super) page: u8,
    pub(super) subpage: u8,
}

/// The data MODE SENSE returns.
pub(super) fn sense<U: LogicalUnit>(unit: &U, request: &SenseRequest) -> Result<Vec<u8>, Sense> {
    const CURRENT: u8 = 0;
    const CHANGEABLE: u8 = 1;
    const DEFAULT: u8 = 2;
    if request.subpage != 0 && !(request.page == ALL_PAGES && request.subpage == ALL_SUBPAGES) {
        return Err(Sense::cdb_field(3, 7));
    }
    let mut pages = Vec::new();
    for page in unit.mode_pages() {
        if request.page == page.code || request.page == ALL_PAGES {
            pages.extend(match request.page_control {
                CURRENT => page.bytes(&page.current),
                CHANGEABLE => page.bytes(&page.changeable),
                DEFAULT => page.bytes(&page.default),
                _ => return Err(Sense::SAVING_NOT_SUPPORTED),
            });
        }
    }
    let geometry = unit.geometry();
    // Page 0 is the vendor's; of tapes it is asked for by those who want the header and the block descriptor alone.
    let nothing_more = request.page == 0 && matches!(geometry, Some(Geometry::Sequential { .. }));
    if pages.is_empty() && !nothing_more {
        return Err(Sense::cdb_field(2, 5));
    }
    let descriptor = match geometry {
        Some(geometry) if !request.without_descriptors => descriptor(geometry, request.long_lba),
        _ => Vec::new(),
    };
    let header = header(unit.device_specific(), request, descriptor.len(), pages.len());
    Ok([header, descriptor, pages].concat())
}

fn header(device_specific: u8, request: &SenseRequest, descriptor_len: usize, pages_len: usize) -> Vec<u8> {
    match request.form {
        Form::Six => {
            // MODE DATA LENGTH does not count itself.
            let len = 3 + descriptor_len + pages_len;
            vec![len as u8, 0, device_specific, descriptor_len as u8]
        }
        Form::Ten => {
            let [high, low] = ((6 + descriptor_len + pages_len) as u16).to_be_bytes();
            let long = u8::from(request.long_lba && descriptor_len > 0);
            vec![high, low, 0, device_specific, long, 0, 0, descriptor_len as u8]
        }
    }
}

/// SBC-3 tables 151 (the number of blocks saturates) and 152 (LONGLBA), SSC-3 table 56 (no number of blocks).
fn descriptor(geometry: Geometry, long: bool) -> Vec<u8> {
    match geometry {
        Geometry::Direct { blocks, block_len } if long => {
            [&blocks.to_be_bytes()[..], &[0; 4], &block_len.to_be_bytes()].concat()
        }
        Geometry::Direct { blocks, block_len } => {
            let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
            [blocks.to_be_bytes(), block_len.to_be_bytes()].concat()
        }
        Geometry::Sequential { density, block_len } => {
            let [_, len @ ..] = block_len.to_be_bytes();
            [&[density, 0, 0, 0, 0], &len[..]].concat()
        }
    }
}

/// Carries out the parameter list of MODE SELECT: all of it, or nothing and the reason.
pub(super) fn select<U: LogicalUnit>(unit: &U, form: Form, list: &[u8]) -> Result<(), Sense> {
    let (header_len, device_specific, descriptor_len, long) = match (form, list) {
        (_, []) => return Ok(()),
        (Form::Six, [_, _, device_specific, descriptor_len, ..]) => {
            (4, *device_specific, usize::from(*descriptor_len), false)
        }
        (Form::Ten, [_, _, _, device_specific, long, _, high, low, ..]) => {
            (8, *device_specific, usize::from(u16::from_be_bytes([*high, *low])), long & 1 != 0)
        }
        _ => return Err(Sense::PARAMETER_LIST_LENGTH),
    };
    let pages_at = header_len + descriptor_len;
    let descriptor = list.get(header_len..pages_at).ok_or(Sense::PARAMETER_LIST_LENGTH)?;
    let block_len = check_descriptor(unit.geometry(), descriptor, long, header_len)?;
    let pages = unit.mode_pages();
    let mut at = pages_at;
    let mut selected = Vec::new();
    while at < list.len() {
        let [code, len, ..] = list[at..] else { return Err(Sense::PARAMETER_LIST_LENGTH) };
        let content = list.get(at + 2..at + 2 + usize::from(len)).ok_or(Sense::PARAMETER_LIST_LENGTH)?;
        selected.push(changed(&pages, code, content, at)?);
        at += 2 + usize::from(len);
    }
    unit.select_medium(device_specific, block_len);
    selected.iter().for_each(|page| unit.select_mode_page(page));
    Ok(())
}

/// The block length it asks for. That of disks cannot be changed; the number of blocks of none, but zero and all ones ask
/// for no change.
fn check_descriptor(
    geometry: Option<Geometry>,
    given: &[u8],
    long: bool,
    at: usize,
) -> Result<Option<u32>, Sense> {
    /// DENSITY CODE that asks for no change, and the one that stands for the default.
    const SAME_DENSITY: u8 = 0x7f;
    const DEFAULT_DENSITY: u8 = 0x00;
    let geometry = match (given.len(), long, geometry) {
        (0, _, _) => return Ok(None),
        (8, false, Some(geometry)) | (16, true, Some(geometry @ Geometry::Direct { .. })) => geometry,
        _ => return Err(Sense::parameter_field(at as u16 - 1)),
    };
    let mut own = descriptor(geometry, long);
    let blocks = match geometry {
        Geometry::Direct { .. } => 0..if long { 8 } else { 4 },
        Geometry::Sequential { .. } => 1..4,
    };
    let asked = &given[blocks.clone()];
    if asked.iter().all(|b| *b == 0) || asked.iter().all(|b| *b == 0xff) {
        own[blocks].copy_from_slice(asked);
    }
    if let Geometry::Sequential { .. } = geometry {
        own[5..].copy_from_slice(&given[5..]);
        if matches!(given[0], SAME_DENSITY | DEFAULT_DENSITY) {
            own[0] = given[0];
        }
    }
    match own.iter().zip(given).position(|(own, given)| own != given) {
        Some(offset) => Err(Sense::parameter_field((at + offset) as u16)),
        None => Ok(Some(Cdb(given).be32(given.len() - 4) & 0xff_ffff)),
    }
}

/// The page as it would be afterwards; only changeable bits may differ from now.
fn changed(pages: &[Page], code: u8, content: &[u8], at: usize) -> Result<Page, Sense> {
    let field = |offset: usize| Sense::parameter_field((at + offset) as u16);
    // Bit 6 marks subpages, of which there are none; bit 7 (PS) is reserved here.
    let page = pages.iter().find(|page| page.code == code).ok_or(field(0))?;
    if content.len() != page.current.len() {
        return Err(field(1));
    }
    let differs = |i: &usize| (content[*i] ^ page.current[*i]) & !page.changeable[*i] != 0;
    match (0..content.len()).find(differs) {
        Some(offset) => Err(field(2 + offset)),
        None => Ok(Page { current: content.to_vec(), ..page.clone() }),
    }
}
