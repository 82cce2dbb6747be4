//! The action that puts duoctl on the PATH: from a release or the cache, checked before every use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stage::{Stage, install, yaml};
use super::workflow::{Job, Runner};
use crate::support::Server;

const ARCHIVE: &str = "duoctl-x86_64-unknown-linux-musl.tar.gz";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The repository whose releases the action takes.
fn repository() -> String {
    let action = yaml(Path::new("examples/ci/github/duoctl/action.yml"));
    action["inputs"]["repository"]["default"].as_str().unwrap().to_owned()
}

/// The line of an attestation, without the digest: the repository, and the workflow that signed.
fn signed_by(workflow: &str) -> String {
    let repository = repository();
    format!("{repository} {repository}/.github/workflows/{workflow}.yml")
}

/// A runner without duoctl, and a release that has it.
struct Scene {
    _server: Server,
    stage: Stage,
    checkout: tempfile::TempDir,
}

impl Scene {
    fn set() -> Self {
        let server = Server::start();
        let stage = Stage::new(&server);
        let scene = Self { _server: server, stage, checkout: tempfile::tempdir().unwrap() };
        install(scene.checkout.path());
        let job = "on: push\npermissions: {}\njobs:\n  one:\n    permissions: {}\n    timeout-minutes: 1\n    steps:\n      \
                   - id: duoctl\n        uses: ./.github/actions/duoctl\n        with: {WITH}\n      - run: duoctl --version\n";
        for (name, with) in [("plain", ""), ("pinned", "sha256: SHA256")] {
            let text = job.replace("WITH", with).replace("SHA256", &scene.digest_of(b""));
            fs::write(scene.checkout.path().join(format!(".github/workflows/{name}.yml")), text).unwrap();
        }
        fs::create_dir_all(scene.release()).unwrap();
        let folder = scene.release().join("duoctl-x86_64-unknown-linux-musl");
        fs::create_dir(&folder).unwrap();
        fs::rename(scene.stage.programs().join("duoctl"), folder.join("duoctl")).unwrap();
        scene.publish();
        scene
    }

    fn release(&self) -> PathBuf {
        self.stage.folder.path().join(format!("releases/v{VERSION}@{}", repository().replace('/', "_")))
    }

    /// Packs the release, with its digest and its attestation.
    fn publish(&self) {
        let script = format!("tar -czf {ARCHIVE} */ && sha256sum {ARCHIVE} > {ARCHIVE}.sha256");
        let done = Command::new("bash").args(["-ec", &script]).current_dir(self.release()).status().unwrap();
        assert!(done.success());
        self.attest(&signed_by("release"));
        let pinned = self.checkout.path().join(".github/workflows/pinned.yml");
        let text = fs::read_to_string(&pinned).unwrap();
        let digest = self.digest_of(&fs::read(self.release().join(ARCHIVE)).unwrap());
        fs::write(pinned, text.replace(&self.digest_of(b""), &digest)).unwrap();
    }

    fn digest_of(&self, bytes: &[u8]) -> String {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn attest(&self, signer: &str) {
        let digest = self.digest_of(&fs::read(self.release().join(ARCHIVE)).unwrap());
        fs::write(self.stage.folder.path().join("attestations"), format!("{digest} {signer}\n")).unwrap();
    }

    /// Replaces the archive, and its digest next to it, as someone who can write there would.
    fn plant(&self, folder: PathBuf) {
        let script = format!(
            "mkdir planted && printf '#!/bin/sh\necho duoctl {VERSION}\n' > planted/duoctl && chmod +x planted/duoctl\n\
             tar -czf {ARCHIVE} planted && rm -r planted && sha256sum {ARCHIVE} > {ARCHIVE}.sha256"
        );
        let done = Command::new("bash").args(["-ec", &script]).current_dir(folder).status().unwrap();
        assert!(done.success());
    }

    fn run(&self, workflow: &str) -> Job {
        let known = [("github.repository", "acme/duo"), ("github.token", "token")];
        let context: BTreeMap<String, String> =
            known.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let programs = self.stage.programs();
        let mut runner = Runner {
            folder: self.checkout.path(),
            programs: &programs,
            github: self.stage.folder.path(),
            context,
        };
        runner.run(&format!("{workflow}.yml"), "one")
    }

    fn cache(&self) -> PathBuf {
        self.stage.folder.path().join(format!("cache/duoctl-{VERSION}-{ARCHIVE}"))
    }
}

#[test]
fn the_binary_is_downloaded_once_and_checked_each_time() {
    let scene = Scene::set();
    for workflow in ["plain", "pinned"] {
        let installed = scene.run(workflow);
        assert_eq!(installed.passed, Some(true), "{}", installed.log);
        assert_eq!(installed.steps["duoctl.version"], VERSION);
        assert!(installed.log.contains(&format!("duoctl {VERSION}")), "{}", installed.log);
        assert_eq!(scene.stage.calls().matches("release download").count(), 1, "then it is in the cache");
    }
    // What someone put into the cache is not run.
    scene.plant(scene.cache());
    for workflow in ["plain", "pinned"] {
        let refused = scene.run(workflow);
        assert_eq!(refused.passed, Some(false), "{}", refused.log);
        assert!(!refused.steps.contains_key("duoctl.version") || refused.steps["duoctl.version"].is_empty());
    }
}

#[test]
fn a_release_that_was_replaced_is_refused() {
    let scene = Scene::set();
    // Without `sha256`, the workflow that built it has to be that of a release.
    scene.attest(&signed_by("other"));
    assert_eq!(scene.run("plain").passed, Some(false));
    assert_eq!(scene.run("pinned").passed, Some(true));
    fs::remove_dir_all(scene.cache()).unwrap();
    scene.plant(scene.release());
    scene.attest(&signed_by("release"));
    assert_eq!(scene.run("pinned").passed, Some(false), "not the file that was pinned");
    fs::write(scene.release().join(format!("{ARCHIVE}.sha256")), format!("{}  {ARCHIVE}\n", "0".repeat(64)))
        .unwrap();
    let refused = scene.run("plain");
    assert!(refused.passed == Some(false) && refused.log.contains("FAILED"), "{}", refused.log);
    assert!(!scene.cache().exists(), "nothing that was refused is cached");
}
