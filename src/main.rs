//! The thin binary: arguments in, exit code out.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use duoctl::cli::args::{Args, Command};
use duoctl::cli::exit::Exit;
use duoctl::cli::panics;
use duoctl::output::printer::Printer;

/// A large account is many small values, made and dropped again: the system's allocator would take a quarter of a run.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harden();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // A reader that went away is no error.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked { Exit::Done } else { Exit::Usage }.code());
        }
    };
    log(&args);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(Exit::Error.code()),
    };
    panics::begun();
    // The panic hook has said what there is to say.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(duoctl::cli::run(args))));
    let exit = ended.unwrap_or(Exit::Error);
    // What still runs in the background has nothing left to say.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// Secrets are in memory: no core dump holds them, no other process of this user may look, and no panic prints a value.
/// Where the system refuses, it is as it would be without.
fn harden() {
    panics::install();
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// duoctl's own events on stderr; those of libraries stay out, since some of them print headers.
fn log(args: &Args) {
    let level = match args.global.verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Beside a client in the same process, the simulator would only say everything twice.
    let simulator = if matches!(args.command, Command::Sandbox(_)) { level } else { LevelFilter::OFF };
    let filter = tracing_subscriber::filter::Targets::new()
        .with_target("duoctl", level)
        .with_target("duoctl::sandbox", simulator);
    let printer = Printer::new(args.global.color.into(), args.global.quiet);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(printer.err.on)
        .with_target(false)
        .without_time();
    tracing_subscriber::registry().with(layer).with(filter).init();
}
