//! What Linux tells of a process under `/proc`: its processor time and its memory.

use std::path::PathBuf;
use std::time::Duration;

use super::Result;

/// A process that runs.
pub struct Process(PathBuf);

/// Its memory in KiB.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All that is resident, with the pages of the program and its libraries.
    pub resident: u64,
    /// The most that was.
    pub peak: u64,
    /// What is resident and of no file: the heap and the stacks.
    pub anonymous: u64,
    /// What is resident, each page that others have as well divided by their number.
    pub share: u64,
}

impl Process {
    /// The one with this number.
    pub fn new(pid: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{pid}")))
    }

    /// This one.
    pub fn own() -> Self {
        Self::new(std::process::id())
    }

    /// Time that it has spent on a processor, in user and in kernel mode.
    pub fn processor(&self) -> Result<Duration> {
        /// What /proc counts in, on every Linux (USER_HZ).
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(self.0.join("stat"))?;
        // the name of the program, which may have blanks, is in parentheses; the two times are the 14th and 15th field
        let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u32>);
        let mut ticks = || -> Result<u32> { Ok(times.next().ok_or("no times")??) };
        Ok(TICK * (ticks()? + ticks()?))
    }

    /// Its memory at this moment.
    pub fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(self.0.join("status"))?;
        let rollup = std::fs::read_to_string(self.0.join("smaps_rollup"))?;
        Ok(Memory {
            resident: field(&status, "VmRSS:")?,
            peak: field(&status, "VmHWM:")?,
            anonymous: field(&status, "RssAnon:")?,
            share: field(&rollup, "Pss:")?,
        })
    }

    /// How many files it has open.
    pub fn files(&self) -> Result<usize> {
        Ok(std::fs::read_dir(self.0.join("fd"))?.count())
    }
}

fn field(text: &str, name: &str) -> Result<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let value = value.ok_or_else(|| format!("no {name}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}
