use std::fs;

use ipc::software::{Catalog, PatchState, Session};

use super::session::Weight;
use super::*;

/// The depot of the guide's Table 20: the guest's attached-device support with its hard dependency, and the patches.
const DEPOT: &str = r#"
[[product]]
tag = "AVIO-GVSD"
revision = "B.11.31.1203"
title = "HPVM Guest AVIO Storage Software"
os_release = "?.11.31*"
fileset = [
    { tag = "GVSD-RUN" },
    { tag = "GVSD-KRN", prerequisites = ["PHKL_38604.CORE2-KRN"] },
]

[[product]]
tag = "PHKL_38604"
revision = "1.0"
title = "AVIO attached devices"
patch = true
os_release = "?.11.31*"
fileset = [{ tag = "CORE2-KRN" }]

[[product]]
tag = "PHKL_40001"
revision = "1.0"
title = "Later patch"
patch = true
supersedes = ["PHKL_38604"]
fileset = [{ tag = "CORE2-KRN" }]

[[bundle]]
tag = "GuestAVIOStor"
revision = "B.11.31.1203"
title = "HPVM Guest AVIO Storage Software"
contents = ["AVIO-GVSD"]
"#;

fn depot() -> Catalog {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("avio.toml"), DEPOT).unwrap();
    read_depot(directory.path()).unwrap()
}

fn without(tag: &str) -> Catalog {
    let mut depot = depot();
    depot.products.retain(|product| product.tag != tag);
    depot
}

fn session() -> Session {
    Session {
        user: "root@vsp1".into(),
        preview: false,
        enforce_dependencies: true,
        autoselect: true,
        reinstall: false,
    }
}

fn install(depot: &Catalog, installed: &Catalog, words: &[&str], session: &Session) -> Plan {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    plan_install(depot, &Target { installed, release: "B.11.31" }, &words, session)
}

fn remove(installed: &Catalog, words: &[&str], session: &Session) -> Plan {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    plan_removal(installed, &words, session)
}

fn errors(plan: &Plan) -> Vec<&str> {
    let is_error = |(weight, _): &&(Weight, String)| *weight == Weight::Error;
    plan.lines.iter().filter(is_error).map(|(_, text)| text.as_str()).collect()
}

#[test]
fn attached_device_support_is_not_installed_without_its_patch() {
    let plan = install(&without("PHKL_38604"), &Catalog::default(), &["GuestAVIOStor"], &session());
    // The later patch that takes its place is in the depot, so it is taken.
    assert_eq!(plan.changes.len(), 3);

    let mut bare = without("PHKL_38604");
    bare.products.retain(|product| !product.patch);
    let plan = install(&bare, &Catalog::default(), &["GuestAVIOStor"], &session());
    assert_eq!(
        plan.lines[0].1,
        "The prerequisite \"PHKL_38604.CORE2-KRN\" for fileset \"AVIO-GVSD.GVSD-KRN,r=B.11.31.1203\" cannot be \
         successfully resolved."
    );
    assert_eq!(
        errors(&plan),
        [
            "The dependencies for fileset \"AVIO-GVSD.GVSD-KRN,r=B.11.31.1203\" cannot be resolved (see previous lines)."
        ]
    );
    assert!(plan.is_faulty && plan.changes.is_empty() && plan.after == Catalog::default());
}

#[test]
fn a_dependency_in_the_depot_is_selected_unless_that_is_not_wanted() {
    let plan = install(&depot(), &Catalog::default(), &["GuestAVIOStor"], &session());
    assert!(!plan.is_faulty);
    assert_eq!(
        plan.changes,
        [
            "AVIO-GVSD.GVSD-RUN,r=B.11.31.1203",
            "AVIO-GVSD.GVSD-KRN,r=B.11.31.1203",
            "PHKL_38604.CORE2-KRN,r=1.0"
        ]
    );
    assert_eq!(plan.after.bundles.len(), 1);
    let alone = Session { autoselect: false, ..session() };
    assert!(install(&depot(), &Catalog::default(), &["GuestAVIOStor"], &alone).is_faulty);
    assert!(!install(&depot(), &Catalog::default(), &["GuestAVIOStor", "PHKL_38604"], &alone).is_faulty);
}

