//! The form that makes a guest: fields, and what is wrong with them while they are typed.

use super::guests::GuestsScreen;
use ipc::message::{ClientToVsp, Setting};
use std::collections::BTreeMap;
use storage::size;
use tui_input::Input;
use vsp_proc::db::BUILTIN_PREFIX;

/// One line of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// The guest's name.
    Name,
    /// How many virtual processors.
    Vcpus,
    /// How much memory.
    Memory,
    /// A kernel image to boot directly.
    Kernel,
    /// The initial RAM disk for it.
    Initrd,
    /// The command line for it.
    Append,
    /// A file that becomes the guest's disk.
    Disk,
}

impl Field {
    /// All fields in the order of the form.
    pub(crate) const ALL: [Field; 7] =
        [Field::Name, Field::Vcpus, Field::Memory, Field::Kernel, Field::Initrd, Field::Append, Field::Disk];

    /// What stands before the field.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Field::Name => "Name",
            Field::Vcpus => "vCPUs",
            Field::Memory => "Memory",
            Field::Kernel => "Kernel",
            Field::Initrd => "Initial RAM disk",
            Field::Append => "Command line",
            Field::Disk => "Disk file",
        }
    }

    /// What to type there.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Field::Name => "Letters, digits, '-', '_' and '.', at least one of them no digit",
            Field::Vcpus => "1 to 16",
            Field::Memory => "As 512M or 2G, in steps of 64 MB",
            Field::Kernel => "Path of a vmlinux or vmlinux.gz, or builtin:diag; empty for none",
            Field::Initrd => "Path of an initial RAM disk; empty for none",
            Field::Append => "What the kernel gets as its command line; may be empty",
            Field::Disk => "Path of a file that becomes a virtual disk; empty for none",
        }
    }

    fn is_path(self) -> bool {
        matches!(self, Field::Kernel | Field::Initrd | Field::Disk)
    }
}

/// The longest guest name, in characters (HPVM V6).
const LONGEST_NAME: usize = 255;
const MOST_VCPUS: u32 = 16;
const MEGABYTE: u64 = 1 << 20;
/// Memory comes in units of 64 MB.
const GRANULE_BYTES: u64 = 64 * MEGABYTE;
/// The most memory of a guest (HPVM V6.3).
const MOST_MEMORY_BYTES: u64 = 256 << 30;
/// Longer text is no path and no command line.
const LONGEST_TEXT: usize = 4000;

/// A guest that is being described.
#[derive(Debug)]
pub(crate) struct CreateForm {
    inputs: [Input; 7],
    focus: usize,
    /// What is wrong with files that were looked at; nothing for a file that can be used.
    checked: BTreeMap<String, Option<String>>,
    /// The fields that were left once: only these complain, so that nobody is blamed for not having typed yet.
    is_visited: [bool; 7],
}

impl Default for CreateForm {
    fn default() -> Self {
        let input = |text: &str| Input::new(text.to_owned());
        Self {
            inputs: [input(""), input("1"), input("512M"), input(""), input(""), input(""), input("")],
            focus: 0,
            checked: BTreeMap::new(),
            is_visited: [false; 7],
        }
    }
}

impl CreateForm {
    /// The field that has the keys.
    pub(crate) fn focused(&self) -> Field {
        Field::ALL[self.focus]
    }

    /// The text of a field and its cursor.
    pub(crate) fn input(&self, field: Field) -> &Input {
        &self.inputs[field as usize]
    }

    /// The field that is typed into.
    pub(crate) fn focused_input(&mut self) -> &mut Input {
        &mut self.inputs[self.focus]
    }

    /// Goes to the next field, or the previous one; files are looked at anew, for they may have come since.
    pub(crate) fn step(&mut self, forward: bool) {
        self.is_visited[self.focus] = true;
        self.checked.clear();
        let count = Field::ALL.len();
        self.focus = if forward { self.focus + 1 } else { self.focus + count - 1 } % count;
    }

    /// Goes to the first field that is wrong; every field may complain from now on.
    pub(crate) fn go_to_first_problem(&mut self, guests: &GuestsScreen) {
        self.is_visited = [true; 7];
        if let Some(index) = Field::ALL.iter().position(|field| self.problem(*field, guests).is_some()) {
            self.focus = index;
        }
    }

