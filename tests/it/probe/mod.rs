//! Asking instances whether they are ready, over real sockets and files.

mod connect;
mod exec;
mod http;
mod log;
mod many;
mod owner;
mod pace;

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use eco::{
    host::{
        clock,
        probe::{Output, ProbeEvent, Probes, Subject},
    },
    model::{
        AppKey, HttpProbe, InstanceVars, ProbeAddress, ReadyPolicy, ReadyProbe, RunId, Template,
        Time,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// No test waits for a try to time out by this.
const LONG: Duration = Duration::from_secs(600);
/// A try that is meant to time out.
const SHORT: Duration = Duration::from_millis(300);
const RUN: RunId = RunId(7);

/// Runs one asynchronous test; it fails when it takes too long, whatever it waits for.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test).await.expect("waited in vain");
    });
}

fn policy(probe: ReadyProbe) -> ReadyPolicy {
    ReadyPolicy {
        probe,
        interval: Duration::from_millis(20),
        timeout: LONG,
        successes: 1,
        start_period: Duration::ZERO,
    }
}

fn template(text: &str) -> Template {
    Template::from_escaped(text.to_owned())
}

fn tcp(port: u16) -> ProbeAddress {
    ProbeAddress::Tcp { host: "127.0.0.1".to_owned(), port: template(&port.to_string()) }
}

/// `GET /healthz`, where a status of 200 to 299 is good.
fn http(address: ProbeAddress) -> HttpProbe {
    HttpProbe { address, path: template("/healthz"), status: vec![(200, 299)], headers: [].into() }
}

/// Instance 2 of `shop:web`, port 4711, that has just started.
fn subject(policy: &ReadyPolicy) -> Subject {
    subject_from(policy, clock::now(), none(), "4711")
}

fn subject_from(policy: &ReadyPolicy, started: Time, outputs: [Output; 2], port: &str) -> Subject {
    let key = AppKey { project: "shop".parse().unwrap(), app: "web".parse().unwrap() };
    let vars = InstanceVars { id: &key.instance(2), port: Some(port) };
    Subject::new(policy, &vars, started, outputs)
}

fn none() -> [Output; 2] {
    ["out", "err"].map(|name| Output {
        path: format!("/nonexistent/{name}").into(),
        from: 0,
        run: RUN,
    })
}

/// Asks one run.
fn asking(policy: &ReadyPolicy) -> Probes {
    let mut probes = Probes::new();
    probes.begin(RUN, subject(policy));
    probes
}

/// The words of the next event, which is a failure.
async fn why(probes: &mut Probes) -> String {
    let event = probes.next().await;
    let ProbeEvent::Failing { run: RUN, why } = &event else { panic!("not a failure: {event:?}") };
    why.clone()
}

/// The next event says that it is ready.
async fn is_ready(probes: &mut Probes) -> Time {
    let event = probes.next().await;
    let ProbeEvent::Ready { run: RUN, at } = event else { panic!("not ready: {event:?}") };
    at
}

/// Ready, sooner or later.
async fn becomes_ready(probes: &mut Probes) -> Time {
    loop {
        if let ProbeEvent::Ready { run: RUN, at } = probes.next().await {
            return at;
        }
    }
}

/// Answers each connection's request with the next of some answers, the last one for ever.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: &[&str]) -> Self {
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (listener, port) = listen().await;
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = head(&mut stream).await.unwrap();
                let nth = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request);
                let answer = answers.get(nth).or(answers.last()).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { port, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Accepts for ever and hands every connection to `serve`.
fn serve<F: Future<Output = io::Result<()>> + Send + 'static>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) {
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = serve(stream);
            // Its client may leave at any time.
            tokio::spawn(async move { connection.await.unwrap_or_default() });
        }
    });
}

/// A listener whose connections are never answered, and close when the client's end does.
async fn hang() -> u16 {
    let (listener, port) = listen().await;
    serve(listener, async |mut stream: TcpStream| -> io::Result<()> {
        while stream.read(&mut [0; 1024]).await? != 0 {}
        Ok(())
    });
    port
}

/// Reads a request up to its empty line.
async fn head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// An answer with this status.
fn answer(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}
