//! Analysis of `swremove`.

use ipc::software::{Catalog, PatchState, Session};

use super::install::set_patch_states;
use super::specification::first_unmet;
use super::{Part, Plan, parts, select};
use crate::software::session::Weight;

/// What removing `selections` comes to.
pub(crate) fn plan_removal(installed: &Catalog, selections: &[String], session: &Session) -> Plan {
    let mut lines = Vec::new();
    let (mut removed, bundles) = select(installed, selections, "on the target", &mut lines);
    for part in removed.clone() {
        let successor = installed.products.iter().find(|product| {
            product.supersedes.contains(&part.product.tag)
                && !removed.iter().any(|other| other.product.tag == product.tag)
        });
        if let (PatchState::Superseded, Some(successor)) = (part.fileset.patch_state, successor) {
            let text = format!(
                "The patch fileset \"{}\" is superseded by \"{}\" and cannot be removed before it.",
                part.title(),
                successor.tag
            );
            lines.push((Weight::Error, text));
            removed.retain(|other| *other != part);
        }
    }
    // A fileset that loses what it depends on goes along, keeps it, or is left with a warning.
    let mut warned: Vec<Part<'_>> = Vec::new();
    loop {
        let given: Vec<Part<'_>> = parts(installed).filter(|part| !removed.contains(part)).collect();
        let before: Vec<Part<'_>> = parts(installed).collect();
        let loser = given.iter().filter(|part| !warned.contains(part)).find_map(|part| {
            let was_met = first_unmet(*part, &before, &installed.bundles).is_none();
            let unmet = first_unmet(*part, &given, &installed.bundles).filter(|_| was_met)?;
            Some((*part, unmet))
        });
        let Some((part, (kind, text))) = loser else { break };
        let detail = format!("The fileset \"{}\" depends on \"{text}\" as a {kind}", part.title());
        if session.autoselect {
            lines.push((Weight::Note, format!("{detail} and is removed as well.")));
            removed.push(part);
        } else if session.enforce_dependencies {
            lines.push((Weight::Error, format!("{detail}, which is not removed therefore.")));
            let needed = keep_for(part, &given, &removed, installed);
            removed.retain(|other| !needed.contains(other));
        } else {
            lines.push((Weight::Warning, format!("{detail}.")));
            warned.push(part);
        }
    }
    let is_faulty = lines.iter().any(|(weight, _)| *weight == Weight::Error);
    let changes = removed.iter().map(Part::title).collect();
    Plan { lines, after: installed_without(installed, &removed, &bundles), changes, is_faulty }
}

/// What of `removed` has to stay so that `part` has what it depends on.
fn keep_for<'a>(
    part: Part<'_>,
    given: &[Part<'a>],
    removed: &[Part<'a>],
    installed: &Catalog,
) -> Vec<Part<'a>> {
    let is_enough = |kept: &Part<'a>| {
        let with: Vec<Part<'_>> = given.iter().chain([kept]).copied().collect();
        first_unmet(part, &with, &installed.bundles) != first_unmet(part, given, &installed.bundles)
    };
    let kept: Vec<Part<'a>> = removed.iter().copied().filter(is_enough).collect();
    // More than one together, or a bundle: then everything stays.
    if kept.is_empty() { removed.to_vec() } else { kept }
}

fn installed_without(installed: &Catalog, removed: &[Part<'_>], bundles: &[&str]) -> Catalog {
    let mut after = installed.clone();
    for product in &mut after.products {
        let tag = product.tag.clone();
        let is_removed =
            |fileset: &str| removed.iter().any(|part| part.product.tag == tag && part.fileset.tag == fileset);
        product.filesets.retain(|fileset| !is_removed(&fileset.tag));
    }
    after.products.retain(|product| !product.filesets.is_empty());
    let is_whole = |contents: &[String]| {
        contents.iter().all(|tag| after.products.iter().any(|product| product.tag == *tag))
    };
    let stays = |tag: &str, contents: &[String]| {
        is_whole(contents) || (!contents.is_empty() && !bundles.contains(&tag))
    };
    let bundles: Vec<_> =
        after.bundles.iter().filter(|bundle| stays(&bundle.tag, &bundle.contents)).cloned().collect();
    after.bundles = bundles;
    set_patch_states(&mut after);
    after
}
