//! The output formats of commands, on stdout and in files.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::cli::completing;

pub use crate::output::format::Format as OutputFormat;

/// The formats that a command supports.
pub trait Formats: Clone + Send + Sync + 'static {
    /// All of them, the default first.
    const ALL: &'static [OutputFormat];
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident: $($format:ident)*;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name;

        impl Formats for $name {
            const ALL: &'static [OutputFormat] = &[$(OutputFormat::$format,)*];
        }
    )*};
}

formats! {
    /// What `validate` can be printed as.
    OfValidate: Human Json Markdown Html Github Sarif Gitlab;
    /// What `plan` and `drift` can be printed as.
    OfPlan: Human Json Markdown Html Github Gitlab;
    /// What `apply` can be printed as.
    OfApply: Human Json Jsonl Markdown Html Github Junit;
    /// What `verify` can be printed as.
    OfVerify: Human Json Jsonl Markdown Html Github Junit;
    /// What lists of keys and of imported applications can be printed as.
    OfData: Human Json Html;
    /// What `list` can be printed as.
    OfInventory: Human Json Csv Html;
    /// What `doctor` can be printed as.
    OfDoctor: Human Json Html Junit;
    /// What a graph can be printed as.
    OfGraph: Human Mermaid Dot Svg Markdown Html Json;
    /// What console sheets can be printed as.
    OfHandoff: Human Markdown Html Json;
}

/// Where the output of a command goes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Output<F: Formats> {
    /// Output format.
    #[arg(long, value_name = "FORMAT", value_parser = formats(F::ALL), default_value = "human")]
    pub format: OutputFormat,
    /// Also write the output to a file (repeatable).
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report(F::ALL), add = completing::report(in_files(F::ALL).collect()))]
    pub reports: Vec<ReportFile>,
    #[arg(skip)]
    of: PhantomData<F>,
}

/// The formats of `show`; each kind of document supports some of them.
pub(super) const OF_SHOW: &[OutputFormat] = &[
    OutputFormat::Human,
    OutputFormat::Json,
    OutputFormat::Csv,
    OutputFormat::Markdown,
    OutputFormat::Html,
    OutputFormat::Github,
    OutputFormat::Sarif,
    OutputFormat::Gitlab,
    OutputFormat::Junit,
    OutputFormat::Mermaid,
    OutputFormat::Dot,
    OutputFormat::Svg,
];

/// A file that also gets the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// The format.
    pub format: OutputFormat,
    /// The file.
    pub path: PathBuf,
}

/// Parses one of the allowed formats.
pub(super) fn formats(allowed: &'static [OutputFormat]) -> impl TypedValueParser<Value = OutputFormat> {
    let values = allowed.iter().map(|format| PossibleValue::new(format.name()).help(format.help()));
    PossibleValuesParser::new(values).map(|name| OutputFormat::parse(&name).unwrap_or_default())
}

/// The formats of files: not the one for terminals, nor the one that is printed while the command runs.
fn in_files(allowed: &'static [OutputFormat]) -> impl Iterator<Item = OutputFormat> {
    let files = |format: &OutputFormat| !matches!(format, OutputFormat::Human | OutputFormat::Jsonl);
    allowed.iter().copied().filter(files)
}

/// Parses `FORMAT=FILE`.
fn report(allowed: &'static [OutputFormat]) -> impl TypedValueParser<Value = ReportFile> {
    let parse = move |text: &str| -> Result<ReportFile, String> {
        let known: Vec<&str> = in_files(allowed).map(OutputFormat::name).collect();
        let known = known.join(", ");
        let (name, path) = text
            .split_once('=')
            .ok_or_else(|| format!("write FORMAT=FILE, where FORMAT is one of {known}"))?;
        let format =
            OutputFormat::parse(name).filter(|format| in_files(allowed).any(|known| known == *format));
        let format = format.ok_or_else(|| format!("no report in the format `{name}`; there are {known}"))?;
        if path.is_empty() || path == "-" {
            return Err(format!("name a file, e.g. {name}=report; stdout has --format {name}"));
        }
        Ok(ReportFile { format, path: PathBuf::from(path) })
    };
    clap::builder::StringValueParser::new().try_map(move |text| parse(&text))
}
