//! Reads files that people wrote, with one set of messages and a size limit.
//!
//! A folder, a pipe or a device is refused before it is opened: opening a pipe blocks until something writes to it.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::path::Path;

use thiserror::Error;

/// Why a file could not be read. No variant holds any of the file's content.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The path does not exist.
    #[error("it does not exist")]
    Missing,
    /// The path does not exist, and contains a `~` that a shell would have expanded.
    #[error("it does not exist; `~` is not expanded: write the full path")]
    Tilde,
    /// The permissions forbid reading it.
    #[error("permission denied")]
    Denied,
    /// It is a folder, a pipe, a device or a socket.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// It is larger than the limit, in bytes.
    #[error("it is too large: the limit is {}", size(*.0))]
    TooLarge(u64),
    /// It is text in another encoding.
    #[error(transparent)]
    Encoding(#[from] Encoding),
    /// Anything else.
    #[error(transparent)]
    Other(io::Error),
}

/// Why bytes are not UTF-8 text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Encoding {
    /// They are UTF-16 or UTF-32, as Windows PowerShell writes with `>`.
    #[error("it is {0}, not UTF-8; save it as UTF-8")]
    Wide(&'static str),
    /// One byte is wrong.
    #[error("byte {at} (0x{byte:02x}) is not UTF-8; save it as UTF-8")]
    NotUtf8 {
        /// Its offset.
        at: usize,
        /// The byte.
        byte: u8,
    },
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::IsADirectory => Self::NotAFile("a folder"),
            _ => Self::Other(error),
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Other(error) => error,
            error => Self::other(error.to_string()),
        }
    }
}

/// The bytes of a file, at most `limit` of them.
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let found = std::fs::metadata(path).map_err(|error| match ReadError::from(error) {
        ReadError::Missing if path.components().any(|part| part.as_os_str() == "~") => ReadError::Tilde,
        error => error,
    });
    regular(&found?, limit)?;
    let file = File::open(path)?;
    // The file may have been replaced in the meantime.
    regular(&file.metadata()?, limit)?;
    stream(file, limit)
}

/// The text of a file, without a byte-order mark.
pub fn text(path: &Path, limit: u64) -> Result<String, ReadError> {
    Ok(unmarked(exact(path, limit)?))
}

/// The unmodified text of a file, for callers that write it back.
pub fn exact(path: &Path, limit: u64) -> Result<String, ReadError> {
    decoded(bytes(path, limit)?)
}

/// The unmodified text of a stream.
pub fn stream_text(stream_of: impl Read, limit: u64) -> Result<String, ReadError> {
    decoded(stream(stream_of, limit)?)
}

fn stream(stream: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = stream.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > limit { Err(ReadError::TooLarge(limit)) } else { Ok(bytes) }
}

fn decoded(bytes: Vec<u8>) -> Result<String, ReadError> {
    match encoding(&bytes) {
        Some(encoding) => Err(encoding.into()),
        None => String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData).into()),
    }
}

/// Why bytes are not UTF-8 text, if they are not.
pub fn encoding(bytes: &[u8]) -> Option<Encoding> {
    if let Some(wide) = wide(bytes) {
        return Some(Encoding::Wide(wide));
    }
    let at = std::str::from_utf8(bytes).err()?.valid_up_to();
    Some(Encoding::NotUtf8 { at, byte: bytes.get(at).copied().unwrap_or_default() })
}

/// A text without its byte-order mark, which is not content.
pub fn unmarked(text: String) -> String {
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

fn wide(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("UTF-16"),
        _ => {}
    }
    // Without a mark: in Latin text every second byte is zero.
    let begin = bytes.get(..bytes.len().min(64)).unwrap_or_default();
    let (pairs, _) = begin.as_chunks::<2>();
    let wide = |zero: fn(&[u8; 2]) -> bool| pairs.len() >= 2 && pairs.iter().all(zero);
    (wide(|pair| pair[0] == 0 && pair[1] != 0) || wide(|pair| pair[0] != 0 && pair[1] == 0))
        .then_some("UTF-16")
}

fn regular(found: &Metadata, limit: u64) -> Result<(), ReadError> {
    if !found.is_file() {
        return Err(ReadError::NotAFile(kind(found.file_type())));
    }
    if found.len() > limit { Err(ReadError::TooLarge(limit)) } else { Ok(()) }
}

#[cfg(unix)]
fn kind(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match () {
        () if found.is_dir() => "a folder",
        () if found.is_fifo() => "a pipe",
        () if found.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn kind(found: FileType) -> &'static str {
    if found.is_dir() { "a folder" } else { "a device" }
}

fn size(bytes: u64) -> String {
    const KB: u64 = 1024;
    if bytes >= KB * KB { format!("{} MB", bytes / (KB * KB)) } else { format!("{} KB", bytes / KB) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        text(&path, 1024).map_or_else(|error| error.to_string(), |text| format!("read: {text}"))
    }

    #[test]
    fn a_mark_is_no_content_and_other_encodings_are_named() {
        let wide = |text: &str, mark: bool, big: bool| -> Vec<u8> {
            let mark = mark.then_some(0xfeff);
            let units = mark.into_iter().chain(text.encode_utf16());
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        for (mark, big) in [(true, true), (true, false), (false, true), (false, false)] {
            assert_eq!(refused(&wide("{\"a\": 1}", mark, big)), "it is UTF-16, not UTF-8; save it as UTF-8");
        }
        assert_eq!(refused(b"\xff\xfe\0\0{\0\0\0"), "it is UTF-32, not UTF-8; save it as UTF-8");
        assert_eq!(refused(b"caf\xe9"), "byte 3 (0xe9) is not UTF-8; save it as UTF-8");
        assert_eq!(refused("\u{feff}a\r\n".as_bytes()), "read: a\r\n");
        assert_eq!(refused(b""), "read: ");
    }

    #[test]
    fn only_files_are_read_and_never_more_than_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let error = |path: &Path| bytes(path, 2048).unwrap_err().to_string();
        assert_eq!(error(&path("none")), "it does not exist");
        assert_eq!(error(folder.path()), "it is a folder, not a file");
        std::fs::write(path("large"), [b'x'; 2049]).unwrap();
        assert_eq!(error(&path("large")), "it is too large: the limit is 2 KB");
        std::fs::write(path("fits"), [b'x'; 2048]).unwrap();
        assert_eq!(bytes(&path("fits"), 2048).unwrap().len(), 2048);
        assert!(matches!(stream_text(io::repeat(b'x'), 10), Err(ReadError::TooLarge(10))));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_a_device_and_a_socket_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| bytes(path, 2048).unwrap_err().to_string();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(error(&pipe), "it is a pipe, not a file");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(error(&socket), "it is a socket, not a file");
        assert_eq!(error(Path::new("/dev/zero")), "it is a device, not a file");
    }
}
