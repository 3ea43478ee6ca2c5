//! The flagline binary: arguments, runtime, exit code; nothing else.

use std::process::ExitCode;

// A scan makes and drops many small things on all cores, for which the system's allocator takes locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    flagline::cli::main()
}
