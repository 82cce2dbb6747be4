//! What holds for the core as a whole.

mod risks;
