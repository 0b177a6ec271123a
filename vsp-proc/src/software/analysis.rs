//! The analysis of a session: what is selected, what that depends on, what is left out and why. Pure.
//!
//! As in Software Distributor an error leaves out the products concerned and no others, and what depends on these.

mod install;
mod removal;
mod specification;

pub(crate) use install::{Target, plan_install};
pub(crate) use removal::plan_removal;
pub(super) use specification::is_matched;

use ipc::software::{Catalog, Fileset, Product};

use super::session::{Line, Weight};
use specification::Specification;

/// What a session is going to do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What the analysis has to say.
    pub(super) lines: Vec<Line>,
    /// The inventory afterwards.
    pub(crate) after: Catalog,
    /// Filesets it installs or removes, as `PRODUCT.FILESET,r=REVISION`.
    pub(crate) changes: Vec<String>,
    /// Has anything been left out because of an error?
    pub(crate) is_faulty: bool,
}

/// A fileset of a catalog.
#[derive(Clone, Copy)]
struct Part<'a> {
    product: &'a Product,
    fileset: &'a Fileset,
}

impl PartialEq for Part<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.product.tag == other.product.tag && self.fileset.tag == other.fileset.tag
    }
}

impl Part<'_> {
    /// `PRODUCT.FILESET,r=REVISION`
    fn title(&self) -> String {
        format!("{}.{},r={}", self.product.tag, self.fileset.tag, self.fileset.revision)
    }
}

/// All filesets of a catalog.
fn parts(catalog: &Catalog) -> impl Iterator<Item = Part<'_>> {
    let of = |product| move |fileset| Part { product, fileset };
    catalog.products.iter().flat_map(move |product| product.filesets.iter().map(of(product)))
}

/// The filesets an operator's words select, and the bundles among these words; words that select nothing are said.
fn select<'a>(
    catalog: &'a Catalog,
    words: &[String],
    place: &str,
    lines: &mut Vec<Line>,
) -> (Vec<Part<'a>>, Vec<&'a str>) {
    let (mut selected, mut bundles) = (Vec::new(), Vec::new());
    for word in words {
        let mut found: Vec<Part<'a>> = Vec::new();
        match Specification::parse(word) {
            Some(wanted) => {
                if let Some(bundle) = catalog.bundles.iter().find(|bundle| wanted.names_bundle(bundle)) {
                    found.extend(parts(catalog).filter(|part| bundle.contents.contains(&part.product.tag)));
                    bundles.push(bundle.tag.as_str());
                }
                found.extend(parts(catalog).filter(|part| wanted.names(*part)));
            }
            None if word == "*" => {
                found.extend(parts(catalog));
                bundles.extend(catalog.bundles.iter().map(|bundle| bundle.tag.as_str()));
            }
            None => {}
        }
        if found.is_empty() {
            lines.push((Weight::Error, format!("Software \"{word}\" was not found {place}.")));
        }
        for part in found {
            if !selected.contains(&part) {
                selected.push(part);
            }
        }
    }
    (selected, bundles)
}
