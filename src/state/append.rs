//! Appends whole records to a file, so that neither a kill nor a full disk leaves half of one in the way.
//!
//! A torn last line of somebody else is ended by a newline first; a short write is taken back. The caller sees to
//! it that there is one writer at a time.

use std::fs::File;
use std::io;

use crate::system::disk;

/// Appends `records`, each ended by a newline, in one write. Afterwards the file has all of it or is as it was.
///
/// Gives the offset of the first byte after the records.
pub(super) fn append(file: &File, records: &[u8]) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let torn = length > 0 && last_byte(file, length)? != b'\n';
    let guarded;
    let bytes = if torn {
        guarded = [b"\n", records].concat();
        &guarded
    } else {
        records
    };
    let written = disk::write_at(file, bytes, length);
    match written {
        Ok(count) if count == bytes.len() => Ok(length + bytes.len() as u64),
        Ok(_) => take_back(file, length, io::ErrorKind::StorageFull.into()),
        Err(error) => take_back(file, length, error),
    }
}

fn take_back(file: &File, length: u64, error: io::Error) -> io::Result<u64> {
    file.set_len(length)?;
    Err(error)
}

fn last_byte(file: &File, length: u64) -> io::Result<u8> {
    let mut byte = [0];
    disk::read_exact_at(file, &mut byte, length - 1)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _, Write as _};

    fn content(mut file: &File) -> String {
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn records_follow_each_other() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(append(&file, b"one\n").unwrap(), 4);
        assert_eq!(append(&file, b"two\n").unwrap(), 8);
        assert_eq!(content(&file), "one\ntwo\n");
    }

    #[test]
    fn a_torn_tail_is_ended_before_the_next_record() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntw").unwrap();
        append(&file, b"three\n").unwrap();
        assert_eq!(content(&file), "one\ntw\nthree\n");
    }
}
