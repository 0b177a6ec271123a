//! Mode parameters: headers, block descriptors and pages, read and selected (SPC-4 clause 7.5).

use super::Sense;
use super::command::LogicalUnit;

/// PAGE CODE that stands for all pages.
const ALL_PAGES: u8 = 0x3f;
/// SUBPAGE CODE that stands for all subpages.
const ALL_SUBPAGES: u8 = 0xff;

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
    if pages.is_empty() {
        return Err(Sense::cdb_field(2, 5));
    }
    let descriptor = match (unit.geometry(), request.long_lba) {
        (Some(geometry), false) if !request.without_descriptors => short_descriptor(geometry),
        (Some(geometry), true) if !request.without_descriptors => long_descriptor(geometry),
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

/// SBC-3 table 151: the number of blocks saturates.
fn short_descriptor((blocks, block_len): (u64, u32)) -> Vec<u8> {
    let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
    [blocks.to_be_bytes(), block_len.to_be_bytes()].concat()
}

/// SBC-3 table 152.
fn long_descriptor((blocks, block_len): (u64, u32)) -> Vec<u8> {
    let mut descriptor = vec![0; 16];
    descriptor[..8].copy_from_slice(&blocks.to_be_bytes());
    descriptor[12..].copy_from_slice(&block_len.to_be_bytes());
    descriptor
}

/// Carries out the parameter list of MODE SELECT: all of it, or nothing and the reason.
pub(super) fn select<U: LogicalUnit>(unit: &U, form: Form, list: &[u8]) -> Result<(), Sense> {
    let (header_len, descriptor_len, long) = match (form, list) {
        (_, []) => return Ok(()),
        (Form::Six, [_, _, _, descriptor_len, ..]) => (4, usize::from(*descriptor_len), false),
        (Form::Ten, [_, _, _, _, long, _, high, low, ..]) => {
            (8, usize::from(u16::from_be_bytes([*high, *low])), long & 1 != 0)
        }
        _ => return Err(Sense::PARAMETER_LIST_LENGTH),
    };
    let pages_at = header_len + descriptor_len;
    let descriptor = list.get(header_len..pages_at).ok_or(Sense::PARAMETER_LIST_LENGTH)?;
    check_descriptor(unit.geometry(), descriptor, long, header_len)?;
    let pages = unit.mode_pages();
    let mut at = pages_at;
    let mut selected = Vec::new();
    while at < list.len() {
        let [code, len, ..] = list[at..] else { return Err(Sense::PARAMETER_LIST_LENGTH) };
        let content = list.get(at + 2..at + 2 + usize::from(len)).ok_or(Sense::PARAMETER_LIST_LENGTH)?;
        selected.push(changed(&pages, code, content, at)?);
        at += 2 + usize::from(len);
    }
    selected.iter().for_each(|page| unit.select_mode_page(page));
    Ok(())
}

/// The block length cannot be changed; the number of blocks neither, but zero and all ones ask for no change.
fn check_descriptor(
    geometry: Option<(u64, u32)>,
    descriptor: &[u8],
    long: bool,
    at: usize,
) -> Result<(), Sense> {
    let (mut own, blocks_len) = match (descriptor.len(), long, geometry) {
        (0, _, _) => return Ok(()),
        (8, false, Some(geometry)) => (short_descriptor(geometry), 4),
        (16, true, Some(geometry)) => (long_descriptor(geometry), 8),
        _ => return Err(Sense::parameter_field(at as u16 - 1)),
    };
    let given = &descriptor[..blocks_len];
    if given.iter().all(|b| *b == 0) || given.iter().all(|b| *b == 0xff) {
        own[..blocks_len].copy_from_slice(given);
    }
    match own.iter().zip(descriptor).position(|(own, given)| own != given) {
        Some(offset) => Err(Sense::parameter_field((at + offset) as u16)),
        None => Ok(()),
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
