//! The real binary in its own folder, and a simulator that it reaches over HTTPS.
#![allow(dead_code, reason = "each crate of tests uses a part of it")]

pub mod node;
pub mod python;
pub mod saved;
pub mod seals;
pub mod spoiler;
pub mod wire_server;

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::MutexGuard;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

mod agreement;
mod lines;

use duoctl::sandbox::account::{Account, Key};
use duoctl::sandbox::serve::{Running, ServeOptions, start};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use agreement::Witness;

/// How long anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);

pub const HEAD: &str = "version: 1
workspace: acme
tenant:
  api_hostname: api-1a2b3c4d.duosecurity.com
  credentials: {integration_key: {env: DUO_IKEY}, secret_key: {env: DUO_SKEY}}
";

/// One ordinary application, and the two types that duoctl can check.
pub const THREE: &str = "applications:
  helpdesk: {type: authapi, name: Help desk, user_access: permitted_groups, groups_allowed: [Employees]}
  siem: {type: adminapi, name: SIEM export, user_access: no_users, permissions: [info, read_resource]}
  vpn:
    type: radius
    name: VPN
    user_access: permitted_groups
    groups_allowed: [VPN Users, Contractors]
    policy: Require trusted endpoints
    notes: Owned by the network team
";

/// A simulator in this process with its own threads. It can be inspected and disturbed while the binary uses it.
pub struct Server {
    runtime: Option<Runtime>,
    running: Option<Running>,
}

/// Waits for something on another runtime, even while a runtime is already waiting.
fn wait_for<T: Send + 'static>(runtime: &Runtime, what: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = channel();
    runtime.spawn(async move { sender.send(what.await) });
    receiver.recv().unwrap()
}

impl Server {
    pub fn start() -> Self {
        Self::with(ServeOptions::default())
    }

    pub fn with(options: ServeOptions) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = wait_for(&runtime, start(options)).unwrap();
        Self { runtime: Some(runtime), running: Some(running) }
    }

    /// With a fault from the start.
    pub fn disturbed(fault: &str) -> Self {
        let server = Self::start();
        server.disturb(fault);
        server
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.running().account()
    }

    pub fn key(&self, name: &str) -> Key {
        self.account().key(name).unwrap()
    }

    pub fn disturb(&self, fault: &str) {
        self.account().faults.add(fault.parse().unwrap());
    }

    pub fn calm(&self) {
        self.account().faults.clear();
    }

    /// The number of write requests so far.
    pub fn writes(&self) -> usize {
        let account = self.account();
        account.requests().iter().filter(|(call, _)| !call.starts_with("GET")).map(|(_, count)| count).sum()
    }

    /// The live applications with this name.
    pub fn named(&self, name: &str) -> Vec<Value> {
        self.account().applications().into_iter().filter(|live| live["name"] == name).collect()
    }

    /// An edit by an administrator in the Admin Panel.
    pub fn edit(&self, name: &str, properties: Value) {
        let ikey = self.ikey(name);
        self.account().modify_application(&ikey, object(properties)).unwrap_or_else(|_| panic!("refused"));
    }

    /// Seals the markers that a test has written, as the operator would have.
    pub fn seal(&self) {
        seals::seal_all(&mut self.account());
    }

    pub fn ikey(&self, name: &str) -> String {
        self.named(name)[0]["integration_key"].as_str().unwrap().to_owned()
    }

    /// Waits until the account has reached a state.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut(&mut Account) -> bool) {
        let start = Instant::now();
        while !holds(&mut self.account()) {
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let (Some(runtime), Some(running)) = (self.runtime.take(), self.running.take()) {
            wait_for(&runtime, running.shutdown());
            runtime.shutdown_background();
        }
    }
}

