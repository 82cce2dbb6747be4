//! Findings as data: what is wrong, where, and what to do. `output` renders them.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Works, but probably not what was meant.
    Warning,
    /// Stops the run for what it covers.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in one of the files that were read: byte offsets into its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index into [`Sources`].
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A value together with the place it was written at.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A change of the YAML that fixes a finding, at the place of the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Write this in place of the key, or of the value as YAML.
    Write(String),
    /// Write these around the value: brackets, quotation marks.
    Enclose(&'static str, &'static str),
    /// Write the second text in place of the first, which is a part of the value.
    Replace(String, String),
    /// Remove the key with its value.
    Remove,
    /// Remove the item of a list that the place is in.
    RemoveItem,
    /// Give a key of the mapping this value in YAML. The place is that of the mapping, or of the mapping's own key.
    Set(&'static str, String),
}

/// What to do about a finding: in words, and as changes that do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// The words.
    pub text: String,
    /// The changes, each of which is enough.
    pub fixes: Vec<Fix>,
}

impl Help {
    /// Suggests words in place of an unknown one; `None` if there is none.
    pub fn instead(words: &[&str]) -> Option<Self> {
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let (last, others) = quoted.split_last()?;
        let others = if others.is_empty() { String::new() } else { format!("{} or ", others.join(", ")) };
        let fixes = words.iter().map(|word| Fix::Write((*word).to_owned())).collect();
        Some(Self { text: format!("did you mean {others}{last}?"), fixes })
    }

    /// Words that say to remove the key.
    pub fn removing(text: impl Into<String>) -> Self {
        Self::from(text.into()).by(Fix::Remove)
    }

