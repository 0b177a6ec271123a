//! Forms: fields, what is wrong with them while they are typed, and the request that a filled one makes.

pub(crate) mod build;
mod hardware;
mod rule;
mod settings;

use super::guests::GuestsScreen;
use ipc::device::DeviceKind;
use ipc::message::{ClientToVsp, DeviceDetail, GuestDetail};
pub(crate) use rule::Rule;
use std::collections::BTreeMap;
use tui_input::Input;

/// What a form is for; decides its fields and its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new guest.
    Create,
    /// Another configuration for a guest.
    Modify(Box<GuestDetail>),
    /// A new guest after another one.
    Clone(Box<GuestDetail>),
    /// A device for a guest.
    AddDevice {
        /// The guest.
        guest: String,
        /// Type and name of a device of the VSP to begin with.
        attached: Option<(String, String)>,
    },
    /// Another backing store for a guest's device.
    ModifyDevice {
        /// The guest.
        guest: String,
        /// The device.
        device: Box<DeviceDetail>,
    },
    /// A disc into a guest's drive.
    Insert {
        /// The guest.
        guest: String,
        /// The drive.
        drive: Box<DeviceDetail>,
    },
    /// An entry for the device management database.
    AddEntry,
    /// An attribute of an entry.
    EditEntry {
        /// Its kind.
        kind: DeviceKind,
        /// Its name.
        name: String,
    },
    /// Another device in place of that of an entry, for all guests that have it.
    Replace {
        /// A name of the entry.
        old: String,
    },
    /// A file to be used as a virtual disk.
    CreateFile,
    /// An emulated tape library.
    NewLibrary,
    /// An emulated tape drive.
    NewTape,
    /// An emulated burner.
    NewBurner,
    /// A cartridge into an emulated library.
    Import {
        /// Its directory.
        library: String,
    },
    /// A disc into an emulated burner.
    InsertDisc {
        /// Its directory.
        burner: String,
    },
}

/// Names a field within its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Name of a guest or an entry.
    Name,
    /// Operating system.
    Os,
    /// Virtual processors.
    Vcpus,
    /// RAM.
    Memory,
    /// Label.
    Label,
    /// Share of a processor.
    Entitlement,
    /// Groups with rights on the console.
    Groups,
    /// Users with rights on the console.
    Users,
    /// Keywords without a field of their own.
    Keywords,
    /// Started with the VSP.
    Start,
    /// Kernel image.
    Kernel,
    /// Initial RAM disk.
    Initrd,
    /// Kernel command line.
    Append,
    /// Kind of a device.
    Device,
    /// PCI bus, slot and target.
    Address,
    /// Backing store.
    Path,
    /// What becomes of the device at this place of a guest that is cloned.
    Fate(usize),
    /// The copy of its data.
    Copy(usize),
    /// Further names of a device.
    Aliases,
    /// Kind of an entry.
    Kind,
    /// May several guests have it?
    Share,
    /// Attribute of an entry.
    Attribute,
    /// Its value.
    Value,
    /// Size of a file, or what goes on a cartridge.
    Size,
    /// Drives of a library.
    Drives,
    /// Slots of a library.
    Slots,
    /// Import/export elements of a library.
    Ports,
    /// Cartridges in a library.
    Cartridges,
}

/// One line of a form.
#[derive(Debug)]
pub(crate) struct Field {
    /// Which.
    pub(crate) key: Key,
    /// What stands before it.
    pub(crate) label: String,
    /// What to type there.
    pub(crate) hint: String,
    /// What may be typed there.
    pub(crate) rule: Rule,
    /// What is typed.
    pub(crate) input: Input,
    /// It was left once: only then it complains of being empty, so that nobody is blamed for not having typed yet.
    is_visited: bool,
}

/// A form that is being filled in.
#[derive(Debug)]
pub(crate) struct Form {
    purpose: Purpose,
    fields: Vec<Field>,
    focus: usize,
    /// What is wrong with files that were looked at; nothing for a file that can be used.
    checked: BTreeMap<String, Option<String>>,
}

