//! Finds what a path leaves out: other files of its workspace, and other folders with a workspace of the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::files::{self, MAX_ENTRIES, MAX_FILE_BYTES};
use super::model::Workspace;
use super::variables::is_variable;
use crate::diagnostic::{Code, Diagnostic};
use crate::reading;
use crate::text::{safe, shown};
use crate::yaml::{self, Data, Node, find};

/// The maximum number of workspace files that are examined; a folder with more does not hold a single workspace.
const MAX_FILES: usize = 2_000;

/// The maximum number of workspaces that a message lists.
const LISTED: usize = 12;

/// The name of the workspace that a file declares.
pub(super) fn name(tree: &Node) -> Option<String> {
    text(tree, "workspace").filter(|name| !name.is_empty())
}

fn text(tree: &Node, key: &str) -> Option<String> {
    let Data::Mapping(entries) = &tree.data else { return None };
    match &find(entries, key)?.value.data {
        Data::Text(text) | Data::Number(_, text) => Some(text.clone()),
        Data::Flag(flag) => Some(flag.to_string()),
        Data::Null | Data::List(_) | Data::Mapping(_) => None,
    }
}

/// The finding about files that declare workspaces of different names.
pub(super) fn several(folder: &Path, declared: &[(PathBuf, String)]) -> Option<Diagnostic> {
    let mut places: BTreeMap<&str, &Path> = BTreeMap::new();
    for (file, name) in declared {
        places.entry(name).or_insert(file);
    }
    if places.len() < 2 {
        return None;
    }
    let list = places.iter().take(LISTED).map(|(name, file)| {
        let main = file.file_name().is_some_and(|name| name == "duo.yaml");
        let place = file.parent().filter(|place| main && *place != folder).unwrap_or(file);
        format!("{} ({})", shown(name), shown_path(place))
    });
    let mut list = list.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = places.len().checked_sub(LISTED) {
        list.push_str(&format!(", and {more} more"));
    }
    let message = format!("{} contains {} workspaces: {list}", shown_path(folder), places.len());
    Some(Diagnostic::error(Code::SeveralWorkspaces, None, message).help("pass the path of one of them"))
}

/// A file of the same workspace that a path leaves out.
#[derive(Debug)]
struct Other {
    file: PathBuf,
    /// The folder that contains both.
    folder: PathBuf,
}

/// Why a path is not a complete workspace; `None` if it is one. `name` is the workspace that the path declares.
pub fn part(path: &Path, name: Option<&str>) -> Option<String> {
    let is_file = !path.is_dir();
    let folder = if is_file { parent(path) } else { path };
    let found = is_file.then(|| in_folder(path, folder, name)).flatten().or_else(|| above(folder, name))?;
    let (path, folder, file) = (shown_path(path), shown_path(&found.folder), shown_path(&found.file));
    Some(match name {
        Some(name) if declared(&found.file).as_deref() == Some(name) => format!(
            "{path} and {file} both declare the workspace {}; pass the folder that contains both, {folder}, or rename \
            one of the two",
            shown(name)
        ),
        _ => format!(
            "{path} is only part of a workspace: {file} also belongs to it; pass the folder that contains both, {folder}"
        ),
    })
}

/// The folder that holds all files of a file's workspace: the one to pass for that file.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    let mut folder = place(file);
    // A file without a `workspace` key belongs to a workspace that its own folder declares.
    let siblings = || std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut name = declared(file).or_else(|| {
        siblings().filter(|path| files::is_near(path)).take(MAX_FILES).find_map(|path| declared(&path))
    });
    // Each step leads to a folder above.
    while let Some(other) = above(&folder, name.as_deref()) {
        name = name.or_else(|| declared(&other.file));
        folder = place_of(&other.folder);
    }
    folder
}

/// A file of the same workspace in the folder of a file or below.
fn in_folder(path: &Path, folder: &Path, name: Option<&str>) -> Option<Other> {
    let other = |file: PathBuf| Some(Other { file, folder: folder.to_owned() });
    let same = path.canonicalize().ok();
    let found = files::walk(folder, MAX_ENTRIES, None::<fn(&Path) -> bool>)
        .filter_map(Result::ok)
        .map(|seen| seen.path);
    let mut others: Vec<PathBuf> =
        found.filter(|file| file.canonicalize().ok() != same).take(MAX_FILES).collect();
    others.sort();
    let Some(name) = name else { return others.into_iter().next().and_then(other) };
    // A file without a `workspace` key belongs to the workspaces of the nearest folder above that declares one.
    let mut declaring: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    declaring.entry(place(path)).or_default().insert(name.to_owned());
    let mut undeclared = Vec::new();
    for file in others {
        match declared(&file) {
            Some(found) if found == name => return other(file),
            Some(found) => {
                declaring.entry(place(&file)).or_default().insert(found);
            }
            None => undeclared.push(file),
        }
    }
    let belongs = |file: &PathBuf| {
        let place = place(file);
        let nearest = place.ancestors().find_map(|folder| declaring.get(folder));
        nearest.is_none_or(|names| names.contains(name))
    };
    undeclared.into_iter().find(belongs).and_then(other)
}

