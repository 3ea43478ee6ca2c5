//! The flagline binary: arguments, runtime, exit code.

fn main() {}
