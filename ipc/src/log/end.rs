//! The end of a log whose writer may have been killed while it wrote.

use std::fs::File;
use std::io;
use std::path::Path;

use super::tail::Found;

/// Bytes of a file's end that are looked at first, and at most: more than is ever written at once.
const FIRST_LOOK: u64 = 16 << 10;
const LONGEST_LOOK: u64 = 4 << 20;

/// Finds the last line of the log in `directory` that ends what was written at once, which `read` tells, and cuts off
/// what stands behind it. Where there is no such line only one that is not whole is cut off. No one may write or read
/// this log meanwhile.
///
/// # Errors
/// When the files cannot be read or cut; of none there is nothing.
pub fn cut_to_whole<T>(directory: &Path, read: impl Fn(&str) -> Option<T>) -> io::Result<Option<T>> {
    let files = Found::all(directory);
    let Some((newest, older)) = files.split_last() else { return Ok(None) };
    let last = last_line(newest, &read)?;
    if let Some((end, found)) = last {
        cut(newest, end)?;
        return Ok(Some(found));
    }
    // What is written at once is in one file: this is the first that was to stand in the newest.
    if let Some(before) = older.last()
        && let Some((end, found)) = last_line(before, &read)?
        && end == before.len
    {
        cut(newest, 0)?;
        return Ok(Some(found));
    }
    let end = last_line(newest, &|_| Some(()))?.map_or(0, |(end, ())| end);
    cut(newest, end)?;
    Ok(None)
}

fn cut(file: &Found, len: u64) -> io::Result<()> {
    match len < file.len {
        true => File::options().write(true).open(file.path())?.set_len(len),
        false => Ok(()),
    }
}

/// The last whole line of a file that `read` understands, and where it ends.
fn last_line<T>(file: &Found, read: &impl Fn(&str) -> Option<T>) -> io::Result<Option<(u64, T)>> {
    let mut look = FIRST_LOOK;
    loop {
        let start = file.len.saturating_sub(look);
        let bytes = file.read(start, look as usize)?;
        let mut end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        while end > 0 {
            let begin = bytes[..end - 1].iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
            // Of the first line the beginning may be missing.
            let Some(begin) = begin.or((start == 0).then_some(0)) else { break };
            if let Some(found) = std::str::from_utf8(&bytes[begin..end]).ok().and_then(read) {
                return Ok(Some((start + end as u64, found)));
            }
            end = begin;
        }
        if start == 0 || look >= LONGEST_LOOK {
            return Ok(None);
        }
        look *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn marked(line: &str) -> Option<u32> {
        line.trim_end().strip_prefix("end ")?.parse().ok()
    }

    #[test]
    fn what_was_not_written_whole_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (full, newest) = (path("2026-11-23.1.jsonl"), path("2026-11-23.jsonl"));
        let cut = || cut_to_whole(directory.path(), marked).unwrap();
        assert_eq!(cut(), None);
        let many = "more\n".repeat(10_000);
        for (before, found, after) in [
            ("", None, ""),
            ("torn", None, ""),
            ("one\ntwo\ntor", None, "one\ntwo\n"),
            ("one\nend 1\n", Some(1), "one\nend 1\n"),
            ("end 1\nend 2\ntwo\nend", Some(2), "end 1\nend 2\n"),
            (&format!("end 3\n{many}"), Some(3), "end 3\n"),
        ] {
            fs::write(&newest, before).unwrap();
            assert_eq!((cut(), fs::read_to_string(&newest).unwrap().as_str()), (found, after), "{before:?}");
        }
        fs::write(&full, "one\nend 7\n").unwrap();
        fs::write(&newest, "the first of a new file\nto").unwrap();
        assert_eq!((cut(), fs::read(&newest).unwrap()), (Some(7), vec![]));
        assert_eq!((cut(), fs::read(&full).unwrap()), (Some(7), b"one\nend 7\n".to_vec()));
        // Nothing is known of an older one that does not end so.
        fs::write(&full, "end 7\nanother writer's\n").unwrap();
        fs::write(&newest, "one\nto").unwrap();
        assert_eq!((cut(), fs::read(&newest).unwrap()), (None, b"one\n".to_vec()));
    }
}
