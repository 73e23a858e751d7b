//! What a credentials line may be.

use super::*;

#[test]
fn reads_lines_and_passes_over_comments() {
    let auths = parse("file", "# both\n\ndigest:user:pa:ss \nsasl:token\n").unwrap_or_else(|error| panic!("{error}"));
    let expected = [("digest", "user:pa:ss"), ("sasl", "token")];
    let got: Vec<_> = auths.iter().map(|auth| (&*auth.scheme, &*auth.credentials)).collect();
    assert_eq!(got, expected);
}

#[test]
fn names_the_line_and_never_its_text() {
    for text in ["secret", "digest:secret", ":secret", "digest:", "world:secret"] {
        let Err(error) = parse("the-file", &format!("\n{text}")) else { panic!("{text} was taken") };
        let message = error.to_string();
        assert!(message.contains("the-file, line 2"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn hides_credentials_in_debug_output() {
    let auth = Auth { scheme: "digest".to_owned(), credentials: "user:secret".to_owned() };
    assert!(!format!("{auth:?}").contains("secret"));
}