impl Form {
    /// An empty form, or one with what is so far.
    pub(crate) fn new(purpose: Purpose) -> Self {
        let fields = build::fields(&purpose);
        let fields = fields.into_iter().map(|(key, label, rule, text, hint)| Field {
            key,
            label,
            hint,
            rule,
            input: Input::new(text),
            is_visited: false,
        });
        Self { fields: fields.collect(), purpose, focus: 0, checked: BTreeMap::new() }
    }

    /// Its title.
    pub(crate) fn title(&self) -> String {
        match &self.purpose {
            Purpose::Create => "Create guest".to_owned(),
            Purpose::Modify(guest) => format!("Modify guest {}", guest.summary.name),
            Purpose::Clone(guest) => format!("Clone guest {}", guest.summary.name),
            Purpose::AddDevice { guest, .. } => format!("Add a device to guest {guest}"),
            Purpose::ModifyDevice { guest, device } => {
                let DeviceDetail { device, bus, slot, target, .. } = &**device;
                format!("Change {device} {bus},{slot},{target} of guest {guest}")
            }
            Purpose::Insert { guest, drive } => {
                let DeviceDetail { bus, slot, target, .. } = **drive;
                format!("Insert a disc into {guest}'s drive {bus},{slot},{target}")
            }
            Purpose::AddEntry => "Add to the device database".to_owned(),
            Purpose::EditEntry { kind, name } => format!("Attribute of {}:{name}", kind.word()),
            Purpose::Replace { old } => format!("Replace gdev:{old} in all guests"),
            Purpose::CreateFile => "Make a file for a virtual disk".to_owned(),
            Purpose::NewLibrary => "Make an emulated tape library".to_owned(),
            Purpose::NewTape => "Make an emulated tape drive".to_owned(),
            Purpose::NewBurner => "Make an emulated burner".to_owned(),
            Purpose::Import { library } => format!("Put a cartridge into {library}"),
            Purpose::InsertDisc { burner } => format!("Put a disc into {burner}"),
        }
    }

    /// All fields in their order.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The place of the field that has the keys.
    pub(crate) fn focus(&self) -> usize {
        self.focus
    }

    /// The field that has the keys.
    pub(crate) fn focused(&self) -> &Field {
        &self.fields[self.focus]
    }

    /// The text that is typed into; nothing where a choice is made.
    pub(crate) fn focused_input(&mut self) -> Option<&mut Input> {
        let field = self.fields.get_mut(self.focus)?;
        (!matches!(field.rule, Rule::Choice(_))).then_some(&mut field.input)
    }

    /// Goes to the next field, or the previous one; files are looked at anew, for they may have come since.
    pub(crate) fn step(&mut self, forward: bool) {
        let count = self.fields.len();
        self.go_to(if forward { self.focus + 1 } else { self.focus + count - 1 } % count);
    }

    /// Goes to the field at this place.
    pub(crate) fn go_to(&mut self, place: usize) {
        if place < self.fields.len() {
            self.fields[self.focus].is_visited = true;
            self.checked.clear();
            self.focus = place;
        }
    }

    /// The next or the previous of the values among which a field chooses. Whether it is such a field.
    pub(crate) fn choose(&mut self, forward: bool) -> bool {
        let field = &mut self.fields[self.focus];
        let Rule::Choice(values) = field.rule else { return false };
        let place = values.iter().position(|value| *value == field.input.value()).unwrap_or_default();
        let place = if forward { place + 1 } else { place + values.len() - 1 } % values.len();
        field.input = Input::new(values[place].to_owned());
        true
    }

    /// Goes to the field at this place and chooses this one of its values.
    pub(crate) fn choose_value(&mut self, place: usize, value: usize) {
        self.go_to(place);
        if let Some(field) = self.fields.get_mut(place)
            && let Rule::Choice(values) = field.rule
            && let Some(value) = values.get(value)
        {
            field.input = Input::new((*value).to_owned());
        }
    }

    /// Goes to the first field that is wrong; every field may complain from now on.
    pub(crate) fn go_to_first_problem(&mut self, guests: &GuestsScreen) {
        self.fields.iter_mut().for_each(|field| field.is_visited = true);
        if let Some(place) = self.fields.iter().position(|field| self.problem(field, guests).is_some()) {
            self.focus = place;
        }
    }

