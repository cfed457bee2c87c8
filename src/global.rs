//! The options that every command takes.

use std::path::PathBuf;

use clap::Args;

use crate::ui::{Color, Ui, is_set};

/// Above the options of every command. They are the same everywhere, so the short help leaves them out.
const HEADING: &str = "Global options";

/// Options of every command
#[derive(Args, Debug, Default)]
pub struct Global {
    /// Keep configuration and state in this directory
    #[arg(long, value_name = "DIR", global = true, hide_short_help = true, help_heading = HEADING)]
    pub home: Option<PathBuf>,
    /// Read this configuration file
    #[arg(short, long, value_name = "FILE", global = true, hide_short_help = true, help_heading = HEADING)]
    pub config: Option<PathBuf>,
    /// Call ourselves this, in one word
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true, help_heading = HEADING)]
    pub name: Option<String>,
    /// Print one JSON object a line
    #[arg(long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub json: bool,
    /// Say nothing but what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", hide_short_help = true)]
    #[arg(help_heading = HEADING)]
    pub quiet: bool,
    /// Say what is done, also without a terminal
    #[arg(short, long, global = true, hide_short_help = true, help_heading = HEADING)]
    pub verbose: bool,
    /// Colours: auto, always, never [default: auto]
    ///
    /// auto: on a terminal, unless NO_COLOR is set.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    #[arg(hide_short_help = true, hide_possible_values = true, hide_default_value = true)]
    #[arg(help_heading = HEADING)]
    pub color: Color,
}

impl Global {
    /// How this invocation talks.
    pub fn ui(&self) -> Ui {
        let json = self.json || is_set("P2P_JSON");
        Ui::new(json, self.quiet, self.verbose, self.color)
    }
}
