//! Every JSON document is what docs/json.md and the schemas say, field by field: real documents of the real programs.

use std::collections::BTreeSet;
use std::path::Path;

use harness::{load, shared_pair, tree, unique_root};
use jsonschema::Validator;
use serde_json::{Value, json};
use zookeeper_client::{Acls, CreateMode};

use crate::product::{Outcome, run};

/// A schema of ours, and what it allows beyond: nothing. Who reads our documents passes over new fields, and we document each.
pub(crate) struct Schema(Validator);

impl Schema {
    pub(crate) fn of(program: &str) -> Self {
        let mut schema = read(program);
        close(&mut schema);
        Self(jsonschema::validator_for(&schema).expect("it is a schema"))
    }

    /// Fails the test unless `document` is one.
    #[track_caller]
    pub(crate) fn assert_holds(&self, document: &Value) {
        let wrong: Vec<String> =
            self.0.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{}\n{document:#}", wrong.join("\n"));
    }
}

fn docs(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn read(program: &str) -> Value {
    serde_json::from_str(&docs(&format!("schema/{program}-1.json"))).expect("it is JSON")
}

/// Takes no property that has no name in the schema.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("properties").is_some_and(Value::is_object) {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// Names of all properties.
fn properties(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::Object(fields) if key == "properties" => names.extend(fields.keys().cloned()),
                    _ => {}
                }
                properties(value, names);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| properties(value, names)),
        _ => {}
    }
}

#[test]
fn the_document_names_every_field_of_the_schemas_and_no_other() {
    let mut names = BTreeSet::new();
    for program in ["zkreplicator", "zkmigrator"] {
        properties(&read(program), &mut names);
    }
    let rows = docs("json.md");
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let told = rows.filter_map(|(field, _)| field.rsplit('.').next()).filter(|name| *name != "*").map(str::to_owned);
    assert_eq!(told.collect::<BTreeSet<_>>(), names);
}

#[test]
fn a_field_that_is_not_documented_is_found() {
    let schema = Schema::of("zkmigrator");
    let mut document =
        json!({"schema": 1, "command": "cleanup", "verdict": "done", "exit_code": 0, "removed": 1, "archive": "a"});
    assert!(schema.0.is_valid(&document));
    document["more"] = Value::Null;
    assert!(!schema.0.is_valid(&document));
}

#[tokio::test]
async fn documents_of_copies_and_comparisons() -> Outcome {
    let schema = Schema::of("zkreplicator");
    let (source, target) = shared_pair().await?;
    let root = unique_root("json-copy");
    let client = source.client().await?;
    load(&client, &root, tree::small(1, 200)).await?;
    let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
    client.create(&format!("{root}/session"), b"", &ephemeral).await?;
    let directory = tempfile::tempdir()?;
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (certificate, archive, other) = (file("moved.json"), file("tree.zka"), target.at(&format!("{root}-2")));
    let (from, to, gone) = (source.at(&root), target.at(&root), source.at(&format!("{root}-gone")));
    let pace = ["--max-ops-per-second", "100000"];
    for (code, args) in [
        (0, vec!["copy", "--dry-run", &from, &to]),
        (0, [&["copy", "--quotas", &from, &to], &pace[..]].concat()),
        (2, vec!["copy", &from, &to]),
        (2, vec!["copy", "--dry-run", &from, &to]),
        (2, vec!["copy", &gone, &to]),
        (0, vec!["verify", "--depth", "2", "--counters", "--certificate", &certificate, &from, &to]),
        (0, vec!["verify", "--against", &certificate, &to]),
        (1, vec!["verify", "--depth", "1", &from, &target.at("/")]),
        (0, vec!["sync", "--verify", &from, &to]),
        (0, vec!["dump", "--verify", &from, &archive]),
        (0, vec!["restore", "--verify", &archive, &other]),
        (0, vec!["restore", "--dry-run", "--update", &archive, &other]),
        (0, vec!["zkcopy", "-s", &from, "-t", &other]),
        (2, vec!["copy", "--verfy", &from, &to]),
    ] {
        let ran = run(&[&args[..], &["--format", "json"]].concat()).await.expect(code);
        let document = ran.json();
        assert_eq!(document["exit_code"], code, "{args:?}");
        schema.assert_holds(&document);
    }
    // What was told before it is fixed.
    client.create(&format!("{root}/more"), b"", &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
    let document = run(&["verify", "--fix", "--format", "json", &from, &to]).await.expect(0).json();
    assert_eq!(document["found"]["differences"]["only_source"], 1);
    schema.assert_holds(&document);
    Ok(())
}

#[tokio::test]
async fn documents_of_scans_benches_and_removals() -> Outcome {
    let schema = Schema::of("zkreplicator");
    let (source, target) = shared_pair().await?;
    let root = unique_root("json-scan");
    load(&source.client().await?, &root, tree::small(1, 100)).await?;
    load(&target.client().await?, &root, tree::small(1, 1)).await?;
    let directory = tempfile::tempdir()?;
    let archive = directory.path().join("tree.zka").display().to_string();
    let (from, to, gone) = (source.at(&root), target.at(&root), source.at(&format!("{root}-gone")));
    for (code, args) in [
        (0, vec!["scan", &from]),
        (0, vec!["scan", "--acl", "ignore", &from]),
        (2, vec!["scan", &gone]),
        (0, vec!["bench", "--dry-run", &from, &to]),
        (0, vec!["bench", "--znodes", "100", &from, &to]),
        (2, vec!["bench", &gone, &to]),
        (0, vec!["rm", "--dry-run", &from]),
        (2, vec!["rm", "--yes-remove", "/another", &from]),
        (0, vec!["rm", "--archive", &archive, "--yes-remove", &root, &from]),
        (0, vec!["rm", "--yes-remove", &root, &from]),
    ] {
        let ran = run(&[&args[..], &["--format", "json"]].concat()).await.expect(code);
        let document = ran.json();
        assert_eq!(document["exit_code"], code, "{args:?}");
        schema.assert_holds(&document);
    }
    Ok(())
}
