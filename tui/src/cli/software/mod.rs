//! `swlist`, `swinstall`, `swremove`: software inventories of the VSP and of HP-UX guests (hpvm.md 10.5).
//!
//! The forms are Software Distributor's as far as an inventory has them: `software… [@ guest]`, where HPVM's `-P` names the
//! guest as well.

mod list;
mod session;

use std::path::{Path, PathBuf};

use clap::Args;
use ipc::client::Client;
use ipc::message::{ClientToVsp, GuestRef};
use ipc::software::{SoftwareHost, SoftwareRequest};

use super::failure::{Failure, print_remarks};

pub(super) use list::SPEC as LIST;
pub(super) use session::{INSTALL, REMOVE};

// Whose inventory.
#[derive(Args)]
struct Host {
    /// Guest whose inventory it is; the VSP's without
    #[arg(short = 'P', value_name = "vm-name")]
    guest: Option<String>,
    /// Software: PRODUCT, PRODUCT.FILESET, PATCH or BUNDLE, each with ,r=REVISION where it matters; then '@' and a guest, as
    /// another way to name it
    #[arg(value_name = "SOFTWARE")]
    words: Vec<String>,
}

impl Host {
    /// Whose inventory, its name, and the software that is meant.
    fn split(self) -> Result<(SoftwareHost, String, Vec<String>), Failure> {
        let mut parts = self.words.splitn(2, |word| word == "@");
        let software = parts.next().unwrap_or_default().to_vec();
        let named = match parts.next() {
            None => None,
            Some([name]) => Some(name.trim_end_matches(":/").to_owned()),
            Some(_) => return Err(Failure::message("Expected one guest after '@'.")),
        };
        let guest = match (self.guest, named) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::message(format!("Both '{one}' and '{other}' are named as the guest.")));
            }
            (one, other) => one.or(other),
        };
        Ok(match guest {
            Some(name) => (SoftwareHost::Guest(GuestRef::Name(name.clone())), name, software),
            None => (SoftwareHost::Vsp, vsp_proc::host_name(), software),
        })
    }
}

/// The VSP reads depots and knows nothing of our working directory.
fn absolute(path: &Path) -> Result<String, Failure> {
    let path: PathBuf = std::path::absolute(path)?;
    let text = path.to_str().ok_or_else(|| Failure::message("The depot's path is not UTF-8."))?;
    Ok(text.to_owned())
}

/// Tells, in the name of `command`, what attached devices miss in the way of patches, a line each.
pub(super) fn print_missing(client: &mut Client, command: &str, guest: Option<&str>) -> Result<(), Failure> {
    let mut missing = client.request(&ClientToVsp::Software(SoftwareRequest::Missing))?.remarks;
    missing.retain(|remark| remark.guest.is_none() || guest.is_none() || remark.guest.as_deref() == guest);
    print_remarks(command, &missing);
    Ok(())
}
