//! Between byte offsets and the positions of the protocol: a line, and a character in the units that the client chose.

use std::ops::Range;

use gen_lsp_types as lsp;

/// The unit of characters in positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// What every client understands.
    #[default]
    Utf16,
}

/// Where the lines of a text begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    begins: Vec<usize>,
}

impl Lines {
    /// Lines end with `\n`, `\r\n` or `\r`.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = |(at, byte): (usize, &u8)| match byte {
            b'\n' => Some(at + 1),
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => Some(at + 1),
            _ => None,
        };
        Self { begins: std::iter::once(0).chain(bytes.iter().enumerate().filter_map(ends)).collect() }
    }

    /// The line of an offset, from 0.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.begins.partition_point(|begin| *begin <= offset).saturating_sub(1)
    }

    /// Where a line begins; the end of the text for a line past the last one.
    pub(super) fn begin(&self, text: &str, line: usize) -> usize {
        self.begins.get(line).copied().unwrap_or(text.len())
    }

    /// The number of lines.
    pub(super) fn count(&self) -> usize {
        self.begins.len()
    }

    /// A line without its line break.
    pub(super) fn text<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let range = self.begin(text, line)..self.begin(text, line + 1);
        text.get(range).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// The position of an offset.
    pub(super) fn position(&self, text: &str, offset: usize, encoding: Encoding) -> lsp::Position {
        let offset = floor(text, offset);
        let line = self.line(offset);
        let before = text.get(self.begin(text, line)..offset).unwrap_or_default();
        let character = match encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        lsp::Position { line: number(line), character: number(character) }
    }

    /// The positions of a range.
    pub(super) fn range(&self, text: &str, range: Range<usize>, encoding: Encoding) -> lsp::Range {
        let at = |offset| self.position(text, offset, encoding);
        lsp::Range { start: at(range.start), end: at(range.end) }
    }

    /// The offset of a position. A position after the end of its line is the end of the line.
    pub(super) fn offset(&self, text: &str, position: lsp::Position, encoding: Encoding) -> usize {
        let line = usize::try_from(position.line).unwrap_or(usize::MAX);
        if line >= self.count() {
            return text.len();
        }
        let begin = self.begin(text, line);
        let content = self.text(text, line);
        let mut left = usize::try_from(position.character).unwrap_or(usize::MAX);
        for (at, c) in content.char_indices() {
            let width = match encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
            };
            // A position inside of a character is before it.
            if left < width {
                return begin + at;
            }
            left -= width;
        }
        begin + content.len()
    }
}

/// The end of the character that an offset is in, or the offset itself between two characters.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_counted_in_the_units_of_the_client() {
        let text = "a: 1\r\n\u{1f511}é: x\rz";
        let lines = Lines::of(text);
        let at = |line, character, encoding| {
            let offset = lines.offset(text, lsp::Position { line, character }, encoding);
            (offset, text.get(offset..).unwrap().chars().next())
        };
        assert_eq!(lines.count(), 3);
        assert_eq!(at(1, 2, Encoding::Utf16).1, Some('é'));
        assert_eq!(at(1, 1, Encoding::Utf16).1, Some('\u{1f511}'), "the middle of a character");
        assert_eq!(at(1, 4, Encoding::Utf8).1, Some('é'));
        assert_eq!(at(1, 99, Encoding::Utf16).1, Some('\r'), "the end of the line");
        assert_eq!(at(2, 0, Encoding::Utf16).1, Some('z'));
        assert_eq!(at(9, 0, Encoding::Utf16), (text.len(), None));
    }

    proptest! {
        #[test]
        fn an_offset_and_its_position_are_the_same_place(text in "[a-z\r\n: é\u{1f511}]{0,40}") {
            let lines = Lines::of(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                for (offset, _) in text.char_indices() {
                    // A position cannot be between the two characters of a line break.
                    if text[..offset].ends_with('\r') && text[offset..].starts_with('\n') {
                        continue;
                    }
                    let position = lines.position(&text, offset, encoding);
                    prop_assert_eq!(lines.offset(&text, position, encoding), offset);
                }
            }
        }
    }
}
