//! The dialect as the server reads it, and edits that change nothing else.

use proptest::prelude::*;

use super::{ConfigFile, HOSTS_LIST, META_SERVER, RECOVER, START_LEVEL, ZOOKEEPER};

fn parse(text: &str) -> ConfigFile {
    ConfigFile::parse(text).unwrap()
}

fn parse_error(text: &str) -> String {
    ConfigFile::parse(text).expect_err(text).to_string()
}

fn get<'a>(file: &'a ConfigFile, section: &str, key: &str) -> Option<&'a str> {
    file.get(section, key).unwrap()
}

fn set_error(text: &str, value: &str) -> String {
    parse(text).with_value(ZOOKEEPER, HOSTS_LIST, value).expect_err(text).to_string()
}

fn hosts(text: &str, value: &str) -> String {
    let edited = parse(text).with_value(ZOOKEEPER, HOSTS_LIST, value).unwrap();
    assert_eq!(get(&edited, ZOOKEEPER, HOSTS_LIST), Some(value));
    String::from_utf8(edited.bytes().to_vec()).unwrap()
}

#[test]
fn reads_keys_by_the_servers_rules() {
    let file = parse(
        "; head\r\n\t[ a ] behind the bracket\r\n  k1 = v 1 # c\r\nk2=x=y;c\nk3\nk4 =\n k5 = a^#b^;c\n\n[b]\nk1 = 2\n k6 = # c",
    );
    assert_eq!(get(&file, "a", "k1"), Some("v 1"));
    assert_eq!(get(&file, "a", "k2"), Some("x=y"));
    assert_eq!(get(&file, "a", "k3"), Some(""));
    assert_eq!(get(&file, "a", "k4"), Some(""));
    assert_eq!(get(&file, "b", "k1"), Some("2"));
    assert_eq!(get(&file, "b", "k6"), Some(""));
    assert_eq!(get(&file, "a", "nothing"), None);
    assert_eq!(get(&file, "nothing", "k1"), None);
    assert!(file.get("a", "k5").unwrap_err().why.contains("line 7 holds an escape"));
    assert_eq!(file.notes(), [""; 0]);
}

#[test]
fn an_escape_is_part_of_a_name_too() {
    let file = parse("[a^#b]\nk = 1\n^#x = 2\n");
    assert_eq!(get(&file, "a#b", "k"), Some("1"));
    assert!(file.get("a#b", "#x").is_err());
}

#[test]
fn refuses_what_the_server_does_not_load() {
    assert_eq!(parse_error(""), "config file: parse: it is empty");
    assert_eq!(parse_error("# c\nk = 1\n"), "config file: parse: line 2: a key stands before the first section");
    assert!(parse_error("[a\n").contains("line 1: the section's ] is missing"));
    assert!(parse_error("[a # ]\n").contains("line 1: the section's ] is missing"));
    assert!(parse_error("[ ]\n").contains("line 1: the section has no name"));
    assert!(parse_error("[a] b = c\n").contains("line 1: a line that starts with [ holds ="));
    assert!(parse_error("[a]\n = c\n").contains("line 2: a key is missing before ="));
    assert!(parse_error("[a]\n[b]\n[a]\n").contains("line 3: section [a] is there since line 1"));
    assert!(parse_error("\u{feff}[a]\n").contains("line 1: a key stands before"));
    assert!(parse_error("[a]\n#\0\n").contains("line 2: it holds NUL"));
}

#[test]
fn says_which_keys_are_there_twice_and_reads_the_first() {
    let file = parse("[a]\nk = 1\nk = 2\n k = 3\n");
    assert_eq!(get(&file, "a", "k"), Some("1"));
    assert_eq!(
        file.notes(),
        [
            "line 3: [a] k is there since line 2; the server reads the first",
            "line 4: [a] k is there since line 2; the server reads the first"
        ]
    );
}

#[test]
fn says_that_the_documents_section_is_never_read() {
    let text = "[meta_server]\nhosts_list = a:1\n[zookeeper]\ntimeout_ms = 1\n";
    let notes = parse(text).notes();
    assert!(notes[0].starts_with("line 2: [meta_server] hosts_list is never read"), "{notes:?}");
    let error = set_error(text, "b:1");
    assert!(error.contains("set [zookeeper] hosts_list: it is not in the file (line 2: [meta_server]"), "{error}");
}

