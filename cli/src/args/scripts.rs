//! Commands about relctl itself, for shells, scripts and readers.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// List what --json prints, or print the JSON Schema of one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl schema
  relctl schema publish > publish.schema.json")]
pub(crate) struct SchemaArgs {
    /// A name, such as publish or relctl/publish/v1
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl completions bash > ~/.local/share/bash-completion/completions/relctl
  relctl completions zsh > \"${fpath[1]}/_relctl\"
  relctl completions fish > ~/.config/fish/completions/relctl.fish
  relctl completions powershell | Out-String | Invoke-Expression")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Write the manual pages
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relctl man ~/.local/share/man/man1    # relctl.1, relctl-publish.1, ...
  relctl man | man -l -                 # read the first one")]
pub(crate) struct ManArgs {
    /// A folder for all pages; without it the first one is printed
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

/// Explain a command or a topic: exit-codes, environment, json
#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, such as `versions list`, or a topic
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(crate) about: Vec<String>,
}
