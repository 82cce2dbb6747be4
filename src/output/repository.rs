//! What a forge needs: paths relative to the repository, with `/`, and the URL of the CI run.

use std::fs;
use std::path::Path;

use percent_encoding::utf8_percent_encode;

use super::sarif::PATH;

/// Where a document is written.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The working directory within its repository; empty at the top or outside a repository.
    pub prefix: String,
    /// The URL of the CI run.
    pub run: Option<String>,
}

/// The URL of the CI run, from the variables that the CI system sets; `None` if it is not known, or not plainly a URL.
pub fn run(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let all = |names: [&str; 3]| -> Option<[String; 3]> {
        let [one, two, three] = names.map(&variable);
        Some([one?, two?, three?])
    };
    let github = || {
        let [server, repository, run] = all(["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"])?;
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    };
    let azure = || {
        let [collection, project, build] =
            all(["SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID"])?;
        let project = utf8_percent_encode(&project, PATH);
        Some(format!("{collection}{project}/_build/results?buildId={build}"))
    };
    let bitbucket = || {
        let (origin, build) = (variable("BITBUCKET_GIT_HTTP_ORIGIN")?, variable("BITBUCKET_BUILD_NUMBER")?);
        Some(format!("{origin}/pipelines/results/{build}"))
    };
    let gitlab = || variable("CI_JOB_URL");
    let jenkins = || variable("BUILD_URL");
    let url = github().or_else(gitlab).or_else(azure).or_else(bitbucket).or_else(jenkins)?;
    // It becomes part of a comment: nothing in it may end a link.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?&=%+,@".contains(c);
    ((url.starts_with("https://") || url.starts_with("http://")) && url.chars().all(plain)).then_some(url)
}

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
    use super::{path, run};

    #[test]
    fn the_run_is_linked_where_the_ci_system_names_it() {
        for (variables, url) in [
            (
                &[
                    ("GITHUB_SERVER_URL", "https://github.com"),
                    ("GITHUB_REPOSITORY", "acme/duo"),
                    ("GITHUB_RUN_ID", "7"),
                ][..],
                Some("https://github.com/acme/duo/actions/runs/7"),
            ),
            (
                &[("CI_JOB_URL", "https://gitlab.com/acme/duo/-/jobs/7")],
                Some("https://gitlab.com/acme/duo/-/jobs/7"),
            ),
            (
                &[
                    ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
                    ("SYSTEM_TEAMPROJECT", "Duo config"),
                    ("BUILD_BUILDID", "7"),
                ],
                Some("https://dev.azure.com/acme/Duo%20config/_build/results?buildId=7"),
            ),
            (
                &[
                    ("BITBUCKET_GIT_HTTP_ORIGIN", "http://bitbucket.org/acme/duo"),
                    ("BITBUCKET_BUILD_NUMBER", "7"),
                ],
                Some("http://bitbucket.org/acme/duo/pipelines/results/7"),
            ),
            (
                &[("BUILD_URL", "https://ci.example.com/job/duo/7/")],
                Some("https://ci.example.com/job/duo/7/"),
            ),
            (&[], None),
            (&[("GITHUB_SERVER_URL", "https://github.com")], None),
            (&[("CI_JOB_URL", "javascript:alert(1)")], None),
            (&[("CI_JOB_URL", "https://a.example/)[x](y")], None),
            (&[("CI_JOB_URL", "https://a.example/<b>\n")], None),
        ] {
            let find = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, it)| (*it).to_owned())
            };
            assert_eq!(run(find).as_deref(), url, "{variables:?}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_repository() {
        assert_eq!(path("", "./duo.yaml"), "duo.yaml");
        assert_eq!(path("duo/prod", "./a/duo.yaml"), "duo/prod/a/duo.yaml");
        assert_eq!(path("duo/prod", "../shared/x.duo.yaml"), "duo/shared/x.duo.yaml");
        assert_eq!(path("", "../x.yaml"), "../x.yaml");
        assert_eq!(path("a", "/etc/duo.yaml"), "/etc/duo.yaml");
    }
}
