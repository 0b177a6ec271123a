//! Names of log files: `2026-11-23.jsonl` is written now; what filled up before on that day is `2026-11-23.1.jsonl`,
//! `2026-11-23.2.jsonl`, …

use std::fs;
use std::path::Path;

/// Ending of all names.
pub(super) const SUFFIX: &str = "jsonl";

/// A file's place in the order of writing: its day, then its number; one without a number comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    date: String,
    number: u32,
}

/// Number of the file that is being written.
const CURRENT: u32 = u32::MAX;

impl Name {
    /// The file written on `date` now.
    pub(super) fn current(date: &str) -> Name {
        Name { date: date.to_owned(), number: CURRENT }
    }

    /// A name for the file of `date` that is full, after all others of that day.
    pub(super) fn next_full(directory: &Path, date: &str) -> Name {
        let numbers = all(directory).into_iter().filter(|name| name.date == date && name.number != CURRENT);
        let last = numbers.map(|name| name.number).max().unwrap_or(0);
        Name { date: date.to_owned(), number: last + 1 }
    }

    fn parse(text: &str) -> Option<Name> {
        let stem = text.strip_suffix(SUFFIX)?.strip_suffix('.')?;
        let (date, number) = match stem.split_once('.') {
            None => (stem, CURRENT),
            Some((date, number)) => (date, number.parse().ok().filter(|number| *number < CURRENT)?),
        };
        let is_date = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        is_date.then(|| Name { date: date.to_owned(), number })
    }

    /// As it stands in the directory.
    pub(super) fn text(&self) -> String {
        match self.number {
            CURRENT => format!("{}.{SUFFIX}", self.date),
            number => format!("{}.{number}.{SUFFIX}", self.date),
        }
    }
}

/// All log files of a directory, oldest first; none if it cannot be read.
pub(super) fn all(directory: &Path) -> Vec<Name> {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<Name> = found.filter_map(|found| Name::parse(found.file_name().to_str()?)).collect();
    names.sort();
    names
}

#[test]
fn files_are_ordered_as_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["2026-11-23.jsonl", "2026-11-23.10.jsonl", "2026-11-23.9.jsonl", "2026-11-22.jsonl"];
    for name in names.into_iter().chain(["core", "2026-11-23.x.jsonl", ".jsonl"]) {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let found: Vec<_> = all(directory.path()).iter().map(Name::text).collect();
    assert_eq!(found, [names[3], names[2], names[1], names[0]]);
    assert_eq!(Name::next_full(directory.path(), "2026-11-23").text(), "2026-11-23.11.jsonl");
    assert_eq!(Name::next_full(directory.path(), "2026-11-24").text(), "2026-11-24.1.jsonl");
}
