//! `zkmigrator`: one call into the library's command line.

fn main() -> std::process::ExitCode {
    migrator::cli::main()
}
