//! Filters against a naive model that tries everything.

use proptest::prelude::*;

use super::*;

fn filter(includes: &[&str], excludes: &[&str]) -> Filter {
    let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
    Filter::new(&owned(includes), &owned(excludes)).unwrap_or_else(|error| panic!("{error}"))
}

/// What becomes of each of these paths.
fn places(filter: &Filter, paths: &[&str]) -> Vec<Place> {
    paths.iter().map(|path| filter.place(&ZnodePath::new(path))).collect()
}

#[test]
fn takes_everything_when_nothing_is_said() {
    assert!(Filter::default().is_empty());
    assert_eq!(places(&Filter::default(), &["/", "/a", "/a/b"]), [Place::Taken; 3]);
}

#[test]
fn an_exclude_leaves_out_what_it_matches_and_all_below() {
    let filter = filter(&[], &["/a/*/c", "/tmp"]);
    let left_out = ["/a/b/c", "/a/x/c", "/a/b/c/d", "/tmp", "/tmp/x"];
    assert_eq!(places(&filter, &left_out), [Place::LeftOut; 5]);
    assert_eq!(places(&filter, &["/", "/a", "/a/b", "/a/b/cc", "/a/b/x/c", "/tmpx", "/b/tmp"]), [Place::Taken; 7]);
}

#[test]
fn an_include_takes_what_it_matches_and_all_below_and_enters_what_leads_there() {
    let filter = filter(&["/apps/*/config", "/lock"], &[]);
    let taken = ["/", "/lock", "/lock/x", "/apps/1/config", "/apps/1/config/a/b"];
    assert_eq!(places(&filter, &taken), [Place::Taken; 5]);
    assert_eq!(places(&filter, &["/apps", "/apps/1"]), [Place::OnTheWay; 2]);
    assert_eq!(places(&filter, &["/app", "/apps/1/data", "/backup"]), [Place::LeftOut; 3]);
}

#[test]
fn two_stars_stand_for_any_number_of_names() {
    let deep = filter(&["/**/config"], &[]);
    assert_eq!(places(&deep, &["/config", "/a/config", "/a/b/c/config/d"]), [Place::Taken; 3]);
    assert_eq!(places(&deep, &["/a", "/a/b", "/configs"]), [Place::OnTheWay; 3]);
    // At the end they stand for at least one: the znode itself is only on the way.
    let below = filter(&["/a/**"], &[]);
    assert_eq!(places(&below, &["/a", "/a/b", "/a/b/c"]), [Place::OnTheWay, Place::Taken, Place::Taken]);
    let emptied = filter(&[], &["/a/**"]);
    assert_eq!(places(&emptied, &["/a", "/a/b", "/a/b/c"]), [Place::Taken, Place::LeftOut, Place::LeftOut]);
    assert_eq!(places(&filter(&[], &["/**"]), &["/", "/a", "/a/b"]), [Place::Taken, Place::LeftOut, Place::LeftOut]);
}

#[test]
fn an_exclude_is_stronger_than_an_include() {
    let filter = filter(&["/a"], &["/a/b", "/**/tmp"]);
    assert_eq!(
        places(&filter, &["/a", "/a/c", "/a/b", "/a/c/tmp"]),
        [Place::Taken, Place::Taken, Place::LeftOut, Place::LeftOut]
    );
}

#[test]
fn names_that_paths_of_files_do_not_have_are_matched_like_any_other() {
    let filter = filter(&[], &["/**/...", "/x./*.", r"/names/\*", "/names/[!a]b", "/{a,b}c", "/中文/*"]);
    let left_out = ["/...", "/x/...", "/x./y.", "/names/*", "/names/xb", "/ac", "/bc", "/中文/子"];
    assert_eq!(places(&filter, &left_out), [Place::LeftOut; 8]);
    // A class crosses no slash either.
    assert_eq!(places(&filter, &["/names/x", "/names/x/b", "/names/ab", "/c", "/x./y"]), [Place::Taken; 5]);
}

#[test]
fn refuses_what_is_no_glob_and_names_it() {
    for (glob, why) in [
        ("", "start with /"),
        ("a/b", "start with /"),
        ("**/a", "start with /"),
        ("/", "root"),
        ("/a/", "empty part"),
        ("/a//b", "empty part"),
        ("/a[b", "unclosed"),
        ("/{a,b", "unclosed"),
        ("/{a/b,c}", "no slash"),
        ("/a}", "unopened"),
        ("/[b-a]", "range"),
        ("/a\\", "\\"),
    ] {
        let error = Filter::new(&["/fine".to_owned()], &[glob.to_owned()]).expect_err(glob).to_string();
        assert!(error.contains("--exclude") && error.contains(why), "{glob}: {error}");
    }
}

/// Names and patterns of an alphabet that is small enough to try everything.
const NAMES: [&str; 3] = ["a", "b", "ab"];

fn glob() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "ab", "*", "a*", "?", "**"]), 1..5)
}

fn matches_name(pattern: &str, name: &str) -> bool {
    match pattern {
        "*" => true,
        "a*" => name.starts_with('a'),
        "?" => name.len() == 1,
        literal => literal == name,
    }
}

/// Whether the whole glob matches the whole path.
fn matches(glob: &[&str], names: &[&str]) -> bool {
    match (glob, names) {
        ([], []) => true,
        (["**"], names) => !names.is_empty(),
        (["**", rest @ ..], names) => (0..=names.len()).any(|skipped| matches(rest, &names[skipped..])),
        ([pattern, rest @ ..], [name, below @ ..]) => matches_name(pattern, name) && matches(rest, below),
        _ => false,
    }
}

fn speaks_of(glob: &[&str], names: &[&str]) -> bool {
    (1..=names.len()).any(|end| matches(glob, &names[..end]))
}

/// Whether the glob speaks of something below: a glob of four parts matches within as many names more, if at all.
fn leads(glob: &[&str], names: &[&str]) -> bool {
    let mut paths = vec![names.to_vec()];
    (0..=glob.len()).any(|_| {
        paths = paths.iter().flat_map(|names| NAMES.map(|name| [&names[..], &[name]].concat())).collect();
        paths.iter().any(|names| speaks_of(glob, names))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn finds_the_place_that_trying_everything_finds(
        includes in prop::collection::vec(glob(), 0..3),
        excludes in prop::collection::vec(glob(), 0..3),
        names in prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..6),
    ) {
        let text = |globs: &[Vec<&str>]| globs.iter().map(|parts| format!("/{}", parts.join("/"))).collect::<Vec<_>>();
        let filter = Filter::new(&text(&includes), &text(&excludes)).unwrap_or_else(|error| panic!("{error}"));
        let expected = if excludes.iter().any(|glob| speaks_of(glob, &names)) {
            Place::LeftOut
        } else if includes.is_empty() || includes.iter().any(|glob| speaks_of(glob, &names)) {
            Place::Taken
        } else if includes.iter().any(|glob| leads(glob, &names)) {
            Place::OnTheWay
        } else {
            Place::LeftOut
        };
        prop_assert_eq!(filter.place(&ZnodePath::new(&format!("/{}", names.join("/")))), expected);
    }
}
