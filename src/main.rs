//! The flagline binary: arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    flagline::cli::main()
}
