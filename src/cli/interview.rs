//! The questions of `duoctl init` on a terminal, and the file made from the answers.

use serde_json::{Value, json};

use crate::config::edit::{EditError, set};
use crate::config::template;
use crate::language::shape::TextRule;
use crate::language::texts::{HOSTNAME, INTEGRATION_KEY};
use crate::output::printer::Printer;

use super::asking::answer;
use super::exit::Failure;

/// The simulator's account.
const SIMULATED: &str = "api-1a2b3c4d.duosecurity.com";

const PLANS: [&str; 4] = ["free", "essentials", "advantage", "premier"];

/// The answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    /// The API hostname.
    pub(super) host: String,
    plan: Option<String>,
    keys: Keys,
    intelligence: Option<Intelligence>,
    /// Whether to import the account's applications right away.
    pub(super) import: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Keys {
    Environment,
    File { ikey: String, path: String },
    Command { ikey: String, words: Vec<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Intelligence {
    display_name: String,
    writes: bool,
    push: Option<String>,
}

/// Asks each question until its answer is valid; `None` if the input ends.
pub(super) fn ask(printer: Printer) -> Result<Option<Answers>, Failure> {
    printer.problem("Press Enter to use the value in brackets. Nothing is written before the last answer.\n");
    let interview = Interview { printer };
    match interview.run() {
        Ok(answers) => Ok(Some(answers)),
        Err(Ended::Input) => Ok(None),
        Err(Ended::Failed(failure)) => Err(failure),
    }
}

/// Why the interview ended without answers.
enum Ended {
    Input,
    Failed(Failure),
}

struct Interview {
    printer: Printer,
}

impl Interview {
    fn run(&self) -> Result<Answers, Ended> {
        let host = self.text(
            "API hostname of the account; the default is a simulated account",
            SIMULATED,
            &HOSTNAME,
        )?;
        let plan = self.choice(
            "Plan of the account: free, essentials, advantage, premier or unknown",
            "unknown",
            &PLANS,
        )?;
        let keys = self.keys()?;
        let intelligence = match self.yes("Connect Cisco Identity Intelligence?")? {
            true => Some(self.intelligence()?),
            false => None,
        };
        let import = self.yes("Import the applications of the account? This needs the keys now.")?;
        Ok(Answers { host, plan, keys, intelligence, import })
    }

    fn keys(&self) -> Result<Keys, Ended> {
        let question = "Where do duoctl's keys come from: env (DUO_IKEY and DUO_SKEY), file or command?";
        let place = self.choice(question, "env", &["file", "command"])?;
        let ikey = |this: &Self| {
            this.text("Integration key of duoctl's Admin API application", "", &INTEGRATION_KEY)
        };
        Ok(match place.as_deref() {
            Some("file") => {
                Keys::File { ikey: ikey(self)?, path: self.line("File with the secret key", "")? }
            }
            Some("command") => {
                let ikey = ikey(self)?;
                let line = self.line("Command that prints the secret key, e.g. pass show duo/skey", "")?;
                Keys::Command { ikey, words: line.split_whitespace().map(str::to_owned).collect() }
            }
            _ => Keys::Environment,
        })
    }

    fn intelligence(&self) -> Result<Intelligence, Ended> {
        let display_name = self.line("Name of the integration in its console", "Duo")?;
        let writes = self.yes("May it act on users, and not only read?")?;
        let push = self.line("Name that people see on a push that verifies a caller, or none", "none")?;
        Ok(Intelligence { display_name, writes, push: Some(push).filter(|name| name != "none") })
    }

    fn text(&self, question: &str, default: &str, rule: &TextRule) -> Result<String, Ended> {
        loop {
            let text = self.line(question, default)?;
            match (rule.check)(&text) {
                Ok(()) => return Ok(text),
                Err(problem) => self.again(&format!("`{text}` {}: {}", problem.message, problem.help)),
            }
        }
    }

    /// One of the words; `None` for the default.
    fn choice(&self, question: &str, default: &str, words: &[&str]) -> Result<Option<String>, Ended> {
        loop {
            let word = self.line(question, default)?.to_lowercase();
            if word == default {
                return Ok(None);
            }
            if words.contains(&word.as_str()) {
                return Ok(Some(word));
            }
            self.again(&format!("write one of {default}, {}", words.join(", ")));
        }
    }

    fn yes(&self, question: &str) -> Result<bool, Ended> {
        Ok(self.choice(&format!("{question} yes or no"), "no", &["yes", "y"])?.is_some())
    }

    /// A line that is not empty.
    fn line(&self, question: &str, default: &str) -> Result<String, Ended> {
        let brackets = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        loop {
            let line =
                answer(&format!("{question}{brackets}: ")).map_err(Ended::Failed)?.ok_or(Ended::Input)?;
            match line.trim() {
                "" if default.is_empty() => self.again("an answer is required; press Ctrl-C to quit"),
                "" => return Ok(default.to_owned()),
                text => return Ok(text.to_owned()),
            }
        }
    }

    fn again(&self, what: &str) {
        self.printer.problem(&format!("  {}\n", crate::text::safe(what)));
    }
}

impl Answers {
    /// Whether this is the simulated account, which gets a sample application.
    pub(super) fn is_simulated(&self) -> bool {
        self.host == SIMULATED
    }

    /// The text of the file.
    ///
    /// # Errors
    ///
    /// The template does not accept an answer.
    pub(super) fn text(&self, workspace: &str, schema: &str) -> Result<String, EditError> {
        let sample = self.is_simulated() && !self.import && self.intelligence.is_none();
        let text =
            if sample { template::initial(workspace, schema) } else { template::bare(workspace, schema) };
        let settings = self.settings();
        settings.iter().try_fold(text, |text, (path, value)| set(&text, path, value))
    }

    fn settings(&self) -> Vec<(Vec<&'static str>, Value)> {
        let mut settings = vec![(vec!["tenant", "api_hostname"], json!(self.host))];
        settings.extend(self.plan.as_ref().map(|plan| (vec!["tenant", "plan"], json!(plan))));
        let secret = match &self.keys {
            Keys::Environment => None,
            Keys::File { ikey, path } => Some((ikey, json!({"file": path}))),
            Keys::Command { ikey, words } => Some((ikey, json!({"command": words}))),
        };
        if let Some((ikey, source)) = secret {
            settings.push((vec!["tenant", "credentials", "integration_key"], json!(ikey)));
            settings.push((vec!["tenant", "credentials", "secret_key"], source));
        }
        if let Some(Intelligence { display_name, writes, push }) = &self.intelligence {
            let push = push.as_ref().map_or(json!(false), |name| json!({"application_name": name}));
            let large = self.plan.as_deref().is_some_and(|plan| matches!(plan, "advantage" | "premier"));
            let entry = json!({
                "display_name": display_name,
                "access": if *writes { "read_write" } else { "read_only" },
                "push_verification": push,
                "endpoints": large,
            });
            settings.push((vec!["identity_intelligence", "main"], entry));
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load_text;

    #[test]
    fn every_combination_of_answers_is_a_workspace_without_a_word() {
        let ikey = "DIXXXXXXXXXXXXXXXXXX".to_owned();
        let keys = [
            Keys::Environment,
            Keys::File { ikey: ikey.clone(), path: "skey".to_owned() },
            Keys::Command { ikey, words: vec!["pass".to_owned(), "show".to_owned(), "duo/skey".to_owned()] },
        ];
        let entry = |writes, push: Option<&str>| Intelligence {
            display_name: "Duo: \"EMEA\" # 1".to_owned(),
            writes,
            push: push.map(str::to_owned),
        };
        for keys in keys {
            for plan in PLANS.iter().map(|plan| Some((*plan).to_owned())).chain([None]) {
                for intelligence in [None, Some(entry(true, Some("Acme"))), Some(entry(false, None))] {
                    for import in [false, true] {
                        let answers = Answers {
                            host: SIMULATED.to_owned(),
                            plan: plan.clone(),
                            keys: keys.clone(),
                            intelligence: intelligence.clone(),
                            import,
                        };
                        let text = answers.text("acme", "x.json").unwrap();
                        let loaded = load_text("duo.yaml".into(), text.clone());
                        assert_eq!(loaded.diagnostics, [], "{text}");
                    }
                }
            }
        }
    }
}
