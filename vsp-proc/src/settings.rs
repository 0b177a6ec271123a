//! Settings of the VSP itself: `vsp.toml` in the state directory, written by its owner and read when the VSP starts.
//!
//! ```text
//!   group = "hpvm"      # its members may connect; what they may do is given to them guest by guest
//! ```

use std::{fs, io};

use ipc::Access;
use nix::unistd::Group;
use serde::Deserialize;

use crate::root::{RootError, StateRoot};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Whose members may connect.
    group: Option<String>,
}

/// Who may connect. What cannot be understood admits nobody, and is no reason to leave guests without their VSP.
///
/// # Errors
/// When it is not known whose the state directory is.
pub(crate) fn access(root: &StateRoot) -> Result<Access, RootError> {
    let owner = root.owner()?;
    let group = group(root).unwrap_or_else(|reason| {
        let path = root.settings();
        tracing::error!(path = %path.display(), reason, "only the VSP's owner can connect");
        None
    });
    Ok(Access { owner, group })
}

fn group(root: &StateRoot) -> Result<Option<u32>, String> {
    let text = match fs::read_to_string(root.settings()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| e.to_string())?,
    };
    let settings: Settings = toml::from_str(&text).map_err(|e| e.message().replace('\n', " "))?;
    let Some(name) = settings.group else { return Ok(None) };
    match Group::from_name(&name) {
        Ok(Some(group)) => Ok(Some(group.gid.as_raw())),
        Ok(None) => Err(format!("group '{name}' does not exist")),
        Err(error) => Err(format!("group '{name}' cannot be looked up: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_admitted_if_it_is_named_and_exists() {
        let directory = tempfile::tempdir().unwrap();
        let root = StateRoot::at(directory.path());
        let with = |text: &str| {
            fs::write(root.settings(), text).unwrap();
            group(&root)
        };
        assert_eq!(group(&root), Ok(None));
        assert_eq!(with(""), Ok(None));
        assert_eq!(with("group = \"root\""), Ok(Some(0)));
        assert_eq!(with("group = \"no-such-group\""), Err("group 'no-such-group' does not exist".into()));
        assert!(with("group = 5").is_err() && with("groups = \"root\"").is_err());
        let owner = nix::unistd::geteuid().as_raw();
        assert!(matches!(access(&root), Ok(Access { owner: uid, group: None }) if uid == owner));
    }
}