/// An ignored test of the caller's module, run in its own process: `alone(module_path!(), "its_name")`.
pub fn alone(module: &str, test: &str) -> Command {
    let (_, module) = module.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("{module}::{test}"), "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A folder with YAML, where commands run.
pub struct Folder(TempDir);

impl Folder {
    pub fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a `duo.yaml` of [`HEAD`] and the rest.
    pub fn with(rest: &str) -> Self {
        let folder = Self::empty();
        folder.declare(rest);
        folder
    }

    pub fn declare(&self, rest: &str) {
        self.write("duo.yaml", &format!("{HEAD}{rest}"));
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A shell in this folder that runs a script, to run the binary in another way. The call's arguments are `"$@"`.
    pub fn shell(&self, script: &str) -> Call {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).current_dir(self.0.path()).env_clear().stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Call(command, Stdout::Here)
    }

    /// The binary in this folder, without the environment of the tests.
    pub fn duoctl<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Call {
        Call::new(self.0.path(), arguments)
    }
}

/// One call of the binary.
pub struct Call(Command, Stdout);

/// Where the arguments of a call go.
#[derive(PartialEq)]
enum Stdout {
    Here,
    Elsewhere,
}

impl Call {
    pub fn new<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duoctl"));
        command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self(command, Stdout::Here)
    }

    /// Against a simulator, with its operator's key.
    pub fn at(self, server: &Server) -> Self {
        self.at_with(server, &server.key("operator"))
    }

    /// Against a simulator, with one of its keys.
    pub fn at_with(self, server: &Server, key: &Key) -> Self {
        let running = server.running();
        self.env("DUO_IKEY", &key.integration_key)
            .env("DUO_SKEY", key.secret_key.expose())
            .env("DUOCTL_CONNECT_TO", running.address().to_string())
            .env("DUOCTL_CA_FILE", running.ca_file())
            .env("DUOCTL_SIMULATOR_BACKOFF_MS", "1")
    }

    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// With more arguments.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.0.stdin(stdin);
        self
    }

    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.0.stdout(stdout);
        self.1 = Stdout::Elsewhere;
        self
    }

    /// Runs it to the end.
    pub fn run(mut self) -> Outcome {
        let read = self.1 == Stdout::Here;
        let told = read.then(|| lines::for_people(&self.0)).flatten();
        let witness = read.then(|| Witness::of(&mut self.0)).flatten();
        let output = self.0.stderr(Stdio::piped()).output().unwrap();
        let outcome = Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let last = witness.and_then(|witness| witness.agrees_with(&outcome.stdout));
        if let (Some(code), Some(call)) = (outcome.code, told) {
            lines::agree(call, code, &outcome.stdout, &outcome.stderr, last.as_deref());
        }
        outcome
    }

    /// Starts it on a terminal, where a person answers.
    pub fn start_at_terminal(self) -> Process {
        let word = |word: &OsStr| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"));
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args()).map(word);
        let mut command = Command::new("script");
        command.args(["-qec", &words.collect::<Vec<_>>().join(" "), "/dev/null"]);
        command.current_dir(self.0.get_current_dir().unwrap()).env_clear();
        command.envs(self.0.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process(command.spawn().unwrap(), lines::for_people(&self.0), Default::default())
    }

    /// Starts it.
    pub fn start(mut self) -> Process {
        let told = lines::for_people(&self.0);
        let child = self.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Process(child, told, Default::default())
    }
}

/// A running binary, what it prints for people, and what was read of that; killed when dropped.
pub struct Process(Child, Option<lines::Call>, [String; 2]);

impl Process {
    /// The next line on stdout.
    pub fn line(&mut self) -> String {
        let line = next_line(self.0.stdout.as_mut().unwrap());
        self.2[0].push_str(&format!("{line}\n"));
        line
    }

    /// The next line on stderr.
    pub fn remark(&mut self) -> String {
        let line = next_line(self.0.stderr.as_mut().unwrap());
        self.2[1].push_str(&format!("{line}\n"));
        line
    }

