//! What holds for the core as a whole.

mod creates;
mod risks;
