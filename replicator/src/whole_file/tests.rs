use std::os::unix::fs::{FileTypeExt, symlink};

use super::*;

#[test]
fn what_is_no_regular_file_keeps_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for file in [Path::new("/dev/null"), &socket] {
        check(file).expect_err("it is no regular file");
    }
    write(&socket, "text", Existing::Replaced).expect_err("it is a socket");
    publish(&socket, "text").expect_err("it is a socket");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_written() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, file) = (directory.path().join("link"), elsewhere.path().join("file"));
    symlink(&file, &link).unwrap();
    check(&link).expect_err("it leads nowhere");
    fs::write(&file, "before").unwrap();
    check(&link).unwrap();
    for (text, written) in [("one", write(&link, "one", Existing::Replaced)), ("two", publish(&link, "two"))] {
        written.unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{text}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "two");
}

#[test]
fn one_file_is_known_by_all_its_names() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("file"), "").unwrap();
    fs::hard_link(path("file"), path("hard")).unwrap();
    symlink(path("file"), path("soft")).unwrap();
    for other in ["file", "./file", "hard", "soft"] {
        assert!(is_same(&path("file"), &path(other)), "{other}");
    }
    assert!(is_same(&path("new"), &path("./new")), "it is not there yet");
    assert!(!is_same(&path("new"), &path("newer")) && !is_same(&path("file"), &path("new")));
}
