//! Properties of the core as a whole.

mod creates;
mod risks;
