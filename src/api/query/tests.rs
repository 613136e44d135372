//! Queries as they are typed.

use super::*;

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap();
        (key.to_owned(), value.to_owned())
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn target(text: &str) -> Result<TargetQuery, String> {
    decode(pairs(text)).map_err(|error| error.to_string())
}

#[test]
fn keys_are_read_by_their_type() {
    assert_eq!(target("").unwrap(), TargetQuery::default());
    let query = target("project=shop&app=web&app=db/1&memory=true&dir=/a").unwrap();
    assert_eq!(query.project.as_ref().unwrap().as_str(), "shop");
    assert_eq!(query.app, ["web".parse().unwrap(), "db/1".parse().unwrap()]);
    assert!(query.memory);
    assert_eq!(query.dir, Some("/a".into()));
    let logs: LogsQuery = decode(pairs("app=web&instance=2&last=7&stream=err")).unwrap();
    assert_eq!((logs.instance, logs.last, logs.stream), (Some(2), Some(7), Some(Stream::Err)));
    assert_eq!(logs.target().unwrap().apps, ["web/2".parse().unwrap()]);
}

#[test]
fn what_is_wrong_is_said_by_its_key() {
    let says = |text: &str, words: &str| {
        let error = target(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    };
    says("projct=shop", "unknown field `projct`, expected one of `project`");
    says("project=a&project=b", "`project` is given more than once");
    says("memory=yes", "`memory` has to be `true` or `false`, and not `yes`");
    says("app=web/x", "`web/x` names no instance");
    says("project=a%20b", "not `%`");
    let logs = |text| decode::<LogsQuery>(pairs(text)).unwrap_err().to_string();
    assert!(logs("last=-1").contains("`last` has to be a number"));
    assert!(logs("stream=both").contains("`stream` has to be one of `out`, `err`"));
    let alone: LogsQuery = decode(pairs("instance=1")).unwrap();
    assert!(alone.target().unwrap_err().to_string().contains("needs an `app`"));
}

#[test]
fn without_a_project_it_is_every_one_where_that_makes_sense() {
    assert!(target("").unwrap().target_or_every().every_project);
    assert!(!target("dir=/a").unwrap().target_or_every().every_project);
    assert!(!target("").unwrap().target().every_project);
    let events: EventsQuery = decode(pairs("after=5")).unwrap();
    let request = events.request();
    assert_eq!((request.after, request.last), (Some(5), usize::MAX));
}