#[test]
fn only_the_values_bytes_change() {
    assert_eq!(
        hosts("[zookeeper]\n  hosts_list =  a:1,b:2 \t# c\nx\n", "c:3"),
        "[zookeeper]\n  hosts_list =  c:3 \t# c\nx\n"
    );
    assert_eq!(hosts("[zookeeper]\r\nhosts_list=a:1\r\n", "c:3"), "[zookeeper]\r\nhosts_list=c:3\r\n");
    assert_eq!(hosts("[zookeeper]\nhosts_list=a:1", "c:3/x"), "[zookeeper]\nhosts_list=c:3/x");
    assert_eq!(hosts("[zookeeper]\nhosts_list=a;c", "c:3"), "[zookeeper]\nhosts_list=c:3;c");
    assert_eq!(hosts("[zookeeper]\nhosts_list =\r\n", "c:3"), "[zookeeper]\nhosts_list =c:3\r\n");
    assert_eq!(hosts("[zookeeper]\nhosts_list =   # c\n", "c:3"), "[zookeeper]\nhosts_list = c:3  # c\n");
}

#[test]
fn bytes_of_other_lines_need_not_be_text() {
    let before = b"# \xff\n[\xfe]\n\xfd = \xfc\n[zookeeper]\nhosts_list = a:1 # \xfb\n";
    let edited = ConfigFile::parse(*before).unwrap().with_value(ZOOKEEPER, HOSTS_LIST, "b:1").unwrap();
    assert_eq!(edited.bytes(), b"# \xff\n[\xfe]\n\xfd = \xfc\n[zookeeper]\nhosts_list = b:1 # \xfb\n");
    let file = ConfigFile::parse(*b"[zookeeper]\nhosts_list = \xff\n").unwrap();
    let error = file.with_value(ZOOKEEPER, HOSTS_LIST, "b:1").unwrap_err().to_string();
    assert!(error.contains("the value on line 2 is not UTF-8"), "{error}");
}

#[test]
fn refuses_what_it_cannot_edit_with_certainty() {
    for (value, mark) in [
        ("%{zk.server.list}", "%{...}"),
        ("x%a%y", "%name%"),
        ("@ZK@:1", "@name@"),
        ("${ZK}", "${...}"),
        ("{{ zk }}", "{{...}}"),
    ] {
        let error = set_error(&format!("[zookeeper]\nhosts_list = {value}\n"), "a:1");
        assert!(error.contains(&format!("the value on line 2 is a template ({mark})")), "{error}");
    }
    assert!(set_error("[zookeeper]\nhosts_list = a^#\n", "a:1").contains("line 2 holds an escape"));
    assert!(set_error("[zookeeper]\nhosts_list\n", "a:1").contains("line 2 has no ="));
    assert!(set_error("[zookeeper]\nhosts_list=a\nhosts_list=a\n", "a:1").contains("there twice, on lines 2 and 3"));
    assert!(set_error("[a]\n", "a:1").contains("it is not in the file"));
    for value in ["", "a#b", "a;b", "a^b", "a\nb", "a\0", " a", "a ", "%{x}", "%x%"] {
        assert!(set_error("[zookeeper]\nhosts_list=a\n", value).contains("the new value"), "{value:?}");
    }
    let error = parse("[a]\nb\n").with_value(META_SERVER, START_LEVEL, "blind").unwrap_err().to_string();
    assert!(error.contains("its section is not in the file"), "{error}");
}

#[test]
fn adds_a_line_at_the_end_of_the_section_in_the_files_own_style() {
    let added = |text: &str| {
        let edited = parse(text).with_value(META_SERVER, START_LEVEL, "blind").unwrap();
        assert_eq!(get(&edited, META_SERVER, START_LEVEL), Some("blind"));
        assert_eq!(edited.without(META_SERVER, START_LEVEL).unwrap(), parse(text), "{text:?}");
        String::from_utf8(edited.bytes().to_vec()).unwrap()
    };
    let line = "meta_function_level_on_start = blind";
    assert_eq!(added("[meta_server]\n"), format!("[meta_server]\n{line}\n"));
    assert_eq!(added("[meta_server]"), format!("[meta_server]\n{line}"));
    assert_eq!(added("\r\n[meta_server]\r\n a = 1"), format!("\r\n[meta_server]\r\n a = 1\r\n {line}"));
    assert_eq!(
        added("[meta_server]\n  a = 1 # c\n\n# of b\n[b]\n"),
        format!("[meta_server]\n  a = 1 # c\n  {line}\n\n# of b\n[b]\n")
    );
    assert_eq!(added("\n[meta_server]\n a = 1\r"), format!("\n[meta_server]\n a = 1\r\r\n {line}"));
}

