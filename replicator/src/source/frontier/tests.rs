//! The frontier against a model: any tree, any number of batches in flight, every promise of its module.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::error::Code;
use crate::filter::Place;
use crate::session::{ReadOp, ReadReply};
use crate::source::Visit;
use crate::znode::Stat;

/// A tree by path: bytes of data, and the names of the children.
#[derive(Debug, Default)]
struct Model {
    znodes: BTreeMap<String, (usize, Vec<String>)>,
}

impl Model {
    /// A tree in which the n-th znode hangs below the one that `parents[n]` picks.
    fn new(parents: &[(usize, usize)]) -> Self {
        let mut model = Self::default();
        let mut paths = vec!["/".to_owned()];
        model.znodes.insert("/".to_owned(), (0, Vec::new()));
        for (index, (pick, size)) in parents.iter().enumerate() {
            let parent = paths[pick % paths.len()].clone();
            let name = format!("z{index}");
            let path = ZnodePath::new(&parent).child(&name).to_string();
            model.znodes.get_mut(&parent).expect("a picked parent is in the model").1.push(name);
            model.znodes.insert(path.clone(), (*size, Vec::new()));
            paths.push(path);
        }
        model
    }

    fn answer(&self, op: &ReadOp<'_>) -> ReadReply {
        let (size, children) = &self.znodes[op.path().as_str()];
        match op {
            ReadOp::Data(_) => {
                let num_children = i32::try_from(children.len()).expect("a small tree");
                ReadReply::Data(Some(Bytes::from(vec![0; *size])), Stat { num_children, ..Stat::default() })
            }
            ReadOp::Children(_) => ReadReply::Children(children.iter().collect()),
        }
    }
}

/// Walks the model with `in_flight` batches outstanding and checks each batch; gives all visits in order.
fn walk(model: &Model, filter: &Filter, in_flight: usize) -> Vec<Visit> {
    requests(model, filter, in_flight).1
}

/// The same with how many requests it took.
fn requests(model: &Model, filter: &Filter, in_flight: usize) -> (usize, Vec<Visit>) {
    let mut frontier = Frontier::of_tree("/chroot", filter.clone());
    let mut outstanding: VecDeque<Batch> = VecDeque::new();
    let (mut requests, mut visits) = (0, Vec::new());
    while !frontier.is_done() {
        while outstanding.len() < in_flight {
            let Some(batch) = frontier.next_batch() else { break };
            assert!(batch.unsized_asks <= limits::UNSIZED_BATCH_MAX);
            assert!(batch.asks.len() <= limits::READ_BATCH_OPS_MAX);
            outstanding.push_back(batch);
            requests += 1;
            assert!(frontier.unsized_asks <= limits::UNSIZED_OUTSTANDING_MAX);
            assert!(frontier.expected <= limits::EXPECTED_REPLY_BYTES_MAX || outstanding.len() == 1);
        }
        let batch = outstanding.pop_front().expect("a frontier that is not done has something to ask for");
        let replies = batch.ops().iter().map(|op| model.answer(op)).collect();
        visits.extend(frontier.answered(batch, replies).unwrap_or_else(|error| panic!("{error}")));
    }
    assert!(outstanding.is_empty());
    (requests, visits)
}

/// What a filter leaves of a model, by the definition: what is taken, and what it needs above it.
fn filtered(model: &Model, filter: &Filter) -> Model {
    let lives = |path: &str| {
        let lineage = std::iter::successors(Some(ZnodePath::new(path)), ZnodePath::parent);
        lineage.map(|path| filter.place(&path)).all(|place| place != Place::LeftOut)
    };
    let place = |path: &str| if lives(path) { filter.place(&ZnodePath::new(path)) } else { Place::LeftOut };
    let below =
        |path: &str, other: &str| path == "/" || other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    let taken: Vec<&String> = model.znodes.keys().filter(|path| place(path) == Place::Taken).collect();
    let is_in = |path: &String| place(path) == Place::Taken || taken.iter().any(|taken| below(path, taken));
    let mut left = Model::default();
    for (path, (size, names)) in model.znodes.iter().filter(|(path, _)| is_in(path)) {
        let children = names.iter().filter(|name| is_in(&ZnodePath::new(path).child(name).to_string()));
        left.znodes.insert(path.clone(), (*size, children.cloned().collect()));
    }
    left
}

