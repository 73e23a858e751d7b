//! What becomes of a command line that can't be understood where JSON was asked for: both programs write one document then,
//! as ever.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Why a command line could not be understood, in one line; `None` where nobody has asked for JSON, or nothing is wrong with it
/// (`--help`). What clap could not parse is looked at as it was typed.
pub fn asked_as_json(arguments: &[OsString], error: &clap::Error) -> Option<String> {
    let typed = |pair: &[OsString]| pair[0] == "--format" && pair[1] == "json";
    let asked = arguments.iter().any(|argument| argument == "--format=json") || arguments.windows(2).any(typed);
    (asked && error.use_stderr()).then(|| in_one_line(&error.to_string()))
}

/// The same error with a tip, where the servers of one tree were typed as several words.
pub fn with_tips(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let is_torn =
        |argument: &OsString| argument.to_str().is_some_and(|argument| argument.len() > 1 && argument.ends_with(','));
    if error.kind() == ErrorKind::UnknownArgument && arguments.iter().any(is_torn) {
        let tip = "the servers of one tree are one word, with commas and no spaces between them: zk1:2181,zk2:2181/a";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// What is wrong and the tips, without the usage.
fn in_one_line(text: &str) -> String {
    let parts = text.split("\n\n").take_while(|part| !part.starts_with("Usage:") && !part.starts_with("For more"));
    let parts = parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let text = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    format!("{}; --help has the usage", text.strip_prefix("error: ").unwrap_or(&text))
}

#[cfg(test)]
mod tests;