    /// Notes what became of looking at a file.
    pub(crate) fn note_file(&mut self, path: String, problem: Option<String>) {
        self.checked.insert(path, problem);
    }

    /// The paths in the form that nobody has looked at yet.
    pub(crate) fn unchecked_paths(&self) -> Vec<String> {
        let paths = Field::ALL.iter().filter(|field| field.is_path()).map(|field| self.value(*field));
        paths
            .filter(|path| {
                path.starts_with('/') && path.len() <= LONGEST_TEXT && !self.checked.contains_key(*path)
            })
            .map(str::to_owned)
            .collect()
    }

    /// What to say below a field: its problem if it may complain.
    pub(crate) fn complaint(&self, field: Field, guests: &GuestsScreen) -> Option<String> {
        let is_empty = self.value(field).is_empty();
        let may_complain = self.is_visited[field as usize] || !is_empty;
        may_complain.then(|| self.problem(field, guests)).flatten()
    }

    /// The request that makes the guest, if nothing is wrong with the form.
    pub(crate) fn request(&self, guests: &GuestsScreen) -> Option<ClientToVsp> {
        if Field::ALL.iter().any(|field| self.problem(*field, guests).is_some()) {
            return None;
        }
        let mut settings = vec![
            Setting::Vcpus(self.value(Field::Vcpus).parse().ok()?),
            Setting::MemoryBytes(parse_memory(self.value(Field::Memory)).ok()?),
        ];
        let keywords = [(Field::Kernel, "kernel"), (Field::Initrd, "initrd"), (Field::Append, "append")];
        for (field, keyword) in keywords {
            let value = self.value(field);
            if !value.is_empty() {
                settings.push(Setting::Keyword { keyword: keyword.to_owned(), value: value.to_owned() });
            }
        }
        let disk = Some(self.value(Field::Disk)).filter(|path| !path.is_empty());
        Some(ClientToVsp::CreateGuest {
            name: self.value(Field::Name).to_owned(),
            settings,
            devices: disk.into_iter().map(|path| format!("disk:avio_stor::file:{path}")).collect(),
            manner: ipc::message::Manner::Normal,
        })
    }

    fn value(&self, field: Field) -> &str {
        self.input(field).value().trim()
    }

    fn problem(&self, field: Field, guests: &GuestsScreen) -> Option<String> {
        let value = self.value(field);
        match field {
            Field::Name => name_problem(value, guests),
            Field::Vcpus => match value.parse::<u32>() {
                Ok(1..=MOST_VCPUS) => None,
                _ => Some(format!("A guest has 1 to {MOST_VCPUS} vCPUs")),
            },
            Field::Memory => parse_memory(value).err(),
            Field::Append => (value.len() > LONGEST_TEXT).then(|| "The command line is too long".to_owned()),
            Field::Initrd if !value.is_empty() && self.value(Field::Kernel).is_empty() => {
                Some("An initial RAM disk needs a kernel".to_owned())
            }
            Field::Kernel | Field::Initrd | Field::Disk => self.path_problem(value),
        }
    }

    fn path_problem(&self, path: &str) -> Option<String> {
        if path.is_empty() || path.starts_with(BUILTIN_PREFIX) {
            None
        } else if !path.starts_with('/') {
            Some("Type the whole path, from '/' on".to_owned())
        } else {
            self.checked.get(path).cloned().flatten()
        }
    }
}

/// A name has 1 to 255 of `a-z A-Z 0-9 - _ .`, one of them no digit, and no dash in front (HPVM V6).
fn name_problem(name: &str, guests: &GuestsScreen) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let problem = if name.is_empty() {
        "A guest needs a name".to_owned()
    } else if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
        format!("A name cannot contain '{}'", wrong.escape_default())
    } else if name.len() > LONGEST_NAME {
        format!("A name has at most {LONGEST_NAME} characters")
    } else if name.starts_with('-') {
        "A name cannot begin with '-'".to_owned()
    } else if name.bytes().all(|b| b.is_ascii_digit()) {
        "A name of digits alone would be a number".to_owned()
    } else if matches!(name, "." | "..") {
        "This name means a directory".to_owned()
    } else if guests.has_name(name) {
        format!("Guest '{name}' already exists")
    } else {
        return None;
    };
    Some(problem)
}

