//! What is understood of `--acl`.

use super::*;

fn joined(args: &str) -> String {
    let args = join_map_file(args.split(' ').map(OsString::from));
    args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[test]
fn takes_the_file_behind_map_and_nothing_behind_anything_else() {
    for (typed, understood) in [
        ("copy --acl map f a b", "copy --acl=map=f a b"),
        ("copy --acl=map f a b", "copy --acl=map=f a b"),
        ("copy --acl map=f a b", "copy --acl map=f a b"),
        ("copy --acl open a b", "copy --acl open a b"),
        ("copy a map b", "copy a map b"),
        ("copy a -- --acl map b", "copy a -- --acl map b"),
        // What comes behind is no file: clap says what is wrong.
        ("copy --acl map --verify a b", "copy --acl=map --verify a b"),
        ("copy a b --acl map", "copy a b --acl=map"),
    ] {
        assert_eq!(joined(typed), understood);
    }
}

#[test]
fn says_what_may_be_said() {
    assert!(matches!(copied("open"), Ok(Acl::Open)) && matches!(compared("ignore"), Ok(Acl::Open)));
    assert!(matches!(compared("map=f"), Ok(Acl::Map(file)) if file == Path::new("f")));
    for wrong in ["map", "map=", "ignore", ""] {
        assert!(copied(wrong).err().is_some_and(|why| why.contains("preserve, open, map FILE")), "{wrong}");
    }
    assert!(compared("open").err().is_some_and(|why| why.contains("preserve, ignore, map FILE")));
}
