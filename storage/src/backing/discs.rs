//! The discs an empty DVD can be given from a directory (hpvm.md 4.7, 6.7).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::MINIMUM_DVD;

/// Permission of everybody to write.
const WORLD_WRITABLE: u32 = 0o002;

/// The files in `directory` that can be put into a virtual DVD, by name: ISO files by their names, regular, long enough,
/// and not writable by everybody: a guest must not be given what anybody could have put there.
pub fn discs_in(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut discs = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("iso")) {
            continue;
        }
        // Links count as what they lead to; what vanishes meanwhile is left out.
        let Ok(found) = fs::metadata(&path) else { continue };
        if found.is_file() && found.len() >= MINIMUM_DVD && found.mode() & WORLD_WRITABLE == 0 {
            discs.push(path);
        }
    }
    discs.sort();
    Ok(discs)
}

#[test]
fn only_proper_images_are_offered() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (name, len, mode) in [
        ("b.iso", 2048, 0o644),
        ("a.ISO", 4096, 0o400),
        ("notes.txt", 4096, 0o644),
        ("short.iso", 2047, 0o644),
        ("open.iso", 2048, 0o666),
    ] {
        fs::write(at(name), vec![0; len]).unwrap();
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::create_dir(at("directory.iso")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("dangling.iso")).unwrap();
    assert_eq!(discs_in(directory.path()).unwrap(), [at("a.ISO"), at("b.iso")]);
    assert!(discs_in(&at("a.ISO")).is_err());
}
