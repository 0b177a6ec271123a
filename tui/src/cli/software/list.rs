//! `swlist`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use ipc::client::ClientError;
use ipc::message::{ClientToVsp, VspToClient};
use ipc::software::{Catalog, Fileset, Product, SoftwareRequest};

use super::{Host, absolute};
use crate::cli::failure::Failure;
use crate::cli::{Spec, link};

/// Width of the column of tags, unless one is longer.
const TAG_WIDTH: usize = 30;
/// Width of the column of revisions.
const REVISION_WIDTH: usize = 14;

pub(in crate::cli) const SPEC: Spec = Spec {
    name: "swlist",
    classic: "swlist",
    is_linked: true,
    augment: |command| {
        Options::augment_args(
            command.about("List the software in the inventory of the VSP or a guest, or in a depot").after_help(
                "Attributes for -a: revision, title, state, patch_state, prerequisites, corequisites, os_release, supersedes.",
            ),
        )
    },
    run,
};

#[derive(Args)]
struct Options {
    /// What is listed
    #[arg(short = 'l', value_name = "level", value_enum)]
    level: Option<Level>,
    /// Attribute to be shown instead of revision and title; repeatable
    #[arg(short = 'a', value_name = "attribute", value_enum)]
    attributes: Vec<Attribute>,
    /// A depot's contents instead of what is installed
    #[arg(short = 's', value_name = "depot", conflicts_with = "guest")]
    source: Option<PathBuf>,
    #[command(flatten)]
    host: Host,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Bundle,
    Product,
    Fileset,
    Patch,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Attribute {
    Revision,
    Title,
    State,
    PatchState,
    Prerequisites,
    Corequisites,
    OsRelease,
    Supersedes,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let (host, name, words) = options.host.split()?;
    let (request, is_depot, target) = match &options.source {
        None => (SoftwareRequest::List(host), false, format!("{name}:/")),
        Some(depot) => {
            let depot = absolute(depot)?;
            let target = format!("{name}:{depot}");
            (SoftwareRequest::ListDepot(depot), true, target)
        }
    };
    let answer = link::connect()?.request_with(&ClientToVsp::Software(request), |_| {})?;
    let VspToClient::Software(catalog) = answer else { return Err(ClientError::Unexpected.into()) };
    let (known, unknown): (Vec<String>, Vec<String>) =
        words.into_iter().partition(|word| is_there(&catalog, word));
    for word in &unknown {
        eprintln!("ERROR:   Software \"{word}\" was not found on host \"{target}\".");
    }
    if unknown.is_empty() || !known.is_empty() {
        let listing = Listing { name, target, is_depot, attributes: options.attributes, words: known };
        listing.print(&catalog, options.level, out)?;
    }
    if unknown.is_empty() { Ok(()) } else { Err(Failure::Silent) }
}

fn tag_of(word: &str) -> &str {
    word.split([',', '.']).next().unwrap_or_default()
}

fn fileset_of(word: &str) -> Option<&str> {
    word.split(',').next()?.split_once('.').map(|(_, fileset)| fileset)
}

fn is_there(catalog: &Catalog, word: &str) -> bool {
    let tag = tag_of(word);
    let is_bundle = fileset_of(word).is_none() && catalog.bundles.iter().any(|bundle| bundle.tag == tag);
    let has_part = |product: &Product| {
        fileset_of(word).is_none_or(|wanted| product.filesets.iter().any(|fileset| fileset.tag == wanted))
    };
    is_bundle || catalog.products.iter().any(|product| product.tag == tag && has_part(product))
}

struct Listing {
    name: String,
    target: String,
    is_depot: bool,
    attributes: Vec<Attribute>,
    /// Selected software; everything if empty.
    words: Vec<String>,
}

impl Listing {
    fn selects_product(&self, catalog: &Catalog, product: &Product) -> bool {
        let in_bundle = |tag: &str| {
            catalog.bundles.iter().any(|bundle| bundle.tag == tag && bundle.contents.contains(&product.tag))
        };
        self.words.is_empty()
            || self.words.iter().any(|word| tag_of(word) == product.tag || in_bundle(tag_of(word)))
    }

    fn selects_fileset(&self, product: &Product, fileset: &Fileset) -> bool {
        let mut own = self.words.iter().filter(|word| tag_of(word) == product.tag).peekable();
        own.peek().is_none() || own.any(|word| fileset_of(word).is_none_or(|tag| tag == fileset.tag))
    }