#[test]
fn without_enforcement_an_unmet_dependency_is_a_warning() {
    let lax = Session { enforce_dependencies: false, autoselect: false, ..session() };
    let plan = install(&depot(), &Catalog::default(), &["AVIO-GVSD"], &lax);
    assert!(plan.lines.iter().any(|(weight, _)| *weight == Weight::Warning));
    assert_eq!((plan.is_faulty, plan.changes.len()), (false, 2));
}

#[test]
fn what_is_installed_is_installed_again_only_on_demand() {
    let installed = install(&depot(), &Catalog::default(), &["PHKL_38604"], &session()).after;
    let again = install(&depot(), &installed, &["PHKL_38604"], &session());
    assert_eq!((again.lines[0].0, again.changes.len(), again.is_faulty), (Weight::Note, 0, false));
    let insisting = Session { reinstall: true, ..session() };
    assert_eq!(install(&depot(), &installed, &["PHKL_38604"], &insisting).changes.len(), 1);
    let mut older = depot();
    older.products[1].filesets[0].revision = "0.9".into();
    assert!(errors(&install(&older, &installed, &["PHKL_38604"], &session()))[0].contains("is older than"));
}

#[test]
fn software_of_another_release_is_left_out() {
    let (depot, nothing) = (depot(), Catalog::default());
    let target = Target { installed: &nothing, release: "B.11.23" };
    let plan = plan_install(&depot, &target, &["AVIO-GVSD".into(), "PHKL_40001".into()], &session());
    assert_eq!(plan.changes, ["PHKL_40001.CORE2-KRN,r=1.0"]);
    assert!(errors(&plan)[0].contains("is for release ?.11.31* and incompatible with the target"));
}

#[test]
fn unknown_software_is_an_error_and_the_rest_is_done() {
    let plan = install(&depot(), &Catalog::default(), &["PHKL_1", "PHKL_38604", "a,b.c"], &session());
    assert_eq!(
        errors(&plan),
        [
            "Software \"PHKL_1\" was not found in the source.",
            "Software \"a,b.c\" was not found in the source."
        ]
    );
    assert_eq!(plan.changes.len(), 1);
}

#[test]
fn a_later_patch_supersedes_and_gives_way_again() {
    let both = install(&depot(), &Catalog::default(), &["PHKL_38604", "PHKL_40001"], &session()).after;
    let state = |catalog: &Catalog, tag: &str| {
        let product = catalog.products.iter().find(|product| product.tag == tag).unwrap();
        product.filesets[0].patch_state
    };
    assert_eq!(state(&both, "PHKL_38604"), PatchState::Superseded);
    assert!(
        errors(&remove(&both, &["PHKL_38604"], &session()))[0].contains("is superseded by \"PHKL_40001\"")
    );
    let one = remove(&both, &["PHKL_40001"], &session()).after;
    assert_eq!(state(&one, "PHKL_38604"), PatchState::Applied);
}

#[test]
fn what_others_depend_on_stays_or_takes_them_along() {
    let strict = Session { autoselect: false, ..session() };
    let installed = install(&depot(), &Catalog::default(), &["GuestAVIOStor"], &session()).after;
    let refused = remove(&installed, &["PHKL_38604"], &strict);
    assert!(errors(&refused)[0].contains("depends on \"PHKL_38604.CORE2-KRN\" as a prerequisite"));
    assert_eq!((refused.changes.len(), &refused.after), (0, &installed));
    let along = remove(&installed, &["PHKL_38604"], &session());
    assert_eq!(along.changes, ["PHKL_38604.CORE2-KRN,r=1.0", "AVIO-GVSD.GVSD-KRN,r=B.11.31.1203"]);
    let all = remove(&installed, &["GuestAVIOStor", "PHKL_38604"], &strict);
    assert_eq!(all.after, Catalog::default());
}

