//! Groups and policies as code: planned, applied, adopted, drifted and removed.

mod groups;