    fn print(&self, catalog: &Catalog, level: Option<Level>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# Initializing...\n# Contacting target \"{}\"...\n#", self.name)?;
        writeln!(out, "# Target:  {}\n#\n", self.target)?;
        let chosen: Vec<&Product> =
            catalog.products.iter().filter(|product| self.selects_product(catalog, product)).collect();
        match level {
            Some(Level::Fileset) => self.filesets(chosen.iter().copied(), out),
            Some(Level::Patch) => self.filesets(chosen.iter().copied().filter(|product| product.patch), out),
            Some(Level::Product) => self.products(chosen.iter().copied(), out),
            // A product that was named is shown with its parts.
            None if !self.words.is_empty() && !self.names_bundle(catalog) => {
                self.filesets(chosen.iter().copied(), out)
            }
            None | Some(Level::Bundle) => {
                let bundles = catalog.bundles.iter().filter(|bundle| {
                    self.words.is_empty() || self.words.iter().any(|word| tag_of(word) == bundle.tag)
                });
                let lines: Vec<_> = bundles
                    .map(|bundle| (bundle.tag.clone(), bundle.revision.clone(), bundle.title.clone()))
                    .collect();
                if !lines.is_empty() {
                    writeln!(out, "#\n# Bundle(s):\n#\n")?;
                    table(&lines, out)?;
                }
                let is_free = |product: &&Product| {
                    !catalog.bundles.iter().any(|bundle| bundle.contents.contains(&product.tag))
                };
                let free: Vec<&Product> = chosen.iter().copied().filter(is_free).collect();
                if level.is_none() && !free.is_empty() && self.words.is_empty() {
                    let gap = if lines.is_empty() { "" } else { "\n" };
                    writeln!(out, "{gap}#\n# Product(s) not contained in a Bundle:\n#\n")?;
                    self.products(free.into_iter(), out)?;
                }
                Ok(())
            }
        }
    }

    fn names_bundle(&self, catalog: &Catalog) -> bool {
        catalog.bundles.iter().any(|bundle| self.words.iter().any(|word| tag_of(word) == bundle.tag))
    }

    fn products<'a>(
        &self,
        products: impl Iterator<Item = &'a Product>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if self.attributes.is_empty() {
            let lines: Vec<_> = products
                .map(|product| (product.tag.clone(), product.revision.clone(), product.title.clone()))
                .collect();
            return table(&lines, out);
        }
        for product in products {
            let values = self.attributes.iter().map(|attribute| self.of_product(*attribute, product));
            writeln!(out, "  {:<TAG_WIDTH$}{}", product.tag, values.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }

    fn filesets<'a>(
        &self,
        products: impl Iterator<Item = &'a Product>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for product in products {
            let Product { tag, revision, title, .. } = product;
            writeln!(out, "# {tag:<TAG_WIDTH$}{revision:<REVISION_WIDTH$} {title}")?;
            for fileset in product.filesets.iter().filter(|fileset| self.selects_fileset(product, fileset)) {
                let name = format!("{tag}.{}", fileset.tag);
                let values = match (self.attributes.is_empty(), product.patch && !self.is_depot) {
                    (true, false) => format!("{:<REVISION_WIDTH$} {}", fileset.revision, fileset.title),
                    (true, true) => format!(
                        "{:<REVISION_WIDTH$} {}   {}",
                        fileset.revision, fileset.title, fileset.patch_state
                    ),
                    (false, _) => {
                        let values = self.attributes.iter();
                        let values = values.map(|attribute| self.of_fileset(*attribute, product, fileset));
                        values.collect::<Vec<_>>().join("  ")
                    }
                };
                writeln!(out, "  {name:<TAG_WIDTH$}{values}")?;
            }
        }
        Ok(())
    }

    fn state(&self) -> String {
        if self.is_depot { "available" } else { "configured" }.into()
    }

    fn of_product(&self, attribute: Attribute, product: &Product) -> String {
        match attribute {
            Attribute::Revision => product.revision.clone(),
            Attribute::Title => product.title.clone(),
            Attribute::State => self.state(),
            Attribute::OsRelease => product.os_release.clone(),
            Attribute::Supersedes => product.supersedes.join(" "),
            Attribute::PatchState | Attribute::Prerequisites | Attribute::Corequisites => String::new(),
        }
    }

    fn of_fileset(&self, attribute: Attribute, product: &Product, fileset: &Fileset) -> String {
        match attribute {
            Attribute::Revision => fileset.revision.clone(),
            Attribute::Title => fileset.title.clone(),
            Attribute::PatchState if product.patch && !self.is_depot => fileset.patch_state.to_string(),
            Attribute::PatchState => String::new(),
            Attribute::Prerequisites => fileset.prerequisites.join(" "),
            Attribute::Corequisites => fileset.corequisites.join(" "),
            Attribute::State | Attribute::OsRelease | Attribute::Supersedes => {
                self.of_product(attribute, product)
            }
        }
    }
}