/// A file of the same workspace in a folder above. Examines only folders of a git work tree; outside of one, only
/// folders in an unbroken chain that contain such files.
fn above(folder: &Path, name: Option<&str>) -> Option<Other> {
    let here = place_of(folder);
    let top = work_tree(&here);
    // A workspace does not reach into hidden folders.
    let hidden =
        |folder: &Path| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    for (below, folder) in here.ancestors().zip(here.ancestors().skip(1)) {
        if hidden(below) {
            return None;
        }
        if top.as_ref().is_some_and(|top| !folder.starts_with(top)) {
            return None;
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| files::is_near(path) && !path.is_dir())
            .take(MAX_FILES)
            .collect();
        if files.is_empty() && top.is_none() {
            return None;
        }
        files.sort();
        let names: Vec<Option<String>> = files.iter().map(|file| declared(file)).collect();
        let declares = names.iter().any(Option::is_some);
        let found = files.into_iter().zip(names).find(|(_, found)| match (name, found) {
            (Some(name), Some(found)) => name == found,
            // A file without a `workspace` key belongs to a workspace in its folder, or else to every one below.
            (Some(_), None) => !declares,
            (None, found) => found.is_some(),
        });
        if let Some((file, _)) = found {
            return Some(Other { file: near(&file), folder: near(folder) });
        }
    }
    None
}

/// The finding that another folder of the git work tree declares a workspace of the same name for the same account.
pub fn duplicate(workspace: &Workspace, own: &[PathBuf]) -> Option<Diagnostic> {
    let root = place_of(&workspace.root);
    let top = work_tree(&root)?;
    let own: BTreeSet<PathBuf> = own.iter().filter_map(|file| file.canonicalize().ok()).collect();
    let (name, host) = (&workspace.name.value, &workspace.tenant.api_hostname.value);
    let walk = WalkBuilder::new(&top).git_global(false).build();
    let files =
        walk.filter_map(Result::ok).map(|entry| entry.into_path()).filter(|path| files::is_near(path));
    let mut others: Vec<PathBuf> = files
        .filter(|file| file.canonicalize().is_ok_and(|file| !own.contains(&file)))
        .filter(|file| declares(file, name, host))
        .collect();
    others.sort();
    let other = near(others.first()?);
    let place =
        own.iter().find(|file| declares(file, name, host)).map_or_else(|| root.clone(), |file| near(file));
    let message = format!(
        "the workspace {} is declared in {} and in {}, so each treats the other's applications as removed",
        shown(name),
        shown_path(&place),
        shown_path(&other)
    );
    let help = "rename one of them or merge the folders; until then, run without --prune";
    Some(Diagnostic::error(Code::DuplicateWorkspace, None, message).help(help))
}

/// Whether a file declares a workspace for an account. An account that it does not name, or names by a variable, counts.
fn declares(file: &Path, name: &str, host: &str) -> bool {
    let Some(text) = read(file).filter(|text| text.contains(name)) else { return false };
    let Some(tree) = yaml::parse(0, &text, &mut Vec::new()) else { return false };
    let same_host = || {
        let Data::Mapping(entries) = &tree.data else { return true };
        let tenant = find(entries, "tenant").map(|entry| &entry.value);
        let found = tenant.and_then(|tenant| self::text(tenant, "api_hostname"));
        found.is_none_or(|found| found == host || is_variable(&found))
    };
    self::name(&tree).is_some_and(|found| found == name) && same_host()
}

fn declared(file: &Path) -> Option<String> {
    let text = read(file)?;
    name(&yaml::parse(0, &text, &mut Vec::new())?)
}

fn read(file: &Path) -> Option<String> {
    reading::text(file, MAX_FILE_BYTES).ok()
}

/// The git work tree that a folder is in.
fn work_tree(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The canonical folder of a file.
fn place(file: &Path) -> PathBuf {
    place_of(parent(file))
}

fn place_of(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// A path relative to the current folder.
fn near(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok();
    match here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(rest) if rest.as_os_str().is_empty() => PathBuf::from("."),
        Some(rest) => rest,
        None => path.to_owned(),
    }
}

fn shown_path(path: &Path) -> String {
    format!("`{}`", safe(&path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    const PLACES: [&str; 6] = ["", "a", "a/b", "a/b/c", "a/d", "a/d/e"];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        /// One file declares the workspace, others in folders above and below add to it: only the folder with all of them is
        /// complete.
        #[test]
        fn only_the_folder_that_holds_everything_is_whole(
            main in 0..PLACES.len(),
            more in proptest::collection::btree_set(0..PLACES.len(), 1..4),
        ) {
            let root = tempfile::tempdir().unwrap();
            let root = root.path().canonicalize().unwrap();
            fs::create_dir(root.join(".git")).unwrap();
            // Folders that are neither above nor below are not examined.
            let related = |place: &str| place.starts_with(PLACES[main]) || PLACES[main].starts_with(place);
            let more: Vec<usize> = more.into_iter().filter(|index| related(PLACES[*index])).collect();
            prop_assume!(!more.is_empty());
            let mut files = vec![root.join(PLACES[main]).join("duo.yaml")];
            files.extend(more.iter().map(|index| root.join(PLACES[*index]).join("more.duo.yaml")));
            for (index, file) in files.iter().enumerate() {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, if index == 0 { "workspace: w\n" } else { "applications: {}\n" }).unwrap();
            }
            let name = |path: &Path| files[0].starts_with(path).then_some("w");
            let whole = |path: &Path| files.iter().all(|file| file.starts_with(path));
            for path in files.iter().cloned().chain(PLACES.iter().map(|place| root.join(place))) {
                let holds_any = files.iter().any(|file| file.starts_with(&path));
                if path.exists() && holds_any {
                    let found = part(&path, name(&path));
                    prop_assert_eq!(found.is_none(), whole(&path), "{:?} of {:?}: {:?}", path, files, found);
                }
            }
        }
    }
}
