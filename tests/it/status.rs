//! The status line: at real terminals of all widths, in a log, and to who asks; what it waits for, and how far it is.

mod later_pass;
mod planned;

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::proxy::Direction;
use harness::{Proxy, load, shared_pair, tree, unique_root, until};
use nix::pty::{Winsize, openpty};

use crate::pace::{answer, asked, heard};
use crate::product::{Outcome, finish, run, zkreplicator};
use crate::quotas::set_quota;

const LIMIT: Duration = Duration::from_secs(60);
/// The escape sequence of the one color.
const YELLOW: &str = "\u{1b}[33m";

/// The program at a terminal.
struct Shown {
    child: Child,
    /// The program's end of the terminal, for who changes its size.
    slave: OwnedFd,
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Shown {
    /// It begins at a terminal that is so wide.
    fn begin(columns: u16, env: &[(&str, &str)], args: &[&str]) -> Result<Self, Box<dyn std::error::Error>> {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkreplicator-under-test"));
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command.args(args).env("TERM", "xterm").envs(env.iter().copied());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(terminal.slave.try_clone()?).spawn()?;
        let text = Arc::new(Mutex::new(Vec::new()));
        let (shown, mut master) = (Arc::clone(&text), std::fs::File::from(terminal.master));
        let reader = std::thread::spawn(move || {
            let mut some = [0; 4096];
            // A terminal whose other end is closed ends with an error.
            while let Ok(read @ 1..) = master.read(&mut some) {
                shown.lock().expect("nobody panics with it").extend_from_slice(&some[..read]);
            }
        });
        Ok(Self { child, slave: terminal.slave, text, reader })
    }

    /// What was shown until now, as it was written.
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("nobody panics with it")).into_owned()
    }

    /// All that was shown, when the program has ended well.
    fn end(self) -> Result<String, Box<dyn std::error::Error>> {
        let Self { mut child, slave, text, reader } = self;
        assert!(child.wait()?.success());
        drop(slave);
        reader.join().expect("the reader does not panic");
        let text = text.lock().expect("nobody panics with it");
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// What the program shows at a terminal that is so wide, as it was written to it.
fn seen(columns: u16, env: &[(&str, &str)], args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    Shown::begin(columns, env, args)?.end()
}

/// The lines that were drawn, without escape sequences.
fn drawn(shown: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = shown;
    while let Some((before, behind)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        // A sequence ends with a letter; it stands where a line is drawn anew, or where a color changes.
        let end = behind.find(|c: char| c.is_ascii_alphabetic()).map_or(behind.len(), |at| at + 1);
        rest = &behind[end..];
    }
    plain.push_str(rest);
    plain.split(['\r', '\n']).map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_line_fits_every_window_and_always_has_a_reason() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-width");
    load(&source.client().await?, &root, tree::small(1, 1_500)).await?;
    let from = source.at(&root);
    for (columns, has, lacks) in [
        (40, &["copy", "source held: at the rate"][..], &["read", "written", "kept", "/s"][..]),
        (80, &["copy", "/s", "read", "source held: at the rate"], &["written", "kept"]),
        (200, &["copy", "/s", "read", "written", "kept", "source held: at the rate that was set"], &[]),
    ] {
        let to = target.at(&format!("{root}-{columns}"));
        let args = ["copy", "--acl", "open", "--max-ops-per-second", "700", &from, &to];
        let shown = seen(columns, &[], &args)?;
        let lines = drawn(&shown);
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)), "{columns}: {lines:#?}");
        assert!(lines.iter().any(|line| has.iter().all(|part| line.contains(part))), "{columns}: {lines:#?}");
        assert!(lines.iter().all(|line| lacks.iter().all(|part| !line.contains(part))), "{columns}: {lines:#?}");
        assert!(shown.contains(YELLOW));
    }
    Ok(())
}

#[tokio::test]
async fn a_window_that_becomes_narrow_has_a_narrow_line() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-resize");
    load(&source.client().await?, &root, tree::small(1, 1_500)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["copy", "--acl", "open", "--max-ops-per-second", "500", &from, &to];
    let shown = Shown::begin(200, &[], &args)?;
    let is_wide = |line: &String| line.chars().count() > 100;
    until("a wide line", LIMIT, async || drawn(&shown.text()).iter().any(is_wide).then_some(())).await?;
    let resized = Command::new("stty").args(["cols", "60"]).stdin(shown.slave.try_clone()?).status()?;
    assert!(resized.success());
    let before = drawn(&shown.text()).len();
    let lines = drawn(&shown.end()?);
    // One may have been on its way.
    let later = &lines[(before + 1).min(lines.len() - 1)..];
    assert!(later.len() > 1 && later.iter().all(|line| line.chars().count() <= 60), "{lines:#?}");
    Ok(())
}

#[tokio::test]
async fn no_color_takes_color_away_and_a_terminal_that_obeys_nothing_has_no_line() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-color");
    load(&source.client().await?, &root, tree::small(1, 700)).await?;
    let from = source.at(&root);
    let copied = |name: &str, env: &[(&str, &str)], more: &[&str]| {
        let to = target.at(&format!("{root}-{name}"));
        let args = [&["copy", "--acl", "open", "--max-ops-per-second", "500", &from, &to], more].concat();
        seen(100, env, &args)
    };
    let shown = copied("plain", &[("NO_COLOR", "1")], &[])?;
    assert!(shown.contains("waits: ") || shown.contains("held: "), "{shown:?}");
    assert!(!shown.contains(YELLOW), "{shown:?}");
    assert_eq!(copied("dumb", &[("TERM", "dumb")], &[])?, "");
    assert_eq!(copied("never", &[], &["--progress", "never"])?, "");
    Ok(())
}