/// Two blanks, tag, revision, title, a blank; the column of tags is as wide as the longest of them.
fn table(lines: &[(String, String, String)], out: &mut dyn Write) -> io::Result<()> {
    let longest = lines.iter().map(|(tag, ..)| tag.len() + 1).max().unwrap_or_default();
    let width = TAG_WIDTH.max(longest);
    for (tag, revision, title) in lines {
        writeln!(out, "  {tag:<width$}{revision:<REVISION_WIDTH$} {title} ")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::software::{Bundle, PatchState};

    fn product(tag: &str, revision: &str, title: &str, patch: bool, fileset: &str) -> Product {
        let fileset = Fileset {
            tag: fileset.into(),
            revision: revision.into(),
            title: title.into(),
            prerequisites: vec!["PHKL_38604.CORE2-KRN".into()],
            corequisites: vec![],
            patch_state: PatchState::Applied,
        };
        Product {
            tag: tag.into(),
            revision: revision.into(),
            title: title.into(),
            patch,
            supersedes: vec![],
            os_release: "?.11.31*".into(),
            filesets: vec![fileset],
        }
    }

    fn listed(level: Option<Level>, attributes: &[Attribute], words: &[&str]) -> String {
        let bundle = |tag: &str, revision: &str, title: &str, contents: &[&str]| Bundle {
            tag: tag.into(),
            revision: revision.into(),
            title: title.into(),
            contents: contents.iter().map(|tag| (*tag).into()).collect(),
        };
        let catalog = Catalog {
            products: vec![
                product("AVIO-GVSD", "B.11.31.0909", "HPVM Guest AVIO Storage Software", false, "GVSD-KRN"),
                product("PHKL_38604", "1.0", "AVIO attached devices", true, "CORE2-KRN"),
            ],
            bundles: vec![
                bundle("GuestAVIOStor", "B.11.23.0712", "HPVM Guest AVIO Storage Software", &["AVIO-GVSD"]),
                bundle("HostAvioLan", "B.11.23.0712.01", "HPVM Host AVIO LAN Software", &["X"]),
            ],
        };
        let listing = Listing {
            name: "vsp1".into(),
            target: "vsp1:/".into(),
            is_depot: false,
            attributes: attributes.to_vec(),
            words: words.iter().map(|word| (*word).into()).collect(),
        };
        let mut out = Vec::new();
        listing.print(&catalog, level, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let frame = "# Initializing...\n# Contacting target \"vsp1\"...\n#\n# Target:  vsp1:/\n#\n\n";
        text.strip_prefix(frame).unwrap().to_owned()
    }

    /// The bundles are lines of the manual's samples.
    #[test]
    fn bundles_are_listed_as_software_distributor_does() {
        assert_eq!(
            listed(None, &[], &[]),
            "#
# Bundle(s):
#

  GuestAVIOStor                 B.11.23.0712   HPVM Guest AVIO Storage Software\u{20}
  HostAvioLan                   B.11.23.0712.01 HPVM Host AVIO LAN Software\u{20}

#
# Product(s) not contained in a Bundle:
#

  PHKL_38604                    1.0            AVIO attached devices\u{20}
"
        );
    }

    #[test]
    fn filesets_are_listed_under_their_product() {
        let expected = "# PHKL_38604                    1.0            AVIO attached devices
  PHKL_38604.CORE2-KRN          1.0            AVIO attached devices   applied
";
        assert_eq!(listed(Some(Level::Patch), &[], &[]), expected);
        assert_eq!(listed(None, &[], &["PHKL_38604"]), expected);
        assert_eq!(
            listed(Some(Level::Fileset), &[Attribute::State, Attribute::Prerequisites], &["GuestAVIOStor"]),
            "# AVIO-GVSD                     B.11.31.0909   HPVM Guest AVIO Storage Software
  AVIO-GVSD.GVSD-KRN            configured  PHKL_38604.CORE2-KRN
"
        );
    }
}
