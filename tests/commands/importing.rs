//! An interrupted import: the files on disk are complete and valid, what is missing is named, and the same command adds it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::time::{Duration, Instant};

use crate::support::{Folder, HEAD, Process, Server};

const SPLIT: [&str; 4] = ["import", ".", "--split", "application"];

/// Files are written in the order of their names; this one is about halfway.
const MIDDLE: &str = "applications/help-desk-verification.duo.yaml";

/// `O_NONBLOCK` on Linux.
const DO_NOT_WAIT: i32 = 0o4000;

/// The files below `applications`, with their texts.
fn files(folder: &Folder) -> BTreeMap<String, String> {
    let Ok(found) = fs::read_dir(folder.path("applications")) else { return BTreeMap::new() };
    let paths = found.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The result of an undisturbed run.
fn undisturbed(server: &Server) -> BTreeMap<String, String> {
    let folder = Folder::with("");
    folder.duoctl(SPLIT).at(server).run().exits(0);
    files(&folder)
}

/// The existing files are valid, and the same command adds the rest as if nothing had happened.
#[track_caller]
fn is_completed_by_another_run(folder: &Folder, server: &Server) {
    let whole = undisturbed(server);
    for (name, text) in files(folder).iter().filter(|(name, _)| !name.starts_with(".duoctl-")) {
        assert_eq!(Some(text), whole.get(name), "{name} is whole");
    }
    folder.duoctl(["validate", "."]).run().exits(0);
    folder.duoctl(SPLIT).at(server).run().exits(0);
    let mut found = files(folder);
    // After a kill, the file being written has a name that no command reads.
    found.retain(|name, _| !name.starts_with(".duoctl-"));
    assert_eq!(found, whole);
    assert_eq!(folder.read("duo.yaml"), HEAD);
    let plan = folder.duoctl(["plan"]).at(server).run().exits(0);
    plan.says("Plan: 0 to add, 0 to change, 11 to adopt, 0 to delete. 1 unmanaged.");
}

/// An import that blocks halfway through writing, at a pipe in place of a file. The command that fetches the key creates the
/// pipe: after the YAML was read, which refuses pipes, and before anything is written.
fn waiting_half_way(folder: &Folder, server: &Server) -> Process {
    let key = server.key("operator").secret_key;
    let script = format!("mkdir -p applications; mkfifo '{MIDDLE}'; echo {}", key.expose());
    folder.write("key.sh", &script);
    folder.write("duo.yaml", &HEAD.replace("{env: DUO_SKEY}", "{command: [sh, ./key.sh]}"));
    let process = folder.duoctl(SPLIT).at(server).start();
    let start = Instant::now();
    while !folder.path("applications/finance-servers.duo.yaml").exists() {
        assert!(start.elapsed() < Duration::from_secs(30), "it writes nothing");
        std::thread::sleep(Duration::from_millis(2));
    }
    folder.declare("");
    process
}

fn open_pipe(folder: &Folder) -> File {
    OpenOptions::new().read(true).custom_flags(DO_NOT_WAIT).open(folder.path(MIDDLE)).unwrap()
}

#[test]
fn a_kill_half_way_leaves_whole_files_and_the_next_run_adds_the_rest() {
    let (folder, server) = (Folder::with(""), Server::start());
    let mut process = waiting_half_way(&folder, &server);
    process.kill();
    fs::remove_file(folder.path(MIDDLE)).unwrap();
    let found = files(&folder).len();
    assert!((1..11).contains(&found), "{found} of 11 files");
    is_completed_by_another_run(&folder, &server);
}

#[test]
fn a_signal_finishes_the_file_and_says_what_is_missing() {
    for signal in ["TERM", "INT"] {
        let (folder, server) = (Folder::with(""), Server::start());
        let mut process = waiting_half_way(&folder, &server);
        process.signal(signal);
        let remark = process.remark();
        assert_eq!(remark, "interrupted: finishing the file that is being written");
        let mut pipe = open_pipe(&folder);
        let outcome = process.end().exits(130);
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        assert!(text.contains("help-desk-verification:"), "{text}");
        let at = |name: &str| format!("./applications/{name}.duo.yaml");
        outcome
            .warns(&format!("6 of 11 files were written: {}, ", at("branch-office-vpn")))
            .warns(&format!("; not written: {}, ", at("intranet")))
            .warns("Run the same command again to add them.");
        fs::remove_file(folder.path(MIDDLE)).unwrap();
        assert_eq!(files(&folder).len(), 5, "nothing was begun after the signal");
        is_completed_by_another_run(&folder, &server);
    }
}

#[test]
fn a_file_that_cannot_be_written_stops_it_there() {
    let (folder, server) = (Folder::with(""), Server::start());
    fs::create_dir_all(folder.path(MIDDLE)).unwrap();
    let outcome = folder.duoctl(SPLIT).at(&server).run().exits(1);
    assert_eq!(outcome.stdout, "");
    outcome
        .warns("5 of 11 files were written: ./applications/branch-office-vpn.duo.yaml, ")
        .warns("; not written: ./applications/help-desk-verification.duo.yaml, ")
        .warns("error: ./applications/help-desk-verification.duo.yaml cannot be written: ");
    fs::remove_dir(folder.path(MIDDLE)).unwrap();
    is_completed_by_another_run(&folder, &server);
}

#[test]
fn a_disk_without_room_leaves_what_was_there() {
    let (folder, server) = (Folder::with("# ours\n"), Server::start());
    let (before, binary) = (folder.read("duo.yaml"), env!("CARGO_BIN_EXE_duoctl"));
    for arguments in ["import .", "import . --split type"] {
        // No file may grow, which is how every writer sees a full disk.
        let script = format!("trap '' XFSZ; ulimit -f 0; exec '{binary}' {arguments} \"$@\"");
        let outcome = folder.shell(&script).at(&server).run().exits(1);
        outcome.warns("nothing was written; not written: ").warns("cannot be written: File too large");
        assert_eq!(folder.read("duo.yaml"), before);
        assert_eq!(files(&folder), BTreeMap::new(), "nothing is left behind");
        folder.duoctl(["validate", "."]).run().exits(0);
    }
    folder.duoctl(["import", "."]).at(&server).run().exits(0).says("Imported 11 applications.");
    assert!(folder.read("duo.yaml").contains("# ours\n"));
}

#[test]
fn nothing_is_written_through_a_link_and_nothing_before_it_either() {
    let (folder, server, elsewhere) = (Folder::with(""), Server::start(), Folder::empty());
    elsewhere.write("mine.txt", "mine\n");
    let refused = |what: &str| {
        let outcome = folder.duoctl(SPLIT).at(&server).run().exits(1);
        outcome
            .warns("nothing was written; not written: ")
            .warns(what)
            .warns("it is a symbolic link; use the path that it points to");
    };
    // The last of the files: those before it are not written either.
    fs::create_dir(folder.path("applications")).unwrap();
    let link = folder.path("applications/retired-report-job.duo.yaml");
    symlink(elsewhere.path(""), &link).unwrap();
    refused("retired-report-job.duo.yaml cannot be written");
    assert_eq!(files(&folder), BTreeMap::new());
    fs::remove_file(link).unwrap();
    fs::remove_dir(folder.path("applications")).unwrap();
    symlink(elsewhere.path(""), folder.path("applications")).unwrap();
    refused("applications/branch-office-vpn.duo.yaml cannot be written");
    assert_eq!(fs::read_dir(elsewhere.path("")).unwrap().count(), 1);
    fs::remove_file(folder.path("applications")).unwrap();
    // The file of the workspace itself.
    fs::rename(folder.path("duo.yaml"), elsewhere.path("duo.yaml")).unwrap();
    symlink(elsewhere.path("duo.yaml"), folder.path("duo.yaml")).unwrap();
    let outcome = folder.duoctl(["import", "."]).at(&server).run().exits(1);
    outcome.warns("symbolic link");
    assert_eq!(elsewhere.read("duo.yaml"), HEAD);
}

#[test]
fn a_folder_that_may_not_be_written_to_stays_as_it_is() {
    let (folder, server) = (Folder::with(""), Server::start());
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere.
    let enforced = File::create(folder.path("probe")).is_err();
    if enforced {
        folder
            .duoctl(SPLIT)
            .at(&server)
            .run()
            .exits(1)
            .warns("nothing was written")
            .warns("cannot be written");
        folder.duoctl(["import", "."]).at(&server).run().exits(1).warns("nothing was written");
        assert_eq!(folder.read("duo.yaml"), HEAD);
    }
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    // A file in place of the folder stops every import.
    folder.write("applications", "a file\n");
    let outcome = folder.duoctl(SPLIT).at(&server).run().exits(1);
    outcome.warns("nothing was written; not written: ./applications/");
    assert_eq!((folder.read("applications").as_str(), folder.read("duo.yaml").as_str()), ("a file\n", HEAD));
}

#[test]
fn the_next_command_is_the_one_for_the_simulator() {
    let folder = Folder::with("");
    let next = |arguments: &[&str], next: &str| {
        folder.declare("");
        let outcome = folder.duoctl(arguments).run().exits(0);
        outcome.says(&format!("\nNext: `{next}` shows that they will only be adopted.\n"));
    };
    next(&["import", ".", "--sandbox"], "duoctl plan --sandbox");
    next(&["import", ".", "--sandbox=state"], "duoctl plan --sandbox=state");
}

#[test]
fn a_signal_before_the_first_file_leaves_everything_as_it_was() {
    let (folder, server) = (Folder::with(""), Server::disturbed("halt=1@/admin/v3/integrations"));
    let process = folder.duoctl(SPLIT).at(&server).start();
    server.wait_until("the first request", |account| !account.requests().is_empty());
    process.signal("TERM");
    let outcome = process.end();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(130), ""));
    assert_eq!((files(&folder), folder.read("duo.yaml").as_str()), (BTreeMap::new(), HEAD));
}