#[test]
fn table_20_of_the_guide() {
    let texts = |missing: Vec<Missing>| -> Vec<(bool, String)> {
        missing.into_iter().map(|what| (what.is_required, what.text[6..16].to_owned())).collect()
    };
    let (a, b, c) = ("PHKL_38604".to_owned(), "PHKL_38605".to_owned(), "PHKL_38750".to_owned());
    let nothing = Catalog::default();
    assert_eq!(texts(missing_on_vsp(&nothing)), [(true, a.clone()), (true, b.clone()), (false, c.clone())]);
    assert_eq!(texts(missing_in_guest(&nothing)), [(true, a), (false, c.clone())]);
    let later = install(&depot(), &nothing, &["PHKL_40001"], &session()).after;
    assert_eq!(texts(missing_in_guest(&later)), [(false, c)]);
    // Once the older one is there as well, it is the later one that counts.
    let both = install(&depot(), &later, &["PHKL_38604"], &session()).after;
    assert_eq!(missing_in_guest(&both).len(), 1);
}

#[test]
fn inventories_are_kept_and_faulty_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut inventory = Inventory::open(directory.path()).unwrap();
    assert_eq!(inventory.catalog, Catalog::default());
    let after = install(&depot(), &inventory.catalog, &["*"], &session()).after;
    inventory.replace(after).unwrap();
    assert_eq!(Inventory::open(directory.path()).unwrap(), inventory);

    let path = directory.path().join("software.toml");
    fs::write(&path, "schema = 1\n[[product]]\ntag = 5\n").unwrap();
    assert!(Inventory::open(directory.path()).unwrap_err().contains("software.toml', line "));
    fs::write(&path, "schema = 2\n").unwrap();
    assert!(Inventory::open(directory.path()).unwrap_err().ends_with("unknown schema 2."));
}

#[test]
fn faulty_depots_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = |text: &str| {
        fs::write(directory.path().join("a.toml"), text).unwrap();
        read_depot(directory.path()).unwrap_err()
    };
    let product = "[[product]]\ntag = \"A\"\nrevision = \"1\"\ntitle = \"t\"\n";
    assert!(refusal(&format!("{product}fileset = []\n")).ends_with("product 'A' has no fileset."));
    let whole = format!("{product}fileset = [{{ tag = \"F\" }}]\n");
    assert!(refusal(&format!("{whole}{whole}")).ends_with("product 'A' is there twice."));
    assert!(refusal(&whole.replace("\"F\"", "\"F.G\"")).ends_with("illegal tag 'F.G'."));
    assert!(refusal(&whole.replace("\"t\"", "\"t\\u0007\"")).contains("control characters"));
    assert!(refusal("[[product").contains("a.toml', line 1: "));
    assert!(read_depot(std::path::Path::new("depot")).unwrap_err().contains("Expected an absolute path"));
    fs::remove_file(directory.path().join("a.toml")).unwrap();
    assert!(read_depot(directory.path()).unwrap_err().contains("is not a depot"));
}

#[test]
fn sessions_are_logged_in_the_frame_of_software_distributor() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("sw");
    let begin = || SessionLog::begin(&logs, Verb::Install, "vsp1", "root@vsp1").unwrap();
    begin().end();
    let mut log = begin();
    log.fail(&"word ".repeat(30));
    let lines = log.end();
    assert!(lines[0].starts_with("=======  ") && lines[0].ends_with("  BEGIN swinstall SESSION"));
    assert_eq!(lines[1], "         (non-interactive) (jobid=vsp1-0002)");
    assert_eq!(lines[3], "       * Session started for user \"root@vsp1\".");
    assert!(lines[5].starts_with("ERROR:   word") && lines[6].starts_with("         word"));
    let log = fs::read_to_string(logs.join("swinstall.log")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("END swinstall SESSION")).count(), 2);
}