#[test]
fn takes_away_only_a_line_that_holds_nothing_else() {
    let error = |text: &str| parse(text).without(META_SERVER, RECOVER).unwrap_err().to_string();
    assert!(error("[meta_server]\nrecover_from_replica_server = true # c\n").contains("line 2 holds more than"));
    assert!(error("[meta_server]\n").contains("it is not in the file"));
    assert!(
        error("[meta_server]\nrecover_from_replica_server = 1\nrecover_from_replica_server = 1\n").contains("twice")
    );
}

/// A section, a key, and the bytes of its value.
type Setting<'a> = (&'a [u8], &'a [u8], Option<&'a [u8]>);

/// Every setting but one.
fn others<'a>(file: &'a ConfigFile, section: &str, key: &str) -> Vec<Setting<'a>> {
    let entries = file.sections.iter().flat_map(|section| section.entries.iter().map(|entry| (&*section.name, entry)));
    entries
        .filter(|(name, entry)| (*name, &*entry.key) != (section.as_bytes(), key.as_bytes()))
        .map(|(name, entry)| (name, &*entry.key, entry.value.clone().map(|value| &file.bytes[value])))
        .collect()
}

fn check_edit(file: &ConfigFile, section: &str, key: &str, value: &str) {
    let Ok(edited) = file.with_value(section, key, value) else { return };
    assert_eq!(get(&edited, section, key), Some(value));
    assert_eq!(edited.with_value(section, key, value).as_ref(), Ok(&edited));
    assert_eq!(others(&edited, section, key), others(file, section, key));
    let restored = match get(file, section, key) {
        Some("") => return,
        Some(old) => edited.with_value(section, key, old),
        None => edited.without(section, key),
    };
    assert_eq!(restored.as_ref(), Ok(file), "{}", file.bytes.escape_ascii());
}

/// Lines of files: what matters to an edit, and what may stand around it.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let section = prop::sample::select(vec!["[zookeeper]", " [meta_server] x", "[a] # c", "[zookeeper.x]"]);
    let key = prop::sample::select(vec![
        "hosts_list",
        "meta_function_level_on_start",
        "recover_from_replica_server",
        "a",
        "b",
    ]);
    let blank = prop::sample::select(vec!["", " ", "\t", "  "]);
    let value = prop::sample::select(vec!["", "a:1,b:2", "steady", "true", "x^#y", "%{z}", "%z%", "é", "=", "a b"]);
    let comment = prop::sample::select(vec!["", "# c", ";", " ## password = %{x}", "^#"]);
    let entry =
        (blank.clone(), key, blank.clone(), prop::bool::ANY, blank.clone(), value, blank.clone(), comment.clone())
            .prop_map(|(b1, key, b2, equals, b3, value, b4, comment)| {
                let value = if equals { format!("={b3}{value}") } else { String::new() };
                format!("{b1}{key}{b2}{value}{b4}{comment}")
            });
    let line = prop_oneof![
        2 => section.prop_map(str::to_owned),
        6 => entry,
        1 => (blank, comment).prop_map(|(blank, comment)| format!("{blank}{comment}")),
    ];
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\n", "\r\r\n"]);
    (prop::collection::vec((line, line_end), 1..24), prop::bool::ANY).prop_map(|(lines, ended)| {
        let mut text: String = lines.iter().flat_map(|(line, end)| [line.as_str(), end]).collect();
        if !ended {
            text.truncate(text.trim_end_matches('\n').len());
        }
        text.into_bytes()
    })
}

proptest! {
    #[test]
    fn an_edit_is_read_back_and_changes_nothing_else(
        bytes in file(),
        (section, key) in prop::sample::select(vec![(ZOOKEEPER, HOSTS_LIST), (META_SERVER, START_LEVEL), (META_SERVER, RECOVER)]),
        value in "[a-z0-9:,/.]{1,20}",
    ) {
        let Ok(file) = ConfigFile::parse(bytes) else { return Ok(()) };
        check_edit(&file, section, key, &value);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ConfigFile::parse(bytes);
    }
}
