//! Requests and what is made of the answers.

use std::{
    fs, io,
    process::{Command, Stdio},
    time::Duration,
};

use eco::{
    host::probe::{Probes, Subject},
    model::{ProbeAddress, ReadyPolicy, ReadyProbe},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixListener},
    sync::mpsc,
};

use super::{
    RUN, SHORT, Server, answer, asking, becomes_ready, hang, head, http, is_ready, listen, policy,
    run, serve, subject, tcp, template, why,
};
use crate::harness::{free_port, program};

fn get(port: u16) -> ReadyPolicy {
    policy(ReadyProbe::Http(http(tcp(port))))
}

fn shown(port: u16) -> String {
    format!("GET http://127.0.0.1:{port}/healthz")
}

#[test]
fn a_good_answer_is_ready_and_the_request_is_as_asked_for() {
    run(async {
        let server = Server::start(&[&answer("204 No Content")]).await;
        let mut probe = http(tcp(server.port));
        probe.path = template("/healthz?app=${ECO_APP}");
        probe.headers = [
            ("X-Instance".to_owned(), template("${ECO_INSTANCE} of $$3")),
            ("Authorization".to_owned(), template("Bearer secret")),
        ]
        .into();
        let policy = policy(ReadyProbe::Http(probe));
        assert!(!format!("{:?}", subject(&policy)).contains("secret"), "logs leak");
        is_ready(&mut asking(&policy)).await;
        let [request] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
        let mut lines: Vec<&str> = request.trim_end().lines().collect();
        assert_eq!(lines.remove(0), "GET /healthz?app=web HTTP/1.1");
        lines.sort_unstable();
        let host = format!("host: 127.0.0.1:{}", server.port);
        assert_eq!(
            lines,
            [
                "authorization: Bearer secret",
                "connection: close",
                &host,
                "user-agent: eco",
                "x-instance: 2 of $3",
            ]
        );
    });
}

#[test]
fn a_host_header_of_ones_own_replaces_the_usual_one() {
    run(async {
        let server = Server::start(&[&answer("200 OK")]).await;
        let mut probe = http(tcp(server.port));
        probe.headers = [("host".to_owned(), template("shop.example"))].into();
        is_ready(&mut asking(&policy(ReadyProbe::Http(probe)))).await;
        let request = server.requests().remove(0);
        assert_eq!(request.matches("host:").count(), 1, "{request}");
        assert!(request.contains("host: shop.example\r\n"), "{request}");
    });
}

#[test]
fn a_503_is_named_once_and_a_200_after_it_is_ready() {
    run(async {
        let busy = answer("503 Service Unavailable");
        let server = Server::start(&[&busy, &busy, &busy, &answer("200 OK")]).await;
        let mut probes = asking(&get(server.port));
        assert_eq!(why(&mut probes).await, format!("{}: 503", shown(server.port)));
        is_ready(&mut probes).await;
        assert_eq!(server.requests().len(), 4);
    });
}

#[test]
fn only_the_given_statuses_are_good_and_redirects_are_not_followed() {
    run(async {
        let moved = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
        let server = Server::start(&[moved]).await;
        let mut probes = asking(&get(server.port));
        assert_eq!(why(&mut probes).await, format!("{}: 302", shown(server.port)));
        let mut probe = http(tcp(server.port));
        probe.status = vec![(200, 299), (302, 302)];
        probes.begin(RUN, subject(&policy(ReadyProbe::Http(probe))));
        is_ready(&mut probes).await;
        assert!(server.requests().iter().all(|request| request.starts_with("GET /healthz ")));
    });
}

#[test]
fn the_query_is_not_shown() {
    run(async {
        let server = Server::start(&[&answer("401 Unauthorized")]).await;
        let mut probe = http(tcp(server.port));
        probe.path = template("/healthz?token=secret");
        let mut probes = asking(&policy(ReadyProbe::Http(probe)));
        assert_eq!(why(&mut probes).await, format!("{}: 401", shown(server.port)));
    });
}

#[test]
fn nobody_there_refuses_connections() {
    run(async {
        let port = free_port();
        let words = why(&mut asking(&get(port))).await;
        assert_eq!(words, format!("127.0.0.1:{port} refuses connections"));
    });
}

