//! Rules: what they are read as, and what they make of ACLs.

use proptest::prelude::*;

use super::*;

fn map(text: &str) -> AclMap {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// An ACL from `scheme:id:perms`, separated by blanks.
fn acl(text: &str) -> Acl {
    Acl::new(text.split(' ').map(|entry| {
        let (scheme, rest) = entry.split_once(':').expect("scheme:id:perms");
        let (id, perms) = rest.rsplit_once(':').expect("scheme:id:perms");
        AclEntry { perms: perms.parse().expect("a number"), scheme: scheme.into(), id: id.into() }
    }))
}

#[track_caller]
fn maps(map: &AclMap, from: &str, to: &str) {
    assert_eq!(map.apply(&acl(from)), Some(acl(to)), "{from}");
}

#[test]
fn the_first_rule_that_fits_an_entry_is_the_one() {
    let map = map("# people\nsasl:bob -> digest:bob:hash=\n\n  sasl:*   ->   digest:* \nsasl:bob -> drop\n");
    maps(&map, "sasl:bob:31 sasl:eve:1 world:anyone:1", "digest:bob:hash=:31 digest:eve:1 world:anyone:1");
}

#[test]
fn what_no_rule_fits_stays_as_it_is() {
    let map = map("sasl:bob -> drop\nip:* -> world:anyone");
    for same in ["sasl:bo:31", "sasl:bobby:31 digest:bob:31", "auth:bob:1", "saslx:bob:1"] {
        maps(&map, same, same);
    }
    maps(&AclMap::default(), "sasl:bob:31", "sasl:bob:31");
}

#[test]
fn blanks_are_of_any_kind_and_an_arrow_without_them_is_part_of_an_id() {
    maps(&map("sasl:bob\t->\t sasl:a->b\r\nsasl:x->y -> sasl:z"), "sasl:bob:1 sasl:x->y:2", "sasl:a->b:1 sasl:z:2");
}

#[test]
fn an_acl_that_loses_every_entry_is_none() {
    let map = map("sasl:* -> drop\nx509:CN=a, OU=b -> drop");
    assert_eq!(map.apply(&acl("sasl:bob:31 sasl:eve:1")), None);
    let x509 = AclEntry { perms: 31, scheme: "x509".into(), id: "CN=a, OU=b".into() };
    assert_eq!(map.apply(&Acl::new([x509])), None);
    maps(&map, "sasl:bob:31 world:anyone:1", "world:anyone:1");
}

#[test]
fn entries_that_come_out_the_same_are_one() {
    let map = map("ip:* -> world:anyone");
    maps(&map, "ip:10.0.0.1:1 ip:10.0.0.2:1 ip:10.0.0.3:31", "world:anyone:1 world:anyone:31");
}

#[test]
fn a_hidden_id_is_resolved_by_its_own_rule_and_never_taken_over() {
    let exact = map("digest:bob:x -> digest:bob:hash=");
    maps(&exact, "digest:bob:x:31 digest:eve:x:31", "digest:bob:hash=:31 digest:eve:x:31");
    maps(&map("digest:* -> sasl:*"), "digest:bob:x:31 digest:bob:h=:1", "digest:bob:x:31 sasl:bob:h=:1");
    // Where the id is of no interest it may stay hidden.
    maps(&map("digest:* -> sasl:admin"), "digest:bob:x:31", "sasl:admin:31");
    assert_eq!(map("digest:* -> drop").apply(&acl("digest:bob:x:31")), None);
}

#[test]
fn refuses_what_is_no_rule_and_names_the_line() {
    for (line, why) in [
        ("sasl:bob", "no arrow"),
        ("sasl:bob->sasl:eve", "no arrow"),
        ("sasl:bob ->-> sasl:eve", "no arrow"),
        ("sasl:bob ->\t -> drop", "no colon"),
        ("sasl -> sasl:eve", "no colon"),
        ("sasl:bob -> dropped", "no colon"),
        ("sasl: -> sasl:eve", "missing"),
        (":bob -> sasl:eve", "missing"),
        ("sa sl:bob -> drop", "no blanks"),
        ("sasl:bob -> auth:", "missing"),
        ("sasl:bob -> auth:bob", "whoever writes"),
        ("sasl:* -> world:*", "anyone"),
        ("sasl:bob -> digest:bob:x", "hides"),
    ] {
        let error = format!("# one\n\n{line}").parse::<AclMap>().expect_err(line).to_string();
        assert!(error.starts_with("line 3: ") && error.contains(why), "{line}: {error}");
    }
    let many = "a:b -> drop\n".repeat(limits::ACL_MAP_RULES_MAX + 1);
    assert!(many.parse::<AclMap>().expect_err("too many").to_string().starts_with("line 1001: "));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn any_text_is_rules_that_print_as_they_read_or_an_error(
        text in "(#|(sasl|digest|world|auth|[a-c: ]{0,3}):[a-c*:> -]{0,4}( -> |->| )(drop|sasl:|digest:)[a-c*x:\u{a0} ]{0,3}\r?\n?){0,4}",
    ) {
        if let Ok(map) = text.parse::<AclMap>() {
            prop_assert_eq!(map.to_string().parse::<AclMap>(), Ok(map));
        }
    }
}
