//! The sentence about fields that are set in Duo but not managed by the YAML.

use crate::text::counted;

/// How many set fields are unmanaged; `None` if there are none.
pub fn unmanaged_fields(count: usize) -> Option<String> {
    let (fields, be) = (counted(count, "set field", "set fields"), if count == 1 { "is" } else { "are" });
    (count > 0)
        .then(|| format!("{fields} {be} not managed: Duo shows a value, but the YAML leaves the field out."))
}