    /// Notes what became of looking at a file.
    pub(crate) fn note_file(&mut self, path: String, problem: Option<String>) {
        self.checked.insert(path, problem);
    }

    /// The paths in the form that nobody has looked at yet.
    pub(crate) fn unchecked_paths(&self) -> Vec<String> {
        let paths = self.fields.iter().filter(|field| self.is_checked(field)).map(Field::value);
        let is_unchecked = |path: &&str| {
            path.starts_with('/') && path.len() <= rule::LONGEST_TEXT && !self.checked.contains_key(*path)
        };
        paths.filter(is_unchecked).map(str::to_owned).collect()
    }

    /// What to say below a field: its problem if it may complain.
    pub(crate) fn complaint(&self, field: &Field, guests: &GuestsScreen) -> Option<String> {
        let may_complain = field.is_visited || !field.value().is_empty();
        may_complain.then(|| self.problem(field, guests)).flatten()
    }

    /// The request that the form makes, if nothing is wrong with it and it changes anything.
    pub(crate) fn request(&self, guests: &GuestsScreen) -> Option<ClientToVsp> {
        if self.fields.iter().any(|field| self.problem(field, guests).is_some()) {
            return None;
        }
        build::request(self)
    }

    fn value(&self, key: Key) -> &str {
        self.fields.iter().find(|field| field.key == key).map_or("", Field::value)
    }

    fn problem(&self, field: &Field, guests: &GuestsScreen) -> Option<String> {
        let value = field.value();
        if let Some(problem) = self.problem_with_others(field) {
            return Some(problem);
        }
        // Attached devices have names of their own, such as lunpaths.
        let is_attached = field.rule == Rule::Store && build::ATTACHED.contains(&self.device_type());
        let rule = if is_attached { Rule::Word } else { field.rule };
        rule::problem(rule, value, guests, self.own_name())
            .or_else(|| self.is_checked(field).then(|| self.checked.get(value).cloned().flatten()).flatten())
    }

    /// What is wrong with a field because of what others say.
    fn problem_with_others(&self, field: &Field) -> Option<String> {
        let value = field.value();
        match field.key {
            Key::Initrd if !value.is_empty() && self.value(Key::Kernel).is_empty() => {
                Some("An initial RAM disk needs a kernel".to_owned())
            }
            Key::Copy(place) if value.is_empty() && self.value(Key::Fate(place)) == build::COPIED => {
                Some("Type the whole path of the copy, from '/' on".to_owned())
            }
            Key::Fate(_) if value == build::COPIED && self.clones_running() => {
                Some("The guest must be off for its data to be copied".to_owned())
            }
            _ if field.rule == Rule::Options => settings::read(field.key, value).err(),
            Key::Cartridges if build::number(value) > build::number(self.value(Key::Slots)) => {
                Some("There is at most one cartridge a slot".to_owned())
            }
            Key::Value => rule::value_problem(self.value(Key::Attribute), value),
            _ => None,
        }
    }

    /// Whether the file that a field names is looked at. Names of attached devices are no files.
    fn is_checked(&self, field: &Field) -> bool {
        match field.rule {
            Rule::File => true,
            Rule::Store => !field.value().ends_with('/') && !build::ATTACHED.contains(&self.device_type()),
            _ => false,
        }
    }

    /// The type of the device that the form is about.
    fn device_type(&self) -> &str {
        match &self.purpose {
            Purpose::ModifyDevice { device, .. } => &device.device,
            _ => self.value(Key::Device),
        }
    }

    fn clones_running(&self) -> bool {
        matches!(&self.purpose, Purpose::Clone(guest) if guest.summary.state.is_on())
    }

    /// The name that a guest may keep.
    fn own_name(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Modify(guest) => Some(&guest.summary.name),
            _ => None,
        }
    }
}

impl Field {
    /// What is typed, without blanks around it.
    pub(crate) fn value(&self) -> &str {
        self.input.value().trim()
    }
}

#[cfg(test)]
mod tests;
