//! Paths as a forge knows them: relative to the repository, with `/`.

use std::fs;
use std::path::Path;

/// A file, relative to the repository that contains the folder `prefix`; absolute paths outside it stay absolute. `prefix`
/// is where the command ran, `""` for the root of the repository. A linked file gets its real path if that is inside the
/// repository, because diffs show only that path.
pub fn path(prefix: &str, file: &str) -> String {
    real(prefix, file).unwrap_or_else(|| joined(prefix, file))
}

/// The real path of a file in the repository; `None` if the file does not exist or is elsewhere.
fn real(prefix: &str, file: &str) -> Option<String> {
    let here = fs::canonicalize(".").ok()?;
    let root =
        here.ancestors().find(|root| here.strip_prefix(root).is_ok_and(|rest| rest == Path::new(prefix)))?;
    let real = fs::canonicalize(file).ok()?;
    let parts: Option<Vec<&str>> = real.strip_prefix(root).ok()?.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

fn joined(prefix: &str, file: &str) -> String {
    let file = file.replace('\\', "/");
    if file.starts_with('/') {
        return file;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in prefix.split('/').chain(file.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths_are_relative_to_the_repository() {
        assert_eq!(path("", "./duo.yaml"), "duo.yaml");
        assert_eq!(path("duo/prod", "./a/duo.yaml"), "duo/prod/a/duo.yaml");
        assert_eq!(path("duo/prod", "../shared/x.duo.yaml"), "duo/shared/x.duo.yaml");
        assert_eq!(path("", "../x.yaml"), "../x.yaml");
        assert_eq!(path("a", "/etc/duo.yaml"), "/etc/duo.yaml");
    }
}
