//! Files and directories: opened by their full path without following links, found again by their number.
//!
//! Who may open them is not looked at. What is below the profile of the user is closed to other users by Windows, and
//! nothing else is taken.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf, Prefix};

use winapi_util::file::information;

use crate::system::{Access, Facts, Unusable};

/// Whether others can read a file while it is locked.
pub const READS_LOCKED_FILES: bool = false;

/// Whether names of files can be made to survive a power cut.
pub const SYNCS_NAMES: bool = false;

/// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a link itself, not what it points to.
const OPEN_LINK: u32 = 0x0020_0000;

/// `FILE_ATTRIBUTE_REPARSE_POINT`: a link or the like.
const IS_LINK: u64 = 0x400;

/// A directory that is there, by its full path.
#[derive(Debug)]
pub struct Dir(PathBuf);

impl Dir {
    /// Opens a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let full = fs::canonicalize(path)?;
        if !full.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Self(full))
    }

    /// Sees to it that the directory is below the profile of the user, and on a disk of this machine, where locks can be
    /// trusted, unless a network is allowed.
    pub fn check(&self, _: &Path, allow_network: bool) -> Result<(), Unusable> {
        if !allow_network && self.is_network() {
            return Err(Unusable::Refused {
                why: "it is on a network file system, where locks are not safe",
                hint: Some(
                    "choose a local directory with --home, or set allow_network = true under [state]"
                        .to_owned(),
                ),
            });
        }
        let profile = std::env::home_dir().and_then(|home| fs::canonicalize(home).ok());
        if !profile.as_ref().is_some_and(|profile| self.0.starts_with(profile)) {
            return Err(Unusable::Refused {
                why: "it is not in your user profile, so others may be able to open it",
                hint: Some("choose a directory in %USERPROFILE% with --home".to_owned()),
            });
        }
        Ok(())
    }

    /// Opens a file in it: regular, with one link, and not through a link.
    pub fn file(&self, name: &str, _: &Path, access: Access) -> Result<File, Unusable> {
        let at = self.0.join(name);
        let open = |writes| {
            let mut options = OpenOptions::new();
            options.read(true).write(writes).create(access == Access::Make);
            options.custom_flags(OPEN_LINK).open(&at)
        };
        let opened = match open(access != Access::Read) {
            // what is there can be read although nothing can be written
            Err(error)
                if error.kind() == ErrorKind::ReadOnlyFilesystem && access == Access::Write =>
            {
                open(false)
            }
            opened => opened,
        };
        let file = match opened {
            Ok(file) => file,
            Err(_) if fs::symlink_metadata(&at).is_ok_and(|found| found.is_dir()) => {
                return Err(Unusable::refused("it is a directory"));
            }
            Err(error) => return Err(error.into()),
        };
        let found = information(&file)?;
        if found.file_attributes() & IS_LINK != 0 {
            Err(Unusable::refused("it is a symbolic link"))
        } else if found.number_of_links() > 1 {
            Err(Unusable::refused("it has more than one link"))
        } else {
            Ok(file)
        }
    }

    /// Whether this open file is the one that has this name.
    pub fn holds(&self, name: &str, file: &File) -> io::Result<bool> {
        let opened = OpenOptions::new().read(true).custom_flags(OPEN_LINK).open(self.0.join(name));
        match opened {
            Ok(there) => Ok(facts(&there)?.identity == facts(file)?.identity),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Replaces one file by another, so that a reader sees the one or the other. If somebody has the other one open, this
    /// takes Windows 10 and NTFS.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    /// Does nothing: Windows writes the names of files to the disk when it likes.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// A drive letter that stands for a share is a share in the full path.
    fn is_network(&self) -> bool {
        let Some(Component::Prefix(prefix)) = self.0.components().next() else { return false };
        matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
    }
}

/// Makes a directory, and those above it that are missing.
pub fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a file; it must not be there.
pub fn make_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Which file this is, and how long.
pub fn facts(file: &File) -> io::Result<Facts> {
    let found = information(file)?;
    let identity = (found.volume_serial_number(), found.file_index());
    Ok(Facts { identity, length: found.file_size() })
}

/// Reads some bytes from an offset on; gives how many. Like all that reads and writes here it moves the file's position.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// Fills the buffer from an offset on.
pub fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Writes at an offset, in one write; gives how many bytes were written.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

/// Writes all of it at an offset.
pub fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            count => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Windows does not tell who holds a lock.
pub fn lock_holder(_: &File) -> Option<u32> {
    None
}
