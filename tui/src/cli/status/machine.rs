//! `-M`: one line a guest. Of HPVM's many fields those are filled whose meaning is known (hpvm.md 4.4.7).

use std::io::{self, Write};

use ipc::message::{GuestDetail, StartAttribute, VmType};

use crate::view::format;

/// Fields before the last one whose meaning is known.
const FIELDS: usize = 21;

pub(super) fn print(guest: &GuestDetail, out: &mut dyn Write) -> io::Result<()> {
    let summary = &guest.summary;
    let mut fields = vec![String::new(); FIELDS];
    fields[0].clone_from(&summary.name);
    fields[2] = summary.number.to_string();
    fields[4] = if summary.vm_type == VmType::Vpar { "Integrity vPar" } else { "Integrity VM" }.into();
    fields[10] = if summary.state.is_on() { "On" } else { "Off" }.into();
    fields[11] = start_word(guest).into();
    fields[19] = format!("{};", summary.vcpus);
    fields[20] = format!("{};", format::memory_close(summary.memory_bytes));
    writeln!(out, "{}", fields.join(":"))
}

/// The start attribute as listed.
pub(super) fn start_word(guest: &GuestDetail) -> &'static str {
    match guest.start {
        StartAttribute::Auto => "Auto",
        StartAttribute::Manual => "Manual",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{detail, text};
    use super::*;

    #[test]
    fn fields_are_where_collectors_cut_them() {
        let line = text(|out| print(&detail(), out));
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        assert_eq!((fields[0], fields[10], fields[11]), ("ivm1", "Off", "Manual"));
        assert_eq!((fields[19], fields[20]), ("2;", "2GB;"));
        assert!(line.contains("::8::Integrity"));
    }
}