fn check(model: &Model, visits: &[Visit]) {
    let mut met = HashSet::new();
    let mut left = HashSet::new();
    let mut children_met: HashMap<String, usize> = HashMap::new();
    for visit in visits {
        match visit {
            Visit::Znode(znode) => {
                let path = znode.path.as_str();
                assert!(met.insert(path.to_owned()), "{path} came twice");
                if let Some((parent, _)) = path.rsplit_once('/').filter(|_| !znode.path.is_root()) {
                    let parent = if parent.is_empty() { "/" } else { parent };
                    assert!(met.contains(parent), "{path} came before its parent");
                    assert!(!left.contains(parent), "{path} came after its parent was left");
                    *children_met.entry(parent.to_owned()).or_default() += 1;
                }
            }
            // Some of them may lead to nothing in the end.
            Visit::Children { parent, names, .. } => {
                assert!(met.contains(parent.as_str()) && !left.contains(parent.as_str()));
                let known: HashSet<&str> = names.iter().collect();
                assert!(model.znodes[parent.as_str()].1.iter().all(|name| known.contains(&**name)));
            }
            Visit::OnTheWay(path, _) => assert!(!model.znodes.contains_key(path.as_str())),
            Visit::Filtered(parent, _) => assert!(!left.contains(parent.as_str())),
            Visit::Leave(path) => {
                assert!(left.insert(path.to_string()), "{path} was left twice");
                let children_met = children_met.get(path.as_str()).copied().unwrap_or_default();
                assert_eq!(children_met, model.znodes[path.as_str()].1.len());
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(met, model.znodes.keys().cloned().collect());
    let parents = model.znodes.iter().filter(|(_, (_, children))| !children.is_empty());
    assert!(parents.map(|(path, _)| path).all(|path| left.contains(path)));
    assert!(left.is_subset(&met));
}

fn glob() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["*", "**", "z1", "z2", "z?", "z1*", "z*3", "z[!4]"]);
    prop::collection::vec(part, 1..4).prop_map(|parts| format!("/{}", parts.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn visits_every_znode_once_and_parents_first(
        parents in prop::collection::vec((any::<usize>(), 0..200usize), 0..600),
        in_flight in 1..16usize,
    ) {
        let model = Model::new(&parents);
        check(&model, &walk(&model, &Filter::default(), in_flight));
    }

    #[test]
    fn visits_what_a_filter_leaves_and_says_how_much_it_left_out(
        parents in prop::collection::vec((any::<usize>(), 0..200usize), 0..200),
        includes in prop::collection::vec(glob(), 0..3),
        excludes in prop::collection::vec(glob(), 0..3),
        in_flight in 1..16usize,
    ) {
        let model = Model::new(&parents);
        let filter = Filter::new(&includes, &excludes).unwrap_or_else(|error| panic!("{error}"));
        let left = filtered(&model, &filter);
        let visits = walk(&model, &filter, in_flight);
        check(&left, &visits);
        let mut left_out: HashMap<&str, usize> = HashMap::new();
        for visit in &visits {
            if let Visit::Filtered(parent, count) = visit {
                *left_out.entry(parent.as_str()).or_default() += count;
            }
        }
        for (path, (_, children)) in &left.znodes {
            let expected = model.znodes[path].1.len() - children.len();
            prop_assert_eq!(left_out.get(path.as_str()).copied().unwrap_or_default(), expected, "{}", path);
        }
        prop_assert!(left.znodes.len() + left_out.values().sum::<usize>() <= model.znodes.len());
    }

    #[test]
    fn visits_wide_parents_with_a_few_large_values(
        sizes in prop::collection::vec(prop_oneof![19 => 0..300usize, 1 => 500_000..900_000usize], 0..400),
        in_flight in 1..16usize,
    ) {
        let model = Model::new(&sizes.iter().map(|size| (0, *size)).collect::<Vec<_>>());
        check(&model, &walk(&model, &Filter::default(), in_flight));
    }
}

#[test]
fn asks_for_a_chain_in_one_round_trip_a_level() {
    let mut model = Model::default();
    let mut path = ZnodePath::root();
    for _ in 0..50 {
        model.znodes.insert(path.to_string(), (10, vec!["c".to_owned()]));
        path = path.child("c");
    }
    model.znodes.insert(path.to_string(), (10, Vec::new()));
    let mut frontier = Frontier::of_tree("/", Filter::default());
    let mut round_trips = 0;
    while let Some(batch) = frontier.next_batch() {
        round_trips += 1;
        let replies = batch.ops().iter().map(|op| model.answer(op)).collect();
        frontier.answered(batch, replies).unwrap_or_else(|error| panic!("{error}"));
    }
    assert!(frontier.is_done());
    assert_eq!(round_trips, 51);
}

#[test]
fn leaves_out_zookeepers_own_by_its_absolute_path_only() {
    let mut model = Model::default();
    model.znodes.insert("/".to_owned(), (0, vec!["zookeeper".to_owned(), "a".to_owned()]));
    model.znodes.insert("/a".to_owned(), (0, vec!["zookeeper".to_owned()]));
    model.znodes.insert("/a/zookeeper".to_owned(), (0, Vec::new()));
    let mut frontier = Frontier::of_tree("/", Filter::default());
    let mut met = Vec::new();
    while let Some(batch) = frontier.next_batch() {
        let replies = batch.ops().iter().map(|op| model.answer(op)).collect();
        for visit in frontier.answered(batch, replies).unwrap_or_else(|error| panic!("{error}")) {
            match visit {
                Visit::Znode(znode) => met.push(znode.path.to_string()),
                Visit::Reserved(path) => met.push(format!("reserved {path}")),
                _ => {}
            }
        }
    }
    assert_eq!(met, ["/", "reserved /zookeeper", "/a", "/a/zookeeper"]);
}

#[test]
fn refuses_answers_that_do_not_fit_the_questions() {
    for replies in [vec![], vec![ReadReply::Children(Names::default()); 2], vec![ReadReply::Refused(Code::NO_NODE); 3]]
    {
        let mut frontier = Frontier::of_tree("/", Filter::default());
        let batch = frontier.next_batch().expect("the root is asked for first");
        assert!(frontier.answered(batch, replies).is_err());
    }
}

/// One request each, before a request asked for few of each of many parents.
#[test]
fn begins_many_parents_in_few_requests() {
    let parents = (0..400).map(|_| (0, 100));
    let children = (0..16 * 400).map(|child| (1 + child / 16, 100));
    let model = Model::new(&parents.chain(children).collect::<Vec<_>>());
    let (requests, visits) = requests(&model, &Filter::default(), 16);
    check(&model, &visits);
    assert!(requests < 250, "{requests} requests for 400 parents");
}

#[test]
fn gives_ephemerals_as_it_is_told() {
    let met = |policy| {
        let mut frontier = Frontier::of_tree("/chroot", Filter::default());
        frontier.take_ephemerals(policy);
        let batch = frontier.next_batch().expect("the root");
        let stat = Stat { ephemeral_owner: 7, ..Stat::default() };
        // A narrow frontier asks for the children too.
        let replies = batch.ops().into_iter().map(|op| match op {
            ReadOp::Data(_) => ReadReply::Data(None, stat),
            ReadOp::Children(_) => ReadReply::Children(Names::default()),
        });
        let replies = replies.collect();
        frontier.answered(batch, replies).unwrap_or_else(|error| panic!("{error}"))
    };
    let left_out = met(EphemeralPolicy::LeftOut);
    assert!(matches!(&left_out[..], [Visit::Ephemeral { owner: 7, .. }]), "{left_out:?}");
    let taken = met(EphemeralPolicy::AsPersistent);
    let [Visit::Znode(znode)] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((znode.kind, znode.stat.ephemeral_owner), (crate::znode::Kind::Persistent, 7));
}
