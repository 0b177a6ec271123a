//! `hpvmdevmgmt`: the device management database (hpvm.md 4.8).

use std::io::Write;
use std::path::Path;

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::client::{ClientError, Progress};
use ipc::device::{DeviceEntry, DeviceFilter, DeviceKind, DeviceRequest};
use ipc::message::{ClientToVsp, VspToClient};

use super::bar::Bar;
use super::failure::{Failure, print_remarks};
use super::software::print_missing;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "devmgmt",
    classic: "hpvmdevmgmt",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Manage the devices of guests").after_help(
            "TYPE is gdev (devices of guests), rdev (restricted: not for guests), env or server.\n\
             A listed line is name[,alias...]:ATTR=value,...:dependent[,dependent...]:unique-id\n\
             Attributes: SHARE={YES|NO} may several running guests have it; PRESERVE={YES|NO} keep the entry without \
             dependents; USAGE={DISK|DVD} what a file is good for; RECURSIVE={FS|DIR} restrict what is in a directory, \
             too; IGNOREWWID={YES|NO} take whatever device is there. Names and values are taken in any case.\n\
             Virtual switches have no entries: this VSP has no networks.",
        ))
        .group(ArgGroup::new("action").required(true).args([
            "add", "delete", "modify", "replace", "list", "identify", "repair", "size",
        ]))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Add an entry: TYPE:name, or TYPE:name:attr:ATTR=VALUE
    #[arg(short = 'a', value_name = "TYPE:name")]
    add: Option<String>,
    /// Delete TYPE:name, TYPE:name:attr:ATTR, gdev:{all|name}:depend:GUEST, {gdev|rdev}:name:IGNOREWWID or
    /// gdev_alias:name
    #[arg(short = 'd', value_name = "TYPE:name...")]
    delete: Option<String>,
    /// Set an attribute: TYPE:name:attr:ATTR=VALUE, or {gdev|rdev}:name:IGNOREWWID={YES|NO}
    #[arg(short = 'm', value_name = "TYPE:name:attr:ATTR=VALUE")]
    modify: Option<String>,
    /// Give up a device for another one, in all guests that have it
    #[arg(short = 'n', value_name = "gdev:old:new[,alias]")]
    replace: Option<String>,
    /// List {all|TYPE}, {all|TYPE}:name, {all|TYPE}:depend:GUEST or {all|TYPE}:ATTR=VALUE
    #[arg(short = 'l', value_name = "{all|TYPE}...")]
    list: Option<String>,
    /// Identify all devices anew
    #[arg(short = 'I')]
    identify: bool,
    /// Print a script that repairs the database
    #[arg(short = 'r')]
    repair: bool,
    /// Make a file of this size (K, M, G) to be used as a virtual device, its space reserved; interrupted it leaves none
    #[arg(short = 'S', value_name = "file-size", value_parser = size, requires = "file")]
    size: Option<u64>,
    /// With -S: make an entry (gdev, USAGE=DISK) for the file, too, so that it is offered for guests. (HPVM's manuals show
    /// that there is such an option and do not say what it means.)
    #[arg(short = 'A', requires = "size")]
    add_entry: bool,
    /// With -S: the file
    #[arg(value_name = "file-name", requires = "size")]
    file: Option<std::path::PathBuf>,
    /// Verbose
    #[arg(short = 'V')]
    verbose: bool,
}

/// The attribute that is also written without `attr:`.
const IGNOREWWID: &str = "IGNOREWWID";

fn size(text: &str) -> Result<u64, String> {
    // A bare number is bytes, as of every file.
    storage::size::parse(text, 1).map_err(|e| e.to_string())
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let request = request(&options).map_err(Failure::message)?;
    let mut client = link::connect()?;
    let mut written = Ok(());
    let mut bar = Bar::new("made");
    let answer = client.request_watched(&ClientToVsp::Devices(request.clone()), |progress| match progress {
        Progress::Copied { done_bytes, total_bytes } => bar.draw(done_bytes, total_bytes),
        Progress::Line(line) if matches!(request, DeviceRequest::List { .. }) => {
            eprintln!("{}: {line}", SPEC.classic);
        }
        Progress::Line(line) if written.is_ok() => written = writeln!(out, "{line}"),
        Progress::Line(_) => {}
    });
    drop(bar);
    written?;
    let answer = answer?;
    match answer {
        VspToClient::Devices(entries) => {
            list(&entries, options.verbose, out)?;
            print_missing(&mut client, SPEC.classic, None)?;
        }
        VspToClient::Accepted(done) => print_remarks(SPEC.classic, &done.remarks),
        _ => return Err(ClientError::Unexpected.into()),
    }
    if let (true, DeviceRequest::CreateFile { path, .. }) = (options.add_entry, &request) {
        let attributes = vec![("USAGE".to_owned(), "DISK".to_owned())];
        let add = DeviceRequest::Add { kind: DeviceKind::Gdev, name: path.clone(), attributes };
        if let Err(error) = client.request(&ClientToVsp::Devices(add)) {
            // Both or neither: it was made just now, and nobody was told.
            std::fs::remove_file(path)?;
            return Err(error.into());
        }
    }
    if options.verbose && !matches!(request, DeviceRequest::Repair | DeviceRequest::List { .. }) {
        writeln!(out, "{}: Done.", SPEC.classic)?;
    }
    Ok(())
}

