//! The thin binary: arguments in, exit code out.

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use duoctl::cli::args::{Args, Command};
use duoctl::cli::exit::Exit;
use duoctl::cli::{completions, mistakes, panics, signals};
use duoctl::output::printer::Printer;

/// A large account is many small, short-lived values: the system's allocator would take a quarter of the run time.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    harden();
    signals::end_at_once();
    if completions::answer() {
        return ExitCode::from(Exit::Done.code());
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let error = mistakes::explained(error, &duoctl::cli::words());
            // A closed stdout is not an error.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked { Exit::Done } else { Exit::Usage }.code());
        }
    };
    log(&args);
    let runtime = match enough_descriptors().and_then(|()| runtime()) {
        Ok(runtime) => runtime,
        Err(error) => {
            // If stderr is closed, the message is lost.
            let _ = writeln!(
                std::io::stderr(),
                "error: not enough resources to start: {error}; raise `ulimit -n` to 64 or more, or add \
                 memory"
            );
            return ExitCode::from(Exit::Error.code());
        }
    };
    panics::begun();
    // The panic hook has already printed the message.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(duoctl::cli::run(args))));
    let exit = ended.unwrap_or(Exit::Error);
    // Background tasks have nothing left to report.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// Few threads: most time is spent on the network, and each thread needs memory.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // tokio's own variable takes precedence.
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        builder.worker_threads(cores.min(THREADS));
    }
    builder.max_blocking_threads(THREADS).enable_all().build()
}

/// The maximum number of threads that compute, and of threads that wait for files.
const THREADS: usize = 4;

/// How many files, pipes and sockets a small run has open at once.
const DESCRIPTORS: usize = 24;

/// Checks the descriptor limit first, and raises it if possible: libraries panic when they cannot open anything.
fn enough_descriptors() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;

        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.unwrap_or(PLENTY).min(PLENTY);
        if current.is_some_and(|current| current < wanted) {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        }
        let stderr = std::io::stderr();
        let copies = (0..DESCRIPTORS).map(|_| stderr.as_fd().try_clone_to_owned());
        copies.collect::<std::io::Result<Vec<_>>>()?;
    }
    Ok(())
}

/// A limit that no run exceeds.
#[cfg(unix)]
const PLENTY: u64 = 1024;

/// Protects secrets in memory: no core dumps, no access by the user's other processes, and no values in panic messages.
/// If the system refuses, the run continues without the protection.
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

/// Logs duoctl's own events to stderr; not those of libraries, since some print headers.
fn log(args: &Args) {
    let level = match args.global.verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // With a client in the same process, the simulator would only log everything twice.
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
