//! `listen`: who gets a port, who is told who has it, and that connections find somebody.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener, TcpStream},
};

use super::server;
use crate::harness::{
    Signal, TestEnv, alive, file_of, free_port, http_get, program, repository, send,
};

/// An app `web` that runs `server.py` with these lines beside its command.
fn web(lines: &str) -> String {
    format!("  web:\n    command: python3 server.py\n{lines}")
}

fn serving(lines: &str) -> TestEnv {
    let env = server();
    env.apps(&web(lines));
    env.apply();
    env
}

/// Who answers: the pid.
fn answers(port: u16) -> Option<u32> {
    http_get(port, "/")?.split(' ').next()?.parse().ok()
}

fn refuses(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}

fn hold(env: &TestEnv, app: &str) -> String {
    env.app(app)["hold"].as_str().unwrap_or_default().to_owned()
}

/// Waits until exactly the instances of `web` have answered.
fn wait_all_answer(env: &TestEnv, port: u16) {
    wait_all_answer_of(env, port, &env.pids("web").into_values().collect());
}

/// Waits until exactly these have answered; eco is not asked.
fn wait_all_answer_of(env: &TestEnv, port: u16, pids: &BTreeSet<u32>) {
    let mut seen = BTreeSet::new();
    env.wait_for(&format!("answers of all of {pids:?}"), || {
        seen.insert(answers(port).expect("nobody is refused"));
        assert!(seen.is_subset(pids), "{seen:?} {pids:?}");
        seen == *pids
    });
}

#[test]
fn a_second_app_is_told_who_has_the_port() {
    let port = free_port();
    let env = serving(&format!("    listen: {port}\n"));
    let pid = env.pid("web");
    for (project, patient) in [("second", ""), ("third", ", PATIENT: 1")] {
        let app = format!(
            "  copy:\n    command: python3 ../shop/server.py\n    listen: {port}\n    \
             env: {{ A: b{patient} }}\n    rollout: {{ deadline: 3s }}\n"
        );
        env.write(&format!("../{project}/ecosystem.yaml"), &file_of(project, &app));
        let dir = env.path(&format!("../{project}")).canonicalize().unwrap();
        let apply = env.call(&["apply"]).dir(&dir).run().exits(1);
        apply.says("the app `shop:web` holds port");
        let status = env.call(&["status"]).dir(&dir).run().exits(1);
        status.says("the app `shop:web` holds port").says(&port.to_string());
        env.call(&["down"]).dir(&dir).run().ok();
    }
    assert_eq!(answers(port), Some(pid));
}

#[test]
fn a_foreign_process_is_named_and_the_port_taken_once_it_is_free() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let env = server();
    env.apps(&web(&format!("    listen: {port}\n    env: {{ PATIENT: 1 }}\n")));
    let apply = env.call(&["apply"]).spawn();
    let holder = format!("(pid {}) holds port {port}", std::process::id());
    env.wait_for("the holder to be named", || {
        env.eco(&["status", "--json"]).code == Some(1) && hold(&env, "web").contains(&holder)
    });
    assert!(hold(&env, "web").contains("not ready yet"), "{}", hold(&env, "web"));
    assert_eq!(env.app("web")["ready"], 0);
    drop(taken);
    apply.wait().ok();
    assert_eq!(answers(port), Some(env.pid("web")));
}

#[test]
fn a_program_that_ends_for_a_taken_port_has_its_holder_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let env = server();
    env.apps(&web(&format!("    listen: {port}\n")));
    let holder = format!("(pid {}) holds port {port}", std::process::id());
    env.eco(&["apply"]).exits(1).says(&holder).says("exit code 1");
    env.eco(&["status"]).exits(1).says("holds port");
    // A release that takes a foreign port leaves the old one where it is, and says who.
    let own = free_port();
    env.apps(&web(&format!("    listen: {own}\n")));
    env.apply();
    let pid = env.pid("web");
    env.apps(&web(&format!("    listen: {port}\n")));
    env.eco(&["apply"]).exits(1).says(&holder);
    env.eco(&["status"]).exits(1).says("rolled back").says(&holder);
    assert_eq!(env.pid("web"), pid);
    assert_eq!(answers(own), Some(pid));
}

#[test]
fn connections_wait_for_the_successor_of_the_only_instance() {
    let port = free_port();
    let env = serving(&format!("    listen: {port}\n"));
    for _ in 0..3 {
        let pid = env.pid("web");
        send(pid, Signal::KILL);
        env.wait_for("its end", || !alive(pid));
        let next = answers(port).expect("nobody is refused");
        assert_ne!(next, pid);
        env.wait_state("web", "ready");
        assert_eq!(env.pid("web"), next);
    }
}

#[test]
fn connections_are_refused_once_nothing_has_run_for_the_time_of_the_queue() {
    let port = free_port();
    let env = serving(&format!("    listen: {{ port: {port}, queue: 2s }}\n    restart: never\n"));
    send(env.pid("web"), Signal::KILL);
    env.wait_for("refusals", || refuses(port));
    env.eco(&["start", "web"]).ok();
    assert_eq!(answers(port), Some(env.pid("web")));
}

#[test]
fn a_stopped_app_refuses() {
    let port = free_port();
    let env = serving(&format!("    listen: {port}\n    instances: 2\n"));
    env.eco(&["stop", "web"]).ok();
    assert!(refuses(port));
    env.eco(&["start", "web"]).ok();
    wait_all_answer(&env, port);
    env.eco(&["down"]).ok();
    assert!(refuses(port));
}

