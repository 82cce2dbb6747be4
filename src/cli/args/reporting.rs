//! In which formats a command can say what came of it, on stdout and in files.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

pub use crate::output::format::Format as OutputFormat;

/// What `validate` can be printed as.
pub const OF_VALIDATE: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Sarif,
    OutputFormat::Gitlab,
];

/// What `plan` and `drift` can be printed as.
pub const OF_PLAN: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Gitlab,
];

/// What `apply` can be printed as.
pub const OF_APPLY: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Jsonl,
    OutputFormat::Markdown,
    OutputFormat::Github,
];

/// What `verify` can be printed as.
pub const OF_VERIFY: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Jsonl,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Junit,
];

/// What the commands that list can be printed as.
pub const OF_LIST: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Json];

/// What `list` can be printed as.
pub(super) const OF_INVENTORY: &[OutputFormat] =
    &[OutputFormat::Human, OutputFormat::Json, OutputFormat::Csv];

/// What `doctor` can be printed as.
pub(super) const OF_DOCTOR: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Json, OutputFormat::Junit];

/// What console sheets can be printed as.
pub const OF_HANDOFF: &[OutputFormat] = &[OutputFormat::Human, OutputFormat::Markdown, OutputFormat::Json];

/// What `show` can print; which of them a document can be had in is a matter of its kind.
pub const OF_SHOW: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Csv,
    OutputFormat::Markdown,
    OutputFormat::Github,
    OutputFormat::Sarif,
    OutputFormat::Gitlab,
    OutputFormat::Junit,
];

/// A file that gets the outcome, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// The format.
    pub format: OutputFormat,
    /// The file.
    pub path: PathBuf,
}

/// Reads one of some formats.
pub fn formats(allowed: &'static [OutputFormat]) -> impl TypedValueParser<Value = OutputFormat> {
    let values = allowed.iter().map(|format| PossibleValue::new(format.name()).help(format.help()));
    PossibleValuesParser::new(values).map(|name| OutputFormat::parse(&name).unwrap_or_default())
}

/// Reads `FORMAT=FILE`. What is for a terminal is in no file, nor is what is printed while the command runs.
pub fn report(allowed: &'static [OutputFormat]) -> impl TypedValueParser<Value = ReportFile> {
    let files = |format: &&OutputFormat| !matches!(format, OutputFormat::Human | OutputFormat::Jsonl);
    let parse = move |text: &str| -> Result<ReportFile, String> {
        let known: Vec<&str> = allowed.iter().filter(files).map(|format| format.name()).collect();
        let known = known.join(", ");
        let (name, path) = text
            .split_once('=')
            .ok_or_else(|| format!("write FORMAT=FILE, where FORMAT is one of {known}"))?;
        let format = OutputFormat::parse(name)
            .filter(|format| allowed.iter().filter(files).any(|known| known == format));
        let format =
            format.ok_or_else(|| format!("there is no report in the format `{name}`; there are {known}"))?;
        if path.is_empty() || path == "-" {
            return Err(format!("name a file, e.g. {name}=report; stdout has --format {name}"));
        }
        Ok(ReportFile { format, path: PathBuf::from(path) })
    };
    clap::builder::StringValueParser::new().try_map(move |text| parse(&text))
}
