//! Identity Intelligence, end to end: the vendor's page, the handoff and its attestation, the connection, the order of a
//! removal, and the simulated service.

mod attesting;
mod by_hand;
mod connection;
mod handoff;
mod junit;
mod mistakes;
mod page;
mod removal;
mod restored;
mod sandbox;
mod workspace;