#[test]
fn more_and_fewer_instances_share() {
    let port = free_port();
    let env = serving(&format!("    listen: {port}\n"));
    for count in ["3", "1"] {
        env.eco(&["scale", "web", count]).ok();
        assert_eq!(env.pids("web").len().to_string(), count);
        wait_all_answer(&env, port);
    }
    let listen = &env.app("web")["listen"];
    assert_eq!(listen["ports"][0].to_string().trim_matches('"'), port.to_string(), "{listen}");
    assert_eq!(listen["sharing"], "injected", "{listen}");
}

#[test]
fn the_port_is_moved_and_moved_back() {
    let (first, second) = (free_port(), free_port());
    let env = serving(&format!("    listen: {first}\n"));
    for (from, to) in [(first, second), (second, first)] {
        env.apps(&web(&format!("    listen: {to}\n")));
        env.apply();
        assert_eq!(answers(to), Some(env.pid("web")));
        assert!(refuses(from), "{from} is given up");
    }
}

#[test]
fn two_ports() {
    let (first, second) = (free_port(), free_port());
    let env = server();
    let ports = format!("    listen: [{first}, {second}]\n    instances: 2\n");
    let rollout = "    rollout: { deadline: 3s }\n";
    env.apps(&web(&format!("{ports}{rollout}    env: {{ BIND: {first} }}\n")));
    env.eco(&["apply"]).exits(1).says(&format!("does not listen on port {second}"));
    env.apps(&web(&format!("{ports}{rollout}    env: {{ BIND: {first}, ALSO: {second} }}\n")));
    env.apply();
    for port in [first, second] {
        wait_all_answer(&env, port);
    }
}

#[test]
fn auto_shares_whatever_it_listens_on() {
    let port = free_port();
    let lines = format!("    listen: auto\n    instances: 2\n    env: {{ PORT: {port} }}\n");
    let env = serving(&lines);
    wait_all_answer(&env, port);
    let listen = &env.app("web")["listen"];
    assert_eq!(listen["ports"][0].to_string().trim_matches('"'), port.to_string(), "{listen}");
    env.eco(&["restart", "web"]).ok();
    wait_all_answer(&env, port);
}

#[test]
fn passed_sockets_are_shared() {
    let port = free_port();
    let env = serving(&format!(
        "    listen: {{ port: {port}, pass: fds }}\n    instances: 2\n    env: {{ FDS: 1 }}\n"
    ));
    wait_all_answer(&env, port);
    let before = env.pids("web");
    env.eco(&["restart", "web"]).ok();
    assert!(env.pids("web").iter().all(|(id, pid)| before[id] != *pid));
    wait_all_answer(&env, port);
    env.eco(&["stop", "web"]).ok();
    assert!(refuses(port));
}

#[test]
fn the_port_is_in_the_environment() {
    let port = free_port();
    let env = TestEnv::with_apps(&format!(
        "  web:\n    command: {{ shell: 'echo port $PORT > port; exec sleep 100000' }}\n    \
         listen: {port}\n    ready: {{ delay: 1ms }}\n"
    ));
    env.apply();
    assert_eq!(env.read("port"), format!("port {port}\n"));
    // One that does not agree is refused.
    env.apps(&web(&format!("    listen: {port}\n    env: {{ PORT: 1 }}\n")));
    env.eco(&["apply"]).exits(2).says("PORT");
}

#[test]
fn what_is_lost_with_all_of_eco_is_said_and_cured_by_a_restart() {
    let port = free_port();
    let env = serving(&format!("    listen: {port}\n    instances: 2\n"));
    let before = env.pids("web");
    env.kill_roles(&["keeper", "controller", "recorder"]);
    wait_all_answer_of(&env, port, &before.values().copied().collect());
    env.eco(&["status"]).ok().says("adopted: replace to restore port sharing");
    env.eco(&["describe", "web"]).ok().says("adopted: replace to restore port sharing");
    let app = env.app("web");
    assert_eq!(
        (&app["state"], &app["instances"][0]["hold_code"]),
        (&"ready".into(), &"unanswered".into())
    );
    assert_eq!(env.pids("web"), before);
    env.eco(&["restart", "web"]).ok();
    let after = env.status().to_string();
    assert!(!after.contains("adopted"), "{after}");
    wait_all_answer(&env, port);
}

/// What cannot be kept from accepting is told when it matters, and what cures it.
#[test]
fn who_goes_on_accepting_is_told() {
    let (env, port) = (TestEnv::new(), free_port());
    let index = repository("tests/apps/php/index.php");
    let php = |app: &str, share: &str| {
        format!(
            "  {app}:\n    command: php -q -S 127.0.0.1:{port} {}\n    instances: 2\n    \
             listen: {{ port: {port}, share: {share} }}\n",
            index.display()
        )
    };
    program("php");
    // Told once, of the first: the events of both are there in the end.
    for share in ["queue", "port"] {
        env.apps(&php("web", share));
        env.apply();
        env.eco(&["scale", "web", "1"]).ok();
        let events = env.eco(&["events"]).stdout;
        assert_eq!(events.matches("share: port").count(), 1, "{events}");
        env.eco(&["down"]).ok();
    }
}
