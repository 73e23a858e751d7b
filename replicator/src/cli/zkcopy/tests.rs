//! zkcopy's command line in all of its forms.

use clap::Parser;

use super::*;
use crate::cli::{Action, Cli};

fn split(args: &[&str]) -> Vec<String> {
    let args = arguments(args.iter().map(OsString::from));
    args.into_iter().map(|arg| arg.into_string().expect("it was UTF-8")).collect()
}

fn parse(args: &[&str]) -> Result<ZkCopy, String> {
    let all = [&["/usr/bin/zkcopy", "-s", "a:1/x", "-t", "b:1/y"], args].concat();
    match Cli::try_parse_from(split(&all)).map_err(|error| error.to_string())?.command {
        Action::ZkCopy(zkcopy) => Ok(*zkcopy),
        _ => Err("another command".to_owned()),
    }
}

#[test]
fn flags_have_a_value_or_none_in_every_form() {
    for (args, copy_only, ignore) in [
        (&[][..], false, true),
        (&["-c"], true, true),
        (&["-i"], false, true),
        (&["-ci"], true, true),
        (&["-ic"], true, true),
        (&["-c", "true"], true, true),
        (&["-c", "FALSE"], false, true),
        (&["-c=true"], true, true),
        (&["-ctrue"], true, true),
        (&["-i", "false"], false, false),
        (&["-i=false"], false, false),
        (&["-ifalse"], false, false),
        (&["-ci=false"], true, false),
        (&["-cifalse"], true, false),
        (&["--copyOnly"], true, true),
        (&["--copyOnly", "true", "-i", "False"], true, false),
        (&["--copyOnly=false"], false, true),
        (&["--ignoreEphemeralNodes"], false, true),
        (&["--ignoreEphemeralNodes", "false"], false, false),
        (&["--ignoreEphemeralNodes=false", "--copyOnly", "-w", "5"], true, false),
        (&["-cw5"], true, true),
    ] {
        let zkcopy = parse(args).unwrap_or_else(|error| panic!("{args:?}: {error}"));
        assert_eq!((zkcopy.copy_only, zkcopy.ignore_ephemerals), (copy_only, ignore), "{args:?}");
    }
    for wrong in [&["-c", "maybe"][..], &["-c=maybe"], &["-cx"], &["--copyOnly=1"], &["-i", "-x"], &["-c", "-c"]] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_other_options_have_their_names_and_defaults() {
    let zkcopy = parse(&[]).expect("nothing more is needed");
    assert_eq!((zkcopy.workers, zkcopy.batch_size, zkcopy.mtime), (10, 1_000, -1));
    let options = zkcopy.options().expect("it is understood");
    assert_eq!(options.source.ensemble().expect("servers").session_timeout.as_millis(), 40_000);
    assert_eq!((options.newer_than_ms, options.update), (None, true));
    assert_eq!(options.ephemerals, EphemeralPolicy::LeftOut);

    let short = parse(&["-w", "100", "-b=7", "-m1700000000000"]).expect("short forms");
    let long = ["--workers", "100", "--batchSize=7", "--mtime", "1700000000000", "--timeout=9000"];
    let long = parse(&long).expect("long forms");
    for (zkcopy, timeout) in [(short, 40_000), (long, 9_000)] {
        assert_eq!(zkcopy.workers, 100);
        let options = zkcopy.options().expect("it is understood");
        assert_eq!((options.newer_than_ms, options.batch_ops_max), (Some(1_700_000_000_000), 7));
        assert_eq!(options.target.session_timeout.as_millis(), timeout);
    }
    assert_eq!(parse(&["-m", "-1"]).expect("its default").options().expect("understood").newer_than_ms, None);
    let without = Cli::try_parse_from(split(&["zkcopy", "-s", "a:1/x"]));
    assert!(without.is_err_and(|error| error.to_string().contains("--target")), "both are required");
}

#[test]
fn only_its_own_arguments_are_touched() {
    assert_eq!(split(&["zkreplicator", "copy", "-ci"]), ["zkreplicator", "copy", "-ci"]);
    assert_eq!(split(&["zkreplicator", "-v", "zkcopy", "-ci"]), ["zkreplicator", "-v", "zkcopy", "-c", "-i"]);
    assert_eq!(split(&["./zkcopy", "--help"]), ["./zkcopy", "zkcopy", "--help"]);
    assert_eq!(split(&["zkreplicator", "zkcopy", "-s", "c:1/i", "-"])[2..], ["-s", "c:1/i", "-"]);
    assert_eq!(split(&["zkreplicator"]), ["zkreplicator"]);
}
