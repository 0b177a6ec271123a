//! Catalogs on disk: depots, which are directories of readable files, and inventories.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ipc::software::{Catalog, Fileset, Product};
use serde::{Deserialize, Serialize};

use crate::fs::{HostFs, write_atomically};

/// File of an inventory, in the directory of its guest or of what belongs to none.
const FILE: &str = "software.toml";
const SCHEMA: u32 = 1;

/// An inventory as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    schema: u32,
    #[serde(default)]
    product: Vec<Product>,
    #[serde(default)]
    bundle: Vec<ipc::software::Bundle>,
}

/// What is installed somewhere.
#[derive(Debug, PartialEq)]
pub(crate) struct Inventory {
    path: PathBuf,
    pub(crate) catalog: Catalog,
}

impl Inventory {
    /// The inventory in this directory; empty where there is none yet.
    ///
    /// # Errors
    /// One line: what is wrong with the file.
    pub(crate) fn open(directory: &Path) -> Result<Inventory, String> {
        let path = directory.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Inventory { path, catalog: Catalog::default() });
            }
            Err(error) => return Err(format!("Cannot read '{}': {error}.", path.display())),
        };
        let stored: Stored = toml::from_str(&text).map_err(|error| faulty(&path, &text, &error))?;
        if stored.schema != SCHEMA {
            return Err(format!("'{}' has unknown schema {}.", path.display(), stored.schema));
        }
        let catalog = Catalog { products: stored.product, bundles: stored.bundle };
        check(&catalog).map_err(|reason| format!("'{}': {reason}.", path.display()))?;
        Ok(Inventory { path, catalog: complete(catalog) })
    }

    /// Replaces what is installed.
    ///
    /// # Errors
    /// One line; the file is as it was.
    pub(crate) fn replace(&mut self, catalog: Catalog) -> Result<(), String> {
        let stored = Stored { schema: SCHEMA, product: catalog.products, bundle: catalog.bundles };
        let failed = |reason: String| format!("Cannot write '{}': {reason}.", self.path.display());
        let text = toml::to_string(&stored).map_err(|error| failed(error.to_string()))?;
        write_atomically(&mut HostFs, &self.path, text.as_bytes())
            .map_err(|error| failed(error.to_string()))?;
        self.catalog = Catalog { products: stored.product, bundles: stored.bundle };
        Ok(())
    }
}

/// Everything in a depot: the products and bundles of all its `.toml` files, in the order of the files' names.
///
/// # Errors
/// One line: it is no depot, or which file is wrong and where.
pub(crate) fn read_depot(directory: &Path) -> Result<Catalog, String> {
    if !directory.is_absolute() {
        return Err(format!("Illegal depot '{}'. Expected an absolute path.", directory.display()));
    }
    let unreadable = |error: io::Error| format!("Cannot read depot '{}': {error}.", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("'{}' is not a depot: it has no .toml file.", directory.display()));
    }
    let mut all = Catalog::default();
    for path in files {
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("Cannot read '{}': {error}.", path.display()))?;
        let catalog: Catalog = toml::from_str(&text).map_err(|error| faulty(&path, &text, &error))?;
        all.products.extend(catalog.products);
        all.bundles.extend(catalog.bundles);
    }
    check(&all).map_err(|reason| format!("Depot '{}': {reason}.", directory.display()))?;
    Ok(complete(all))
}

fn faulty(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("'{}', line {line}: {}.", path.display(), error.message().trim_end_matches('.'))
}

/// Filesets without a revision or title of their own have their product's.
fn complete(mut catalog: Catalog) -> Catalog {
    for product in &mut catalog.products {
        for fileset in &mut product.filesets {
            let inherit = |own: &mut String, from: &str| {
                if own.is_empty() {
                    *own = from.to_owned();
                }
            };
            inherit(&mut fileset.revision, &product.revision);
            inherit(&mut fileset.title, &product.title);
        }
    }
    catalog
}

fn check(catalog: &Catalog) -> Result<(), String> {
    let mut tags = BTreeSet::new();
    for product in &catalog.products {
        let Product { tag, filesets, revision, .. } = product;
        check_tag(tag)?;
        check_text(revision)?;
        check_text(&product.title)?;
        if !tags.insert(tag) {
            return Err(format!("product '{tag}' is there twice"));
        }
        if filesets.is_empty() {
            return Err(format!("product '{tag}' has no fileset"));
        }
        let mut parts = BTreeSet::new();
        for Fileset { tag: part, title, revision, .. } in filesets {
            check_tag(part)?;
            check_text(title)?;
            check_text(revision)?;
            if !parts.insert(part) {
                return Err(format!("fileset '{tag}.{part}' is there twice"));
            }
        }
    }
    let mut tags: BTreeSet<&str> = tags.into_iter().map(String::as_str).collect();
    for bundle in &catalog.bundles {
        check_tag(&bundle.tag)?;
        check_text(&bundle.title)?;
        check_text(&bundle.revision)?;
        if !tags.insert(&bundle.tag) {
            return Err(format!("bundle '{}' has the name of another bundle or product", bundle.tag));
        }
    }
    Ok(())
}

/// Tags stand in lines of text, before a dot or comma.
fn check_tag(tag: &str) -> Result<(), String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
    match !tag.is_empty() && tag.len() <= 64 && tag.chars().all(is_legal) {
        true => Ok(()),
        false => Err(format!("illegal tag '{}'", tag.escape_default())),
    }
}

fn check_text(text: &str) -> Result<(), String> {
    match text.chars().any(char::is_control) {
        true => Err(format!("control characters in '{}'", text.escape_default())),
        false => Ok(()),
    }
}
