//! The versions of the application paths (duo-api.md, section 3.2).

/// The version of the path that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sandbox) enum Version {
    V1,
    V2,
    V3,
}

impl Version {
    pub(in crate::sandbox) fn of(segment: &str) -> Option<Self> {
        match segment {
            "v1" => Some(Self::V1),
            "v2" => Some(Self::V2),
            "v3" => Some(Self::V3),
            _ => None,
        }
    }
}
