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

/// A large account is many small values, made and dropped again: the system's allocator would take a quarter of a run.
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
            // A reader that went away is no error.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked { Exit::Done } else { Exit::Usage }.code());
        }
    };
    log(&args);
    let runtime = match enough_descriptors().and_then(|()| runtime()) {
        Ok(runtime) => runtime,
        Err(error) => {
            // There is nobody left to tell.
            let _ = writeln!(
                std::io::stderr(),
                "error: this machine gives duoctl too little to start: {error}; raise `ulimit -n` to 64 or more, and give \
                 it more memory"
            );
            return ExitCode::from(Exit::Error.code());
        }
    };
    panics::begun();
    // The panic hook has said what there is to say.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(duoctl::cli::run(args))));
    let exit = ended.unwrap_or(Exit::Error);
    // What still runs in the background has nothing left to say.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// Few threads: what takes long is the network, and each thread takes memory of its own.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // tokio's own variable counts.
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        builder.worker_threads(cores.min(THREADS));
    }
    builder.max_blocking_threads(THREADS).enable_all().build()
}

/// How many threads compute, and how many wait for files, at most.
const THREADS: usize = 4;

/// How many files, pipes and sockets are open at once in a small run.
const DESCRIPTORS: usize = 24;

/// Libraries panic where they can open nothing, so it is tried first. A limit that may be raised is.
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

/// How many are more than any run needs.
#[cfg(unix)]
const PLENTY: u64 = 1024;

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