    /// Reads stdout up to this text. A process that never prints it is stopped, so that the test fails and does not hang.
    pub fn until(&mut self, text: &str) {
        let (heard, waits) = channel::<()>();
        let id = self.0.id().to_string();
        let watch = std::thread::spawn(move || {
            if let Err(RecvTimeoutError::Timeout) = waits.recv_timeout(PATIENCE) {
                let _ = Command::new("kill").args(["-KILL", &id]).status();
            }
        });
        self.read_until(text);
        drop(heard);
        watch.join().unwrap();
    }

    fn read_until(&mut self, text: &str) {
        let mut seen = Vec::new();
        let bytes = std::io::BufReader::with_capacity(1, self.0.stdout.as_mut().unwrap()).bytes();
        for byte in bytes {
            seen.push(byte.unwrap());
            if seen.ends_with(text.as_bytes()) {
                self.2[0].push_str(&String::from_utf8_lossy(&seen));
                return;
            }
        }
        panic!("no `{text}` in {}", String::from_utf8_lossy(&seen));
    }

    /// Types an answer.
    pub fn answer(&mut self, text: &str) {
        self.0.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Sends a signal: `INT`, `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Outcome {
        let start = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let code = self.0.wait().unwrap().code();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        if let (Some(code), Some(call)) = (code, self.1) {
            let [out, err] = &self.2;
            lines::agree(call, code, &format!("{out}{stdout}"), &format!("{err}{stderr}"), None);
        }
        Outcome { code, stdout, stderr }
    }
}

/// Byte by byte, so that nothing after the line is consumed.
fn next_line(stream: &mut impl Read) -> String {
    let bytes = std::io::BufReader::with_capacity(1, stream)
        .bytes()
        .map(Result::unwrap)
        .take_while(|byte| *byte != b'\n');
    String::from_utf8(bytes.collect()).unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The result of a call.
#[derive(Debug)]
pub struct Outcome {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Fails with everything that was printed, unless it exited with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let Self { code: actual, stdout, stderr } = &self;
        assert_eq!(*actual, Some(code), "\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Fails unless stdout contains this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert!(stdout.contains(text), "no `{text}` in\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Fails unless stderr contains this text.
    #[track_caller]
    pub fn warns(self, text: &str) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert!(stderr.contains(text), "no `{text}` in\n--- stderr\n{stderr}\n--- stdout\n{stdout}");
        self
    }

    /// Fails unless stdout or stderr contains this text.
    #[track_caller]
    pub fn tells(self, text: &str) -> Self {
        let Self { stdout, stderr, .. } = &self;
        let told = stdout.contains(text) || stderr.contains(text);
        assert!(told, "no `{text}` in\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Fails if stdout or stderr contains this text.
    #[track_caller]
    pub fn never_tells(self, text: &str) -> Self {
        let Self { stdout, stderr, .. } = &self;
        let told = stdout.contains(text) || stderr.contains(text);
        assert!(!told, "`{text}` in\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// The document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        let Self { stdout, stderr, .. } = self;
        serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}\n{stdout}\n{stderr}"))
    }

    pub fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

/// Text without what differs between runs: integration keys, ends of secret keys, fingerprints, seconds.
pub fn even(text: &str) -> String {
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let text = blank(text, "DI", 18, upper);
    let text = blank(&text, "it ends in ", 4, |c| !c.is_whitespace());
    let text = blank(&text, "attested: \"", 8, |c| c.is_ascii_hexdigit());
    blank(&text, "differs from Duo's by ", 1, |c| c.is_ascii_digit())
}

/// Replaces this many characters of a kind after each prefix with `…`.
fn blank(text: &str, prefix: &str, count: usize, of_kind: impl Fn(char) -> bool) -> String {
    let mut parts = text.split(prefix);
    let mut blanked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        blanked.push_str(prefix);
        match part.char_indices().nth(count).map_or(part.len(), |(end, _)| end) {
            end if part[..end].chars().count() == count && part[..end].chars().all(&of_kind) => {
                blanked.push('…');
                blanked.push_str(&part[end..]);
            }
            _ => blanked.push_str(part),
        }
    }
    blanked
}
