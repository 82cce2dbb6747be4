//! Paths as a forge knows them: relative to the repository, with `/`.

/// A file, relative to the repository that `prefix` is a folder of; absolute paths stay absolute. `prefix` is where the
/// command ran, `""` for the repository itself.
pub fn path(prefix: &str, file: &str) -> String {
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
