//! Runs objdump over raw bundles and compares its lines with ours.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use ia64::bundle::Bundle;
use ia64::decode::decode_bundle;
use ia64::disasm;

use crate::differences;

const OBJDUMP: &str = "ia64-linux-gnu-objdump";

/// Differing lines that are shown before giving up.
const SHOWN: usize = 40;

pub(crate) fn objdump_is_installed() -> bool {
    let found = Command::new(OBJDUMP)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        println!("skipped: {OBJDUMP} is not installed");
    }
    found
}

/// Compares both listings of `bytes`, whole bundles that lie at `address`.
pub(crate) fn compare(name: &str, bytes: &[u8], address: u64) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("the bundles are written");
    let mut objdump = Command::new(OBJDUMP)
        .args(["-D", "-z", "-b", "binary", "-m", "ia64", "--no-show-raw-insn"])
        .arg(format!("--adjust-vma={address:#x}"))
        .arg(file.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("objdump runs");
    let output = BufReader::new(objdump.stdout.take().expect("its output is a pipe"));
    // "  address:<tab>text", after a heading of lines without a tab.
    let mut theirs = output.lines().filter_map(|line| {
        let line = line.expect("objdump's output is text");
        line.split_once('\t').map(|(_, text)| fold(text))
    });
    let mut different = Vec::new();
    for (index, bytes) in bytes.chunks_exact(16).enumerate() {
        let bundle = Bundle::from_bytes(bytes.try_into().expect("16 bytes"));
        let address = address.wrapping_add(16 * index as u64);
        let ours = disasm::bundle_text(bundle, address).to_string();
        let mut contents = decode_bundle(bundle).ok().into_iter().flat_map(|decoded| decoded.iter());
        for ours in ours.lines().map(fold) {
            let content = contents.next().map(|(_, content)| content);
            let theirs = theirs.next().unwrap_or_default();
            let intended = || content.is_some_and(|content| differences::is_intended(content, &theirs));
            if ours != theirs && !intended() {
                different.push(format!("{address:#x}: objdump {theirs:?}, we {ours:?}"));
            }
        }
    }
    assert_eq!(theirs.next(), None, "{name}: objdump has more lines");
    assert!(objdump.wait().expect("objdump ends").success(), "objdump failed");
    let shown = &different[..different.len().min(SHOWN)];
    assert!(different.is_empty(), "{name}: {} lines differ\n{}", different.len(), shown.join("\n"));
}

/// One blank between words.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
