//! Software inventories as clients see them: products, bundles and patches that are installed on the VSP or in a guest, or
//! lie in a depot (`swlist`, `swinstall`, `swremove`; hpvm.md 10.5).
//!
//! The names are Software Distributor's: a *product* has *filesets*, a *bundle* names products, a *patch* is a product
//! that replaces parts of others.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::message::GuestRef;

/// Whose inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SoftwareHost {
    /// The VSP's.
    Vsp,
    /// A guest's.
    Guest(GuestRef),
}

/// Everything that is installed somewhere, or can be installed from somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Products, patches among them.
    #[serde(default, rename = "product")]
    pub products: Vec<Product>,
    /// Bundles.
    #[serde(default, rename = "bundle")]
    pub bundles: Vec<Bundle>,
}

/// A product or a patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name.
    pub tag: String,
    /// Such as `B.11.31.0909`.
    pub revision: String,
    /// One line.
    pub title: String,
    /// Is it a patch?
    #[serde(default)]
    pub patch: bool,
    /// Patches whose place this one takes.
    #[serde(default)]
    pub supersedes: Vec<String>,
    /// Releases of HP-UX it is for, as a pattern with `?` and `*`; any without.
    #[serde(default = "any_release")]
    pub os_release: String,
    /// Its parts; at least one.
    #[serde(rename = "fileset")]
    pub filesets: Vec<Fileset>,
}

/// What is installed and removed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fileset {
    /// Its name within the product.
    pub tag: String,
    /// Its product's without.
    #[serde(default)]
    pub revision: String,
    /// One line.
    #[serde(default)]
    pub title: String,
    /// What must be installed before it, as `PRODUCT`, `PRODUCT.FILESET`, each with `,r=REVISION` or `,r>=REVISION`.
    #[serde(default)]
    pub prerequisites: Vec<String>,
    /// What must be installed for it to work.
    #[serde(default)]
    pub corequisites: Vec<String>,
    /// State of a patch's fileset where it is installed.
    #[serde(default)]
    pub patch_state: PatchState,
}

/// What has become of an installed patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PatchState {
    /// It is in force.
    #[default]
    Applied,
    /// A later patch has taken its place.
    Superseded,
}

impl fmt::Display for PatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PatchState::Applied => "applied",
            PatchState::Superseded => "superseded",
        })
    }
}

/// Products under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Its name.
    pub tag: String,
    /// Its revision.
    pub revision: String,
    /// One line.
    pub title: String,
    /// Tags of its products.
    pub contents: Vec<String>,
}

/// Matches every release.
pub const ANY_RELEASE: &str = "*";

fn any_release() -> String {
    ANY_RELEASE.into()
}

/// What can be asked about software. Everything but a listing reports its session line by line
/// ([`VspToClient::Progress`](crate::message::VspToClient::Progress)) and ends with `Accepted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SoftwareRequest {
    /// What is installed: [`VspToClient::Software`](crate::message::VspToClient::Software).
    List(SoftwareHost),
    /// What a depot of the VSP's host has, by its absolute path: `Software`, too.
    ListDepot(String),
    /// What attached devices miss: `Accepted` with a remark for each patch that is not installed.
    Missing,
    /// `swinstall`.
    Install {
        /// Where to.
        host: SoftwareHost,
        /// Absolute path of the depot.
        depot: String,
        /// What: `TAG`, `PRODUCT.FILESET` or `*`.
        selections: Vec<String>,
        /// How.
        session: Session,
    },
    /// `swremove`.
    Remove {
        /// Where from.
        host: SoftwareHost,
        /// What: `TAG` or `PRODUCT.FILESET`.
        selections: Vec<String>,
        /// How.
        session: Session,
    },
}

/// How software is installed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who does it, for the log: `root@host`.
    pub user: String,
    /// Analysis only.
    pub preview: bool,
    /// An unmet dependency is an error (or else a warning).
    pub enforce_dependencies: bool,
    /// Take along what the selected software depends on, or, when removing, what depends on it.
    pub autoselect: bool,
    /// Install again what is there.
    pub reinstall: bool,
}
