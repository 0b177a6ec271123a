//! `hpvmmodify`: changes a guest, all options of one call or none.

use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{ClientToVsp, DeviceChange, Setting};

use super::failure::{Failure, print_remarks};
use super::guest::{Attributes, Which};
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "modify",
    classic: "hpvmmodify",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Modify a guest").after_help(
            "Changes that a running guest cannot take are stored and take effect at its next start.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    which: Which,
    /// New name; the guest must be off
    #[arg(short = 'N', value_name = "new-vm-name")]
    new_name: Option<String>,
    /// Add a device, by its resource statement
    #[arg(short = 'a', value_name = "rsrc")]
    add: Vec<String>,
    /// Delete a device
    #[arg(short = 'd', value_name = "rsrc")]
    delete: Vec<String>,
    /// Give the device at this bus,slot,target another backing store
    #[arg(short = 'm', value_name = "rsrc")]
    modify: Vec<String>,
    #[command(flatten)]
    attributes: Attributes,
}

fn run(matches: &ArgMatches, _: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let devices = devices(matches, &options);
    let check_only = options.attributes.check_only;
    let mut settings = options.attributes.settings();
    settings.extend(options.new_name.map(Setting::Name));
    let request = ClientToVsp::ModifyGuest { guest: options.which.guest(), settings, devices, check_only };
    let done = link::connect()?.request(&request)?;
    print_remarks(SPEC.classic, &done.remarks);
    Ok(())
}

/// Device options in the order of the command line, which is the order they are carried out in.
fn devices(matches: &ArgMatches, options: &Options) -> Vec<DeviceChange> {
    type Change = fn(String) -> DeviceChange;
    let kinds: [(&str, &[String], Change); 3] = [
        ("add", &options.add, DeviceChange::Add),
        ("delete", &options.delete, DeviceChange::Delete),
        ("modify", &options.modify, DeviceChange::Modify),
    ];
    let mut all: Vec<(usize, DeviceChange)> = Vec::new();
    for (id, statements, change) in kinds {
        let places = matches.indices_of(id).into_iter().flatten();
        all.extend(places.zip(statements.iter().cloned().map(change)));
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
        let options = Options::from_arg_matches(&matches).unwrap();
        let [one, two, three, four] = ["one", "two", "three", "four"].map(str::to_owned);
        let expected = [
            DeviceChange::Delete(one),
            DeviceChange::Add(two),
            DeviceChange::Delete(three),
            DeviceChange::Modify(four),
        ];
        assert_eq!(devices(&matches, &options), expected);
    }
}
