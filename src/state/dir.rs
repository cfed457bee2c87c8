//! Opens the state directory and the files in it, and refuses what is not ours.
//!
//! Files are regular, 0600, ours, with one link, and never reached through a symbolic link; anything else is left
//! untouched. The directory is ours and nobody else may write to it.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::exit::{Code, Failure, OrFail as _};

/// Whether a file is to be made if it is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Make it, empty.
    Create,
    /// Say that it is missing.
    Leave,
}

/// An open state directory.
#[derive(Debug)]
pub struct StateDir {
    fd: File,
    path: PathBuf,
}

impl StateDir {
    /// Opens the directory if it exists.
    ///
    /// Fails if it is not ours, others may write to it, or it is on a network file system, where locks cannot be
    /// trusted (cargo#2615), unless that is allowed.
    pub fn open(path: &Path, allow_network: bool) -> Result<Option<Self>, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(cannot("open", path, error)),
        };
        let dir = Self { fd, path: path.to_owned() };
        dir.check(allow_network)?;
        Ok(Some(dir))
    }

    /// Opens the directory, and makes it (0700) if it is missing.
    pub fn create(path: &Path, allow_network: bool) -> Result<Self, Failure> {
        if let Some(dir) = Self::open(path, allow_network)? {
            return Ok(dir);
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| cannot("make", path, error))?;
        Self::open(path, allow_network)?.ok_or_else(|| cannot("open", path, Errno::NOENT))
    }

    /// The path of a file in it, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file for reading and writing; a missing one that is not to be made is `None`.
    pub fn file(&self, name: &str, missing: Missing) -> Result<Option<File>, Failure> {
        let create = if missing == Missing::Create { OFlags::CREATE } else { OFlags::empty() };
        self.open_checked(name, OFlags::RDWR | create)
    }

    /// Opens a file for reading only; a missing one is `None`.
    pub fn readable_file(&self, name: &str) -> Result<Option<File>, Failure> {
        self.open_checked(name, OFlags::RDONLY)
    }

    /// Makes a file anew, whatever was there before under this name.
    pub fn fresh_file(&self, name: &str) -> Result<File, Failure> {
        let file = self.open_checked(name, OFlags::RDWR | OFlags::CREATE)?;
        let file = file.ok_or_else(|| cannot("make", &self.path_of(name), Errno::NOENT))?;
        file.set_len(0).map_err(|error| cannot("empty", &self.path_of(name), error))?;
        Ok(file)
    }

    /// Whether this open file is the one that has this name.
    pub fn holds(&self, name: &str, file: &File) -> io::Result<bool> {
        let here = rustix::fs::fstat(file)?;
        match rustix::fs::statat(&self.fd, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces one file by another, so that a reader sees the one or the other, and makes that last.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to)?;
        self.sync()
    }

    /// Sees to it that the names of its files survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.fd.sync_all()
    }

    /// Removes a file that may be missing.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn open_checked(&self, name: &str, flags: OFlags) -> Result<Option<File>, Failure> {
        // without NONBLOCK a FIFO in the place of a file would hang the command
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let path = self.path_of(name);
        let open = |flags| rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR);
        let opened = match open(flags) {
            // what is there can be read although nothing can be written
            Err(Errno::ROFS) if !flags.contains(OFlags::CREATE) => open(flags - OFlags::RDWR),
            opened => opened,
        };
        let fd = match opened {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(refuse(&path, "it is a symbolic link")),
            Err(Errno::ISDIR) => return Err(refuse(&path, "it is a directory")),
            Err(Errno::NXIO) => return Err(refuse(&path, "it is not a regular file")),
            Err(error) => return Err(cannot("open", &path, error)),
        };
        let stat = rustix::fs::fstat(&fd).or_fail(Code::State)?;
        check_file(&path, &stat)?;
        Ok(Some(File::from(fd)))
    }

    fn check(&self, allow_network: bool) -> Result<(), Failure> {
        let stat = rustix::fs::fstat(&self.fd).or_fail(Code::State)?;
        let shown = self.path.display();
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(refuse(&self.path, "it belongs to another user"));
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(refuse(&self.path, "other users can write to it")
                .hint(format!("chmod go-w '{shown}'")));
        }
        if !allow_network && is_network(&self.fd) {
            return Err(refuse(
                &self.path,
                "it is on a network file system, where locks are not safe",
            )
            .hint(
                "choose a local directory with --home, or set allow_network = true under [state]",
            ));
        }
        Ok(())
    }
}

fn check_file(path: &Path, stat: &Stat) -> Result<(), Failure> {
    let shown = path.display();
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        Err(refuse(path, "it is not a regular file"))
    } else if stat.st_uid != rustix::process::geteuid().as_raw() {
        Err(refuse(path, "it belongs to another user"))
    } else if stat.st_nlink > 1 {
        Err(refuse(path, "it has more than one link"))
    } else if stat.st_mode & 0o077 != 0 {
        Err(refuse(path, "other users can open it").hint(format!("chmod 600 '{shown}'")))
    } else {
        Ok(())
    }
}

/// Reads what a file holds, about `expected` bytes; more than `max_bytes` is an error, not a cut.
pub(super) fn read_all(file: impl io::Read, expected: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    // one more than there is, so that the end is found without growing
    let capacity = expected.min(max_bytes) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("it is larger than {max_bytes} bytes")));
    }
    Ok(bytes)
}

#[cfg(target_os = "linux")]
fn is_network(dir: &File) -> bool {
    /// NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph, 9P: the magic numbers of statfs(2).
    const NETWORK: [u32; 8] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x5346_414f,
        0x7375_7245,
        0x00c3_6400,
        0x0102_1997,
    ];
    rustix::fs::fstatfs(dir)
        .is_ok_and(|fs| NETWORK.iter().any(|&magic| i128::from(magic) == i128::from(fs.f_type)))
}

#[cfg(not(target_os = "linux"))]
fn is_network(_: &File) -> bool {
    false
}

/// Something that is in the place of what we would use.
pub(super) fn refuse(path: &Path, why: &str) -> Failure {
    Failure::new(Code::State, anyhow!("cannot use {}: {why}", path.display()))
}

/// A failed operation on a path of the state directory.
pub(super) fn cannot(verb: &str, path: &Path, error: impl Into<io::Error>) -> Failure {
    Failure::new(Code::State, anyhow!("cannot {verb} {}: {}", path.display(), error.into()))
}
