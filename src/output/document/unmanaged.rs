//! What is said of fields that are set in Duo and that the YAML leaves alone.

use crate::text::counted;

/// How many set fields nobody manages; nothing where there are none.
pub fn unmanaged_fields(count: usize) -> Option<String> {
    let (fields, be) = (counted(count, "set field", "set fields"), if count == 1 { "is" } else { "are" });
    (count > 0)
        .then(|| format!("{fields} {be} not managed: Duo shows a value, and the YAML leaves the field out."))
}
