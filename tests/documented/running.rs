//! The commands of a page, run one after the other in one shell, as a reader types them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::comparing::untrue;
use super::console;
use super::pages::{BY_HAND, Block, blocks, pages};

/// What a `console` block may start. What else a reader does is told in a `sh` block, and not run.
const PROGRAMS: [&str; 8] = [".", "cat", "cd", "cp", "duoctl", "git", "kill", "mkdir"];
/// How long a server may take to say where it is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell in a folder with the examples.
struct Shell {
    home: TempDir,
    bash: Child,
    answers: BufReader<ChildStdout>,
    commands: usize,
}

impl Shell {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["examples", "schemas"] {
            copy(Path::new(folder), &home.path().join("work").join(folder));
        }
        fs::create_dir(home.path().join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_duoctl"), home.path().join("bin/duoctl")).unwrap();
        let path = format!("{}:{}", home.path().join("bin").display(), std::env::var("PATH").unwrap());
        let person = ["GIT_AUTHOR", "GIT_COMMITTER"]
            .map(|who| [(format!("{who}_NAME"), "You"), (format!("{who}_EMAIL"), "you@example.com")]);
        let mut bash = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(home.path().join("work"))
            .env("PATH", path)
            .env("HOME", home.path())
            .envs(person.into_iter().flatten())
            .envs([("NO_COLOR", "1"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C.UTF-8")])
            .env_remove("CLICOLOR_FORCE")
            .env_remove("GIT_DIR")
            .env_remove("DUO_IKEY")
            .env_remove("DUO_SKEY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Its servers are ended together with it.
            .process_group(0)
            .spawn()
            .unwrap();
        let answers = BufReader::new(bash.stdout.take().unwrap());
        Self { home, bash, answers, commands: 0 }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("work")
    }

    fn say(&mut self, text: &str) -> String {
        writeln!(self.bash.stdin.as_mut().unwrap(), "{text}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// What a command prints, stdout and stderr in the order in which it came, and its exit code.
    fn run(&mut self, command: &str) -> (String, i32) {
        self.commands += 1;
        let output = self.home.path().join(format!("output-{}", self.commands));
        let code = self.say(&format!("{{\n{command}\n}} </dev/null >'{}' 2>&1; echo $?", output.display()));
        let code = code.parse().unwrap_or_else(|_| panic!("{command} ended the shell"));
        if let Some(server) = command.strip_suffix('&') {
            self.wait_for(server);
            return (String::new(), code);
        }
        (fs::read_to_string(output).unwrap(), code)
    }

    /// A command in the background has begun once there is a line in the file that it writes.
    fn wait_for(&mut self, server: &str) {
        let (_, file) = server.rsplit_once('>').unwrap_or_else(|| panic!("{server} writes no file"));
        let folder = self.say("pwd");
        let file = Path::new(&folder).join(file.trim());
        let start = Instant::now();
        while !fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
            assert!(start.elapsed() < PATIENCE, "waited in vain for {server}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(writeln!(self.bash.stdin.as_mut().unwrap(), "trap '' TERM; kill 0; wait; exit"));
        drop(self.bash.wait());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap().is_dir() {
            // What someone tried in the sources has no place here.
            true if entry.file_name() == ".duoctl" => {}
            true => copy(&from, &to),
            false => {
                fs::copy(from, to).unwrap();
            }
        }
    }
}

/// What of the block is not true.
fn run_block(block: &Block, shell: &mut Shell) -> Vec<String> {
    let mut untruths = Vec::new();
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in &block.lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => panic!("{}: a console block begins with a command", block.place()),
        }
    }
    let last = commands.len() - 1;
    for (index, (command, mut shown)) in commands.into_iter().enumerate() {
        let program = command.split_whitespace().next().unwrap_or_default();
        let known = PROGRAMS.contains(&program) || program.starts_with("ci/");
        assert!(known, "{}: `{program}` is not run in a console block", block.place());
        let (printed, code) = shell.run(command);
        let wanted = if index == last { block.exit } else { 0 };
        if code != wanted {
            untruths.push(format!("{}: {command} ended with {code}, and printed\n{printed}", block.place()));
        }
        // An empty line before the next command is there for readers.
        while shown.last().is_some_and(|line| line.is_empty()) {
            shown.pop();
        }
        if let Some(line) = untrue(&shown, &printed) {
            untruths.push(format!("{}: {command} does not print\n{line}\nbut\n{printed}", block.place()));
        }
    }
    untruths
}

#[test]
fn what_the_pages_show_is_what_happens() {
    let (mut run, mut untruths) = (0, Vec::new());
    for page in pages() {
        let blocks = blocks(&page);
        if !blocks.iter().any(|block| block.language == "console") {
            continue;
        }
        let mut shell = Shell::start();
        for block in &blocks {
            match (&block.file, block.language.as_str()) {
                (Some(file), _) => fs::write(shell.folder().join(file), block.text()).unwrap(),
                (None, "console") => untruths.extend(run_block(block, &mut shell)),
                (None, BY_HAND) => console::carry_out(&block.lines[0], &shell.folder()),
                (None, _) => continue,
            }
            run += 1;
        }
    }
    assert!(run > 30, "only {run} blocks were run");
    assert!(untruths.is_empty(), "{}", untruths.join("\n"));
}

#[test]
fn a_shell_keeps_its_folder_and_its_variables() {
    let mut shell = Shell::start();
    assert_eq!(shell.run("mkdir acme && cd acme && export WHO=me"), (String::new(), 0));
    assert_eq!(shell.run("echo \"$WHO\"; basename \"$PWD\"; (exit 7)"), ("me\nacme\n".to_owned(), 7));
    assert_eq!(shell.run("cat"), (String::new(), 0), "nothing is there to be read");
}
