//! Fields whose text is that of an option of `hpvmcreate`, or several: read as the commands do, checked as the VSP does.

use super::Key;
use crate::cli::guest::{entitlement, grant, keyword};
use ipc::message::{Grant, GuestDetail, Rights, Setting};
use vsp_proc::db::GuestConfig;

/// Keywords that have a field of their own.
const OWN_FIELDS: [&str; 3] = ["kernel", "initrd", "append"];

/// What the text of a field sets.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn read(key: Key, text: &str) -> Result<Vec<Setting>, String> {
    let words = || text.split([',', ' ']).filter(|word| !word.is_empty());
    let settings: Vec<Setting> = match key {
        Key::Label if text.is_empty() => Vec::new(),
        Key::Label => vec![Setting::Label(text.to_owned())],
        Key::Entitlement if text.is_empty() => Vec::new(),
        Key::Entitlement => {
            let (percent, max_percent) = entitlement(text)?;
            vec![Setting::Entitlement { percent, max_percent }]
        }
        Key::Groups => words().map(|word| grant(word).map(Setting::Group)).collect::<Result<_, _>>()?,
        Key::Users => words().map(|word| grant(word).map(Setting::User)).collect::<Result<_, _>>()?,
        Key::Keywords => {
            let all = words().map(|word| {
                let (keyword, value) = keyword(word)?;
                match OWN_FIELDS.contains(&keyword.as_str()) {
                    true => Err(format!("'{keyword}' has a field of its own")),
                    false => Ok(Setting::Keyword { keyword, value }),
                }
            });
            all.collect::<Result<_, _>>()?
        }
        _ => Vec::new(),
    };
    let mut guest = GuestConfig::new("guest".to_owned(), 1);
    for setting in &settings {
        guest.apply(setting).map_err(|error| error.text)?;
    }
    Ok(settings)
}

/// What a changed text sets: those that are no longer there lose their rights.
pub(super) fn read_change(key: Key, before: &str, text: &str) -> Vec<Setting> {
    let (before, now) = (read(key, before).unwrap_or_default(), read(key, text).unwrap_or_default());
    let name = |setting: &Setting| match setting {
        Setting::Group(grant) | Setting::User(grant) => Some(grant.name.clone()),
        _ => None,
    };
    let kept: Vec<Option<String>> = now.iter().map(name).collect();
    let gone = before.iter().filter(|setting| name(setting).is_some() && !kept.contains(&name(setting)));
    let taken = gone.map(|setting| match setting {
        Setting::Group(grant) => Setting::Group(Grant { name: grant.name.clone(), rights: None }),
        Setting::User(grant) => Setting::User(Grant { name: grant.name.clone(), rights: None }),
        other => other.clone(),
    });
    let mut changes: Vec<Setting> = taken.collect();
    // A label or an entitlement that is taken away has its first value again.
    match key {
        Key::Label if now.is_empty() => changes.push(Setting::Label(String::new())),
        Key::Entitlement if now.is_empty() => {
            changes.push(Setting::Entitlement { percent: 10, max_percent: 100 });
        }
        _ => {}
    }
    changes.extend(now.into_iter().filter(|setting| !before.contains(setting)));
    changes
}

/// The text of a field for a guest as it is.
pub(super) fn text(key: Key, guest: &GuestDetail) -> String {
    let grants = |grants: &[Grant]| {
        let word = |grant: &Grant| match grant.rights {
            Some(Rights::Admin) => format!("{}:admin", grant.name),
            _ => format!("{}:oper", grant.name),
        };
        grants.iter().map(word).collect::<Vec<_>>().join(" ")
    };
    match key {
        Key::Label => guest.label.clone(),
        Key::Entitlement => format!("{}:{}", guest.entitlement_percent, guest.entitlement_max_percent),
        Key::Groups => grants(&guest.groups),
        Key::Users => grants(&guest.users),
        Key::Keywords => {
            let is_other = |(keyword, value): &&(String, String)| {
                !OWN_FIELDS.contains(&keyword.as_str()) && !value.contains([',', ' '])
            };
            let others = guest.keywords.iter().filter(is_other);
            others.map(|(keyword, value)| format!("{keyword}={value}")).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_by_the_commands_and_checked_as_by_the_vsp() {
        let entitlement = Setting::Entitlement { percent: 20, max_percent: 50 };
        assert_eq!(read(Key::Entitlement, "20:50"), Ok(vec![entitlement]));
        assert_eq!(read(Key::Groups, "ops:admin, adm").map(|all| all.len()), Ok(2));
        assert_eq!(
            read(Key::Keywords, "graceful_stop_timeout=5 os_version=11iv2").map(|all| all.len()),
            Ok(2)
        );
        for (key, wrong) in [
            (Key::Entitlement, "4"),
            (Key::Entitlement, "50:20"),
            (Key::Entitlement, "much"),
            (Key::Groups, "ops:root"),
            (Key::Users, ":admin"),
            (Key::Label, "semicolon;"),
            (Key::Keywords, "colour=red"),
            (Key::Keywords, "graceful_stop_timeout=0"),
            (Key::Keywords, "kernel=/k"),
            (Key::Keywords, "alone"),
        ] {
            assert!(read(key, wrong).is_err_and(|text| !text.contains('\n')), "{wrong}");
        }
    }

    #[test]
    fn who_is_no_longer_named_loses_his_rights() {
        let grant = |name: &str, rights| Setting::User(Grant { name: name.to_owned(), rights });
        let changes = read_change(Key::Users, "anna:admin bert", "anna:oper carl");
        let expected =
            [grant("bert", None), grant("anna", Some(Rights::Oper)), grant("carl", Some(Rights::Oper))];
        assert_eq!(changes, expected);
        assert_eq!(read_change(Key::Label, "old", ""), [Setting::Label(String::new())]);
        assert_eq!(read_change(Key::Keywords, "os_version=11iv2", ""), []);
    }
}
