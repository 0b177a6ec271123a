//! Guests as XML (`-X`, hpvm.md 4.4.8) and as JSON.

use std::io::{self, Write};

use ipc::message::{Grant, GuestDetail, GuestState, Rights};
use serde_json::{Value, json};

use super::machine::start_word;
use crate::view::format;

/// Guests in HPVM's XML.
pub(super) fn xml(guests: &[&GuestDetail], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<hpvm>\n  <pman>")?;
    for guest in guests {
        let summary = &guest.summary;
        let (number, unit) = format::memory_parts(summary.memory_bytes);
        writeln!(
            out,
            "    <virtual_machine name=\"{}\" local_id=\"{}\" uuid=\"{}\">\n      \
             <vm_state>{}</vm_state>\n      \
             <vcpu_number>{}</vcpu_number>\n      \
             <memory><total unit=\"{unit}\">{number}</total></memory>\n    \
             </virtual_machine>",
            escaped(&summary.name),
            summary.number,
            summary.uuid,
            state_word(summary.state),
            summary.vcpus
        )?;
    }
    writeln!(out, "  </pman>\n</hpvm>")
}

/// `On`, `Off` or `Invalid`.
fn state_word(state: GuestState) -> &'static str {
    match state {
        GuestState::Invalid => "Invalid",
        state if state.is_on() => "On",
        _ => "Off",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One guest. Sizes are in bytes, moments in microseconds since 1970; members are only ever added.
pub(super) fn guest(guest: &GuestDetail) -> Value {
    let summary = &guest.summary;
    let devices = guest.devices.iter().map(|device| {
        json!({
            "device": device.device,
            "adapter": device.adapter,
            "bus": device.bus,
            "slot": device.slot,
            "target": device.target,
            "storage": device.storage,
            "location": device.location,
            "statement": device.statement,
            "size_bytes": device.size_bytes,
        })
    });
    json!({
        "name": summary.name,
        "number": summary.number,
        "uuid": summary.uuid.to_string(),
        "label": guest.label,
        "os_type": summary.os_type,
        "vm_type": summary.vm_type.word(),
        "state": summary.state.to_string(),
        "is_on": summary.state.is_on(),
        "start": start_word(guest),
        "vcpus": summary.vcpus,
        "memory_bytes": summary.memory_bytes,
        "entitlement_percent": guest.entitlement_percent,
        "entitlement_max_percent": guest.entitlement_max_percent,
        "pid": summary.pid,
        "since_micros": summary.since_micros,
        "last_run": summary.reason,
        "groups": guest.groups.iter().map(grant).collect::<Vec<_>>(),
        "users": guest.users.iter().map(grant).collect::<Vec<_>>(),
        "attributes": guest.keywords.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "pending": guest.pending,
        "devices": devices.collect::<Vec<_>>(),
        "statistics": summary.stats.as_ref().map(|stats| json!({
            "instructions": stats.instructions,
            "cpu_micros": stats.cpu_micros,
            "idle_micros": stats.idle_micros,
            "console_bytes": stats.console_bytes,
            "interruptions": stats.interruptions,
        })),
    })
}

fn grant(grant: &Grant) -> Value {
    json!({ "name": grant.name, "rights": if grant.rights == Some(Rights::Admin) { "admin" } else { "oper" } })
}

/// A document of its own.
pub(super) fn json(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{value:#}")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{detail, running, text};
    use super::*;

    #[test]
    fn xml_has_the_elements_that_parsers_look_for() {
        assert_eq!(
            text(|out| xml(&[&running()], out)),
            r#"<hpvm>
  <pman>
    <virtual_machine name="ivm1" local_id="8" uuid="24a7bfa4-b1b2-11e2-8400-b499ba6430e0">
      <vm_state>On</vm_state>
      <vcpu_number>2</vcpu_number>
      <memory><total unit="GB">2</total></memory>
    </virtual_machine>
  </pman>
</hpvm>
"#
        );
        assert_eq!(text(|out| xml(&[], out)), "<hpvm>\n  <pman>\n  </pman>\n</hpvm>\n");
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }

    #[test]
    fn json_has_everything() {
        insta::assert_snapshot!(text(|out| json(&guest(&running()), out)));
        assert_eq!(guest(&detail())["statistics"], Value::Null);
    }
}
