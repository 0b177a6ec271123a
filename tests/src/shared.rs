//! Guest images that are too large for the repository: `../shared/guests` beside it, or below `KITTSON_SHARED`.

use std::path::{Path, PathBuf};

/// The file of that name, or nothing, with a line that says so: a story then ends at once.
pub fn guest_file(name: &str) -> Option<String> {
    let shared = std::env::var_os("KITTSON_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let path = shared.join("guests").join(name);
    if !path.exists() {
        println!("skipped: '{}' is not there", path.display());
        return None;
    }
    Some(std::fs::canonicalize(path).ok()?.display().to_string())
}
