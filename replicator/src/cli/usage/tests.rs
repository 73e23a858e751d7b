//! Which words of clap's go into a document.

use super::*;

#[test]
fn what_is_wrong_stands_in_one_line_with_its_tips_and_without_the_usage() {
    let text = "error: unexpected argument '--verfy' found\n\n  tip: a similar argument exists: '--verify'\n\nUsage: x\n\n\
                For more information, try '--help'.\n";
    let line = "unexpected argument '--verfy' found; tip: a similar argument exists: '--verify'; --help has the usage";
    assert_eq!(in_one_line(text), line);
}