fn list(entries: &[DeviceEntry], verbose: bool, out: &mut dyn Write) -> std::io::Result<()> {
    for entry in entries {
        if !verbose {
            writeln!(out, "{entry}")?;
            continue;
        }
        writeln!(out, "{:<16}: {}", "Entry type", entry.kind.word())?;
        writeln!(out, "{:<16}: {}", "Entry name", entry.names.join(","))?;
        for (name, value) in &entry.attributes {
            writeln!(out, "{:<16}: {name}={value}", "Attribute")?;
        }
        for dependent in &entry.dependents {
            writeln!(out, "{:<16}: {dependent}", "Dependent")?;
        }
        writeln!(out, "{:<16}: {}\n", "Unique ID", entry.id)?;
    }
    Ok(())
}

/// What the options ask for.
fn request(options: &Options) -> Result<DeviceRequest, String> {
    if let Some(text) = &options.add {
        return add(text);
    }
    if let Some(text) = &options.delete {
        return delete(text);
    }
    if let Some(text) = &options.modify {
        return modify(text);
    }
    if let Some(text) = &options.replace {
        return replace(text);
    }
    if let Some(text) = &options.list {
        return list_request(text);
    }
    match (options.size, &options.file) {
        (Some(size_bytes), Some(file)) => Ok(DeviceRequest::CreateFile { path: absolute(file)?, size_bytes }),
        _ if options.repair => Ok(DeviceRequest::Repair),
        _ => Ok(DeviceRequest::Reidentify),
    }
}

fn absolute(path: &Path) -> Result<String, String> {
    let absolute = std::path::absolute(path).map_err(|e| format!("Illegal file name: {e}."))?;
    absolute.into_os_string().into_string().map_err(|_| "Illegal file name: it is not text.".to_owned())
}

/// `TYPE:rest`, the rest not empty.
fn typed(text: &str) -> Result<(&str, &str), String> {
    match text.split_once(':') {
        Some((kind, rest)) if !rest.is_empty() => Ok((kind, rest)),
        _ => Err(format!("Illegal entry '{text}'. Expected TYPE:entry-name.")),
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("Illegal attribute '{text}'. Expected NAME=VALUE."))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn add(text: &str) -> Result<DeviceRequest, String> {
    let (kind, rest) = typed(text)?;
    let kind: DeviceKind = kind.parse()?;
    let (name, attributes) = match rest.rsplit_once(":attr:") {
        Some((name, attribute)) => (name, vec![assignment(attribute)?]),
        None => (rest, Vec::new()),
    };
    Ok(DeviceRequest::Add { kind, name: name.to_owned(), attributes })
}

fn delete(text: &str) -> Result<DeviceRequest, String> {
    let (kind, rest) = typed(text)?;
    if kind.eq_ignore_ascii_case("gdev_alias") {
        return Ok(DeviceRequest::DeleteAlias { name: rest.to_owned() });
    }
    let kind: DeviceKind = kind.parse()?;
    if let Some((name, dependent)) = rest.rsplit_once(":depend:") {
        if kind != DeviceKind::Gdev {
            return Err("Only entries of type gdev have dependents.".into());
        }
        let name = (name != "all").then(|| name.to_owned());
        return Ok(DeviceRequest::DeleteDependent { name, dependent: dependent.to_owned() });
    }
    let attribute = rest.rsplit_once(":attr:");
    let attribute =
        attribute.or_else(|| rest.rsplit_once(':').filter(|(_, name)| name.eq_ignore_ascii_case(IGNOREWWID)));
    Ok(match attribute {
        Some((name, attribute)) => {
            DeviceRequest::DeleteAttribute { kind, name: name.to_owned(), attribute: attribute.to_owned() }
        }
        None => DeviceRequest::Delete { kind, name: rest.to_owned() },
    })
}

fn modify(text: &str) -> Result<DeviceRequest, String> {
    let (kind, rest) = typed(text)?;
    let kind: DeviceKind = kind.parse()?;
    let (name, attribute) = match rest.rsplit_once(":attr:") {
        Some((name, attribute)) => (name, attribute),
        None => rest
            .rsplit_once(':')
            .filter(|(_, attribute)| {
                attribute.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case(IGNOREWWID))
            })
            .ok_or_else(|| format!("Illegal entry '{text}'. Expected TYPE:entry-name:attr:NAME=VALUE."))?,
    };
    let (attribute, value) = assignment(attribute)?;
    Ok(DeviceRequest::SetAttribute { kind, name: name.to_owned(), attribute, value })
}

