//! The pages, and the blocks in them.

use std::fs;
use std::path::{Path, PathBuf};

/// The pages, by their paths in the repository: those of its root, and all below `docs`.
pub(super) fn pages() -> Vec<PathBuf> {
    fn add(folder: &Path, below: bool, pages: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(Path::new(".").join(folder)).unwrap().map(Result::unwrap) {
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true if below => add(&path, true, pages),
                true => {}
                false => pages.extend(path.extension().is_some_and(|is| is == "md").then_some(path.clone())),
            }
        }
    }
    let mut pages = Vec::new();
    add(Path::new(""), false, &mut pages);
    add(Path::new("docs"), true, &mut pages);
    pages.sort();
    pages
}

/// A fenced block, or a place where a person does something.
pub(super) struct Block {
    page: PathBuf,
    line: usize,
    pub(super) language: String,
    pub(super) lines: Vec<String>,
    /// The exit code of its last command.
    pub(super) exit: i32,
    /// The file that a reader makes of it.
    pub(super) file: Option<String>,
}

/// The language of a block that stands for what a person does; its only line is the name of it.
pub(super) const BY_HAND: &str = "by hand";

impl Block {
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.page.display(), self.line)
    }

    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// The text of a comment on a line of its own, if it begins with this word.
fn remark<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    line.strip_prefix("<!-- ")?.strip_suffix(" -->")?.strip_prefix(word)?.strip_prefix(' ')
}

pub(super) fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let (mut exit, mut file) = (0, None);
    for (number, line) in text.lines().enumerate() {
        let block = |language: &str, lines, exit, file| {
            let (page, language) = (page.to_owned(), language.to_owned());
            Block { page, line: number + 1, language, lines, exit, file }
        };
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, Some(language)) => {
                open = Some(block(language, Vec::new(), exit, file.take()));
                exit = 0;
            }
            (None, None) => {
                exit = remark(line, "exit").map_or(exit, |code| code.parse().unwrap());
                file = remark(line, "file").map(str::to_owned).or(file);
                if let Some(what) = remark(line, BY_HAND) {
                    blocks.push(block(BY_HAND, vec![what.to_owned()], 0, None));
                }
            }
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", page.display());
    assert!(exit == 0 && file.is_none(), "{}: a remark has no block", page.display());
    blocks
}
