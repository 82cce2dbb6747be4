//! The examples at the end of each command's help.

pub(super) const INIT: &str = "Examples:
  duoctl init
  duoctl init duo/prod
  duoctl init --bare --no-input";

pub(super) const VALIDATE: &str = "Examples:
  duoctl validate
  duoctl validate duo/prod --fail-severity warning
  duoctl validate --format github --report sarif=duo.sarif";

pub(super) const FMT: &str = "Examples:
  duoctl fmt
  duoctl fmt duo/prod --check
  duoctl fmt - < duo.yaml";

pub(super) const IGNORE: &str = "Examples:
  duoctl ignore vpn greeting --reason=ticket-4711 --until 2027-06-30
  duoctl ignore identity_intelligence.emea.admin_api name --reason=renamed-by-the-console-team";

pub(super) const IMPORT: &str = "Examples:
  duoctl import --sandbox
  duoctl import duo/prod --type radius --only 'VPN*'
  duoctl import duo/prod --split type";

pub(super) const PLAN: &str = "Examples:
  duoctl plan --sandbox
  duoctl plan duo/prod --out plan.json --report markdown=comment.md
  duoctl plan --only 'applications.vpn*' --detailed-exitcode";

pub(super) const DRIFT: &str = "Examples:
  duoctl drift
  duoctl drift duo/prod --who --days 7 --report markdown=drift.md";

pub(super) const ACCEPT: &str = "Examples:
  duoctl accept vpn
  duoctl accept vpn wiki -w duo/prod
  duoctl accept vpn --field greeting
  duoctl accept identity_intelligence.emea.admin_api --field permissions";

pub(super) const ADOPT: &str = "Examples:
  duoctl adopt vpn DIXXXXXXXXXXXXXXXXXX
  duoctl adopt emea.admin_api DIXXXXXXXXXXXXXXXXX1 emea.auth_api DIXXXXXXXXXXXXXXXXX2 -w duo/prod
  duoctl adopt --formerly acme -w duo/prod";

pub(super) const APPLY: &str = "Examples:
  duoctl apply --sandbox
  duoctl apply plan.json --report markdown=comment.md
  duoctl apply --auto-approve --allow widens_access:applications.vpn
  duoctl apply --prune --format jsonl --auto-approve";

pub(super) const SHOW: &str = "Examples:
  duoctl show plan.json
  duoctl show plan.json --format markdown > comment.md
  duoctl show - --format sarif < validate.json";

pub(super) const VERIFY: &str = "Examples:
  duoctl verify
  duoctl verify duo/prod --only 'applications.siem' -v
  duoctl verify --format github --report json=verify.json";

pub(super) const HANDOFF: &str = "Examples:
  duoctl handoff
  duoctl handoff emea -w duo/prod
  duoctl handoff emea --format markdown > ticket.md";

pub(super) const ATTEST: &str = "Examples:
  duoctl attest emea
  duoctl attest emea -w duo/prod --by jane@example.com";

pub(super) const LIST: &str = "Examples:
  duoctl list
  duoctl list duo/prod --all --sort last_use
  duoctl list --type radius --format csv > applications.csv";

pub(super) const GRAPH: &str = "Examples:
  duoctl graph
  duoctl graph duo/prod --format svg > access.svg
  duoctl graph --live --focus vpn --format mermaid
  duoctl graph --changes plan.json --report markdown=comment.md";

pub(super) const KEYS: &str = "Examples:
  duoctl keys list
  duoctl keys rotate siem
  duoctl keys status";

pub(super) const KEYS_LIST: &str = "Examples:
  duoctl keys list
  duoctl keys list siem -w duo/prod --format json";

pub(super) const KEYS_ROTATE: &str = "Examples:
  duoctl keys rotate siem
  duoctl keys rotate siem wiki --auto-approve
  duoctl keys rotate portal --strategy in-place
  duoctl keys rotate --older-than 90d -w duo/prod";

pub(super) const KEYS_STATUS: &str = "Examples:
  duoctl keys status
  duoctl keys status siem --format json";

pub(super) const KEYS_CONFIRM: &str = "Examples:
  duoctl keys confirm siem";

pub(super) const KEYS_ABORT: &str = "Examples:
  duoctl keys abort siem";

pub(super) const DOCTOR: &str = "Examples:
  duoctl doctor
  duoctl doctor duo/prod --format json";

pub(super) const SANDBOX: &str = "Examples:
  duoctl sandbox serve
  duoctl sandbox reset";

pub(super) const EDIT: &str = "Examples:
  duoctl sandbox edit Intranet --set greeting=Hello
  duoctl sandbox edit Expenses --delete";

pub(super) const SERVE: &str = "Examples:
  duoctl sandbox serve
  duoctl sandbox serve --listen 127.0.0.1:8443 --state .duoctl/rehearsal
  duoctl sandbox serve --print-env
  duoctl sandbox serve --fault 429=3";

pub(super) const RESET: &str = "Examples:
  duoctl sandbox reset
  duoctl sandbox reset duo/prod";

pub(super) const EXPLAIN: &str = "Examples:
  duoctl explain unknown-reference
  duoctl explain widens_access
  duoctl explain 6";

pub(super) const SCHEMA: &str = "Examples:
  duoctl schema > duoctl.schema.json
  duoctl schema plan > plan.schema.json";

pub(super) const COMPLETIONS: &str = "Examples:
  duoctl completions bash > ~/.local/share/bash-completion/completions/duoctl
  duoctl completions zsh > ~/.zfunc/_duoctl
  duoctl completions fish > ~/.config/fish/completions/duoctl.fish
  duoctl completions nushell | save --force ($nu.data-dir | path join vendor autoload duoctl.nu)";

pub(super) const LSP: &str = "Examples:
  duoctl lsp
  duoctl lsp --var host=api-1a2b3c4d.duosecurity.com";

pub(super) const MAN: &str = "Examples:
  duoctl man | man -l -
  duoctl man sandbox serve
  duoctl man --dir ~/.local/share/man/man1";