fn replace(text: &str) -> Result<DeviceRequest, String> {
    let form = || format!("Illegal entry '{text}'. Expected gdev:old-name:new-name[,new-alias].");
    let (kind, rest) = typed(text)?;
    if kind.parse::<DeviceKind>()? != DeviceKind::Gdev {
        return Err("Only entries of type gdev can be replaced.".into());
    }
    let (old, new) =
        rest.split_once(':').filter(|(old, new)| !old.is_empty() && !new.is_empty()).ok_or_else(form)?;
    Ok(DeviceRequest::Replace { old: old.to_owned(), new: new.split(',').map(str::to_owned).collect() })
}

fn list_request(text: &str) -> Result<DeviceRequest, String> {
    let (kind, rest) = match text.split_once(':') {
        Some((kind, rest)) => (kind, rest),
        None => (text, ""),
    };
    let kind = match kind {
        all if all.eq_ignore_ascii_case("all") => None,
        kind => Some(kind.parse()?),
    };
    let filter = match (rest.strip_prefix("depend:"), rest) {
        (Some(dependent), _) => DeviceFilter::Dependent(dependent.to_owned()),
        (None, "") => DeviceFilter::All,
        (None, name) if name.starts_with('/') || !name.contains('=') => DeviceFilter::Name(name.to_owned()),
        (None, attribute) => {
            let (name, value) = assignment(attribute)?;
            DeviceFilter::Attribute(name, value)
        }
    };
    Ok(DeviceRequest::List { kind, filter })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form that the manual page prints.
    #[test]
    fn forms_of_the_manual_are_understood() {
        let gdev = DeviceKind::Gdev;
        let own = str::to_owned;
        let attribute = |name: &str, value: &str| vec![(own(name), own(value))];
        assert_eq!(
            add("rdev:/some-directory:attr:RECURSIVE=FS"),
            Ok(DeviceRequest::Add {
                kind: DeviceKind::Rdev,
                name: own("/some-directory"),
                attributes: attribute("RECURSIVE", "FS")
            })
        );
        assert_eq!(
            add("gdev:/with:colon"),
            Ok(DeviceRequest::Add { kind: gdev, name: own("/with:colon"), attributes: vec![] })
        );
        assert_eq!(
            delete("env:site"),
            Ok(DeviceRequest::Delete { kind: DeviceKind::Env, name: own("site") })
        );
        assert_eq!(
            delete("gdev:all:depend:ivm1"),
            Ok(DeviceRequest::DeleteDependent { name: None, dependent: own("ivm1") })
        );
        assert_eq!(
            delete("gdev:/d:depend:ivm1"),
            Ok(DeviceRequest::DeleteDependent { name: Some(own("/d")), dependent: own("ivm1") })
        );
        let ignore =
            DeviceRequest::DeleteAttribute { kind: gdev, name: own("/d"), attribute: own("IGNOREWWID") };
        assert_eq!(delete("gdev:/d:IGNOREWWID"), Ok(ignore.clone()));
        assert_eq!(delete("gdev:/d:attr:IGNOREWWID"), Ok(ignore));
        assert_eq!(delete("gdev_alias:/d"), Ok(DeviceRequest::DeleteAlias { name: own("/d") }));
        for text in ["gdev:/iso/:attr:SHARE=YES", "gdev:/iso/:IGNOREWWID=YES"] {
            assert!(
                matches!(modify(text), Ok(DeviceRequest::SetAttribute { name, value, .. }) if name == "/iso/" && value == "YES")
            );
        }
        assert_eq!(
            replace("gdev:/old:/new,/alias"),
            Ok(DeviceRequest::Replace { old: own("/old"), new: vec![own("/new"), own("/alias")] })
        );
        let listed = |kind, filter| Ok(DeviceRequest::List { kind, filter });
        assert_eq!(list_request("all"), listed(None, DeviceFilter::All));
        assert_eq!(list_request("gdev:/a=b"), listed(Some(gdev), DeviceFilter::Name(own("/a=b"))));
        assert_eq!(list_request("all:depend:ivm1"), listed(None, DeviceFilter::Dependent(own("ivm1"))));
        assert_eq!(
            list_request("gdev:SHARE=YES"),
            listed(Some(gdev), DeviceFilter::Attribute(own("SHARE"), own("YES")))
        );
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["gdev", "gdev:", "floppy:/x", "gdev:/x:attr:SHARE"] {
            assert!(add(text).is_err(), "{text}");
        }
        assert!(modify("gdev:/x:SHARE=YES").is_err());
        assert!(replace("rdev:/a:/b").is_err() && replace("gdev:/a").is_err());
        assert_eq!(
            list_request("disk").unwrap_err(),
            "Illegal entry type 'disk'. Expected server, env, rdev or gdev."
        );
    }
}
