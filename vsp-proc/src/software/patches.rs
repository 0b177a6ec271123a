//! The patches that AVIO attached devices want (the guide's Table 20; hpvm.md 7.8).

use ipc::software::{Catalog, PatchState};

use super::analysis::is_matched;

/// How much a patch is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Want {
    /// Enforced by `swinstall`, where the software that needs it is installed.
    Hard,
    /// Required only if attached devices are configured; nothing enforces it.
    Soft,
    Recommended,
}

/// One line of the table.
struct Row {
    patch: &'static str,
    vsp: Option<Want>,
    guest: Option<Want>,
}

/// All of them are for HP-UX 11i v3; 11i v2 wants none.
const TABLE: &[Row] = &[
    Row { patch: "PHKL_38604", vsp: Some(Want::Soft), guest: Some(Want::Hard) },
    Row { patch: "PHKL_38605", vsp: Some(Want::Soft), guest: None },
    Row { patch: "PHKL_38750", vsp: Some(Want::Recommended), guest: Some(Want::Recommended) },
];

/// A patch that attached devices want and that is not installed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Missing {
    /// Is it needed, rather than recommended?
    pub(crate) is_required: bool,
    /// One line for the operator.
    pub(crate) text: String,
}

/// What the VSP misses, if attached devices are configured.
pub(crate) fn missing_on_vsp(installed: &Catalog) -> Vec<Missing> {
    missing(installed, |row| row.vsp, "the VSP")
}

/// What a guest with attached devices misses that runs HP-UX 11i v3.
pub(crate) fn missing_in_guest(installed: &Catalog) -> Vec<Missing> {
    missing(installed, |row| row.guest, "the guest")
}

fn missing(installed: &Catalog, want: impl Fn(&Row) -> Option<Want>, whose: &str) -> Vec<Missing> {
    let wanted = TABLE.iter().filter_map(|row| Some((row.patch, want(row)?)));
    let absent = wanted.filter(|(patch, _)| !has(installed, patch));
    absent
        .map(|(patch, want)| match want {
            Want::Hard | Want::Soft => Missing {
                is_required: true,
                text: format!("Patch {patch} is required for attached devices and not installed on {whose}."),
            },
            Want::Recommended => Missing {
                is_required: false,
                text: format!(
                    "Patch {patch} is recommended for attached devices and not installed on {whose}."
                ),
            },
        })
        .collect()
}

/// Whether a patch is in force, or one that has taken its place.
fn has(installed: &Catalog, patch: &str) -> bool {
    let in_force = |product: &ipc::software::Product| {
        product.filesets.iter().any(|fileset| fileset.patch_state == PatchState::Applied)
    };
    installed
        .products
        .iter()
        .any(|product| product.patch && in_force(product) && is_matched(installed, &product.tag, patch))
}
