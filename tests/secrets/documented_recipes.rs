//! The scripts in docs/reference/stores/recipes.md, run unchanged with doubles of the tools that they call.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::recipes::missing;
use super::workspace::{Duo, Folder};
use crate::support::python::{skip, suite};

/// The blocks of a language below a heading.
fn block(page: &str, heading: &str, language: &str) -> String {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let (_, rest) = section.split_once(&format!("\n```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// A workspace with the store of a recipe, and the script that it names.
fn recipe(heading: &str, tool: &str, secret: &str) -> (Duo, Folder) {
    let page = fs::read_to_string("docs/reference/stores/recipes.md").unwrap();
    let (folder, mut duo) = (Folder::empty(), Duo::start());
    let script = folder.path(&format!("{tool}.sh"));
    fs::write(&script, block(&page, heading, "sh")).unwrap();
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    let (bin, double) = (folder.path("bin"), folder.path("double"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(folder.path("state")).unwrap();
    // The store's commands do not get the variable with its state.
    let state = format!(
        "#!/bin/sh\nTOOLS_STATE='{}' exec python3 \"$0.py\" \"$@\"\n",
        folder.path("state").display()
    );
    fs::write(&double, state).unwrap();
    fs::set_permissions(&double, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&double, bin.join(tool)).unwrap();
    symlink(suite().join("tools_double.py"), bin.join(format!("{tool}.py"))).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let before = std::iter::once(bin).chain(std::env::split_paths(&path));
    duo.environment.push(("PATH".to_owned(), std::env::join_paths(before).unwrap()));
    let application = format!(
        "applications: {{vpn: {{type: authapi, name: VPN, user_access: no_users, secret: {secret}}}}}"
    );
    folder.yaml(&application, &block(&page, heading, "yaml"));
    (duo, folder)
}

fn state(folder: &Folder) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder.path("state")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn stores_that_give_back_are_delivered_compared_and_mended() {
    if let Some(reason) = missing(&["jq", "python3"]) {
        return skip("the recipes of the documentation", &reason);
    }
    for (heading, tool, secret) in [
        ("SOPS", "sops", "{store: sops, path: vpn}"),
        ("SOPS", "sops", "{store: sops, path: vpn, format: dotenv}"),
        ("1Password", "op", "{store: onepassword, path: net/vpn}"),
        ("Kubernetes", "kubectl", "{store: cluster, path: vpn, format: dotenv}"),
    ] {
        let (duo, folder) = recipe(heading, tool, secret);
        duo.apply(&folder).exits(0).tells("read back, proven by a signed call");
        duo.plan(&folder).exits(0).tells("No changes.");
        duo.reset("VPN");
        let run = duo.apply(&folder).exits(0);
        run.tells("the store holds a key ending in").tells("Applied: 1 of 1 steps.");
        if tool == "sops" {
            fs::remove_dir_all(folder.path("secrets")).unwrap();
        } else {
            state(&folder).into_iter().for_each(|file| fs::remove_file(file).unwrap());
        }
        duo.plan(&folder).exits(2).tells("the store holds nothing yet");
        // A tool that fails for another reason does not mean an empty store.
        fs::write(folder.path("bin").join(tool), "#!/bin/sh\necho 'no session' >&2; exit 1\n").unwrap();
        let run = duo.apply(&folder);
        match tool {
            "sops" => run.exits(4).tells("not delivered applications.vpn"),
            _ => run.exits(1).tells("error[store-unreadable]"),
        }
        .tells("no session");
    }
}

#[test]
fn github_gets_each_value_by_itself_and_gives_nothing_back() {
    if let Some(reason) = missing(&["jq", "python3"]) {
        return skip("the recipes of the documentation", &reason);
    }
    let (duo, folder) = recipe("GitHub", "gh", "{store: actions, path: net/vpn}");
    duo.apply(&folder).exits(0).tells("to store actions: net/vpn, which cannot be read back");
    let held = fs::read_to_string(&state(&folder)[0]).unwrap();
    let vpn = duo.application("VPN");
    for (name, key) in [("NET_VPN_INTEGRATION_KEY", "integration_key"), ("NET_VPN_SECRET_KEY", "secret_key")]
    {
        assert!(held.contains(&format!("{name}={}\n", vpn[key].as_str().unwrap())), "{held}");
    }
    // Its later content is unknown, and counts as neither missing nor current.
    state(&folder).into_iter().for_each(|file| fs::remove_file(file).unwrap());
    duo.plan(&folder).exits(0).tells("No changes.");
    duo.run(&folder, &["keys", "list"]).exits(0).tells("cannot tell applications.vpn");
}
