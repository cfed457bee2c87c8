//! Files and directories: opened without following links, ours alone, found again by their number.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::system::{Access, Facts, Unusable};

/// Whether others can read a file while it is locked.
pub const READS_LOCKED_FILES: bool = true;

/// Whether names of files can be made to survive a power cut.
pub const SYNCS_NAMES: bool = true;

/// An open directory.
#[derive(Debug)]
pub struct Dir(File);

impl Dir {
    /// Opens a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?.into()))
    }

    /// Sees to it that the directory is ours and nobody else may write to it, and that it is on a disk of this machine,
    /// where locks can be trusted (cargo#2615), unless a network is allowed. `path` is for the hint.
    pub fn check(&self, path: &Path, allow_network: bool) -> Result<(), Unusable> {
        let stat = rustix::fs::fstat(&self.0)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(Unusable::refused("it belongs to another user"));
        }
        if stat.st_mode & 0o022 != 0 {
            let hint = Some(format!("chmod go-w '{}'", path.display()));
            return Err(Unusable::Refused { why: "other users can write to it", hint });
        }
        if !allow_network && is_network(&self.0) {
            return Err(Unusable::Refused {
                why: "it is on a network file system, where locks are not safe",
                hint: Some(
                    "choose a local directory with --home, or set allow_network = true under [state]"
                        .to_owned(),
                ),
            });
        }
        Ok(())
    }

    /// Opens a file in it: regular, ours, with one link, not open to others, and not through a symbolic link. `path` is
    /// for the hint.
    pub fn file(&self, name: &str, path: &Path, access: Access) -> Result<File, Unusable> {
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::RDWR,
            Access::Make => OFlags::RDWR | OFlags::CREATE,
        };
        // without NONBLOCK a FIFO in the place of a file would hang the command
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let open = |flags| rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR);
        let opened = match open(flags) {
            // what is there can be read although nothing can be written
            Err(Errno::ROFS) if access != Access::Make => open(flags - OFlags::RDWR),
            opened => opened,
        };
        let fd = match opened {
            Ok(fd) => fd,
            Err(Errno::LOOP) => return Err(Unusable::refused("it is a symbolic link")),
            Err(Errno::ISDIR) => return Err(Unusable::refused("it is a directory")),
            Err(Errno::NXIO) => return Err(Unusable::refused("it is not a regular file")),
            Err(error) => return Err(error.into()),
        };
        check_file(path, &rustix::fs::fstat(&fd)?)?;
        Ok(fd.into())
    }

    /// Whether this open file is the one that has this name.
    pub fn holds(&self, name: &str, file: &File) -> io::Result<bool> {
        let here = rustix::fs::fstat(file)?;
        match rustix::fs::statat(&self.0, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces one file by another, so that a reader sees the one or the other.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Sees to it that the names of its files survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }
}

/// Makes a directory that is open to us alone, and those above it that are missing.
pub fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a file that is open to us alone; it must not be there.
pub fn make_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Which file this is, and how long.
pub fn facts(file: &File) -> io::Result<Facts> {
    let stat = file.metadata()?;
    Ok(Facts { identity: (stat.dev(), stat.ino()), length: stat.len() })
}

/// Reads some bytes from an offset on; gives how many.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Fills the buffer from an offset on.
pub fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Writes at an offset, in one write; gives how many bytes were written.
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Writes all of it at an offset.
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// The process that holds the lock of a file, as the kernel tells it (Linux: `/proc/locks`).
pub fn lock_holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino();
    let table = std::fs::read_to_string("/proc/locks").ok()?;
    let line = table.lines().find(|l| l.contains("FLOCK") && l.contains(&format!(":{inode} ")))?;
    line.split_whitespace().nth(4)?.parse().ok().filter(|&pid| pid != 0)
}

fn check_file(path: &Path, stat: &Stat) -> Result<(), Unusable> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        Err(Unusable::refused("it is not a regular file"))
    } else if stat.st_uid != rustix::process::geteuid().as_raw() {
        Err(Unusable::refused("it belongs to another user"))
    } else if stat.st_nlink > 1 {
        Err(Unusable::refused("it has more than one link"))
    } else if stat.st_mode & 0o077 != 0 {
        let hint = Some(format!("chmod 600 '{}'", path.display()));
        Err(Unusable::Refused { why: "other users can open it", hint })
    } else {
        Ok(())
    }
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

#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "openbsd"
))]
fn is_network(dir: &File) -> bool {
    /// `MNT_LOCAL` of statfs(2).
    const LOCAL: i128 = 0x1000;
    rustix::fs::fstatfs(dir).is_ok_and(|fs| i128::from(fs.f_flags) & LOCAL == 0)
}

/// Other systems do not tell.
#[cfg(not(any(
    target_os = "linux",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "openbsd"
)))]
fn is_network(_: &File) -> bool {
    false
}
