//! The options that every command takes.

use std::path::PathBuf;

use clap::Args;

use crate::ui::{Color, Ui, is_set};

/// Options of every command
#[derive(Args, Debug, Default)]
pub struct Global {
    /// Keep configuration and state in this directory
    #[arg(long, value_name = "DIR", global = true, help_heading = "Global options")]
    pub home: Option<PathBuf>,
    /// Read this configuration file
    #[arg(short, long, value_name = "FILE", global = true, help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Call ourselves this, in one word
    #[arg(long, value_name = "NAME", global = true, help_heading = "Global options")]
    pub name: Option<String>,
    /// Print one JSON object a line
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Say nothing but what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub quiet: bool,
    /// Say what is done, also without a terminal
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
    /// Use colours: auto (on a terminal, unless NO_COLOR is set), always, never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    #[arg(help_heading = "Global options", hide_possible_values = true, hide_default_value = true)]
    pub color: Color,
}

impl Global {
    /// How this invocation talks.
    pub fn ui(&self) -> Ui {
        let json = self.json || is_set("P2P_JSON");
        Ui::new(json, self.quiet, self.verbose, self.color)
    }
}
