//! The revision of a spec is stable: it is on disk, and a new version of eco must not restart the
//! world.

use eco::{
    model::{
        AppSpec, EnvValue, ListenPolicy, ListenPort, OnFailure, Pass, ReadyProbe, Share, ShareBy,
        Template,
    },
    reconcile::revision,
};

use super::fixtures::{argv, ms, spec};

#[test]
fn the_revision_of_a_spec_never_changes() {
    let mut rich = spec();
    rich.env.insert("A".to_owned(), EnvValue::Set(Template::literal("1")));
    rich.env.insert("B".to_owned(), EnvValue::Unset);
    let file = EnvValue::File { path: "/run/secret".into(), digest: "00ff".to_owned() };
    rich.env.insert("C".to_owned(), file);
    rich.artifacts.files.insert("dist/app.js".to_owned(), "abcd".to_owned());
    rich.inherited_epoch = 3;
    assert_eq!(
        format!("{:016x} {:016x}", revision(&spec()).0, revision(&rich).0),
        "49aafd9f0ff01c2d 20863bfa3957b1fb"
    );
}

fn listening(ports: &[(&str, u16)], pass: Pass) -> ListenPolicy {
    let port = |(host, port): &(&str, u16)| ListenPort { host: host.parse().ok(), port: *port };
    let ports = ports.iter().map(port).collect();
    ListenPolicy { ports, queue: ms(10_000), close_idle: true, pass, share: ShareBy::Queue }
}

fn listen(ports: &[(&str, u16)], pass: Pass) -> Edit {
    let policy = listening(ports, pass);
    Box::new(move |spec: &mut AppSpec| spec.listen = Some(policy.clone()))
}

type Edit = Box<dyn Fn(&mut AppSpec)>;

/// Edits of which each makes another revision, different from all others.
#[test]
fn what_needs_a_replacement_makes_a_new_revision() {
    let set = |text: &str| EnvValue::Set(Template::literal(text));
    let file =
        |path: &str, digest: &str| EnvValue::File { path: path.into(), digest: digest.to_owned() };
    let env = |name: &str, value: EnvValue| {
        let name = name.to_owned();
        Box::new(move |spec: &mut AppSpec| drop(spec.env.insert(name.clone(), value.clone())))
    };
    let artifact = |path: &str, digest: &str| {
        let (path, digest) = (path.to_owned(), digest.to_owned());
        Box::new(move |spec: &mut AppSpec| {
            drop(spec.artifacts.files.insert(path.clone(), digest.clone()));
        })
    };
    let edits: Vec<Edit> = vec![
        Box::new(|_| ()),
        Box::new(|spec| spec.command = argv(&["node", "server.jss"])),
        Box::new(|spec| spec.command = argv(&["nodes", "erver.js"])),
        Box::new(|spec| spec.command = argv(&["node server.js"])),
        Box::new(|spec| {
            spec.command =
                eco::model::Command::Shell(Template::from_escaped("node server.js".to_owned()));
        }),
        Box::new(|spec| spec.cwd = "/srv/other".into()),
        Box::new(|spec| spec.inherited_epoch = 1),
        Box::new(|spec| spec.inherit_env.push("HOME".to_owned())),
        env("A", set("1")),
        env("A", set("2")),
        env("A1", set("")),
        env("A", EnvValue::Unset),
        env("A", set("unset")),
        env("A", file("/f", "aa")),
        env("A", file("/f", "ab")),
        env("A", file("/fa", "a")),
        artifact("a", "bc"),
        artifact("ab", "c"),
        listen(&[], Pass::Inject),
        listen(&[("", 3000)], Pass::Inject),
        listen(&[("", 3000)], Pass::Fds),
        Box::new(|spec| {
            let policy = listening(&[("", 3000)], Pass::Inject);
            spec.listen = Some(ListenPolicy { share: ShareBy::Port, ..policy });
        }),
        listen(&[("127.0.0.1", 3000)], Pass::Inject),
        listen(&[("", 3000), ("", 3001)], Pass::Inject),
        listen(&[("", 3001), ("", 3000)], Pass::Inject),
        Box::new(|spec| spec.ready.probe = ReadyProbe::Message("ready".to_owned())),
        Box::new(|spec| spec.ready.probe = ReadyProbe::Message("up".to_owned())),
        Box::new(|spec| spec.stop.message = Some("ready".to_owned())),
        Box::new(|spec| spec.stop.close = true),
        Box::new(|spec| spec.observe = eco::model::Observe::Node),
    ];
    let revisions = edits.iter().map(|edit| {
        let mut spec = spec();
        edit(&mut spec);
        revision(&spec)
    });
    let distinct: std::collections::BTreeSet<_> = revisions.collect();
    assert_eq!(distinct.len(), edits.len());
}

#[test]
fn everything_else_keeps_the_revision() {
    let mut other = spec();
    other.instances = 7;
    other.inherited.insert("PATH".to_owned(), "/bin".to_owned());
    other.restart.backoff = None;
    other.restart.stop_exit_codes.push(3);
    other.stop.timeout *= 2;
    other.rollout.min_ready *= 2;
    other.artifacts.patterns.push("dist/**".to_owned());
    other.tags.insert("edge".to_owned());
    other.logs.dir = Some("/var/log/web".into());
    other.stop.drain *= 2;
    other.rollout.max_surge = Share::Percent(50);
    other.rollout.on_failure = OnFailure::Pause;
    other.rollout.canary = Some(Share::Count(1));
    other.ready.probe = ReadyProbe::Notify;
    assert_eq!(revision(&other), revision(&spec()));
    let listens = |queue, close_idle| {
        let policy = listening(&[("", 3000)], Pass::Inject);
        let policy = ListenPolicy { queue: ms(queue), close_idle, ..policy };
        revision(&AppSpec { listen: Some(policy), ..spec() })
    };
    assert_eq!(listens(10_000, true), listens(5_000, false));
}
