//! A certificate as JSON: the layout, and everything that is checked before a document is taken for a certificate.
//!
//! `version` changes when a field changes its meaning or goes. A field that this version does not know is refused, for
//! it may say what was compared.

use serde::{Deserialize, Serialize};

use super::{Certificate, CertifiedTree, Terms};
use crate::connect::{Chroot, ConnectString};
use crate::digest;
use crate::filter::Filter;
use crate::limits;
use crate::options::CounterPolicy;
use crate::report::Acls;
use crate::verify::{Summary, level};
use crate::znode::{ZnodePath, Zxid};

/// What says that a document is a certificate.
const FORMAT: &str = "zkreplicator certificate";

/// The layout below.
const VERSION: u32 = 1;

/// What every version has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
    #[serde(default)]
    tool: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    tool: String,
    time: String,
    verdict: Verdict,
    digest_algorithm: String,
    options: Options,
    source: Tree,
    target: Tree,
    subtrees: Vec<Part>,
}

/// There is no certificate of anything else.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Equal,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    acl: AclWord,
    include: Vec<String>,
    exclude: Vec<String>,
    counters: Counters,
    depth: usize,
}

/// As the command line calls it; a copy that leaves ACLs out leaves them out of its verify too.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AclWord {
    Preserve,
    Map,
    Ignore,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Counters {
    Compare,
    Ignore,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tree {
    connect: String,
    root: String,
    zxid: String,
    znodes: u64,
    bytes: u64,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    path: String,
    znodes: u64,
    bytes: u64,
    digest: String,
}

pub(super) fn json(certificate: &Certificate) -> String {
    let Certificate { tool, time, terms, source, target, subtrees } = certificate;
    let document = Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        tool: tool.clone(),
        time: time.clone(),
        verdict: Verdict::Equal,
        digest_algorithm: digest::ALGORITHM.to_owned(),
        options: terms.into(),
        source: source.into(),
        target: target.into(),
        subtrees: subtrees.iter().map(part).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("strings and numbers are always JSON");
    text.push('\n');
    text
}

/// Takes a document apart; the error is a sentence about it.
pub(super) fn parse(bytes: &[u8]) -> Result<Certificate, String> {
    if bytes.len() as u64 > limits::CERTIFICATE_BYTES_MAX {
        return Err(format!("it has more than {} bytes, and no certificate has", limits::CERTIFICATE_BYTES_MAX));
    }
    let header: Header =
        serde_json::from_slice(bytes).map_err(|error| format!("it is no certificate of zkreplicator: {error}"))?;
    if header.format != FORMAT {
        return Err(format!("it is no certificate of zkreplicator: its format is {:?}", header.format));
    }
    if header.version != VERSION {
        return Err(format!(
            "it has format version {}, and this program knows version {VERSION}; use the one that wrote it ({:?})",
            header.version, header.tool
        ));
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    document.check()
}

impl Document {
    fn check(self) -> Result<Certificate, String> {
        if self.digest_algorithm != digest::ALGORITHM {
            return Err(format!(
                "its digests are {:?}, and this program makes {:?}; use the one that wrote it ({:?})",
                self.digest_algorithm,
                digest::ALGORITHM,
                self.tool
            ));
        }
        humantime::parse_rfc3339(&self.time).map_err(|error| format!("time {:?}: {error}", self.time))?;
        let (source, target) = (self.source.check("source")?, self.target.check("target")?);
        if source.sum != target.sum {
            return Err("its source and its target are not equal: it was changed after it was written".to_owned());
        }
        let terms = self.options.check()?;
        if self.subtrees.len() > limits::SUBTREES_MAX {
            return Err(format!("it has more than {} subtrees, and no certificate has", limits::SUBTREES_MAX));
        }
        let subtrees = self.subtrees.into_iter().map(|part| part.check(terms.depth)).collect::<Result<Vec<_>, _>>()?;
        if !subtrees.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("its subtrees are not in order".to_owned());
        }
        Ok(Certificate { tool: self.tool, time: self.time, terms, source, target, subtrees })
    }
}

impl From<&Terms> for Options {
    fn from(terms: &Terms) -> Self {
        let Terms { acls, include, exclude, counters, depth } = terms.clone();
        let acl = match acls {
            Acls::Preserved => AclWord::Preserve,
            Acls::Mapped => AclWord::Map,
            Acls::NotRead => AclWord::Ignore,
        };
        let counters = match counters {
            CounterPolicy::Compare => Counters::Compare,
            CounterPolicy::Ignore => Counters::Ignore,
        };
        Self { acl, include, exclude, counters, depth }
    }
}

impl Options {
    fn check(self) -> Result<Terms, String> {
        let Self { acl, include, exclude, counters, depth } = self;
        if include.len() + exclude.len() > limits::CERTIFICATE_GLOBS_MAX {
            return Err(format!("it has more than {} globs, and no certificate has", limits::CERTIFICATE_GLOBS_MAX));
        }
        Filter::new(&include, &exclude).map_err(|error| error.to_string())?;
        let acls = match acl {
            AclWord::Preserve => Acls::Preserved,
            AclWord::Map => Acls::Mapped,
            AclWord::Ignore => Acls::NotRead,
        };
        let counters = match counters {
            Counters::Compare => CounterPolicy::Compare,
            Counters::Ignore => CounterPolicy::Ignore,
        };
        Ok(Terms { acls, include, exclude, counters, depth })
    }
}

impl From<&CertifiedTree> for Tree {
    fn from(tree: &CertifiedTree) -> Self {
        let CertifiedTree { connect, zxid, sum: Summary { znodes, bytes, digest } } = tree;
        Self {
            connect: connect.servers(),
            root: connect.chroot.as_str().to_owned(),
            zxid: zxid.to_string(),
            znodes: *znodes,
            bytes: *bytes,
            digest: digest.to_string(),
        }
    }
}

impl Tree {
    fn check(self, side: &str) -> Result<CertifiedTree, String> {
        let wrong = |why: String| format!("{side}: {why}");
        let servers: ConnectString = self.connect.parse().map_err(|error| wrong(format!("{error}")))?;
        if self.connect.contains('/') {
            return Err(wrong(format!("connect {:?} has a path, which belongs to root", self.connect)));
        }
        let chroot = Chroot::new(&self.root).map_err(|error| wrong(format!("{error}")))?;
        let zxid = parse_zxid(&self.zxid).ok_or_else(|| wrong(format!("{:?} is no zxid", self.zxid)))?;
        let sum = summary(self.znodes, self.bytes, &self.digest).map_err(wrong)?;
        Ok(CertifiedTree { connect: ConnectString { chroot, ..servers }, zxid, sum })
    }
}

fn part((path, sum): &(ZnodePath, Summary)) -> Part {
    let Summary { znodes, bytes, digest } = sum;
    Part { path: path.to_string(), znodes: *znodes, bytes: *bytes, digest: digest.to_string() }
}

impl Part {
    fn check(self, depth: usize) -> Result<(ZnodePath, Summary), String> {
        let is_path = self.path.strip_prefix('/').is_some_and(|names| names.split('/').all(|name| !name.is_empty()));
        if !is_path || level(&self.path) > depth {
            return Err(format!("{:?} is no root of a subtree down to depth {depth}", self.path));
        }
        let sum = summary(self.znodes, self.bytes, &self.digest).map_err(|why| format!("{:?}: {why}", self.path))?;
        Ok((ZnodePath::new(&self.path), sum))
    }
}

fn summary(znodes: u64, bytes: u64, digest: &str) -> Result<Summary, String> {
    let digest = digest.parse().map_err(|error| format!("{error}"))?;
    Ok(Summary { znodes, bytes, digest })
}

/// As `Display` writes it.
fn parse_zxid(text: &str) -> Option<Zxid> {
    let digits = text.strip_prefix("0x")?;
    let zxid = i64::from_str_radix(digits, 16).ok().map(Zxid)?;
    (zxid.to_string() == text).then_some(zxid)
}
