//! `relctld`: see [`daemon`].

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::run::main(std::env::args_os())
}
