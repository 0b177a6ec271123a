//! Files of annotated hex that tests compare with, so that whatever the guest sees differently shows in a diff.

use std::fmt::Write;
use std::path::Path;

fn dump(parts: &[(u64, Vec<u8>)]) -> String {
    let mut text = String::new();
    for (base, bytes) in parts {
        for (row, chunk) in bytes.chunks(16).enumerate() {
            let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let printable = |byte: &u8| if (0x20..0x7f).contains(byte) { *byte as char } else { '.' };
            let characters: String = chunk.iter().map(printable).collect();
            let address = base + 16 * row as u64;
            writeln!(text, "{address:08x}  {:<47}  {characters}", hex.join(" "))
                .expect("writing to a string");
        }
        text.push('\n');
    }
    text
}

/// Compares `(address, bytes)` parts with the golden file `name`; with `KITTSON_BLESS=1` writes it instead.
pub(crate) fn check(name: &str, parts: &[(u64, Vec<u8>)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    let text = dump(parts);
    if std::env::var_os("KITTSON_BLESS").is_some() {
        std::fs::write(&path, text).expect("golden file is writable");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == golden,
        "{name} differs from the golden file; if that is meant, run with KITTSON_BLESS=1\n{text}"
    );
}
