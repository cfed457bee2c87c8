//! Where configuration, state and key are: one home directory, or the XDG base directories, or those of the system.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::exit::{Code, Failure};
use crate::global::Global;
use crate::system::Folder;
use crate::system::machine::{NO_FOLDER, folder};

/// Where configuration, state and key are.
#[derive(Debug)]
pub struct Paths {
    /// The configuration file.
    pub config: PathBuf,
    /// Whether it was named by a flag or the environment, so that it has to exist.
    pub config_asked_for: bool,
    /// The state directory.
    pub state: PathBuf,
    /// The directory of the secret key.
    pub data: PathBuf,
}

impl Paths {
    /// Finds them: `--home`, `P2P_HOME`, else the XDG base directories.
    pub fn find(global: &Global) -> Result<Self, Failure> {
        let home = global.home.clone().or_else(|| variable("P2P_HOME").map(PathBuf::from));
        let asked_for = global.config.clone().or_else(|| variable("P2P_CONFIG").map(PathBuf::from));
        let (config, state, data) = match home {
            Some(home) => (home.join("config.toml"), home.clone(), home),
            None => {
                let config = base("XDG_CONFIG_HOME", Folder::Config)?;
                let state = base("XDG_STATE_HOME", Folder::State)?;
                let data = base("XDG_DATA_HOME", Folder::Data)?;
                (config.join("p2p/config.toml"), state.join("p2p"), data.join("p2p"))
            }
        };
        let config_asked_for = asked_for.is_some();
        Ok(Self { config: asked_for.unwrap_or(config), config_asked_for, state, data })
    }
}

/// What makes a p2p that we start use the same home, whatever our flags were.
pub fn environment(global: &Global) -> Vec<(&'static str, OsString)> {
    let chosen = [("P2P_HOME", &global.home), ("P2P_CONFIG", &global.config)];
    let chosen = chosen.into_iter().filter_map(|(name, flag)| {
        let path = flag.clone().or_else(|| variable(name).map(PathBuf::from))?;
        let path = std::path::absolute(&path).unwrap_or(path);
        Some((name, path.into_os_string()))
    });
    chosen.collect()
}

/// An XDG base directory, else what the system has in its place; relative paths are ignored, as its specification says.
fn base(name: &str, usual: Folder) -> Result<PathBuf, Failure> {
    let given = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| folder(usual)).ok_or_else(|| {
        Failure::new(Code::Config, format!("cannot find a home directory: {NO_FOLDER}"))
            .hint("name one: p2p --home DIR …")
    })
}

/// A variable of the environment that is set to something.
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
