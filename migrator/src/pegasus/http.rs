//! What a server answers by HTTP on its RPC port: each for itself, followers and replica servers too.
//!
//! The server knows GET and answers with a length (`src/http/http_server.cpp`), so a bounded GET is all that is needed.

use serde::Deserialize;

use super::record::Damage;
use crate::limits;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// 200, 307, 404.
    pub status: u16,
    /// Where else to ask: with 307 a follower names the primary.
    pub location: Option<String>,
    /// What was asked for.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The answer with this head and body.
    pub fn parse(head: &str, body: Vec<u8>) -> Result<Self, Damage> {
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.filter(|_| head.starts_with("HTTP/1."));
        let status = status.ok_or_else(|| Damage("an HTTP answer has no status".into()))?;
        Ok(Self { status, location: header(head, "location").map(str::to_owned), body })
    }
}

/// The bytes of a GET.
pub(super) fn get(server: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n\r\n").into_bytes()
}

/// How long the body is behind this head; within the limit.
pub fn content_length(head: &str) -> Result<usize, Damage> {
    let said = header(head, "content-length").ok_or_else(|| Damage("an HTTP answer without a length".into()))?;
    let length = said.parse().ok().filter(|length| *length <= limits::HTTP_BODY_BYTES_MAX);
    length.ok_or_else(|| Damage(format!("an HTTP answer says that it is {said:?} bytes long")))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The value in what `/config?name=NAME` answers: `{"name":...,"section":...,"value":...}` (`utils/flags.cpp:141-168`).
pub fn config_value(name: &str, body: &[u8]) -> Result<String, Damage> {
    #[derive(Deserialize)]
    struct Config {
        name: String,
        value: serde_json::Value,
    }
    // A name that it does not know is answered with status 200 too, and a sentence (`http/config_http_service.cpp`).
    let config: Config = serde_json::from_slice(body)
        .map_err(|_| Damage(format!("no value, but {:?}", String::from_utf8_lossy(&body[..body.len().min(200)]))))?;
    if config.name != name {
        return Err(Damage(format!("the value of {:?} was given for {name:?}", config.name)));
    }
    Ok(match config.value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    })
}

/// What `/version` answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Version {
    /// `2.6.0-SNAPSHOT`
    pub version: String,
    /// The commit that it was built from.
    pub git_commit: String,
}
