//! Software specifications: `PRODUCT[.FILESET][,r=REVISION|,r>=REVISION]`, of selections and of dependencies.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use ipc::software::{Bundle, Catalog, Product};

use super::{Part, parts};

/// A specification, taken apart.
pub(super) struct Specification<'a> {
    tag: &'a str,
    fileset: Option<&'a str>,
    revision: Option<(Comparison, &'a str)>,
}

#[derive(Clone, Copy)]
enum Comparison {
    Equal,
    AtLeast,
}

impl<'a> Specification<'a> {
    /// `None` for what is no specification. Attributes other than the revision (`fa=`, `l=`, …) select nothing here.
    pub(super) fn parse(text: &'a str) -> Option<Specification<'a>> {
        let mut pieces = text.split(',');
        let name = pieces.next().unwrap_or_default();
        let (tag, fileset) = match name.split_once('.') {
            Some((tag, fileset)) => (tag, Some(fileset)),
            None => (name, None),
        };
        let is_tag = |tag: &str| !tag.is_empty() && !tag.contains(['*', '.']);
        if !is_tag(tag) || !fileset.is_none_or(is_tag) {
            return None;
        }
        let mut revision = None;
        for piece in pieces {
            if let Some(wanted) = piece.strip_prefix("r>=") {
                revision = Some((Comparison::AtLeast, wanted));
            } else if let Some(wanted) = piece.strip_prefix("r=") {
                revision = Some((Comparison::Equal, wanted));
            }
        }
        Some(Specification { tag, fileset, revision })
    }

    pub(super) fn names_bundle(&self, bundle: &Bundle) -> bool {
        self.fileset.is_none() && bundle.tag == self.tag && self.admits(&bundle.revision)
    }

    /// Whether it names this fileset itself.
    pub(super) fn names(&self, part: Part<'_>) -> bool {
        part.product.tag == self.tag && self.fits(part)
    }

    /// Whether one of `given` satisfies it, itself or as a patch that has taken another's place.
    pub(super) fn is_met_by<'p>(&self, given: impl Iterator<Item = Part<'p>> + Clone) -> bool {
        given.clone().any(|part| {
            let takes_its_place =
                || supersedes(given.clone().map(|part| part.product), part.product, self.tag);
            self.names(part) || (self.has_fileset(part) && takes_its_place())
        })
    }

    fn fits(&self, part: Part<'_>) -> bool {
        self.has_fileset(part) && self.admits(&part.fileset.revision)
    }

    fn has_fileset(&self, part: Part<'_>) -> bool {
        self.fileset.is_none_or(|fileset| fileset == part.fileset.tag)
    }

    fn admits(&self, revision: &str) -> bool {
        match self.revision {
            None => true,
            Some((Comparison::Equal, wanted)) => compare(revision, wanted) == Ordering::Equal,
            Some((Comparison::AtLeast, wanted)) => compare(revision, wanted) != Ordering::Less,
        }
    }
}

/// Whether the patch `product` has taken the place of `tag`, perhaps by way of others.
fn supersedes<'a>(all: impl Iterator<Item = &'a Product> + Clone, product: &'a Product, tag: &str) -> bool {
    let (mut known, mut open) = (BTreeSet::new(), vec![product]);
    while let Some(product) = open.pop() {
        for former in &product.supersedes {
            if former == tag {
                return true;
            }
            if known.insert(former.as_str()) {
                open.extend(all.clone().filter(|other| other.tag == *former));
            }
        }
    }
    false
}

/// Whether the installed patch `tag` is `patch` or has taken its place.
pub(in crate::software) fn is_matched(installed: &Catalog, tag: &str, patch: &str) -> bool {
    let all = installed.products.iter();
    tag == patch || all.clone().any(|own| own.tag == tag && supersedes(all.clone(), own, patch))
}

/// Whether everything a fileset depends on is among `given`; the first thing that is not, otherwise.
pub(super) fn first_unmet<'p>(
    part: Part<'p>,
    given: &[Part<'_>],
    bundles: &[Bundle],
) -> Option<(&'static str, &'p str)> {
    let is_met = |text: &str| {
        // What cannot be understood cannot be met.
        Specification::parse(text).is_some_and(|wanted| {
            wanted.is_met_by(given.iter().copied())
                || bundles.iter().any(|bundle| wanted.names_bundle(bundle))
        })
    };
    let Part { fileset, .. } = part;
    let prerequisites = fileset.prerequisites.iter().map(|text| ("prerequisite", text.as_str()));
    let corequisites = fileset.corequisites.iter().map(|text| ("corequisite", text.as_str()));
    prerequisites.chain(corequisites).find(|(_, text)| !is_met(text))
}

/// The fileset of a depot that would satisfy a dependency.
pub(super) fn candidate<'a>(
    depot: &'a Catalog,
    text: &str,
    admits: impl Fn(Part<'_>) -> bool,
) -> Option<Part<'a>> {
    let wanted = Specification::parse(text)?;
    let admitted = || parts(depot).filter(|part| admits(*part));
    let takes_its_place = |part: &Part<'_>| {
        wanted.has_fileset(*part) && supersedes(depot.products.iter(), part.product, wanted.tag)
    };
    admitted().find(|part| wanted.names(*part)).or_else(|| admitted().find(takes_its_place))
}

/// Revisions are compared piece by piece: numbers as numbers, everything else as text.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    fn pieces(revision: &str) -> impl Iterator<Item = &str> {
        revision.split(['.', '-', '_'])
    }
    let (mut ours, mut theirs) = (pieces(one), pieces(other));
    loop {
        let (a, b) = match (ours.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
