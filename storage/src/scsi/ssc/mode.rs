//! Settings of a drive: the mode parameter header, the block length, and the mode pages (SSC-3 clause 8.3).

use std::collections::BTreeMap;

use super::Page;

/// DATA COMPRESSION.
const COMPRESSION: u8 = 0x0f;
/// DEVICE CONFIGURATION.
const CONFIGURATION: u8 = 0x10;
/// RSmk in byte 8 of that page, byte 6 of our content (SCSI-2 clause 10.3.3).
const REPORT_SETMARKS: u8 = 0x20;
/// SWP in byte 10 of that page.
const SOFTWARE_PROTECTION: u8 = 0x04;

/// The pages: code, content from byte 2 on after power-on, bits that can be changed.
#[rustfmt::skip] // One page a line.
const PAGES: [(u8, &[u8], &[u8]); 8] = [
    // Read-Write Error Recovery: nothing special.
    (0x01, &[0; 10], &[0; 10]),
    // Disconnect-Reconnect: of other transports.
    (0x02, &[0; 14], &[0; 14]),
    // Control: fixed format sense.
    (0x0a, &[0; 10], &[0; 10]),
    // Compression: DCE can be set, and DCC says so; nothing is compressed but on the file system's own account. DDE is on.
    // The algorithms are the initiator's to name.
    (COMPRESSION, &[0x40, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0x80, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    // Device Configuration: LOIS and RSmk; EEG and SEW; one partition, the active one. SELECT DATA COMPRESSION ALGORITHM.
    (CONFIGURATION, &[0, 0, 0, 0, 0, 0, 0x40 | REPORT_SETMARKS, 0, 0x18, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, REPORT_SETMARKS, 0, SOFTWARE_PROTECTION, 0, 0, 0, 0xff, 0]),
    // Medium Partition: no additional ones can be made; format recognition.
    (0x11, &[0, 0, 0, 0x01, 0, 0], &[0; 6]),
    // Informational Exceptions Control: DEXCPT; TapeAlert flags are for those who ask.
    (0x1c, &[0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0; 10]),
    // Medium Configuration: can be written again.
    (0x1d, &[0; 30], &[0; 30]),
];

/// What initiators can set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Settings {
    /// Bytes of a block of FIXED commands; 0: they are not possible.
    pub(super) block_len: u32,
    /// Bits 6-0 of DEVICE-SPECIFIC PARAMETER: BUFFERED MODE and SPEED.
    pub(super) header: u8,
    /// Contents of the pages that are not as after power-on.
    pub(super) pages: BTreeMap<u8, Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Settings {
        const BUFFERED: u8 = 0x10;
        Settings { block_len: 0, header: BUFFERED, pages: BTreeMap::new() }
    }
}

impl Settings {
    pub(super) fn pages(&self) -> Vec<Page> {
        let page = |&(code, default, changeable): &(u8, &[u8], &[u8])| Page {
            code,
            current: self.pages.get(&code).cloned().unwrap_or_else(|| default.to_vec()),
            default: default.to_vec(),
            changeable: changeable.to_vec(),
        };
        PAGES.iter().map(page).collect()
    }

    pub(super) fn select_page(&mut self, page: &Page) {
        if page.current == page.default {
            self.pages.remove(&page.code);
        } else {
            self.pages.insert(page.code, page.current.clone());
        }
    }

    /// Whether there is a page with content of this length.
    pub(super) fn is_page(code: u8, len: usize) -> bool {
        PAGES.iter().any(|(own, default, _)| *own == code && default.len() == len)
    }

    pub(super) fn select_medium(&mut self, device_specific: u8, block_len: Option<u32>) {
        // WP is the cartridge's.
        self.header = device_specific & 0x7f;
        if let Some(block_len) = block_len {
            self.block_len = block_len;
        }
    }

    /// DEVICE-SPECIFIC PARAMETER (SSC-3 clause 8.3.2).
    pub(super) fn device_specific(&self, write_protected: bool) -> u8 {
        const WP: u8 = 0x80;
        self.header | if write_protected { WP } else { 0 }
    }

    /// Whether a write may succeed before it is on stable storage.
    pub(super) fn is_buffered(&self) -> bool {
        self.header & 0x70 != 0
    }

    /// Whether setmarks are told of, or passed over.
    pub(super) fn reports_setmarks(&self) -> bool {
        self.configuration(6) & REPORT_SETMARKS != 0
    }

    /// Whether initiators protect the cartridge for now.
    pub(super) fn software_protection(&self) -> bool {
        self.configuration(8) & SOFTWARE_PROTECTION != 0
    }

    fn configuration(&self, at: usize) -> u8 {
        let default = PAGES.iter().find(|(code, ..)| *code == CONFIGURATION).map(|(_, default, _)| *default);
        let content = self.pages.get(&CONFIGURATION).map(Vec::as_slice).or(default);
        content.and_then(|content| content.get(at)).copied().unwrap_or(0)
    }
}
