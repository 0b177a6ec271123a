//! `hpvmmodify`: changes a guest, all options of one call or none.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, DeviceChange, Setting};

use super::failure::{Failure, print_remarks};
use super::guest::{Attributes, STATEMENTS, Which};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "modify",
    classic: "hpvmmodify",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Modify a guest").after_help(format!(
            "All options of a call are carried out, or none.\n\
             While the guest runs, devices come and go at once on the adapters (bus and slot) it has, except what it uses; \
             -e, -E, -l, -B, -O, -g, -u and most of -x take effect at once. The rest (-c, -r, devices on new adapters, kernel, \
             initrd, append) is stored and takes effect at its next start: 'hpvmstatus -V' shows it. It must be off for -N \
             and another vm_type.\n{STATEMENTS}\n\
             -d takes a statement as 'hpvmstatus -d' prints it ('hpvmstatus -D' where a disc was changed at the console); -m \
             names a device by its full address and gives the new STORAGE:LOCATION.",
        )))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// New name; the guest must be off
    #[arg(short = 'N', value_name = "new-vm-name", allow_hyphen_values = true)]
    new_name: Option<String>,
    #[command(flatten)]
    _devices: DeviceOptions,
    #[command(flatten)]
    attributes: Attributes,
}

// Device options that `hpvmmodify` and `hpvmclone` share; read by [`device_changes`].
#[derive(Args)]
pub(super) struct DeviceOptions {
    /// Add a device, by its resource statement
    #[arg(short = 'a', id = "add", value_name = "rsrc")]
    _add: Vec<String>,
    /// Delete a device
    #[arg(short = 'd', id = "delete", value_name = "rsrc")]
    _delete: Vec<String>,
    /// Give the device at this bus,slot,target another backing store, or the drive another disc
    #[arg(short = 'm', id = "modify", value_name = "rsrc")]
    _modify: Vec<String>,
}

fn run(matches: &ArgMatches, _: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let devices = device_changes(matches);
    let manner = options.attributes.manner();
    let mut settings = options.attributes.settings();
    settings.extend(options.new_name.map(Setting::Name));
    let request = ClientToVsp::ModifyGuest { guest: options.which.guest(), settings, devices, manner };
    let done = link::connect()?.request(&request)?;
    print_remarks(SPEC.classic, &done.remarks);
    Ok(())
}

/// The options `-a`, `-d` and `-m` in the order of the command line, which is the order they are carried out in.
pub(super) fn device_changes(matches: &ArgMatches) -> Vec<DeviceChange> {
    type Change = fn(String) -> DeviceChange;
    let kinds: [(&str, Change); 3] =
        [("add", DeviceChange::Add), ("delete", DeviceChange::Delete), ("modify", DeviceChange::Modify)];
    let mut all: Vec<(usize, DeviceChange)> = Vec::new();
    for (id, change) in kinds {
        let statements = matches.get_many::<String>(id).into_iter().flatten().cloned();
        let places = matches.indices_of(id).into_iter().flatten();
        all.extend(places.zip(statements.map(change)));
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, change)| change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_options_keep_the_order_of_the_command_line() {
        let arguments = ["hpvmmodify", "-P", "x", "-d", "one", "-a", "two", "-d", "three", "-m", "four"];
        let matches = super::super::classic(&SPEC).try_get_matches_from(arguments).unwrap();
        let [one, two, three, four] = ["one", "two", "three", "four"].map(str::to_owned);
        let expected = [
            DeviceChange::Delete(one),
            DeviceChange::Add(two),
            DeviceChange::Delete(three),
            DeviceChange::Modify(four),
        ];
        assert_eq!(device_changes(&matches), expected);
    }
}