#[tokio::test]
async fn a_log_has_whole_lines_as_often_as_is_asked_for() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-log");
    load(&source.client().await?, &root, tree::small(1, 3_500)).await?;
    let (from, to) = (source.at(&root), target.at(&root));
    let args = ["copy", "--acl", "open", "--max-ops-per-second", "500", &from, &to];
    let began = Instant::now();
    let ran = run(&[&args[..], &["--progress", "always"]].concat()).await.expect(0);
    // One each 5 s, however long the machine takes.
    let most = began.elapsed().as_secs() / 5;
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(!lines.is_empty() && lines.len() as u64 <= most, "{most} at most: {lines:#?}");
    for line in lines {
        assert!(line.starts_with("zkreplicator: copy: ") && line.contains(" read, ") && line.contains("; "), "{line}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_side_that_is_slow_is_the_one_that_is_waited_for() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-waits");
    load(&source.client().await?, &root, tree::small(1, 30_000)).await?;
    for (side, wanted) in [("target", "waits: target acknowledgements"), ("source", "waits: source answers")] {
        let proxy = Proxy::start(if side == "target" { target } else { source }.address())?;
        let to = format!("{root}-{side}");
        let (from, to) = if side == "target" {
            proxy.bandwidth(Direction::ToServer, Some(400_000));
            (source.at(&root), proxy.at(&to))
        } else {
            proxy.bandwidth(Direction::ToClient, Some(400_000));
            (proxy.at(&root), target.at(&to))
        };
        let (mut child, mut said) = heard(&["copy", "--acl", "open", &from, &to]).await?;
        asked(&child, &mut said, &["copy: ", wanted]).await?;
        // From then on it is the only one: each line is told from another while.
        let mut lines = Vec::new();
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            lines.push(answer(&child, &mut said).await?);
        }
        assert!(lines.iter().all(|line| line.ends_with(&format!("; {wanted}"))), "{side}: {lines:#?}");
        child.kill().await?;
    }
    Ok(())
}

#[tokio::test]
async fn how_far_it_is_is_told_by_what_is_known_and_never_all_of_it() -> Outcome {
    let (source, target) = shared_pair().await?;
    let (root, counted) = (unique_root("status-far"), unique_root("status-quota"));
    let client = source.client().await?;
    load(&client, &root, tree::small(1, 3_000)).await?;
    load(&client, &counted, tree::small(1, 3_000)).await?;
    set_quota(&client, &counted, "count=100000,bytes=-1").await?;
    let rate = ["--acl", "open", "--max-ops-per-second", "1000"];

    // Nobody has counted: what the parents promise is a lower bound. The comparison behind a copy knows what was copied.
    let (from, to) = (source.at(&root), target.at(&root));
    let (child, mut said) = heard(&[&["copy", "--verify"], &rate[..], &[&from, &to]].concat()).await?;
    asked(&child, &mut said, &["copy: ", ", of at least "]).await?;
    asked(&child, &mut said, &["verify: ", " % of ~3,001"]).await?;
    // Whoever stands in the way of stderr holds the program up.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    finish(child).await.expect(0);

    // A quota has counted.
    let (from, to) = (source.at(&counted), target.at(&counted));
    let (mut child, mut said) = heard(&[&["copy"], &rate[..], &[&from, &to]].concat()).await?;
    asked(&child, &mut said, &["copy: ", " % of ~3,001"]).await?;
    child.kill().await?;
    // A part of it is not what was counted.
    let part = ["--include", "/0", "--update", "--max-ops-per-second", "50"];
    let (mut child, mut said) = heard(&[&["copy", "--acl", "open"], &part[..], &[&from, &to]].concat()).await?;
    asked(&child, &mut said, &["copy: ", ", of at least "]).await?;
    child.kill().await?;
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_asked_goes_on() -> Outcome {
    let (source, _) = shared_pair().await?;
    let root = unique_root("status-asked");
    load(&source.client().await?, &root, tree::small(1, 3_000)).await?;
    let proxy = Proxy::start(source.address())?;
    proxy.bandwidth(Direction::ToClient, Some(200_000));
    let (child, mut said) = heard(&["scan", "--acl", "ignore", &proxy.at(&root)]).await?;
    asked(&child, &mut said, &["scan: ", "waits: "]).await?;
    proxy.bandwidth(Direction::ToClient, None);
    tokio::time::timeout(LIMIT, finish(child)).await?.expect(0);
    Ok(())
}

/// One that was stopped with Ctrl-S, or that nobody reads. The thread that works used to write there itself, and never came
/// back from it.
#[tokio::test]
async fn a_terminal_that_takes_nothing_holds_up_no_copy() -> Outcome {
    let (source, target) = shared_pair().await?;
    let root = unique_root("status-deaf");
    load(&source.client().await?, &root, tree::small(1, 2_000)).await?;
    let directory = tempfile::tempdir()?;
    let fifo = directory.path().join("stderr");
    assert!(Command::new("mkfifo").arg(&fifo).status()?.success());
    let mut full = std::fs::File::options().read(true).write(true).open(&fifo)?;
    full.write_all(&vec![b'\n'; 64 << 10])?;
    let (from, to) = (source.at(&root), target.at(&root));
    let mut command = zkreplicator(&["copy", "--acl", "open", "--max-ops-per-second", "1000", &from, &to]);
    let child = command.stderr(full.try_clone()?).spawn()?;
    let client = target.client().await?;
    until("the copy to be under way", LIMIT, async || client.check_stat(&root).await.ok()?).await?;
    let pid = child.id().ok_or("it has ended")?.to_string();
    assert!(Command::new("kill").args(["-USR1", &pid]).status()?.success());
    finish(child).await.expect(0);
    Ok(())
}
