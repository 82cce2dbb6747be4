//! The simulated Duo in this process, and over HTTPS.

mod integrations;
mod permissions;
mod serve;
mod state;
