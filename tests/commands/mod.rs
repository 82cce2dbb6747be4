//! Every command and every exit code, as a user meets them: the real binary in folders of its own, against simulators.

mod addresses;
mod adopting;
mod affected;
mod applying;
mod beginning;
mod concurrent;
mod consent;
mod crashes;
mod disturbances;
#[cfg(unix)]
mod doctor;
mod drifting;
mod faults;
mod forged;
mod formatting;
mod guards;
mod hostile;
mod ignoring;
#[cfg(target_os = "linux")]
mod importing;
mod interruptions;
mod leaving;
mod lying;
mod managing;
mod names;
mod no_secret_leaks;
mod partly;
mod planning;
mod reading;
mod requests;
mod saved_plans;
mod seals;
mod second_operator;
mod simulator;
mod small_limits;
mod spoilt;
mod terminal;
mod types;
mod unconfirmed;
mod untrusted;
mod variables;
mod verifying;
mod whole;
mod witnesses;
mod workspace;
