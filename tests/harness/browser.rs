//! Chromium without a screen, for pages that people look at: what is in a page, how it is laid out, and pictures of it.
//!
//! Each call is a process of its own with a profile of its own, which goes with it; it reaches no network.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, io};

use serde_json::Value;
use tokio::process::Command;

use crate::Error;

/// What the program is called: Debian, older Ubuntus, Google.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// A page is small; a machine may be busy.
const LIMIT: Duration = Duration::from_secs(90);
/// Looks at a page in a frame of the width that is asked for: windows of their own can't be as narrow as a phone.
const MEASURE: &str = include_str!("browser/measure.html");

/// A browser on this machine.
#[derive(Clone, Debug)]
pub struct Browser(PathBuf);

/// What a page is shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A snap, or Ubuntu's script that calls one: it does not see the directories that tests work in.
fn is_snap(file: &Path) -> bool {
    let mut start = [0; 4096];
    let read = fs::File::open(file).and_then(|mut file| io::Read::read(&mut file, &mut start)).unwrap_or_default();
    let calls_one = start[..read].windows(9).any(|bytes| bytes == b"/snap/bin");
    calls_one || file.canonicalize().is_ok_and(|file| file.to_string_lossy().contains("/snap"))
}

impl Browser {
    /// Finds it on the `PATH`.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] with the command that installs it.
    pub fn find() -> Result<Self, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        let places = env::split_paths(&path).flat_map(|directory| NAMES.map(|name| directory.join(name)));
        places.into_iter().find(|file| file.is_file() && !is_snap(file)).map(Self).ok_or_else(|| Error::NotInstalled {
            what: "Chromium",
            places: format!("{} on PATH={}", NAMES.join(", "), path.to_string_lossy()),
        })
    }

    /// What `measure.html` finds out about a page that is `width` pixels wide.
    ///
    /// # Errors
    /// [`Error::Io`] if the browser can't be run, or does not say.
    pub async fn measure(&self, page: &Path, width: u32, scheme: Scheme) -> Result<Value, Error> {
        let framed = framed(page, width)?;
        let dom = self.run(&framed, scheme, (1_200, 1_000), &["--dump-dom"]).await?;
        let found = dom.split("data-found=\"").nth(1).and_then(|rest| rest.split('"').next());
        let found = found
            .map(|text| text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
        found.and_then(|json| serde_json::from_str(&json).ok()).ok_or_else(|| Error::Io {
            what: format!("measure {}: the browser said {dom:.300}", page.display()),
            source: io::ErrorKind::InvalidData.into(),
        })
    }

    /// A picture of a page in a window of that size; one narrower than a window can be stands in a frame.
    ///
    /// # Errors
    /// [`Error::Io`] if the browser can't be run.
    pub async fn picture(
        &self,
        page: &Path,
        scheme: Scheme,
        (width, height): (u32, u32),
        to: &Path,
    ) -> Result<(), Error> {
        let framed = if width < 500 { framed(page, width)? } else { page.to_owned() };
        let mut option = OsString::from("--screenshot=");
        option.push(to);
        self.run(&framed, scheme, (width.max(500), height), &[option, "--hide-scrollbars".into()]).await.map(drop)
    }

    /// The page as it is printed.
    ///
    /// # Errors
    /// [`Error::Io`] if the browser can't be run.
    pub async fn print(&self, page: &Path, to: &Path) -> Result<(), Error> {
        let mut option = OsString::from("--print-to-pdf=");
        option.push(to);
        self.run(page, Scheme::Light, (1_200, 1_000), &[option, "--no-pdf-header-footer".into()]).await.map(drop)
    }

    async fn run<S: AsRef<OsStr>>(
        &self,
        page: &Path,
        scheme: Scheme,
        window: (u32, u32),
        more: &[S],
    ) -> Result<String, Error> {
        let failed = |source| Error::Io { what: format!("run {}", self.0.display()), source };
        let profile = tempfile::tempdir().map_err(failed)?;
        let (width, height) = window;
        let mut command = Command::new(&self.0);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=5000",
            // Everything that is not a file is nowhere.
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ]);
        if scheme == Scheme::Dark {
            command.arg("--blink-settings=preferredColorScheme=0");
        } else {
            command.arg("--blink-settings=preferredColorScheme=1");
        }
        let mut data = OsString::from("--user-data-dir=");
        data.push(profile.path());
        command.arg(format!("--window-size={width},{height}")).arg(data).args(more).arg(page);
        command.env("HOME", profile.path()).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(LIMIT, command.output()).await;
        let output = output.map_err(|_elapsed| Error::Timeout { what: "the browser".to_owned(), limit: LIMIT })?;
        let output = output.map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(failed(io::Error::other(format!("{}: {said}", output.status))))
    }
}

/// The page in a frame, which is measured.
fn framed(page: &Path, width: u32) -> Result<PathBuf, Error> {
    let failed = |source| Error::Io { what: format!("frame {}", page.display()), source };
    let html = fs::read_to_string(page).map_err(failed)?;
    let html = html.replace('&', "&amp;").replace('"', "&quot;");
    let framed = page.with_extension(format!("{width}.html"));
    fs::write(&framed, MEASURE.replace("WIDTH", &width.to_string()).replace("PAGE", &html)).map_err(failed)?;
    Ok(framed)
}
