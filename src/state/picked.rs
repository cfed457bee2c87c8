//! The lines of the peers file that are read, from where on, and in which order.

use std::fs::File;
use std::io;
use std::mem;

use memchr::memrchr_iter;

use super::dir::read_all;
use crate::system::disk;

/// Largest peers file that is read, in bytes: several times what 10,000 peers take just before a fold.
const MAX_PEERS_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What is read of a file.
pub(super) struct Picked {
    /// Lines with their newlines; the last may have none.
    pub(super) lines: Vec<u8>,
    /// How many lines were passed over.
    pub(super) passed: usize,
    /// Where the last line ends.
    pub(super) end: u64,
}

impl Picked {
    /// All lines of a file from an offset on.
    pub(super) fn all(file: &File, offset: u64) -> io::Result<Self> {
        let (from, expected) = From::offset(file, offset)?;
        let lines = read_all(from, expected, MAX_PEERS_FILE_BYTES)?;
        Ok(Self { end: offset + lines.len() as u64, passed: 0, lines })
    }
}

/// The lines of a text without their newlines, the last one first.
pub(super) fn lines_back(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut end = text.len();
    memrchr_iter(b'\n', text).map(Some).chain([None]).map(move |newline| {
        let start = newline.map_or(0, |at| at + 1);
        &text[start..mem::replace(&mut end, newline.unwrap_or(0))]
    })
}

/// Reads a file from an offset without moving its cursor.
pub(super) struct From<'a> {
    file: &'a File,
    offset: u64,
}

impl<'a> From<'a> {
    /// From this offset on, and how much there is; too much is an error.
    pub(super) fn offset(file: &'a File, offset: u64) -> io::Result<(Self, u64)> {
        let length = file.metadata()?.len().saturating_sub(offset);
        if length > MAX_PEERS_FILE_BYTES {
            return Err(io::Error::other(format!(
                "it is larger than {MAX_PEERS_FILE_BYTES} bytes"
            )));
        }
        Ok((Self { file, offset }, length))
    }
}

impl io::Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = disk::read_at(self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
