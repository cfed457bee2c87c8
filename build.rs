//! Links what unwinds the stack into the program, where it would be a shared library of its own.
//!
//! To load `libgcc_s.so` takes a tenth of the time of a whole `p2p send`. The same code is in `libgcc_eh.a`, which comes
//! with every gcc. The standard library asks for `gcc_s` by name, so it is given one that leads there.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    let is_native = env::var("HOST")? == env::var("TARGET")?;
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_native
        && is_gnu
        && let Some(archive) = archive()
    {
        let dir = PathBuf::from(env::var("OUT_DIR")?);
        fs::write(dir.join("libgcc_s.so"), format!("INPUT({})\n", archive.display()))?;
        println!("cargo:rustc-link-arg-bins=-L{}", dir.display());
    }
    Ok(())
}

/// Where the archive is, if the compiler that links has it; without it all is as it would be.
fn archive() -> Option<PathBuf> {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let found = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let path = String::from_utf8(found.stdout).ok()?;
    let path = Path::new(path.trim_end());
    (path.is_absolute() && path.is_file()).then(|| path.to_owned())
}