#[test]
fn one_that_hangs_gives_no_answer_in_time() {
    run(async {
        let port = hang().await;
        let policy = ReadyPolicy { timeout: SHORT, ..get(port) };
        let words = why(&mut asking(&policy)).await;
        assert_eq!(words, format!("{}: no answer within 300ms", shown(port)));
    });
}

#[test]
fn a_head_that_drips_is_no_answer_in_time() {
    run(async {
        let (listener, port) = listen().await;
        serve(listener, async |mut stream: TcpStream| -> io::Result<()> {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ").await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let policy = ReadyPolicy { timeout: SHORT, ..get(port) };
        let words = why(&mut asking(&policy)).await;
        assert_eq!(words, format!("{}: no answer within 300ms", shown(port)));
    });
}

#[test]
fn what_is_no_http_is_said_to_be_none() {
    run(async {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
        for (text, words) in [
            ("220 mail.example ESMTP\r\n", "the answer is not HTTP"),
            ("HTTP/1.1 2000 OK\r\n\r\n", "the answer is not HTTP"),
            ("", "the connection is closed without an answer"),
            ("HTTP/1.1 200 OK\r\nX: y", "the connection is closed without an answer"),
            (&long, "the head of the answer is too long"),
        ] {
            let (listener, port) = listen().await;
            let text = text.to_owned();
            serve(listener, move |mut stream: TcpStream| {
                let text = text.clone();
                async move {
                    head(&mut stream).await?;
                    stream.write_all(text.as_bytes()).await
                }
            });
            let seen = why(&mut asking(&get(port))).await;
            assert_eq!(seen, format!("{}: {words}", shown(port)));
        }
    });
}

#[test]
fn a_body_without_end_is_not_waited_for() {
    run(async {
        let (listener, port) = listen().await;
        serve(listener, async |mut stream: TcpStream| -> io::Result<()> {
            head(&mut stream).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await?;
            while stream.read(&mut [0; 64]).await? != 0 {}
            Ok(())
        });
        is_ready(&mut asking(&get(port))).await;
    });
}

#[test]
fn a_unix_socket_is_asked_too() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web-2.sock");
        let mut probe = http(ProbeAddress::Unix(template(&format!(
            "{}/web-${{ECO_INSTANCE}}.sock",
            dir.path().display()
        ))));
        probe.status = vec![(200, 200)];
        let mut probes = asking(&policy(ReadyProbe::Http(probe)));
        assert_eq!(why(&mut probes).await, format!("{} does not exist", path.display()));
        let listener = UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            for status in ["500 Oops", "200 OK"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                assert!(head(&mut stream).await.unwrap().contains("\r\nhost: localhost\r\n"));
                stream.write_all(answer(status).as_bytes()).await.unwrap();
            }
        });
        assert_eq!(why(&mut probes).await, format!("GET /healthz at {}: 500", path.display()));
        is_ready(&mut probes).await;
    });
}

#[test]
fn ending_closes_the_connection() {
    run(async {
        let (listener, port) = listen().await;
        let (said, mut hears) = mpsc::channel(8);
        serve(listener, move |mut stream: TcpStream| {
            let said = said.clone();
            async move {
                head(&mut stream).await?;
                said.send("asked").await.unwrap();
                assert_eq!(stream.read(&mut [0; 64]).await?, 0);
                said.send("closed").await.unwrap();
                Ok(())
            }
        });
        let mut probes = Probes::new();
        for end in [Probes::end, |probes: &mut Probes, run| probes.begin(run, told())] {
            probes.begin(RUN, subject(&get(port)));
            assert_eq!(hears.recv().await, Some("asked"));
            end(&mut probes, RUN);
            assert_eq!(hears.recv().await, Some("closed"));
        }
    });
}

fn told() -> Subject {
    subject(&policy(ReadyProbe::Notify))
}

#[test]
fn python_serves_a_file_once_it_is_there() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut python = Command::new(program("python3"))
            .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()])
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut probes = asking(&get(port));
        let mut seen = Vec::new();
        while !seen.contains(&format!("{}: 404", shown(port))) {
            seen.push(why(&mut probes).await);
        }
        fs::write(dir.path().join("healthz"), "fine\n").unwrap();
        becomes_ready(&mut probes).await;
        python.kill().unwrap();
        python.wait().unwrap();
    });
}