/// A size as `512M`, `2G` or `2048` (megabytes), in bytes: a multiple of 64 MB.
fn parse_memory(text: &str) -> Result<u64, String> {
    match size::parse(text, MEGABYTE).map_err(|_| "Type a size as 512M or 2G".to_owned())? {
        ..GRANULE_BYTES => Err("A guest needs at least 64 MB".to_owned()),
        bytes if bytes > MOST_MEMORY_BYTES => Err("A guest has at most 256 GB".to_owned()),
        bytes if !bytes.is_multiple_of(GRANULE_BYTES) => Err("Memory comes in units of 64 MB".to_owned()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> GuestsScreen {
        GuestsScreen::default()
    }

    fn filled(values: [&str; 7]) -> CreateForm {
        CreateForm { inputs: values.map(|value| Input::new(value.to_owned())), ..CreateForm::default() }
    }

    #[test]
    fn complete_form_gives_the_request() {
        let form = filled(["lin1", "4", "2G", "/k", "/i", "root=/dev/sda quiet", "/d"]);
        let keyword = |keyword: &str, value: &str| Setting::Keyword {
            keyword: keyword.to_owned(),
            value: value.to_owned(),
        };
        let expected = ClientToVsp::CreateGuest {
            name: "lin1".to_owned(),
            settings: vec![
                Setting::Vcpus(4),
                Setting::MemoryBytes(2 << 30),
                keyword("kernel", "/k"),
                keyword("initrd", "/i"),
                keyword("append", "root=/dev/sda quiet"),
            ],
            devices: vec!["disk:avio_stor::file:/d".to_owned()],
            manner: ipc::message::Manner::Normal,
        };
        assert_eq!(form.request(&none()), Some(expected));
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        for (name, reason) in [
            ("", "needs a name"),
            ("a b", "cannot contain ' '"),
            ("-a", "begin with"),
            ("42", "digits alone"),
            ("..", "directory"),
            ("ä", "cannot contain"),
        ] {
            let problem = name_problem(name, &none()).unwrap_or_default();
            assert!(problem.contains(reason), "{name:?}: {problem:?}");
        }
        assert_eq!(name_problem("ivm-1.a_B", &none()), None);
    }

    #[test]
    fn memory_is_a_multiple_of_64_megabytes() {
        assert_eq!(parse_memory("512M"), Ok(512 << 20));
        assert_eq!(parse_memory("2gb"), Ok(2 << 30));
        assert_eq!(parse_memory("128"), Ok(128 << 20));
        for wrong in [
            "",
            "M",
            "12",
            "100M",
            "257G",
            "99999999999999999999G",
            "18446744073709551615G",
            "1T",
            "-1G",
            "５G",
        ] {
            assert!(parse_memory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn empty_fields_complain_only_after_they_were_left() {
        let mut form = CreateForm::default();
        assert_eq!(form.complaint(Field::Name, &none()), None);
        form.step(true);
        assert!(form.complaint(Field::Name, &none()).is_some());
    }

    #[test]
    fn files_are_looked_at_once_and_their_problem_is_shown() {
        let mut form = filled(["g", "1", "512M", "/no/kernel", "", "", "disk"]);
        assert_eq!(form.unchecked_paths(), ["/no/kernel"]);
        form.note_file("/no/kernel".to_owned(), Some("There is no such file".to_owned()));
        assert!(form.unchecked_paths().is_empty());
        assert_eq!(form.complaint(Field::Kernel, &none()).as_deref(), Some("There is no such file"));
        assert!(form.complaint(Field::Disk, &none()).unwrap_or_default().contains("whole path"));
        form.go_to_first_problem(&none());
        assert_eq!(form.focused(), Field::Kernel);
    }

    #[test]
    fn initial_ram_disk_needs_a_kernel() {
        let form = filled(["g", "1", "512M", "", "/i", "", ""]);
        assert_eq!(form.request(&none()), None);
    }
}