    /// Adds a change that does what the words say.
    #[must_use]
    pub fn by(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for Help {
    fn from(text: String) -> Self {
        Self { text, fixes: Vec::new() }
    }
}

impl From<&str> for Help {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The stable public name of the kind of finding.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is, when it has a place.
    pub span: Option<Span>,
    /// What is wrong: lower-case start, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What to do about it, as changes that an editor can make.
    pub fixes: Vec<Fix>,
    /// Other places that matter, each with a label, e.g. the first of two definitions.
    pub related: Vec<(Span, String)>,
    /// The address that it is about, if it can be suppressed there.
    pub subject: Option<Box<Subject>>,
}

/// The address that a finding is about. In a box, since most findings have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(pub String);

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, span.into(), message.into())
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, span.into(), message.into())
    }

    /// A note at a place.
    pub fn note(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, span.into(), message.into())
    }

    fn new(code: Code, severity: Severity, span: Option<Span>, message: String) -> Self {
        Self {
            code,
            severity,
            span,
            message,
            help: None,
            fixes: Vec::new(),
            related: Vec::new(),
            subject: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<Help>) -> Self {
        let Help { text, fixes } = help.into();
        self.help = Some(text);
        self.fixes = fixes;
        self
    }

    /// Sets the address that it is about, so that it can be suppressed there.
    #[must_use]
    pub fn about(mut self, address: &impl ToString) -> Self {
        self.subject = Some(Box::new(Subject(address.to_string())));
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// Whether any finding is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The public name of each kind of finding; stable across versions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name as printed, e.g. `unknown-key`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    // --- reading files
    /// A path cannot be read, or is not a file or a folder.
    Unreadable = "unreadable",
    /// A folder contains no `duo.yaml` and no `*.duo.yaml`.
    NoYaml = "no-yaml",
    /// A file's name is almost that of a workspace file, so the file is not read.
    MisnamedFile = "misnamed-file",
    /// A folder contains several workspaces.
    SeveralWorkspaces = "several-workspaces",
    /// A file has no content.
    EmptyFile = "empty-file",
    /// A file is not UTF-8.
    NotUtf8 = "not-utf8",
    /// A file, or what its aliases expand to, is larger than the limits.
    TooLarge = "too-large",
    /// The text is not YAML.
    Syntax = "syntax",
    /// A key is set twice in one mapping.
    DuplicateKey = "duplicate-key",
    // --- shape
    /// A key that the language does not have.
    UnknownKey = "unknown-key",
    /// A required key is missing.
    MissingKey = "missing-key",
    /// A value of the wrong kind.
    WrongType = "wrong-type",
    /// A value of the right kind that is not allowed.
    InvalidValue = "invalid-value",
    // --- meaning
    /// A variable is used or set that `vars` does not declare.
    UnknownVariable = "unknown-variable",
    /// A variable has no value.
    MissingVariable = "missing-variable",
    /// A variable is declared but not used.
    UnusedVariable = "unused-variable",
    /// An address, or a key that may appear only once, is defined in two places.
    DuplicateAddress = "duplicate-address",
    /// The API hostname is not a bare Duo hostname.
    InvalidHostname = "invalid-hostname",
    /// A secret is in the YAML in plain text.
    PlainSecret = "plain-secret",
    /// A field that this type of application does not have.
    FieldNotApplicable = "field-not-applicable",
    /// A legacy field that a policy section replaced.
    LegacyField = "legacy-field",
    /// `groups_allowed` and `user_access` contradict each other.
    AccessConflict = "access-conflict",
    /// More groups than Duo accepts.
    TooManyGroups = "too-many-groups",
    /// A type that duoctl does not know; it may be newer than this version.
    UnknownType = "unknown-type",
    /// A type that the API cannot create or that has reached its end of life.
    TypeNotCreatable = "type-not-creatable",
    /// Settings of Duo Single Sign-On that Duo probably rejects.
    DoubtfulSso = "doubtful-sso",
    /// A network that is probably not what was meant.
    DoubtfulNetwork = "doubtful-network",
    /// A standing consent that has no effect.
    UnusedConsent = "unused-consent",
    /// The text of `notes` together with the marker is too long, or looks like a marker.
    InvalidNotes = "invalid-notes",
    /// Two applications of one type and name: neither could be adopted.
    AmbiguousName = "ambiguous-name",
    /// A name with a character that is invisible, or that looks like another one.
    DeceptiveName = "deceptive-name",
    /// A secret store that is not declared under `secret_stores`.
    UnknownStore = "unknown-store",
    /// A feature that needs a larger Duo plan than the declared one.
    PlanTooSmall = "plan-too-small",
    /// The vendor recommends something that an entry leaves out.
    Recommended = "recommended",
    /// Event streaming was asked for where Duo does not have it.
    EventStreaming = "event-streaming",
    /// An exception whose `until` date is near or past.
    Expiring = "expiring",
    /// An `ignore` that has no effect.
    UnusedIgnore = "unused-ignore",

    // --- against this machine
    /// Untrusted YAML asks for a command, a variable or a file outside its folder.
    Untrusted = "untrusted",
    /// Two folders of a repository contain workspaces with the same name.
    DuplicateWorkspace = "duplicate-workspace",

    // --- against the account
    /// A group or policy that the account does not have.
    UnknownReference = "unknown-reference",
    /// A group or policy name that several objects have.
    AmbiguousReference = "ambiguous-reference",
    /// Several live applications could be the declared one.
    AmbiguousMatch = "ambiguous-match",
    /// The live application belongs to another workspace or address.
    OwnedElsewhere = "owned-elsewhere",
    /// The workspace has a different name than the applications that it takes over.
    FormerName = "former-name",
    /// Several live applications carry the same marker.
    DuplicateMarker = "duplicate-marker",
    /// An application named by a rotation or a secret store does not have the matching marker.
    LostMarker = "lost-marker",
    /// A marker that duoctl did not write for the application that carries it.
    ForgedMarker = "forged-marker",
    /// Text that looks like a marker but cannot be read.
    DamagedMarker = "damaged-marker",
    /// Something a step depends on cannot be verified with the keys of this run.
    UnverifiedState = "unverified-state",
    /// An application seems to be that of an address whose store holds another application's key.
    StoreDisagrees = "store-disagrees",
    /// The key of an application is being rotated, and something blocks the rotation.
    RotationUnderWay = "rotation-under-way",
    /// A key is older than its `max_age`.
    KeyTooOld = "key-too-old",
    /// Whether a key is older than its `max_age` is unknown.
    KeyAgeUnknown = "key-age-unknown",
    /// A secret store cannot be read, or holds data that duoctl did not write.
    StoreUnreadable = "store-unreadable",
    /// An unowned application looks like one that would be created.
    PossibleDuplicate = "possible-duplicate",
    /// A removal waits until the errors are fixed.
    RemovalHeld = "removal-held",
    /// `integration_key` names an application that does not exist in the account or has another type.
    PinMismatch = "pin-mismatch",
    /// A part of the account could not be read, so nothing that depends on it is planned.
    AccountUnreadable = "account-unreadable",
    /// The declared plan or hostname and the account disagree.
    AccountMismatch = "account-mismatch",
    /// The change would lock duoctl itself out.
    SelfLockout = "self-lockout",
    /// An administrator gave a key more permissions in Duo than the YAML allows.
    OverPrivileged = "over-privileged",
    /// A change that end users can see.
    SeenByUsers = "seen-by-users",
    /// Values that must be entered in, or removed from, a console without an API.
    SeenInConsole = "seen-in-console",
    /// Duo does not offer this setting for the application yet.
    NotOfferedYet = "not-offered-yet",
    /// A field of an authoritative application that is not compared.
    NotCompared = "not-compared",
    /// An application due for deletion is still used.
    StillUsed = "still-used",
    /// Duo accepted a value but changed it.
    NormalisedByDuo = "normalised-by-duo",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as the user would name it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// All files of a workspace, so that a [`Span`] can be shown.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    /// For each file, where its lines begin.
    lines: Vec<Vec<usize>>,
}

/// A line and column for people, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Sources {
    /// Adds a file and returns its index for spans.
    pub fn add(&mut self, path: PathBuf, text: String) -> usize {
        let begins = text.match_indices('\n').map(|(newline, _)| newline + 1);
        self.lines.push(std::iter::once(0).chain(begins).collect());
        self.files.push(SourceFile { path, text });
        self.files.len() - 1
    }

    /// The file of a span.
    pub fn file(&self, index: usize) -> Option<&SourceFile> {
        self.files.get(index)
    }

    /// All files in the order they were read.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Where a span begins.
    pub fn locate(&self, span: Span) -> Option<(&Path, Position)> {
        let file = self.file(span.file)?;
        let (line, begin) = self.line_begin(span.file, span.start)?;
        let column = file.text.get(begin..span.start)?.chars().count() + 1;
        Some((&file.path, Position { line, column }))
    }

    /// Where a span ends: the place after its last character.
    pub fn locate_end(&self, span: Span) -> Option<Position> {
        self.locate(Span { start: span.end, ..span }).map(|(_, position)| position)
    }

    /// The line at an offset: its number from 1, where it begins, and its text without the line break.
    pub fn line(&self, file: usize, offset: usize) -> Option<(usize, usize, &str)> {
        let (line, begin) = self.line_begin(file, offset)?;
        let rest = self.file(file)?.text.get(begin..)?;
        let text = rest.split('\n').next()?;
        Some((line, begin, text.strip_suffix('\r').unwrap_or(text)))
    }

    fn line_begin(&self, file: usize, offset: usize) -> Option<(usize, usize)> {
        let begins = self.lines.get(file)?;
        let line = begins.partition_point(|begin| *begin <= offset);
        Some((line, *begins.get(line.checked_sub(1)?)?))
    }
}
