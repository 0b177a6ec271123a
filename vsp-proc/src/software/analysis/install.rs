//! Analysis of `swinstall`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use ipc::software::{Catalog, PatchState, Product, Session};

use super::specification::{candidate, compare, first_unmet};
use super::{Part, Plan, parts, select};
use crate::software::session::{Line, Weight};

/// Where software is to be installed.
pub(crate) struct Target<'a> {
    pub(crate) installed: &'a Catalog,
    /// Release of its HP-UX, such as `B.11.31`.
    pub(crate) release: &'a str,
}

/// The state of an analysis.
struct Analysis<'a> {
    depot: &'a Catalog,
    target: &'a Target<'a>,
    session: &'a Session,
    chosen: Vec<Part<'a>>,
    /// Tags of products that are left out.
    excluded: BTreeSet<&'a str>,
    lines: Vec<Line>,
}

/// What installing `selections` from `depot` comes to.
pub(crate) fn plan_install(
    depot: &Catalog,
    target: &Target<'_>,
    selections: &[String],
    session: &Session,
) -> Plan {
    let mut lines = Vec::new();
    let (chosen, bundles) = select(depot, selections, "in the source", &mut lines);
    let mut analysis = Analysis { depot, target, session, chosen, excluded: BTreeSet::new(), lines };
    analysis.check_releases();
    analysis.skip_installed();
    if session.autoselect {
        analysis.select_dependencies();
    }
    analysis.check_dependencies();
    let Analysis { chosen, lines, .. } = analysis;
    let is_faulty = lines.iter().any(|(weight, _)| *weight == Weight::Error);
    let changes = chosen.iter().map(Part::title).collect();
    Plan { lines, after: installed_with(target.installed, depot, &chosen, &bundles), changes, is_faulty }
}

impl<'a> Analysis<'a> {
    fn exclude(&mut self, product: &'a Product, text: String) {
        self.lines.push((Weight::Error, text));
        self.excluded.insert(&product.tag);
        self.chosen.retain(|part| part.product.tag != product.tag);
    }

    fn check_releases(&mut self) {
        let release = self.target.release;
        let wrong: Vec<Part<'a>> =
            self.chosen.iter().copied().filter(|part| !is_for(part.product, release)).collect();
        for part in wrong {
            if self.excluded.contains(part.product.tag.as_str()) {
                continue;
            }
            self.exclude(
                part.product,
                format!(
                    "The software \"{},r={}\" is for release {} and incompatible with the target (release {release}).",
                    part.product.tag, part.product.revision, part.product.os_release
                ),
            );
        }
    }

    fn skip_installed(&mut self) {
        for part in self.chosen.clone() {
            let Some(there) = parts(self.target.installed).find(|there| *there == part) else { continue };
            match compare(&there.fileset.revision, &part.fileset.revision) {
                Ordering::Less => {}
                Ordering::Equal if self.session.reinstall => {}
                Ordering::Equal => {
                    let text = format!(
                        "The fileset \"{}\" is already installed. If you wish to reinstall this fileset, change the \
                         \"reinstall\" option to \"true\".",
                        part.title()
                    );
                    self.lines.push((Weight::Note, text));
                    self.chosen.retain(|other| *other != part);
                }
                Ordering::Greater => {
                    let text = format!(
                        "The fileset \"{}\" is older than the installed \"{}\".",
                        part.title(),
                        there.title()
                    );
                    self.exclude(part.product, text);
                }
            }
        }
    }

    /// What is there once everything chosen is installed.
    fn given(&self) -> Vec<Part<'a>> {
        parts(self.target.installed).chain(self.chosen.iter().copied()).collect()
    }

    fn select_dependencies(&mut self) {
        let mut at = 0;
        while let Some(part) = self.chosen.get(at).copied() {
            let given = self.given();
            let unmet = first_unmet(part, &given, &self.target.installed.bundles);
            let found = unmet.and_then(|(_, text)| {
                candidate(self.depot, text, |part| {
                    is_for(part.product, self.target.release)
                        && !self.excluded.contains(part.product.tag.as_str())
                })
            });
            match found {
                Some(found) if !given.contains(&found) => {
                    let text =
                        format!("The fileset \"{}\" has been selected as a dependency.", found.title());
                    self.lines.push((Weight::Note, text));
                    self.chosen.push(found);
                }
                _ => at += 1,
            }
        }
    }

    fn check_dependencies(&mut self) {
        let mut warned: Vec<Part<'a>> = Vec::new();
        loop {
            let given = self.given();
            let bundles = &self.target.installed.bundles;
            let unmet =
                self.chosen.iter().filter(|part| !warned.contains(part)).find_map(|part| {
                    first_unmet(*part, &given, bundles).map(|(kind, text)| (*part, kind, text))
                });
            let Some((part, kind, text)) = unmet else { return };
            let detail = format!(
                "The {kind} \"{text}\" for fileset \"{}\" cannot be successfully resolved.",
                part.title()
            );
            self.lines.push((Weight::Plain, detail));
            let text = format!(
                "The dependencies for fileset \"{}\" cannot be resolved (see previous lines).",
                part.title()
            );
            if self.session.enforce_dependencies {
                self.exclude(part.product, text);
            } else {
                self.lines.push((Weight::Warning, text));
                warned.push(part);
            }
        }
    }
}

/// Whether a product is for a release: `?` is any character, `*` anything.
fn is_for(product: &Product, release: &str) -> bool {
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(pattern, text))
            }
            (Some((b'?', pattern)), Some((_, text))) => matches(pattern, text),
            (Some((a, pattern)), Some((b, text))) if a == b => matches(pattern, text),
            _ => false,
        }
    }
    matches(product.os_release.as_bytes(), release.as_bytes())
}

/// The inventory once `chosen` is there.
fn installed_with(installed: &Catalog, depot: &Catalog, chosen: &[Part<'_>], bundles: &[&str]) -> Catalog {
    let mut after = installed.clone();
    for Part { product, fileset } in chosen {
        let at = after.products.iter().position(|there| there.tag == product.tag).unwrap_or_else(|| {
            after.products.push(Product { filesets: Vec::new(), ..Product::clone(product) });
            after.products.len() - 1
        });
        let there = &mut after.products[at];
        let others = there.filesets.iter().filter(|there| there.tag != fileset.tag).cloned();
        let mut filesets: Vec<_> = others.collect();
        filesets.push((*fileset).clone());
        *there = Product { filesets, ..Product::clone(product) };
    }
    for bundle in depot.bundles.iter().filter(|bundle| bundles.contains(&bundle.tag.as_str())) {
        let is_there = |tag: &String| after.products.iter().any(|product| product.tag == *tag);
        if bundle.contents.iter().all(is_there) {
            after.bundles.retain(|there| there.tag != bundle.tag);
            after.bundles.push(bundle.clone());
        }
    }
    set_patch_states(&mut after);
    after
}

/// Patches whose place another one has taken are superseded, all others are applied.
pub(super) fn set_patch_states(catalog: &mut Catalog) {
    let superseded: BTreeSet<String> = catalog
        .products
        .iter()
        .filter(|product| product.patch)
        .flat_map(|product| product.supersedes.iter().cloned())
        .collect();
    for product in catalog.products.iter_mut().filter(|product| product.patch) {
        let state = match superseded.contains(&product.tag) {
            true => PatchState::Superseded,
            false => PatchState::Applied,
        };
        product.filesets.iter_mut().for_each(|fileset| fileset.patch_state = state);
    }
}
